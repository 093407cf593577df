"""`/v1/provisioning-requests` and `/v1/phan/open`: the doors for BSSs and for the analytics platform."""

from http import HTTPStatus

from acs_bridge.domain.phan import PhanUrlRefused
from acs_bridge.domain.write import WriteState
from acs_bridge.errors import InvalidField
from acs_bridge.services.intake.bulk import CHUNKS_AT_ONCE, BulkIntake
from acs_bridge.services.intake.intake import Intake
from acs_bridge.services.intake.orders import Receipt
from acs_bridge.services.pages import Ask
from acs_bridge.services.queue.writes import Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.devices import warnings
from acs_bridge.services.urls.phan import PhanLookup
from acs_bridge.web.operator.models.base import MAX_LIMIT, Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.provisioning import (
    AssociationAnswer,
    MomentAnswer,
    NewRequest,
    PhanAnswer,
    PhanAnswers,
    PhanQuestion,
    PhanUnknown,
    RequestAnswer,
    RequestLine,
    RequestStory,
)
from acs_bridge.web.operator.models.queue import WriteAnswer
from acs_bridge.web.operator.registry import (
    OPENERS,
    READERS,
    WRITERS,
    Answer,
    AnyRoute,
    Bulk,
    Call,
    Chunk,
    LineAnswer,
    Route,
    written,
)
from acs_bridge.web.operator.routes.places import place, uuid_in
from acs_bridge.web.operator.tables import Table

_FOLDER = "provisioning-requests"


class IntakeRoutes:
    """Provisioning requests over HTTP."""

    def __init__(self, intake: Intake, bulk: BulkIntake, associations: Associations, writes: Writes) -> None:
        self._intake = intake
        self._bulk = bulk
        self._associations = associations
        self._writes = writes

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (
            Route(
                "POST",
                f"/v1/{_FOLDER}",
                self.provision,
                "Provision a line: make what is missing and associate it",
                WRITERS,
                {HTTPStatus.CREATED: RequestAnswer, HTTPStatus.OK: RequestAnswer},
                body=NewRequest,
                refusals=(HTTPStatus.CONFLICT,),
                bulk=Bulk(self.provision_many, self._bulk.begin, RequestLine, Table.of, CHUNKS_AT_ONCE),
                confirms=True,
                idempotent=True,
            ),
            Route(
                "GET",
                f"/v1/{_FOLDER}/{{id}}",
                self.show,
                "Show a request and what became of it",
                READERS,
                {HTTPStatus.OK: RequestStory},
                refusals=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def provision(self, call: Call[NoQuery, NewRequest]) -> Answer:
        """Do what a request asks for. What most get is written while the database is still at work on it."""
        ready: dict[Receipt, Answer] = {}

        def write(receipt: Receipt) -> None:
            ready[receipt] = written(_answer(receipt, call.body, place(_FOLDER, receipt.id)))

        receipt = await self._intake.provision(call.body.order, call.actor, foretell=write)
        if receipt in ready:
            return ready[receipt]
        return _answer(receipt, call.body, place(_FOLDER, receipt.id) if receipt.created else None)

    async def provision_many(self, chunk: Chunk[NewRequest]) -> list[LineAnswer]:
        """Do what each line of an upload asks for."""
        outcomes = await self._bulk.provision([body.order for body in chunk.bodies], chunk.actor, chunk.batch_id)
        answered = zip(outcomes, chunk.bodies, strict=True)
        return [_answer(outcome, body) if isinstance(outcome, Receipt) else outcome for outcome, body in answered]

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        row = await self._intake.find(uuid_in(call.path["id"], "provisioning request"))
        association = await self._associations.find(row.association_id)
        moments = await self._associations.timeline(row.association_id, Ask(MAX_LIMIT))
        story = RequestStory(
            id=row.id,
            association_id=row.association_id,
            write_id=row.write_id,
            state=WriteState(row.state),
            warnings=warnings(association.line_of_service),
            created_at=row.created_at,
            created_by=row.created_by,
            association=AssociationAnswer.of(association),
            write=WriteAnswer.of(await self._writes.find(row.write_id)),
            timeline=Listing[MomentAnswer].of(moments, MomentAnswer.of),
        )
        return Answer(story)


def _answer(receipt: Receipt, body: NewRequest, location: str | None = None) -> Answer:
    model = RequestAnswer.of(receipt, body.line_of_service)
    return Answer(model, HTTPStatus.CREATED if receipt.created else HTTPStatus.OK, location)


class PhanRoutes:
    """Opening PHAN URLs over HTTP."""

    def __init__(self, lookup: PhanLookup) -> None:
        self._lookup = lookup

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (
            Route(
                "POST",
                "/v1/phan/open",
                self.open,
                "Say what PHAN URLs say, and whether they count",
                OPENERS,
                {HTTPStatus.OK: PhanAnswer | PhanAnswers},
                body=PhanQuestion,
            ),
        )

    async def open(self, call: Call[NoQuery, PhanQuestion]) -> Answer:
        """Open one, or many with one query."""
        body = call.body
        if (body.url is None) == (body.urls is None):
            raise InvalidField("url", "either url or urls is required, and not both")
        if body.url is not None:
            return Answer(PhanAnswer.model_validate(await self._lookup.open(body.url, body.oui, body.serial_number)))
        for name in ("oui", "serial_number"):
            if getattr(body, name) is not None:
                raise InvalidField(name, "stands beside each of the urls")
        unknown = PhanUnknown(error=PhanUrlRefused.title)
        found = await self._lookup.open_all([each.asked for each in body.urls or []])
        return Answer(PhanAnswers(items=[unknown if one is None else PhanAnswer.model_validate(one) for one in found]))
