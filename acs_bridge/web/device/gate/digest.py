"""HTTP Digest (RFC 7616) with MD5 and SHA-256.

A nonce is a time, a number and a MAC over both and the caller's address: it needs no table, any worker can check it,
and it is not tied to a connection (FRITZ!Box opens a new one after the challenge). What may be shown once only is told
by the Inform's own statement: here nothing is remembered.
"""

from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.web.device.gate.admission import STALE, WRONG, Admission
from acs_bridge.web.device.gate.credentials import Book
from acs_bridge.web.device.origin import Origin
from cwmp import digest

NONCE_SECONDS: Final = 60
_HA1_OF: Final = {"MD5": "MD5", "MD5-sess": "MD5", "SHA-256": "SHA-256", "SHA-256-sess": "SHA-256"}
_OFFERED: Final = ("MD5", "SHA-256")  # in two headers, and some CPEs read only the first
_NO_NONCE: Final = "\0"  # where each challenge has its own
_OPAQUE_OCTETS: Final = 8


class DigestScheme:
    """Reads and asks for Digest."""

    def __init__(self, book: Book, keyring: Keyring, realm: str, clock: Clock, first_nonce: int) -> None:
        """`first_nonce` is where this process begins to number its nonces: another place than its neighbours."""
        self._book = book
        self._realm = realm
        self._nonces = digest.NonceMaker(keyring.derive("CWMP digest nonce"), first_nonce)
        opaque = keyring.derive("CWMP digest opaque", _OPAQUE_OCTETS).hex()
        self._around_nonce = {
            stale: [
                digest.Challenge(realm, _NO_NONCE, opaque, algorithm, stale=stale).render().split(_NO_NONCE)
                for algorithm in _OFFERED
            ]
            for stale in (False, True)
        }
        self._clock = clock

    async def admit(self, origin: Origin, authorization: str, method: str, target: str) -> Admission:
        """Recognise whoever knows a pair, for a nonce that was given to this address within the last minute."""
        shown = digest.Authorization.parse(authorization)
        if shown is None:
            return WRONG
        realm = self._realm
        principal = await self._book.recognise(
            shown.username,
            _HA1_OF[shown.algorithm],
            lambda ha1: digest.verify(shown, ha1, method=method, target=target, realm=realm),
        )
        if principal is None:
            return WRONG
        if self._nonces.check(shown.nonce, self._now(), origin.peer, NONCE_SECONDS) is not digest.Freshness.FRESH:
            return STALE
        return Admission(principal, self._nonces.login(shown))

    def challenges(self, origin: Origin, *, stale: bool) -> list[str]:
        """One for each algorithm; one nonce for both, because some clients read two challenges as one."""
        nonce = self._nonces.make(self._now(), origin.peer)
        return [f"{before}{nonce}{after}" for before, after in self._around_nonce[stale]]

    def _now(self) -> int:
        return int(self._clock().timestamp())
