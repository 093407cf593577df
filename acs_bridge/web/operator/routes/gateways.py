"""`/v1/gateways`: those that have informed and those in stock, their approval and credentials."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.doorbell.doorbell import Doorbell
from acs_bridge.services.intake.stock import Stock, Stocked, Stored
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.store.gateways import GatewayFilter
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.records import (
    ConnectionRequestAnswer,
    GatewayAnswer,
    GatewayQuery,
    NewCredentials,
    NewGateway,
    StockAnswer,
    StockLine,
)
from acs_bridge.web.operator.registry import (
    ADMINS,
    READERS,
    WRITERS,
    Answer,
    AnyRoute,
    Bulk,
    Call,
    Chunk,
    LineAnswer,
    Route,
)
from acs_bridge.web.operator.routes.places import number_in, place

_WHAT = "gateway"


class GatewayRoutes:
    """Gateways over HTTP."""

    def __init__(
        self, gateways: Gateways, stock: Stock, credentials: GatewayCredentials, doorbell: Doorbell, clock: Clock
    ) -> None:
        self._gateways = gateways
        self._stock = stock
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
                "POST",
                "/v1/gateways",
                self.take,
                "Record a gateway in advance, with the pair that it logs in with",
                WRITERS,
                {HTTPStatus.CREATED: StockAnswer, HTTPStatus.OK: StockAnswer},
                body=NewGateway,
                refusals=(HTTPStatus.CONFLICT,),
                bulk=Bulk(self.take_many, self._stock.begin, StockLine),
            ),
            Route(
                "GET",
                "/v1/gateways",
                self.list,
                "List gateways that have informed, or are in stock",
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
                idempotent=True,
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

    async def take(self, call: Call[NoQuery, NewGateway]) -> Answer:
        """Take one in stock."""
        stored = await self._stock.take(call.body.stocked, call.actor)
        answer = _stored(stored)
        return replace(answer, location=place("gateways", stored.id)) if stored.created else answer

    async def take_many(self, chunk: Chunk[NewGateway]) -> Sequence[LineAnswer]:
        """Take those of an upload in stock."""
        asked = [_stocked(body) for body in chunk.bodies]
        lot = [each for each in asked if isinstance(each, Stocked)]
        taken = iter(await self._stock.take_many(lot, chunk.actor))
        answers = [next(taken) if isinstance(each, Stocked) else each for each in asked]
        return [_stored(each) if isinstance(each, Stored) else each for each in answers]

    async def list(self, call: Call[GatewayQuery, NoBody]) -> Answer:
        """List them."""
        now, query = self._clock(), call.query
        wanted = GatewayFilter(query.unclaimed, query.quarantined, query.approved, query.informed)
        page = await self._gateways.page(query.ask, wanted)
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


def _stocked(body: NewGateway) -> Stocked | AcsBridgeError:
    try:
        return body.stocked
    except AcsBridgeError as error:
        return error


def _stored(stored: Stored) -> Answer:
    return Answer(StockAnswer.of(stored), HTTPStatus.CREATED if stored.created else HTTPStatus.OK)
