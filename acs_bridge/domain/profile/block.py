"""What parks the gateways of a profile whose firmware is known to be bad, and until when."""

from dataclasses import dataclass
from datetime import datetime

from acs_bridge.domain.profile.match import GatewayKind, Match


@dataclass(frozen=True, slots=True)
class Block:
    """Gateways that nothing is written into for now; their writes wait, and say why."""

    match: Match  # within the profile's own: without any key it is every gateway of the profile
    reason: str  # a plain sentence, for whoever asks why a line is not provisioned
    until: datetime | None = None  # None: until the profile is changed

    def holds(self, kind: GatewayKind, now: datetime) -> bool:
        """Tell whether a gateway of this kind is parked now."""
        return (self.until is None or now < self.until) and self.match.fits(kind)

    @property
    def words(self) -> str:
        """Say why, and until when."""
        return self.reason if self.until is None else f"{self.reason} (until {self.until:%Y-%m-%d %H:%M} UTC)"
