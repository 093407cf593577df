"""Writes and the queue."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from acs_bridge.domain.write import Cause, Purpose, WriteState
from acs_bridge.services.pages import Ask
from acs_bridge.services.queue.queue import Overview
from acs_bridge.services.queue.writes import Moved, SeenWrite, WriteQuestion
from acs_bridge.store.queue import Brake
from acs_bridge.web.operator.models.base import (
    MAX_LIMIT,
    AnswerModel,
    Code,
    LineOfService,
    PageQuery,
    RequestModel,
    Time,
)
from acs_bridge.web.operator.models.faults import FaultAnswer
from acs_bridge.web.operator.models.records import DeviceGateway

MAX_RATE = 10_000_000
BRAKE_TEXT = 256
FAULT_TEXT = 1000
USUAL_CHOICE = 100
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
AskedText = Annotated[str, Field(min_length=1, max_length=BRAKE_TEXT, pattern=PRINTABLE)]
FaultText = Annotated[str, Field(min_length=1, max_length=FAULT_TEXT, pattern=PRINTABLE)]


class WriteAnswer(AnswerModel):
    """A write; `waiting_for` says in a plain sentence what it waits for, null when for nothing."""

    id: UUID
    purpose: Purpose
    cause: Cause
    state: WriteState
    event: str
    association_id: UUID | None
    line_of_service: str | None
    subscriber_code: str | None
    gateway: DeviceGateway | None
    batch_id: UUID
    generation: int | None
    key_id: str | None
    attempts: int
    fault: FaultAnswer | None
    proof: str | None
    profile: str | None
    waiting_for: str | None
    expected_at: Time | None
    due_at: Time
    created_at: Time
    moved_at: Time
    moved_by: str | None
    finished_at: Time | None

    @classmethod
    def of(cls, seen: SeenWrite) -> "WriteAnswer":
        """Make the answer of a record."""
        made = {"gateway", "waiting_for", "expected_at"}
        known = {name: getattr(seen.row, name) for name in cls.model_fields if name not in made}
        return cls(
            **known,
            gateway=_gateway(seen),
            waiting_for=seen.waiting.waiting_for,
            expected_at=seen.waiting.expected_at,
        )


def _gateway(seen: SeenWrite) -> DeviceGateway | None:
    row = seen.row
    if row.oui is None or row.serial_number is None:
        return None
    return DeviceGateway(
        id=row.gateway_id,
        oui=row.oui,
        product_class=row.product_class,
        serial_number=row.serial_number,
        last_inform_at=row.last_inform_at,
    )


class WriteQuery(PageQuery):
    """A page of writes."""

    state: WriteState | None = None
    line_of_service: str | None = None
    subscriber_code: str | None = None
    batch: UUID | None = None
    gateway_id: int | None = Field(None, ge=1, le=2**63 - 1)
    serial_number: AskedText | None = Field(None, description="The whole serial number of a gateway.")
    profile: AskedText | None = Field(None, description="The profile by which it was last sent.")
    fault: FaultText | None = Field(
        None, description="The code of the last fault; of one without a code its whole text."
    )

    @property
    def question(self) -> WriteQuestion:
        """Ask the same in the words of the services."""
        return _question(self)


class ChoiceBody(RequestModel):
    """Which writes, by what they have in common (at least one thing), and how many of them at a time."""

    state: WriteState | None = Field(None, strict=False)
    line_of_service: LineOfService | None = None
    subscriber_code: Code | None = None
    batch: UUID | None = Field(None, strict=False)
    gateway_id: int | None = Field(None, ge=1, le=2**63 - 1)
    serial_number: AskedText | None = None
    profile: AskedText | None = None
    fault: FaultText | None = Field(None, description="A code; of a fault without one its whole text.")
    limit: int = Field(USUAL_CHOICE, ge=1, le=MAX_LIMIT, description="At most so many are looked at.")
    cursor: str | None = Field(None, description="The `next` of the answer before.")

    @property
    def question(self) -> WriteQuestion:
        """Ask the same in the words of the services."""
        return _question(self)

    @property
    def ask(self) -> Ask:
        """Say from where on, and how many."""
        return Ask(self.limit, self.cursor)


def _question(asked: "WriteQuery | ChoiceBody") -> WriteQuestion:
    return WriteQuestion(
        state=asked.state,
        line_of_service=asked.line_of_service,
        subscriber_code=asked.subscriber_code,
        batch_id=asked.batch,
        gateway_id=asked.gateway_id,
        serial_number=asked.serial_number,
        profile=asked.profile,
        fault=asked.fault,
    )


class LeftAnswer(AnswerModel):
    """A write that was not moved, and why."""

    id: UUID
    detail: str


class MovedAnswer(AnswerModel):
    """How many were moved, which were not, and the cursor of those not looked at yet (null: that was all)."""

    moved: int
    refused: list[LeftAnswer]
    next: str | None

    @classmethod
    def of(cls, moved: Moved) -> "MovedAnswer":
        """Make the answer."""
        refused = [LeftAnswer(id=id, detail=str(error)) for id, error in moved.refused]
        return cls(moved=moved.moved, refused=refused, next=moved.next)


class BrakeBody(RequestModel):
    """Which writes: those that fit everything that is named; nothing named: all."""

    batch: UUID | None = Field(None, strict=False)
    profile: str | None = Field(None, min_length=1, max_length=BRAKE_TEXT, pattern=PRINTABLE)
    software_version: str | None = Field(None, min_length=1, max_length=BRAKE_TEXT, pattern=PRINTABLE)

    @property
    def brake(self) -> Brake:
        """Name the same in the words of the services."""
        return Brake(self.batch, self.profile, self.software_version)


class RateBody(RequestModel):
    """The ceiling for all workers together; null: what the settings say."""

    writes_per_minute: int | None = Field(ge=1, le=MAX_RATE)


class BrakeAnswer(AnswerModel):
    """A brake that is on."""

    batch: UUID | None
    profile: str | None
    software_version: str | None
    set_at: Time
    set_by: str


class RateAnswer(AnswerModel):
    """The ceiling as operators set it, and as it holds (theirs, else the settings')."""

    writes_per_minute: int | None
    effective: int | None


class GatewayCountsAnswer(AnswerModel):
    """Gateways that have informed; overdue: two expected Informs were missed; quarantined: calls were kept out."""

    known: int
    unclaimed: int
    overdue: int
    quarantined: int


class ReportCountsAnswer(AnswerModel):
    """Lines by how their gateways report, at most half a minute old, and the reports that are still to be handed on.

    All are 0 where the daemon takes no reports.
    """

    waiting: int
    reporting: int
    silent: int
    spooled: int
    spooled_bytes: int


class QueueAnswer(AnswerModel):
    """The queue at a glance, at most a second old; a few seconds where there are millions of writes."""

    counts: dict[WriteState, int]
    oldest_queued_seconds: float | None
    gateways: GatewayCountsAnswer
    reports: ReportCountsAnswer
    paused: bool
    brakes: list[BrakeAnswer]
    rate: RateAnswer

    @classmethod
    def of(cls, overview: Overview) -> "QueueAnswer":
        """Make the answer of an overview."""
        return cls(
            counts=overview.counts,
            oldest_queued_seconds=overview.oldest_queued_seconds,
            gateways=GatewayCountsAnswer.model_validate(overview.gateways),
            reports=ReportCountsAnswer.model_validate(overview.reports),
            paused=overview.paused,
            brakes=[
                BrakeAnswer(
                    batch=brake.batch_id,
                    profile=brake.profile,
                    software_version=brake.software_version,
                    set_at=brake.set_at,
                    set_by=brake.set_by,
                )
                for brake in overview.brakes
            ],
            rate=RateAnswer(
                writes_per_minute=overview.writes_per_minute, effective=overview.effective_writes_per_minute
            ),
        )


class BatchAnswer(AnswerModel):
    """What belongs together: the writes that one request, one upload or one rotation has made, by their state."""

    id: UUID
    created_at: Time
    writes: int
    counts: dict[WriteState, int]
    paused: bool


class UndoRefused(AnswerModel):
    """A write that cannot be undone, and why."""

    write_id: UUID
    reason: str


class BatchUndoneAnswer(AnswerModel):
    """What became of one page of a batch, newest first; `next` is the cursor of the page after it, null on the last."""

    queued: list[UUID] = Field(description="The writes that undo.")
    refused: list[UndoRefused]
    next: str | None
