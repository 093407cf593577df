"""`/v1/gateways`: those that have informed, and their approval."""

from http import HTTPStatus

from acs_bridge.domain.clock import Clock
from acs_bridge.services.credentials import GatewayCredentials
from acs_bridge.services.doorbell.doorbell import Doorbell
from acs_bridge.services.gateways import Gateways
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.records import (
    ConnectionRequestAnswer,
    GatewayAnswer,
    GatewayQuery,
    NewCredentials,
)
from acs_bridge.web.operator.registry import ADMINS, READERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import number_in

_WHAT = "gateway"


class GatewayRoutes:
    """Gateways over HTTP."""

    def __init__(self, gateways: Gateways, credentials: GatewayCredentials, doorbell: Doorbell, clock: Clock) -> None:
        self._gateways = gateways
        self._credentials = credentials
        self._doorbell = doorbell
        self._clock = clock

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one, unknown = {HTTPStatus.OK: GatewayAnswer}, (HTTPStatus.NOT_FOUND,)
        refused = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
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
            Route(
                "PUT",
                f"{path}/credentials",
                self.keep,
                "Import the pair that a gateway has",
                ADMINS,
                one,
                body=NewCredentials,
                refusals=refused,
            ),
            Route(
                "POST",
                f"{path}/credentials/rotate",
                self.rotate,
                "Give a gateway the next pair of its own",
                ADMINS,
                one,
                refusals=refused,
            ),
            Route(
                "POST",
                f"{path}/credentials/hand-back",
                self.hand_back,
                "Give a gateway the pair back that it had",
                ADMINS,
                one,
                refusals=refused,
            ),
        )

    async def list(self, call: Call[GatewayQuery, NoBody]) -> Answer:
        """List them."""
        now = self._clock()
        page = await self._gateways.page(
            call.query.ask, unclaimed=call.query.unclaimed, quarantined=call.query.quarantined
        )
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

    async def keep(self, call: Call[NoQuery, NewCredentials]) -> Answer:
        """Import the pair of one."""
        gateway_id = number_in(call.path["id"], _WHAT)
        await self._credentials.import_pair(gateway_id, call.body.pair, call.actor)
        return await self._shown(gateway_id)

    async def rotate(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Give one its next pair."""
        gateway_id = number_in(call.path["id"], _WHAT)
        await self._credentials.rotate(gateway_id, call.actor)
        return await self._shown(gateway_id)

    async def hand_back(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Give one its former pair."""
        gateway_id = number_in(call.path["id"], _WHAT)
        await self._credentials.hand_back(gateway_id, call.actor)
        return await self._shown(gateway_id)

    async def _shown(self, gateway_id: int) -> Answer:
        return Answer(GatewayAnswer.of(await self._gateways.find(gateway_id), self._clock()))
