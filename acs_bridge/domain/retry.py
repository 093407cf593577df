"""How long a write waits before its next attempt: doubling, capped, and spread so that gateways do not come in step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_MAX_DOUBLINGS = 64  # beyond it every cap is reached, and a float would overflow


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how fast a write that faltered is tried again."""

    max_attempts: int
    initial_seconds: float
    max_seconds: float

    def delay(self, attempt: int, random: Callable[[], float]) -> timedelta:
        """Return the wait after the given attempt, the first being 1.

        `random` gives a number in [0, 1). The wait lies between half and all of the capped exponential: never near
        zero, because some gateways would open their next session at once and use the attempts up.
        """
        doublings = min(max(attempt, 1) - 1, _MAX_DOUBLINGS)
        ceiling = min(self.initial_seconds * 2.0**doublings, self.max_seconds)
        return timedelta(seconds=ceiling * (1 + random()) / 2)

    def exhausted(self, attempts: int) -> bool:
        """Tell whether that many attempts were the last."""
        return attempts >= self.max_attempts
