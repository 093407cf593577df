"""What Prometheus learns of the operator listener, of the queue, of connection requests and of webhooks.

Routes are named by template: few, no secrets.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from acs_bridge.domain.ring import RingResult
from acs_bridge.services.queue.queue import Overview
from acs_bridge.store.webhooks import Waiting

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "other"


class OperatorMeasures:
    """Counts calls, and shows the queue as it was last counted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register with the one registry of the daemon."""
        self._served = Counter(
            "acs_bridge_http_requests",
            "Calls of the operator listener.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "acs_bridge_http_request_seconds", "How long they took.", ["method", "route"], registry=registry
        )
        # What is told for each call is found in one look: there are few routes, and few answers of each.
        self._of: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._writes = Gauge("acs_bridge_writes", "Writes by state.", ["state"], registry=registry)
        self._oldest = Gauge("acs_bridge_oldest_queued_seconds", "Age of the oldest queued write.", registry=registry)
        self._gateways = Gauge("acs_bridge_gateways", "Gateways that have informed.", ["standing"], registry=registry)
        self._lines = Gauge("acs_bridge_lines", "Lines by how their gateways report.", ["reports"], registry=registry)
        self._spooled = Gauge("acs_bridge_report_spool_reports", "Reports to be handed on.", registry=registry)
        self._spooled_bytes = Gauge("acs_bridge_report_spool_bytes", "The same in bytes.", registry=registry)
        self._paused = Gauge("acs_bridge_queue_paused", "1 while the whole queue is held back.", registry=registry)
        self._waiting = Gauge("acs_bridge_webhook_pending", "Deliveries that wait.", registry=registry)
        self._failing = Gauge("acs_bridge_webhooks_failing", "Webhooks whose last attempt failed.", registry=registry)
        self._streams = Gauge("acs_bridge_event_streams", "Clients of the stream of events.", registry=registry)

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one call."""
        known = method if method in _METHODS else _OTHER
        found = self._of.get((known, route, status))
        if found is None:
            found = self._served.labels(known, route, str(status)), self._seconds.labels(known, route)
            self._of[known, route, status] = found
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)

    def show(self, overview: Overview) -> None:
        """Show the queue."""
        for state, writes in overview.counts.items():
            self._writes.labels(state).set(writes)
        self._oldest.set(overview.oldest_queued_seconds or 0)
        for standing in ("known", "unclaimed", "overdue", "quarantined"):
            self._gateways.labels(standing).set(getattr(overview.gateways, standing))
        for standing in ("waiting", "reporting", "silent"):
            self._lines.labels(standing).set(getattr(overview.reports, standing))
        self._spooled.set(overview.reports.spooled)
        self._spooled_bytes.set(overview.reports.spooled_bytes)
        self._paused.set(overview.paused)

    def show_telling(self, waiting: Waiting, streams: int) -> None:
        """Show who is told of events, and what is still to be told."""
        self._waiting.set(waiting.pending)
        self._failing.set(waiting.failing)
        self._streams.set(streams)


class RingMeasures:
    """Counts connection requests by their result."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register with the one registry of the daemon."""
        counter = Counter(
            "acs_bridge_connection_requests", "Connection requests by result.", ["result"], registry=registry
        )
        self._by_result = {result: counter.labels(result.value) for result in RingResult}

    def rung(self, result: RingResult) -> None:
        """Count one ring."""
        self._by_result[result].inc()


class DeliveryMeasures:
    """Counts attempts to deliver to webhooks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "acs_bridge_webhook_attempts",
            "Attempts to deliver to webhooks: delivered, failed (tried again) or parked (given up).",
            ["outcome"],
            registry=registry,
        )

    def attempted(self, outcome: str) -> None:
        """Count one attempt."""
        self._attempts.labels(outcome).inc()


class HandingMeasures:
    """Counts reports that are handed on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reports = Counter(
            "acs_bridge_reports_handed",
            "Reports by what their receiver did: handed_on, refused (tried again), given_up (refused all the time).",
            ["outcome"],
            registry=registry,
        )

    def handed(self, outcome: str, reports: int) -> None:
        """Count so many."""
        self._reports.labels(outcome).inc(reports)
