"""Names and passwords: HTTP Digest (RFC 7616).

A nonce is a time and a MAC over it and the caller's address: it needs no table, any worker can check it, and it is not
tied to a connection (FRITZ!Box opens a new one after the challenge). Unknown users and wrong passwords cost the same
work and get the same answer.
"""

from collections.abc import Sequence
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.principal import ANYBODY, Principal
from acs_bridge.web.device.gate.admission import NOT_ASKED_YET, STALE, WRONG, Admission
from acs_bridge.web.device.gate.credentials import Candidate, Credentials
from acs_bridge.web.device.origin import Origin
from cwmp import digest

NONCE_SECONDS: Final = 60
_ALGORITHMS: Final = {"MD5": "MD5", "MD5-sess": "MD5"}
_OPAQUE_OCTETS: Final = 8


class PasswordGate:
    """Asks for a name and a password."""

    def __init__(self, credentials: Sequence[Credentials], keyring: Keyring, realm: str, clock: Clock) -> None:
        """`credentials` are asked in this order, and the first candidate whose password was shown is the caller."""
        self._credentials = tuple(credentials)
        self._realm = realm
        self._nobody = (Candidate(ANYBODY, keyring.derive("CWMP digest decoy").hex()),)
        self._nonces = digest.NonceMaker(keyring.derive("CWMP digest nonce"))
        self._opaque = keyring.derive("CWMP digest opaque", _OPAQUE_OCTETS).hex()
        self._clock = clock

    async def admit(self, origin: Origin, authorization: str | None, method: str, target: str) -> Admission:
        """Recognise whoever knows a pair, for a nonce that was given to this peer within the last minute."""
        if authorization is None:
            return NOT_ASKED_YET
        shown = digest.Authorization.parse(authorization)
        if shown is None or shown.algorithm not in _ALGORITHMS:
            return WRONG
        principal = await self._recognised(shown, method, target)
        if principal is None:
            return WRONG
        if self._nonces.check(shown.nonce, self._now(), origin.peer, NONCE_SECONDS) is not digest.Freshness.FRESH:
            return STALE
        return Admission(principal)

    async def _recognised(self, shown: digest.Authorization, method: str, target: str) -> Principal | None:
        algorithm = _ALGORITHMS[shown.algorithm]
        tried = False
        for credentials in self._credentials:
            for candidate in await credentials.find(shown.username):
                secret = candidate.secret(algorithm, shown.username, self._realm)
                if secret is None:
                    continue
                tried = True
                if digest.verify(shown, secret, method=method, target=target, realm=self._realm):
                    return candidate.principal
        if not tried:
            (nobody,) = self._nobody
            secret = nobody.secret(algorithm, shown.username, self._realm) or ""
            digest.verify(shown, secret, method=method, target=target, realm=self._realm)
        return None

    def challenges(self, origin: Origin, *, stale: bool = False) -> list[str]:
        """One challenge: some CPEs read only the first."""
        nonce = self._nonces.make(self._now(), origin.peer)
        return [digest.Challenge(self._realm, nonce, self._opaque, stale=stale).render()]

    def _now(self) -> int:
        return int(self._clock().timestamp())
