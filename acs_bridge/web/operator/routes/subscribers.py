"""`/v1/subscribers`."""

from http import HTTPStatus

from acs_bridge.services.records.subscribers import Subscribers
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.records import NewSubscriber, RecordQuery, Renaming, SubscriberAnswer
from acs_bridge.web.operator.registry import READERS, WRITERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import place


class SubscriberRoutes:
    """Subscribers over HTTP."""

    def __init__(self, subscribers: Subscribers) -> None:
        self._subscribers = subscribers

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one = {HTTPStatus.OK: SubscriberAnswer}
        path = "/v1/subscribers/{code}"
        taken, unknown = (HTTPStatus.CONFLICT,), (HTTPStatus.NOT_FOUND,)
        return (
            Route(
                "POST",
                "/v1/subscribers",
                self.create,
                "Record a subscriber",
                WRITERS,
                {HTTPStatus.CREATED: SubscriberAnswer},
                body=NewSubscriber,
                refusals=taken,
                idempotent=True,
            ),
            Route(
                "GET",
                "/v1/subscribers",
                self.list,
                "List subscribers",
                READERS,
                {HTTPStatus.OK: Listing[SubscriberAnswer]},
                query=RecordQuery,
            ),
            Route("GET", path, self.show, "Show a subscriber", READERS, one, refusals=unknown),
            Route("PATCH", path, self.rename, "Rename a subscriber", WRITERS, one, body=Renaming, refusals=unknown),
            Route(
                "DELETE",
                path,
                self.delete,
                "Erase a subscriber",
                WRITERS,
                {HTTPStatus.NO_CONTENT: None},
                refusals=unknown + taken,
            ),
        )

    async def create(self, call: Call[NoQuery, NewSubscriber]) -> Answer:
        """Record one."""
        row = await self._subscribers.create(call.body.name, call.body.code, call.actor)
        return Answer(SubscriberAnswer.model_validate(row), HTTPStatus.CREATED, place("subscribers", row.code))

    async def list(self, call: Call[RecordQuery, NoBody]) -> Answer:
        """List them."""
        page = await self._subscribers.page(call.query.ask, associated=call.query.associated)
        return Answer(Listing[SubscriberAnswer].of(page, SubscriberAnswer.model_validate))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        return Answer(SubscriberAnswer.model_validate(await self._subscribers.find(call.path["code"])))

    async def rename(self, call: Call[NoQuery, Renaming]) -> Answer:
        """Rename one."""
        row = await self._subscribers.rename(call.path["code"], call.body.name, call.actor)
        return Answer(SubscriberAnswer.model_validate(row))

    async def delete(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Erase one."""
        await self._subscribers.delete(call.path["code"], call.actor)
        return Answer()
