"""Certificates first, then names and passwords by whichever scheme the caller chose of those that are taken."""

from typing import Final

from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.web.device.gate.admission import NOT_ASKED_YET, WRONG, Admission
from acs_bridge.web.device.gate.basic import BasicScheme
from acs_bridge.web.device.gate.digest import DigestScheme
from acs_bridge.web.device.origin import Origin

_BASIC: Final = "basic "


class SchemesGate:
    """Takes a certificate that names gateways, and else asks for a name and a password, if any scheme is taken."""

    def __init__(self, digest: DigestScheme | None = None, basic: BasicScheme | None = None) -> None:
        self._digest = digest
        self._basic = basic

    async def admit(self, origin: Origin, authorization: str | None, method: str, target: str) -> Admission:
        """Recognise the caller. One that has shown a certificate needs no password (A-15), and no other identity."""
        if origin.identities:
            return Admission(Principal(Kind.CERTIFICATE, identities=origin.identities))
        if authorization is None:
            return NOT_ASKED_YET
        if authorization[: len(_BASIC)].lower() == _BASIC:
            return WRONG if self._basic is None else await self._basic.admit(origin, authorization)
        return WRONG if self._digest is None else await self._digest.admit(origin, authorization, method, target)

    def challenges(self, origin: Origin, *, stale: bool = False) -> list[str]:
        """What may be answered from there: nothing, where only a certificate would do, or TLS is missing."""
        challenges = [] if self._digest is None else self._digest.challenges(origin, stale=stale)
        return challenges if self._basic is None else challenges + self._basic.challenges(origin)
