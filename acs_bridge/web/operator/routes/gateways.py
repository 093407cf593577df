"""`/v1/gateways`: those that have informed, and their approval."""

from http import HTTPStatus

from acs_bridge.domain.clock import Clock
from acs_bridge.services.doorbell.doorbell import Doorbell
from acs_bridge.services.gateways import Gateways
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.records import ConnectionRequestAnswer, GatewayAnswer, GatewayQuery
from acs_bridge.web.operator.registry import ADMINS, READERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import number_in

_WHAT = "gateway"


class GatewayRoutes:
    """Gateways over HTTP."""

    def __init__(self, gateways: Gateways, doorbell: Doorbell, clock: Clock) -> None:
        self._gateways = gateways
        self._doorbell = doorbell
        self._clock = clock

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one, unknown = {HTTPStatus.OK: GatewayAnswer}, (HTTPStatus.NOT_FOUND,)
        path = "/v1/gateways/{id}"
        return (
            Route(
                "GET",
                "/v1/gateways",
                self.list,
                "List gateways that have informed",
                READERS,
                {HTTPStatus.OK: Listing[GatewayAnswer]},
                query=GatewayQuery,
            ),
            Route("GET", path, self.show, "Show a gateway", READERS, one, refusals=unknown),
            Route("POST", f"{path}/approve", self.approve, "Approve a gateway", ADMINS, one, refusals=unknown),
            Route(
                "POST",
                f"{path}/ring",
                self.ring,
                "Ask a gateway to open a session now",
                ADMINS,
                {HTTPStatus.OK: ConnectionRequestAnswer},
                refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY),
            ),
        )

    async def list(self, call: Call[GatewayQuery, NoBody]) -> Answer:
        """List them."""
        now = self._clock()
        page = await self._gateways.page(call.query.ask, unclaimed=call.query.unclaimed)
        return Answer(Listing[GatewayAnswer].of(page, lambda row: GatewayAnswer.of(row, now)))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        row = await self._gateways.find(number_in(call.path["id"], _WHAT))
        return Answer(GatewayAnswer.of(row, self._clock()))

    async def approve(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Approve one."""
        row = await self._gateways.approve(number_in(call.path["id"], _WHAT), call.actor)
        return Answer(GatewayAnswer.of(row, self._clock()))

    async def ring(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Ring one by hand."""
        ring = await self._doorbell.ring_by_hand(number_in(call.path["id"], _WHAT), call.actor)
        return Answer(ConnectionRequestAnswer.of(ring))
