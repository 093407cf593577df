"""What the device listener counts. Labels are names of ours, never a gateway's words: their number is bounded.

Counters are plain numbers until somebody scrapes them: one thread counts, and Prometheus' own take a lock each time.
"""

from collections import Counter as Counts
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from acs_bridge.domain.write import Cause, WriteEvent

_STATUSES: Final = (200, 204, 400, 401, 503)  # shown from the beginning


class PlainCounter(Collector):
    """A counter for one thread, with at most one label.

    Prometheus' own takes a lock and three calls for each addition; these are on the way of every request.
    """

    def __init__(
        self,
        name: str,
        words: str,
        *,
        label: str | None = None,
        values: Iterable[object] = ("",),
        registry: CollectorRegistry,
    ) -> None:
        """`values` of the label are shown from the beginning."""
        self._name = name
        self._words = words
        self._labels = () if label is None else (label,)
        self.counts: Counts[object] = Counts(dict.fromkeys(values, 0))  # by the value of the label, whatever it is
        registry.register(self)

    def inc(self) -> None:
        """One more, without a label."""
        self.counts[""] += 1

    def collect(self) -> Iterator[Metric]:
        """What was counted so far."""
        family = CounterMetricFamily(self._name, self._words, labels=self._labels)
        for value, count in self.counts.items():
            family.add_metric([str(value)] if self._labels else [], count)
        yield family


class DeviceMeasures:
    """Counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = PlainCounter(
            "acs_bridge_device_responses",
            "Responses to gateways, by HTTP status",
            label="status",
            values=_STATUSES,
            registry=registry,
        )
        self.sessions = PlainCounter(
            "acs_bridge_sessions_opened", "CWMP sessions opened by an Inform", registry=registry
        )
        self.challenges = PlainCounter("acs_bridge_device_challenges", "Requests answered with 401", registry=registry)
        self.protocol_errors = Counter(
            "acs_bridge_device_protocol_errors", "Messages that CWMP does not allow", registry=registry
        )
        self._shed = Counter(
            "acs_bridge_device_shed",
            "Who was turned away because of too much load, by reason",
            ["reason"],
            registry=registry,
        )
        self.mended = Counter(
            "acs_bridge_device_requests_mended", "Requests that were not quite HTTP and were taken", registry=registry
        )
        self.over_budget = Counter(
            "acs_bridge_writes_over_budget",
            "Informs that did not get their write, because their gateway has had all its writes of a day",
            registry=registry,
        )
        self._again = Counter(
            "acs_bridge_writes_again",
            "Writes that were queued because gateways may have lost what they had been given, by cause",
            ["cause"],
            registry=registry,
        )
        self._moves = PlainCounter(
            "acs_bridge_write_moves",
            "Moves of writes in sessions, by event",
            label="event",
            values=WriteEvent,
            registry=registry,
        )

    def again(self, cause: Cause) -> None:
        """One write was queued again."""
        self._again.labels(cause.value).inc()

    def answered(self, status: int) -> None:
        """One response left."""
        self._answers.counts[status] += 1

    def shed(self, reason: str) -> None:
        """Somebody was turned away."""
        self._shed.labels(reason).inc()

    def moved(self, event: WriteEvent) -> None:
        """One write moved."""
        self._moves.counts[event] += 1


class ReportMeasures:
    """Counts reports by what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reports = Counter(
            "acs_bridge_reports",
            "Reports by what became of them: taken, unread (taken, and no report), repeat (taken before), unknown (the "
            "URL does not count), foreign (another gateway's), stranger (asked to log in), quota, too_large, "
            "unsupported, or shed.",
            ["outcome"],
            registry=registry,
        )

    def report(self, outcome: str) -> None:
        """One was answered."""
        self._reports.labels(outcome).inc()
