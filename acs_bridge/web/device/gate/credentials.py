"""Names and passwords, and whose they are. Nothing here is ever printed: a `repr` shows no secret."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from acs_bridge.domain.principal import BOOTSTRAP, Principal
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
