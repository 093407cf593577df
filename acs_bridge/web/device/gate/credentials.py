"""Names and passwords, and whose they are. Nothing here is ever printed: a `repr` shows no secret."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from acs_bridge.domain.principal import ANYBODY, BOOTSTRAP, Principal
from cwmp import digest

_ALGORITHMS: Final = ("MD5", "SHA-256")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody whom a user name may stand for. A password does for every algorithm, an HA1 for its own one only."""

    principal: Principal
    password: str | None = field(default=None, repr=False)
    ha1: Mapping[str, str] = field(default_factory=dict, repr=False)  # by algorithm: "MD5", "SHA-256"

    def secret(self, algorithm: str, username: str, realm: str) -> str | None:
        """Its HA1 for an algorithm, computed where only the password is known; None where that cannot be had."""
        found = self.ha1.get(algorithm)
        if found is None and self.password is not None:
            return digest.ha1(username, realm, self.password, algorithm)
        return found


class Credentials(Protocol):
    """Where the gate looks names up."""

    async def find(self, username: str) -> Sequence[Candidate]:
        """Everybody whom this name may stand for, in the order in which they are tried; usually one, or nobody.

        `username` is as it came: bytes that are no UTF-8 are halves of surrogate pairs. It may come from anybody, so
        that finding nobody has to be cheap. Raises Unavailable where the answer cannot be had in a few seconds.
        """


class SharedPair:
    """The bootstrap pair, which all gateways know."""

    def __init__(self, username: str, password: str, realm: str) -> None:
        ha1 = {algorithm: digest.ha1(username, realm, password, algorithm) for algorithm in _ALGORITHMS}
        self._username = username.encode()
        self._found = (Candidate(BOOTSTRAP, password, ha1),)

    async def find(self, username: str) -> Sequence[Candidate]:
        """The pair, for its own name."""
        shown = username.encode("utf-8", "surrogateescape")
        return self._found if hmac.compare_digest(shown, self._username) else ()


class Book:
    """All credentials that there are, looked up as one."""

    def __init__(self, credentials: Sequence[Credentials], realm: str, decoy: str) -> None:
        """They are asked in this order. `decoy` is a password that nobody has."""
        self._credentials = tuple(credentials)
        self._realm = realm
        self._decoy = Candidate(ANYBODY, decoy)

    async def recognise(self, username: str, algorithm: str, is_right: Callable[[str], bool]) -> Principal | None:
        """The first whom this name may stand for and whose HA1 `is_right`.

        An unknown name costs the same work as a wrong password, and gets the same answer (A-12).
        """
        tried = False
        for credentials in self._credentials:
            for candidate in await credentials.find(username):
                secret = candidate.secret(algorithm, username, self._realm)
                if secret is not None:
                    tried = True
                    if is_right(secret):
                        return candidate.principal
        if not tried:
            is_right(self._decoy.secret(algorithm, username, self._realm) or "")
        return None
