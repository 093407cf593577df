"""`/v1/devices`: lines of service and their gateways."""

from http import HTTPStatus

from acs_bridge.services.records.devices import Devices
from acs_bridge.web.operator.models.base import Listing, NoBody, NoQuery
from acs_bridge.web.operator.models.bindings import Binding
from acs_bridge.web.operator.models.records import DeviceAnswer, DeviceQuery, NewDevice
from acs_bridge.web.operator.registry import READERS, WRITERS, Answer, AnyRoute, Call, Route
from acs_bridge.web.operator.routes.places import place


class DeviceRoutes:
    """Devices over HTTP."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        one = {HTTPStatus.OK: DeviceAnswer}
        path, gateway = "/v1/devices/{line_of_service}", "/v1/devices/{line_of_service}/gateway"
        taken, unknown = (HTTPStatus.CONFLICT,), (HTTPStatus.NOT_FOUND,)
        return (
            Route(
                "POST",
                "/v1/devices",
                self.create,
                "Record a line of service",
                WRITERS,
                {HTTPStatus.CREATED: DeviceAnswer},
                body=NewDevice,
                refusals=taken,
                idempotent=True,
            ),
            Route(
                "GET",
                "/v1/devices",
                self.list,
                "List lines of service",
                READERS,
                {HTTPStatus.OK: Listing[DeviceAnswer]},
                query=DeviceQuery,
            ),
            Route("GET", path, self.show, "Show a line of service", READERS, one, refusals=unknown),
            Route(
                "DELETE",
                path,
                self.delete,
                "Take a line of service away",
                WRITERS,
                {HTTPStatus.NO_CONTENT: None},
                refusals=unknown + taken,
            ),
            Route(
                "PUT",
                gateway,
                self.bind,
                "Bind a gateway to a line, or swap it",
                WRITERS,
                one,
                body=Binding,
                refusals=unknown + taken,
            ),
            Route("DELETE", gateway, self.unbind, "Unbind the gateway of a line", WRITERS, one, refusals=unknown),
        )

    async def create(self, call: Call[NoQuery, NewDevice]) -> Answer:
        """Record one."""
        gateway = None if call.body.gateway is None else call.body.gateway.identity
        row = await self._devices.create(call.body.line_of_service, gateway, call.actor)
        return Answer(DeviceAnswer.of(row), HTTPStatus.CREATED, place("devices", row.line_of_service))

    async def list(self, call: Call[DeviceQuery, NoBody]) -> Answer:
        """List them."""
        page = await self._devices.page(
            call.query.ask, associated=call.query.associated, report_state=call.query.report_state
        )
        return Answer(Listing[DeviceAnswer].of(page, DeviceAnswer.of))

    async def show(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Show one."""
        return Answer(DeviceAnswer.of(await self._devices.find(call.path["line_of_service"])))

    async def delete(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Take one away."""
        await self._devices.delete(call.path["line_of_service"], call.actor)
        return Answer()

    async def bind(self, call: Call[NoQuery, Binding]) -> Answer:
        """Give one its gateway."""
        line, body = call.path["line_of_service"], call.body
        if (awaited := body.awaited) is not None:
            row, advice = await self._devices.swap_for_next(line, awaited, call.actor)
            return Answer(DeviceAnswer.of(row, advice))
        if body.same_box:
            return Answer(DeviceAnswer.of(await self._devices.rename(line, body.named, call.actor)))
        row = await self._devices.bind(line, body.named, call.actor, replace=body.replace, exchange=body.exchange)
        return Answer(DeviceAnswer.of(row))

    async def unbind(self, call: Call[NoQuery, NoBody]) -> Answer:
        """Take the gateway from one."""
        return Answer(DeviceAnswer.of(await self._devices.unbind(call.path["line_of_service"], call.actor)))
