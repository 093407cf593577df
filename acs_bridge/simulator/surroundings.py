"""What a gateway has around it: the time, chance, whom it trusts and how patient it is. Handed in, never looked up."""

import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from acs_bridge.domain.clock import Clock

ANSWER_SECONDS = 30.0
"""How long common CPE software waits for an answer before it gives the session up."""

_CNONCE_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Shared by all gateways of a fleet."""

    clock: Clock
    timer: Callable[[], float] = time.perf_counter
    chance: random.Random = field(default_factory=random.SystemRandom)
    tls: ssl.SSLContext | None = None
    answer_seconds: float = ANSWER_SECONDS

    def new_cnonce(self) -> str:
        """Return the gateway's own part of a Digest answer."""
        return f"{self.chance.getrandbits(_CNONCE_BITS):016x}"


def real_surroundings(tls: ssl.SSLContext | None = None) -> Surroundings:
    """Return the real time and chance."""
    return Surroundings(clock=lambda: datetime.now(UTC), tls=tls)
