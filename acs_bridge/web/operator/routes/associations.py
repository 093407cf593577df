"""`/v1/associations`; the routes that show a PHAN URL, and that make it worth nothing, are here, for Admins only."""

from collections.abc import Sequence
from http import HTTPStatus

from acs_bridge.services.records.associations import Associations
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery, PageQuery
from acs_bridge.web.operator.models.provisioning import (
    AssociationAnswer,
    AssociationQuery,
    LinesAnswer,
    LinesQuery,
    LinesQuestion,
    MomentAnswer,
    NewAssociation,
    Revealed,
)
from acs_bridge.web.operator.registry import ADMINS, READERS, WRITERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import place, uuid_in

_WHAT = "association"


class AssociationRoutes:
    """Associations over HTTP."""

    def __init__(self, associations: Associations) -> None:
        self._associations = associations

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one = {HTTPStatus.OK: AssociationAnswer}
        path = "/v1/associations/{id}"
        unknown = (HTTPStatus.NOT_FOUND,)
        return (
            Route(
                "POST",
                "/v1/associations",
                self.create,
                "Associate a subscriber with a line of service",
                WRITERS,
                {HTTPStatus.CREATED: AssociationAnswer, **one},
                body=NewAssociation,
                refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
                idempotent=True,
            ),
            Route(
                "GET",
                "/v1/associations",
                self.list,
                "List associations",
                READERS,
                {HTTPStatus.OK: Listing[AssociationAnswer]},
                query=AssociationQuery,
            ),
            Route(
                "POST",
                "/v1/associations/lookup",
                self.look_up,
                "Show the associations of many lines",
                WRITERS,
                {HTTPStatus.OK: LinesAnswer},
                body=LinesQuestion,
            ),
            Route(
                "GET",
                "/v1/associations/lookup",
                self.look_up_some,
                "Show the associations of some lines",
                READERS,
                {HTTPStatus.OK: LinesAnswer},
                query=LinesQuery,
            ),
            Route("GET", path, self.show, "Show an association", READERS, one, refusals=unknown),
            Route("DELETE", path, self.end, "End an association", WRITERS, one, refusals=unknown),
            Route(
                "GET",
                f"{path}/timeline",
                self.timeline,
                "Tell what happened to an association",
                READERS,
                {HTTPStatus.OK: Listing[MomentAnswer]},
                query=PageQuery,
                refusals=unknown,
            ),
            Route(
                "POST",
                f"{path}/reveal",
                self.reveal,
                "Show the PHAN URL of an association",
                ADMINS,
                {HTTPStatus.OK: Revealed},
                refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
            ),
            Route(
                "POST",
                f"{path}/reissue",
                self.reissue,
                "Give an association another PHAN URL; the former one counts no more",
                ADMINS,
                one,
                refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
                idempotent=True,
            ),
        )

    async def create(self, call: Call[NoQuery, NewAssociation]) -> Answer:
        """Join the two."""
        row, created = await self._associations.create(call.body.subscriber_code, call.body.line_of_service, call.actor)
        if not created:
            return Answer(AssociationAnswer.of(row))
        return Answer(AssociationAnswer.of(row), HTTPStatus.CREATED, place("associations", row.id))

    async def look_up(self, call: Call[NoQuery, LinesQuestion]) -> Answer:
        """Show those of many lines."""
        return await self._looked_up(call.body.lines_of_service)

    async def look_up_some(self, call: Call[LinesQuery, NoBody]) -> Answer:
        """Show those of the lines that a query has room for."""
        return await self._looked_up(call.query.line_of_service)

    async def _looked_up(self, lines: Sequence[str]) -> Answer:
        found = await self._associations.of_lines(lines)
        items = [AssociationAnswer.of(row) for row in found if row is not None]
        missing = [line for line, row in zip(lines, found, strict=True) if row is None]
        return Answer(LinesAnswer(items=items, missing=missing))

    async def list(self, call: Call[AssociationQuery, NoBody]) -> Answer:
        """List them."""
        query = call.query
        page = await self._associations.page(
            query.ask,
            active=None if query.state is None else query.state == "active",
            code=query.subscriber_code,
            line_of_service=query.line_of_service,
            report_state=query.report_state,
        )
        return Answer(Listing[AssociationAnswer].of(page, AssociationAnswer.of))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        return Answer(AssociationAnswer.of(await self._associations.find(uuid_in(call.path["id"], _WHAT))))

    async def end(self, call: Call[NoQuery, NoBody]) -> Answer:
        """End one."""
        return Answer(AssociationAnswer.of(await self._associations.end(uuid_in(call.path["id"], _WHAT), call.actor)))

    async def reissue(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Give one another URL."""
        association_id = uuid_in(call.path["id"], _WHAT)
        return Answer(AssociationAnswer.of(await self._associations.reissue(association_id, call.actor)))

    async def timeline(self, call: Call[PageQuery, NoBody]) -> Answer:
        """Tell the story of one."""
        page = await self._associations.timeline(uuid_in(call.path["id"], _WHAT), call.query.ask)
        return Answer(Listing[MomentAnswer].of(page, MomentAnswer.of))

    async def reveal(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show the URL of one."""
        return Answer(Revealed(phan_url=await self._associations.reveal(uuid_in(call.path["id"], _WHAT), call.actor)))
