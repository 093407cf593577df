"""What the device listener counts. Labels are names of ours, never a gateway's words: their number is bounded."""

from prometheus_client import CollectorRegistry, Counter

from acs_bridge.domain.write import Cause, WriteEvent


class DeviceMeasures:
    """Counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Counter(
            "acs_bridge_device_responses", "Responses to gateways, by HTTP status", ["status"], registry=registry
        )
        self._by_status = {status: self._answers.labels(str(status)) for status in (200, 204, 400, 401, 503)}
        self.sessions = Counter("acs_bridge_sessions_opened", "CWMP sessions opened by an Inform", registry=registry)
        self.challenges = Counter("acs_bridge_device_challenges", "Requests answered with 401", registry=registry)
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
        self._moves = Counter(
            "acs_bridge_write_moves", "Moves of writes in sessions, by event", ["event"], registry=registry
        )
        self._by_event = {event: self._moves.labels(event.value) for event in WriteEvent}

    def again(self, cause: Cause) -> None:
        """One write was queued again."""
        self._again.labels(cause.value).inc()

    def answered(self, status: int) -> None:
        """One response left."""
        counter = self._by_status.get(status)
        (counter if counter is not None else self._answers.labels(str(status))).inc()

    def shed(self, reason: str) -> None:
        """Somebody was turned away."""
        self._shed.labels(reason).inc()

    def moved(self, event: WriteEvent) -> None:
        """One write moved."""
        self._by_event[event].inc()


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
