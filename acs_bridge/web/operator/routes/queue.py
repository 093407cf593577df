"""`/v1/writes` and `/v1/queue`."""

from http import HTTPStatus

from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.queue.undo import Undo
from acs_bridge.services.queue.writes import Writes
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery, PageQuery
from acs_bridge.web.operator.models.queue import (
    BatchAnswer,
    BatchUndoneAnswer,
    BrakeBody,
    ChoiceBody,
    MovedAnswer,
    QueueAnswer,
    RateBody,
    WriteAnswer,
    WriteQuery,
)
from acs_bridge.web.operator.registry import ADMINS, READERS, WATCHERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import place, uuid_in

_WHAT = "write"


class WriteRoutes:
    """Writes over HTTP."""

    def __init__(self, writes: Writes, undo: Undo) -> None:
        self._writes = writes
        self._undo = undo

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one = {HTTPStatus.OK: WriteAnswer}
        path = "/v1/writes/{id}"
        refusals = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
        return (
            Route(
                "GET",
                "/v1/writes",
                self.list,
                "List writes",
                READERS,
                {HTTPStatus.OK: Listing[WriteAnswer]},
                query=WriteQuery,
            ),
            Route("GET", path, self.show, "Show a write", READERS, one, refusals=(HTTPStatus.NOT_FOUND,)),
            Route(
                "POST",
                "/v1/writes/retry",
                self.retry_all,
                "Queue writes again that have something in common",
                ADMINS,
                {HTTPStatus.OK: MovedAnswer},
                body=ChoiceBody,
            ),
            Route(
                "POST",
                "/v1/writes/cancel",
                self.cancel_all,
                "Cancel writes that have something in common",
                ADMINS,
                {HTTPStatus.OK: MovedAnswer},
                body=ChoiceBody,
            ),
            Route("POST", f"{path}/retry", self.retry, "Queue a write again", ADMINS, one, refusals=refusals),
            Route("POST", f"{path}/cancel", self.cancel, "Cancel a write", ADMINS, one, refusals=refusals),
            Route(
                "POST",
                f"{path}/undo",
                self.undo,
                "Give a gateway back what it held before a write",
                ADMINS,
                {HTTPStatus.CREATED: WriteAnswer},
                refusals=refusals,
            ),
            Route(
                "POST",
                "/v1/batches/{id}/undo",
                self.undo_batch,
                "Undo the writes of a batch, a page at a time",
                ADMINS,
                {HTTPStatus.OK: BatchUndoneAnswer},
                query=PageQuery,
                refusals=(HTTPStatus.NOT_FOUND,),
            ),
        )

    async def list(self, call: Call[WriteQuery, NoBody]) -> Answer:
        """List them."""
        page = await self._writes.page(call.query.ask, call.query.question)
        return Answer(Listing[WriteAnswer].of(page, WriteAnswer.of))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        return Answer(WriteAnswer.of(await self._writes.find(uuid_in(call.path["id"], _WHAT))))

    async def retry(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Queue one again."""
        return Answer(WriteAnswer.of(await self._writes.retry(uuid_in(call.path["id"], _WHAT), call.actor)))

    async def retry_all(self, call: Call[NoQuery, ChoiceBody]) -> Answer:
        """Queue many again."""
        return Answer(MovedAnswer.of(await self._writes.retry_all(call.body.ask, call.body.question, call.actor)))

    async def cancel_all(self, call: Call[NoQuery, ChoiceBody]) -> Answer:
        """Cancel many."""
        return Answer(MovedAnswer.of(await self._writes.cancel_all(call.body.ask, call.body.question, call.actor)))

    async def cancel(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Cancel one."""
        return Answer(WriteAnswer.of(await self._writes.cancel(uuid_in(call.path["id"], _WHAT), call.actor)))

    async def undo(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Undo one: the answer is the write that does it."""
        undoing = await self._undo.write(uuid_in(call.path["id"], _WHAT), call.actor)
        answer = WriteAnswer.of(await self._writes.find(undoing))
        return Answer(answer, HTTPStatus.CREATED, location=place("writes", undoing))

    async def undo_batch(self, call: Call[PageQuery, NoBody]) -> Answer:
        """Undo a page of a batch."""
        undone = await self._undo.batch(uuid_in(call.path["id"], "batch"), call.query.ask, call.actor)
        return Answer(BatchUndoneAnswer.model_validate(undone))


class QueueRoutes:
    """The queue over HTTP."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one = {HTTPStatus.OK: QueueAnswer}
        return (
            Route("GET", "/v1/queue", self.show, "Show the queue at a glance", WATCHERS, one),
            Route(
                "POST",
                "/v1/queue/pause",
                self.pause,
                "Hold writes back",
                ADMINS,
                one,
                body=BrakeBody,
                body_optional=True,
            ),
            Route(
                "POST",
                "/v1/queue/resume",
                self.resume,
                "Let writes go again",
                ADMINS,
                one,
                body=BrakeBody,
                body_optional=True,
            ),
            Route(
                "GET",
                "/v1/batches/{id}",
                self.show_batch,
                "Show what became of a batch",
                READERS,
                {HTTPStatus.OK: BatchAnswer},
                refusals=(HTTPStatus.NOT_FOUND,),
            ),
            Route("PUT", "/v1/queue/rate", self.set_rate, "Set the ceiling", ADMINS, one, body=RateBody),
        )

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:  # noqa: ARG002 -- every handler takes its call
        """Show it."""
        return Answer(QueueAnswer.of(await self._queue.overview()))

    async def show_batch(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one batch."""
        batch = await self._queue.batch(uuid_in(call.path["id"], "batch"))
        return Answer(BatchAnswer.model_validate(batch))

    async def pause(self, call: Call[NoQuery, BrakeBody]) -> Answer:
        """Set a brake."""
        return Answer(QueueAnswer.of(await self._queue.pause(call.body.brake, call.actor)))

    async def resume(self, call: Call[NoQuery, BrakeBody]) -> Answer:
        """Take a brake off."""
        return Answer(QueueAnswer.of(await self._queue.resume(call.body.brake, call.actor)))

    async def set_rate(self, call: Call[NoQuery, RateBody]) -> Answer:
        """Set the ceiling."""
        return Answer(QueueAnswer.of(await self._queue.set_rate(call.body.writes_per_minute, call.actor)))
