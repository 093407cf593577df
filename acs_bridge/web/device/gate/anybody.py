"""Nobody is asked (`cpe_auth.mode = "none"`)."""

from typing import Final

from acs_bridge.domain.principal import ANYBODY
from acs_bridge.web.device.gate.admission import Admission
from acs_bridge.web.device.origin import Origin

_ADMITTED: Final = Admission(ANYBODY)


class OpenGate:
    """Trusts everybody: for closed laboratories."""

    async def admit(
        self,
        origin: Origin,  # noqa: ARG002 - as the protocol has it
        authorization: str | None,  # noqa: ARG002
        method: str,  # noqa: ARG002
        target: str,  # noqa: ARG002
    ) -> Admission:
        """Everybody is anybody."""
        return _ADMITTED

    def challenges(self, origin: Origin, *, stale: bool = False) -> list[str]:  # noqa: ARG002
        """Nobody is ever challenged."""
        return []
