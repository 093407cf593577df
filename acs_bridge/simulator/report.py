"""What became of sessions: the report of one, and the sums of a fleet's.

Durations go into buckets that grow by one per cent, so that a fleet may run for weeks and its percentiles are still
within one per cent, from a few kilobytes.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

_GROWTH = math.log(1.01)
_SHORTEST = 1e-6
PERCENTILES = (50, 90, 99)
_MILLISECONDS = 1000


class Outcome(StrEnum):
    """How a session ended."""

    COMPLETED = "completed"
    DROPPED = "dropped"
    """By the gateway, because its behaviour says so."""
    UNREACHABLE = "unreachable"
    """The ACS could not be reached, or closed the connection."""
    TIMED_OUT = "timed out"
    UNAUTHORIZED = "unauthorized"
    HTTP_ERROR = "http error"
    ACS_FAULT = "acs fault"
    PROTOCOL_ERROR = "protocol error"


@dataclass(frozen=True, slots=True)
class SessionReport:
    """One session as the gateway saw it."""

    outcome: Outcome
    seconds: float
    inform_seconds: float | None
    """From the first POST to the InformResponse, challenge included; None when none came."""
    exchanges: int
    """POSTs that were answered, challenges included."""
    served: tuple[str, ...]
    """The names of the RPCs that the ACS sent, in order."""
    error: str = ""

    @property
    def completed(self) -> bool:
        """Whether the session went from Inform to 204."""
        return self.outcome is Outcome.COMPLETED


class Latencies:
    """A distribution of durations, in constant memory."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.maximum = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self._buckets[math.ceil(math.log(max(seconds, _SHORTEST)) / _GROWTH)] += 1
        self.count += 1
        self.maximum = max(self.maximum, seconds)

    def percentile(self, percent: float) -> float:
        """Return the duration that `percent` of all do not exceed, at most one per cent too long; 0 without any."""
        wanted = math.ceil(self.count * percent / 100)
        passed = 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed >= wanted:
                return min(math.exp(bucket * _GROWTH), self.maximum)
        return 0.0

    def as_milliseconds(self) -> dict[str, float]:
        """Return the usual percentiles and the longest, rounded for people and JSON alike."""
        named = {f"p{percent}": self.percentile(percent) for percent in PERCENTILES} | {"max": self.maximum}
        return {name: round(seconds * _MILLISECONDS, 3) for name, seconds in named.items()}


@dataclass(slots=True)
class FleetReport:
    """What a fleet has done so far."""

    gateways: int
    seconds: float = 0.0
    sessions: int = 0
    exchanges: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """How often each error was seen, for sessions that did not complete."""
    served: Counter[str] = field(default_factory=Counter)
    session_times: Latencies = field(default_factory=Latencies)
    """Of completed sessions."""
    inform_times: Latencies = field(default_factory=Latencies)
    """Of every session that got its InformResponse."""
    reports: Counter[str] = field(default_factory=Counter)
    """What became of the reports to PHAN URLs: `HTTP 200`, or why one did not arrive."""

    def add(self, session: SessionReport) -> None:
        """Count one session."""
        self.sessions += 1
        self.exchanges += session.exchanges
        self.outcomes[session.outcome] += 1
        self.served.update(session.served)
        if session.inform_seconds is not None:
            self.inform_times.add(session.inform_seconds)
        if session.completed:
            self.session_times.add(session.seconds)
        else:
            self.errors[f"{session.outcome}: {session.error}" if session.error else session.outcome.value] += 1

    @property
    def failed(self) -> int:
        """Sessions that did not get from Inform to 204."""
        return self.sessions - self.outcomes[Outcome.COMPLETED]

    @property
    def reports_refused(self) -> int:
        """Reports that nobody took."""
        return sum(count for answer, count in self.reports.items() if not answer.startswith("HTTP 2"))

    @property
    def sessions_per_second(self) -> float:
        """The rate over the whole run."""
        return self.sessions / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON."""
        return {
            "gateways": self.gateways,
            "sessions": self.sessions,
            "completed": self.outcomes[Outcome.COMPLETED],
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "sessions_per_second": round(self.sessions_per_second, 1),
            "exchanges": self.exchanges,
            "session_ms": self.session_times.as_milliseconds(),
            "inform_ms": self.inform_times.as_milliseconds(),
            "served": dict(self.served.most_common()),
            "errors": dict(self.errors.most_common()),
            "reports": dict(self.reports.most_common()),
        }
