"""Who reports, where a profile gives its gateways a login for that: Digest, and Basic inside TLS (B-03)."""

import binascii
import hmac
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import OwnPairs, Pair
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.domain.reporting import Reporting, fields_of
from acs_bridge.web.device.origin import Origin
from cwmp import digest

NONCE_SECONDS: Final = 60
_OFFERED: Final = ("MD5", "SHA-256")
_BASIC: Final = "basic "


class ReportGate:
    """Says which profiles' logins a request has shown for its line, and asks for one."""

    def __init__(
        self, keyring: Keyring, realm: str, clock: Clock, first_nonce: int, reporting: Callable[[], Reporting]
    ) -> None:
        """`reporting` gives what the profiles say now; `first_nonce` is where this process begins to number nonces."""
        self._pairs = OwnPairs(keyring)
        self._realm = realm
        self._nonces = digest.NonceMaker(keyring.derive("report digest nonce"), first_nonce)
        self._clock = clock
        self._reporting = reporting

    def shown(
        self, origin: Origin, authorization: str | None, method: str, target: str, claims: PhanClaims
    ) -> tuple[str, ...]:
        """The profiles of which this request shows the line's login. Names that nobody has cost the same."""
        if authorization is None or not self._reporting().logins:
            return ()
        if authorization[: len(_BASIC)].lower() == _BASIC:
            is_right = _basic(authorization) if origin.secure else None
        else:
            is_right = self._digest(origin, authorization, method, target)
        return () if is_right is None else tuple(name for name, pair in self._pairs_of(claims) if is_right(pair))

    def challenges(self, origin: Origin) -> list[str]:
        """The WWW-Authenticate headers of a 401."""
        nonce = self._nonces.make(self._now(), origin.peer)
        asked = [digest.Challenge(self._realm, nonce, algorithm=algorithm).render() for algorithm in _OFFERED]
        return [*asked, f'Basic realm="{self._realm}", charset="UTF-8"'] if origin.secure else asked

    def _pairs_of(self, claims: PhanClaims) -> Iterator[tuple[str, Pair]]:
        fields = fields_of(self._pairs, claims)
        for name, login in self._reporting().logins.items():
            yield name, login.pair(fields)

    def _digest(self, origin: Origin, header: str, method: str, target: str) -> Callable[[Pair], bool] | None:
        shown = digest.Authorization.parse(header)
        if shown is None:
            return None
        freshness = self._nonces.check(shown.nonce, self._now(), origin.peer, NONCE_SECONDS)
        if freshness is not digest.Freshness.FRESH:
            return None

        def is_right(pair: Pair) -> bool:
            secret = digest.ha1(pair.username, self._realm, pair.password, shown.algorithm.removesuffix("-sess"))
            right = digest.verify(shown, secret, method=method, target=target, realm=self._realm)
            return _same(shown.username, pair.username) and right

        return is_right

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _basic(header: str) -> Callable[[Pair], bool] | None:
    try:
        text = b64decode(header.partition(" ")[2].strip(), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return None
    username, colon, password = text.partition(":")
    if not colon:
        return None
    return lambda pair: _same(username, pair.username) and _same(password, pair.password)


def _same(shown: str, known: str) -> bool:
    return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), known.encode())
