"""How a gateway proves who it is: Digest to whoever challenges it, Basic only where the connection is encrypted.

It holds the password for one session, counts how often it has used a nonce, and never answers the same nonce with the
same count twice.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable

from cwmp.digest import Challenge, answer

_METHOD = "POST"
_BASIC = "basic"
_SHA_256 = "SHA-256"


class Login:
    """A pair of credentials and the challenge that they answer at the moment."""

    def __init__(self, username: str, password: str, new_cnonce: Callable[[], str], *, sha_256: bool = False) -> None:
        """Without a username the gateway has nothing to show. `sha_256`: it prefers that to the first challenge."""
        self._prefers = _SHA_256 if sha_256 else None
        self._username = username
        self._password = password
        self._new_cnonce = new_cnonce
        self._challenge: Challenge | None = None
        self._cnonce = ""
        self._count = 0
        self._basic = False
        self._asked_now = False

    def challenged(self, headers: Iterable[str], *, encrypted: bool) -> bool:
        """Take the WWW-Authenticate headers of a 401; say whether there is an answer to them."""
        headers = tuple(headers)
        offered = [challenge for challenge in map(Challenge.parse, headers) if challenge is not None]
        offered.sort(key=lambda challenge: challenge.algorithm != self._prefers)  # as they came, but for that one
        former, self._challenge = self._challenge, offered[0] if offered else None
        self._basic = encrypted and any(header.lower().startswith(_BASIC) for header in headers)
        if former is None or self._challenge is None or self._challenge.nonce != former.nonce:
            self._cnonce = self._new_cnonce()
            self._count = 0
        self._asked_now = bool(self._username) and (self._challenge is not None or self._basic)
        return self._asked_now

    def authorization(self, target: str, *, preemptive: bool) -> str | None:
        """Return the Authorization of the next POST; one that is not pre-emptive has it only just after a 401."""
        if not self._username or not (preemptive or self._asked_now):
            return None
        self._asked_now = False
        if self._challenge is None:
            return self._basic_answer() if self._basic else None
        self._count += 1
        return answer(
            self._challenge,
            self._username,
            self._password,
            method=_METHOD,
            uri=target,
            cnonce=self._cnonce,
            count=self._count,
        ).render()

    def _basic_answer(self) -> str:
        return "Basic " + b64encode(f"{self._username}:{self._password}".encode()).decode("ascii")
