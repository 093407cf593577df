"""Associations, provisioning requests, and what a PHAN URL says."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from acs_bridge.domain.names import line_of_service, subscriber_code
from acs_bridge.domain.write import Cause, WriteState
from acs_bridge.services.intake.orders import Order, Receipt
from acs_bridge.services.records.devices import warnings
from acs_bridge.services.urls.phan import Asked
from acs_bridge.store.associations import AssociationRow, Moment
from acs_bridge.web.operator.models.base import (
    AnswerModel,
    Code,
    LineOfService,
    Listing,
    ListQuery,
    QueryModel,
    RequestModel,
    Time,
)
from acs_bridge.web.operator.models.faults import FaultAnswer
from acs_bridge.web.operator.models.queue import WriteAnswer
from acs_bridge.web.operator.models.records import GatewayIdentity, NewSubscriber, ReportState

MAX_URLS = 1000
MAX_LINES = 1000
MAX_LINES_OF_A_QUERY = 100
MAX_URL = 2048
MAX_QUERY = 256


class NewAssociation(RequestModel):
    """Who gets which line."""

    subscriber_code: Code
    line_of_service: LineOfService


class AssociationAnswer(AnswerModel):
    """An association; `write_state` is that of its newest write. Without a subscriber: over, and erased since.

    `report_state`: its gateway is `reporting` since `reporting_since`, the line is `waiting` for the first report, or
    it is `silent` since three intervals. Null where no report is expected: the URL is not verified yet, or reports do
    not come here.
    """

    id: UUID
    subscriber_code: str | None
    subscriber_name: str | None
    line_of_service: str
    state: Literal["active", "ended"]
    write_id: UUID | None
    write_state: WriteState | None
    generation: int
    key_id: str
    issued_at: Time
    created_at: Time
    created_by: str
    ended_at: Time | None
    ended_by: str | None
    report_state: ReportState | None
    reporting_since: Time | None
    last_report_at: Time | None

    @classmethod
    def of(cls, row: AssociationRow) -> "AssociationAnswer":
        """Make the answer of a record."""
        known = {name: getattr(row, name) for name in cls.model_fields if name != "state"}
        return cls(**known, state="active" if row.ended_at is None else "ended")


class AssociationQuery(ListQuery):
    """A page of associations."""

    state: Literal["active", "ended"] | None = None
    subscriber_code: str | None = None
    line_of_service: str | None = None
    report_state: ReportState | None = None


class LinesQuestion(RequestModel):
    """The lines of which somebody wants to know how they stand."""

    lines_of_service: list[LineOfService] = Field(min_length=1, max_length=MAX_LINES)


class LinesQuery(QueryModel):
    """The same for those who only read; as many lines as a URL holds."""

    line_of_service: list[LineOfService] = Field(
        min_length=1, max_length=MAX_LINES_OF_A_QUERY, description="Given once for each line."
    )


class LinesAnswer(AnswerModel):
    """Their associations, in the order of the question; `missing` are the lines that nobody is associated with."""

    items: list[AssociationAnswer]
    missing: list[str]


class MomentAnswer(AnswerModel):
    """Something that happened to an association; `by` is null where it was the daemon.

    `cause`, where a write was queued: why. `ring`, where its gateway was rung: what came of it.
    """

    at: Time
    event: str
    by: str | None
    write_id: UUID | None
    from_state: str | None
    to_state: str | None
    gateway_id: int | None
    fault: FaultAnswer | None
    cause: Cause | None
    ring: str | None

    @classmethod
    def of(cls, row: Moment) -> "MomentAnswer":
        """Make the answer of a record."""
        return cls.model_validate(row)


class Revealed(AnswerModel):
    """A PHAN URL: whoever has it can report in the name of the line."""

    phan_url: str


class NewRequest(RequestModel):
    """One line to provision: what is missing is made, and all of it or nothing."""

    subscriber: NewSubscriber
    line_of_service: LineOfService
    gateway: GatewayIdentity | None = None
    replace: bool = Field(default=False, description="Move the line, or the gateway, in the same transaction.")

    @property
    def order(self) -> Order:
        """Order the same in the words of the services."""
        return Order(
            subscriber_code(self.subscriber.code),
            self.subscriber.name,
            line_of_service(self.line_of_service),
            None if self.gateway is None else self.gateway.identity,
            self.replace,
        )


class RequestAnswer(AnswerModel):
    """What a request got; `state` is its write's."""

    id: UUID
    association_id: UUID
    write_id: UUID
    state: WriteState
    warnings: list[str] = Field([], description="What was taken, and is yet unwise.")

    @classmethod
    def of(cls, receipt: Receipt, line_of_service: str) -> "RequestAnswer":
        """Make the answer to a request for a line."""
        return cls.model_construct(
            id=receipt.id,
            association_id=receipt.association_id,
            write_id=receipt.write_id,
            state=WriteState(receipt.state),
            warnings=warnings(line_of_service),
        )


class RequestLine(RequestAnswer):
    """What a line of an upload got; a line that could not be done has the members of a problem instead of the ids."""

    line: int = Field(description="The number of the line in the upload, counted from 1.")
    status: int = Field(description="As the answer to the same request alone would have it.")
    batch_id: UUID = Field(description="The batch of the upload, by which its writes can be paused.")


class RequestStory(RequestAnswer):
    """A request and all that became of it: its association as it stands now, its write, and what happened to them.

    The write has the gateway and what it waits for. `timeline` is the first page of the association's.
    """

    created_at: Time
    created_by: str
    association: AssociationAnswer
    write: WriteAnswer
    timeline: Listing[MomentAnswer]


PhanUrl = Annotated[str, Field(max_length=MAX_URL)]
NamedByQuery = Annotated[str, Field(max_length=MAX_QUERY)]


class PhanToOpen(RequestModel):
    """A URL, and the gateway that has used it as the query of its report says: `oui` and `sn` of TR-069 Annex N."""

    url: PhanUrl
    oui: NamedByQuery | None = None
    serial_number: NamedByQuery | None = None

    @property
    def asked(self) -> Asked:
        """Ask the same in the words of the services."""
        return Asked(self.url, self.oui, self.serial_number)


def _alone(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


class PhanQuestion(RequestModel):
    """One URL, or many; each alone or with the gateway that has used it."""

    url: PhanUrl | None = None
    oui: NamedByQuery | None = None
    serial_number: NamedByQuery | None = None
    urls: list[Annotated[PhanToOpen, BeforeValidator(_alone, json_schema_input_type=PhanUrl | PhanToOpen)]] | None = (
        Field(None, min_length=1, max_length=MAX_URLS)
    )


class PhanAnswer(AnswerModel):
    """What a PHAN URL says; `active`: it is the current one of an association that is not over.

    `gateway_matches`: the gateway that was named is the one of the line; null where none was named. A report counts
    when both are true.
    """

    line_of_service: str
    association_id: UUID
    active: bool
    issued_at: Time
    key_id: str
    gateway_matches: bool | None


class PhanUnknown(AnswerModel):
    """The one answer for every URL that is not ours."""

    error: str


class PhanAnswers(AnswerModel):
    """The answers, in the order of the question."""

    items: list[PhanAnswer | PhanUnknown]
