"""What a gate is asked and what it says."""

from typing import Final, NamedTuple, Protocol

from acs_bridge.domain.principal import Principal
from acs_bridge.web.device.origin import Origin

FAILURES_BEFORE_CLOSE: Final = 3


class Admission(NamedTuple):
    """What the gate says to one request."""

    principal: Principal | None
    login: int | None = None  # what this request showed, in 64 bits, where that may serve one Inform only
    failed: bool = False  # credentials were shown, and they are wrong
    stale: bool = False  # they are right, for a nonce that is too old


NOT_ASKED_YET: Final = Admission(None)
WRONG: Final = Admission(None, failed=True)
STALE: Final = Admission(None, stale=True)


class Gate(Protocol):
    """The door of the device listener."""

    async def admit(self, origin: Origin, authorization: str | None, method: str, target: str) -> Admission:
        """Recognise the caller of one request by what that request shows. Raises Unavailable."""

    def challenges(self, origin: Origin, *, stale: bool = False) -> list[str]:
        """The WWW-Authenticate headers of a 401."""
