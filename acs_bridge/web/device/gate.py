"""Who is calling: Digest with the bootstrap pair, or nobody is asked (`cpe_auth.mode = "none"`).

A nonce is a time and a MAC over it and the caller's address: it needs no table, any worker can check it, and it is not
tied to a connection (FRITZ!Box opens a new one after the challenge). Unknown users and wrong passwords cost the same
work and get the same answer.
"""

import hmac
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from cwmp import digest

NONCE_SECONDS: Final = 60
FAILURES_BEFORE_CLOSE: Final = 3
_ALGORITHMS: Final = ("MD5", "MD5-sess")
_OPAQUE_OCTETS: Final = 8


class Principal(Enum):
    """As what a caller was recognised."""

    ANYBODY = auto()  # nobody was asked
    BOOTSTRAP = auto()  # it knows the pair that all gateways share: that is no proof of a serial number


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate says to one request."""

    principal: Principal | None
    failed: bool = False  # credentials were shown, and they are wrong
    stale: bool = False  # they are right, for a nonce that is too old


NOT_ASKED_YET: Final = Admission(None)


class Gate(Protocol):
    """The door of the device listener."""

    def admit(self, authorization: str | None, method: str, target: str, peer: str) -> Admission:
        """Recognise the caller of one request by its own credentials."""

    def challenges(self, peer: str, *, stale: bool = False) -> list[str]:
        """The WWW-Authenticate headers of a 401."""


class OpenGate:
    """Trusts everybody: for closed laboratories."""

    def admit(self, authorization: str | None, method: str, target: str, peer: str) -> Admission:  # noqa: ARG002
        """Everybody is anybody."""
        return Admission(Principal.ANYBODY)

    def challenges(self, peer: str, *, stale: bool = False) -> list[str]:  # noqa: ARG002
        """Nobody is ever challenged."""
        return []


class DigestGate:
    """RFC 7616 with MD5 and qop "auth", the combination that every CPE knows."""

    def __init__(self, keyring: Keyring, realm: str, username: str, password: str, clock: Clock) -> None:
        self._realm = realm
        self._username = username
        self._ha1 = digest.ha1(username, realm, password)
        self._decoy = keyring.derive("CWMP digest decoy").hex()
        self._nonces = digest.NonceMaker(keyring.derive("CWMP digest nonce"))
        self._opaque = keyring.derive("CWMP digest opaque", _OPAQUE_OCTETS).hex()
        self._clock = clock

    def admit(self, authorization: str | None, method: str, target: str, peer: str) -> Admission:
        """Recognise the bootstrap pair, for a nonce that was given to this peer within the last minute."""
        if authorization is None:
            return NOT_ASKED_YET
        shown = digest.Authorization.parse(authorization)
        if shown is None or shown.algorithm not in _ALGORITHMS:
            return Admission(None, failed=True)
        # Bytes that are no UTF-8 reach us as halves of surrogate pairs: somebody's name, but not this one.
        username = shown.username.encode("utf-8", "surrogateescape")
        ha1 = self._ha1 if hmac.compare_digest(username, self._username.encode()) else self._decoy
        if not digest.verify(shown, ha1, method=method, target=target, realm=self._realm):
            return Admission(None, failed=True)
        if self._nonces.check(shown.nonce, self._now(), peer, NONCE_SECONDS) is not digest.Freshness.FRESH:
            return Admission(None, stale=True)
        return Admission(Principal.BOOTSTRAP)

    def challenges(self, peer: str, *, stale: bool = False) -> list[str]:
        """One challenge: some CPEs read only the first."""
        nonce = self._nonces.make(self._now(), peer)
        return [digest.Challenge(self._realm, nonce, self._opaque, stale=stale).render()]

    def _now(self) -> int:
        return int(self._clock().timestamp())
