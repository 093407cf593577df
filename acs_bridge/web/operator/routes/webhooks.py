"""`/v1/webhooks`: for Admins only, because an endpoint learns of every line."""

from http import HTTPStatus

from acs_bridge.domain.clock import Clock
from acs_bridge.services.notifications.webhooks import Webhooks
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.webhooks import (
    DeliveryAnswer,
    DeliveryQuery,
    NewSecret,
    NewWebhook,
    Replay,
    Replayed,
    TestAnswer,
    WebhookAnswer,
    WebhookList,
    WebhookMade,
)
from acs_bridge.web.operator.registry import ADMINS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import number_in, place, uuid_in

_FOLDER = "webhooks"
_WHAT = "webhook"


class WebhookRoutes:
    """Webhooks over HTTP."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (*self._themselves(), *self._deliveries())

    def _themselves(self) -> tuple[AnyRoute, ...]:
        folder, path = f"/v1/{_FOLDER}", f"/v1/{_FOLDER}/{{id}}"
        unknown = (HTTPStatus.NOT_FOUND,)
        made, shown = {HTTPStatus.CREATED: WebhookMade}, {HTTPStatus.OK: WebhookAnswer}
        return (
            Route(
                "POST",
                folder,
                self.create,
                "Make a webhook: an endpoint that is told when a write has settled",
                ADMINS,
                made,
                body=NewWebhook,
                refusals=(HTTPStatus.CONFLICT,),
                idempotent=True,
                secret=True,
            ),
            Route("GET", folder, self.list, "List webhooks", ADMINS, {HTTPStatus.OK: WebhookList}),
            Route("GET", path, self.show, "Show a webhook and its health", ADMINS, shown, refusals=unknown),
            Route(
                "DELETE", path, self.delete, "Delete a webhook", ADMINS, {HTTPStatus.NO_CONTENT: None}, refusals=unknown
            ),
            Route(
                "POST",
                f"{path}/secret",
                self.rotate,
                "Give a webhook a new secret; the former one signs beside it for a day",
                ADMINS,
                {HTTPStatus.OK: WebhookMade},
                body=NewSecret,
                body_optional=True,
                refusals=unknown,
                idempotent=True,
                secret=True,
            ),
            Route(
                "POST",
                f"{path}/test",
                self.test,
                "Send a signed test message and say what happened",
                ADMINS,
                {HTTPStatus.OK: TestAnswer},
                refusals=unknown,
            ),
        )

    def _deliveries(self) -> tuple[AnyRoute, ...]:
        path = f"/v1/{_FOLDER}/{{id}}"
        unknown = (HTTPStatus.NOT_FOUND,)
        return (
            Route(
                "GET",
                f"{path}/deliveries",
                self.deliveries,
                "List what was told to a webhook",
                ADMINS,
                {HTTPStatus.OK: Listing[DeliveryAnswer]},
                query=DeliveryQuery,
                refusals=unknown,
            ),
            Route(
                "POST",
                f"{path}/deliveries/{{delivery}}/replay",
                self.replay,
                "Tell one delivery again",
                ADMINS,
                {HTTPStatus.OK: Replayed},
                refusals=unknown,
            ),
            Route(
                "POST",
                f"{path}/replay",
                self.replay_range,
                "Tell again what was told in a span of time",
                ADMINS,
                {HTTPStatus.OK: Replayed},
                body=Replay,
                refusals=unknown,
            ),
        )

    async def create(self, call: Call[NoQuery, NewWebhook]) -> Answer:
        """Make one."""
        body = call.body
        made = await self._webhooks.create(body.url, body.events or [], body.secret, call.actor)
        model = WebhookMade.made(made, self._clock())
        return Answer(model, HTTPStatus.CREATED, place(_FOLDER, made.row.id))

    async def list(self, call: Call[NoQuery, NoBody]) -> Answer:  # noqa: ARG002 -- every handler takes its call
        """List them."""
        now = self._clock()
        return Answer(WebhookList(items=[WebhookAnswer.of(row, now) for row in await self._webhooks.list()]))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        row = await self._webhooks.find(uuid_in(call.path["id"], _WHAT))
        return Answer(WebhookAnswer.of(row, self._clock()))

    async def delete(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Take one away."""
        await self._webhooks.delete(uuid_in(call.path["id"], _WHAT), call.actor)
        return Answer()

    async def rotate(self, call: Call[NoQuery, NewSecret]) -> Answer:
        """Give one a new secret."""
        made = await self._webhooks.rotate(uuid_in(call.path["id"], _WHAT), call.body.secret, call.actor)
        return Answer(WebhookMade.made(made, self._clock()))

    async def test(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Try one out."""
        return Answer(TestAnswer.of(await self._webhooks.test(uuid_in(call.path["id"], _WHAT))))

    async def deliveries(self, call: Call[DeliveryQuery, NoBody]) -> Answer:
        """List what was told to one."""
        id = uuid_in(call.path["id"], _WHAT)
        page = await self._webhooks.deliveries(id, call.query.ask, call.query.state)
        return Answer(Listing[DeliveryAnswer].of(page, DeliveryAnswer.of))

    async def replay(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Tell one delivery again."""
        id = uuid_in(call.path["id"], _WHAT)
        await self._webhooks.replay(id, number_in(call.path["delivery"], "delivery"), call.actor)
        return Answer(Replayed(replayed=1))

    async def replay_range(self, call: Call[NoQuery, Replay]) -> Answer:
        """Tell many again."""
        id, body = uuid_in(call.path["id"], _WHAT), call.body
        span = (body.since, body.until)
        return Answer(Replayed(replayed=await self._webhooks.replay_range(id, span, body.state, call.actor)))
