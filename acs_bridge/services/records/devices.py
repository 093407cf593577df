"""Devices: lines of service, and the gateway that each one has."""

from datetime import datetime

from acs_bridge.domain import names
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.names import Text
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services import pages
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask, Page
from acs_bridge.services.records import shelf
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.lines import Box, Lines, choose, take
from acs_bridge.services.records.shelf import Next, Suffix
from acs_bridge.store import associations, devices, gateways
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.devices import DeviceFilter, DeviceRow, Line
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, in_transaction

MAC_WARNING = (
    "this line of service looks like a MAC address: when the gateway is replaced the identifier no longer fits, and a "
    "gateway that is deployed again makes it ambiguous; an identifier of the subscription is better"
)


def warnings(line_of_service: str) -> list[str]:
    """Say what is allowed and yet unwise about a line of service."""
    return [MAC_WARNING] if names.looks_like_mac(line_of_service) else []


class Devices:
    """The lines of service."""

    def __init__(self, database: Database, clock: Clock, lines: Lines, binding: Binding) -> None:
        """`lines` and `binding` know what a change of gateway means."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self._binding = binding

    async def create(self, line_of_service: str, gateway: Identity | None, actor: Actor) -> DeviceRow:
        """Record a new line of service, with the gateway that it has or shall have."""
        line = names.line_of_service(line_of_service)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            box = None if gateway is None else await choose(connection, gateway, line.key, change)
            device_id = await devices.insert(connection, line, change.now)
            if device_id is None:
                raise Conflict(f"line of service {line.shown} is taken", field="line_of_service")
            await change.audit(connection, Deed("device_created", device_id=device_id))
            if box is not None:
                await self._connect(connection, line, box, change, replace=False)

        await in_transaction(self._database, work)
        await self._binding.meet(gateway)
        return await _found(self._database, line, self._clock())

    async def find(self, line_of_service: str) -> DeviceRow:
        """Look one up."""
        return await _found(self._database, names.line_of_service(line_of_service), self._clock())

    async def page(
        self, ask: Ask, *, associated: bool | None = None, report_state: str | None = None
    ) -> Page[DeviceRow]:
        """List them, newest first."""
        wanted, now = DeviceFilter(ask.text, associated, report_state), self._clock()
        return await pages.turn(
            ask,
            pages.number,
            lambda before, limit: devices.page(self._database, before, wanted, limit, now),
            lambda row: row.id,
        )

    async def bind(
        self,
        line_of_service: str,
        named: Identity | Suffix | int,
        actor: Actor,
        *,
        replace: bool,
        exchange: bool = False,
    ) -> DeviceRow:
        """Give a line its gateway, or another one (RMA); with `replace` also one that another line has.

        With `exchange` that other line gets the gateway that this one had, in the same transaction.
        The gateway is named by what it is, by the end of its serial number, or by its id.
        """
        line = names.line_of_service(line_of_service)
        gateway = await self._identity(named)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            box = await choose(connection, gateway, line.key, change)
            if exchange:
                await self._exchange(connection, line, box, change)
            else:
                await self._connect(connection, line, box, change, replace=replace)

        await in_transaction(self._database, work)
        await self._binding.meet(gateway)
        return await _found(self._database, line, self._clock())

    async def rename(self, line_of_service: str, named: Identity | Suffix | int, actor: Actor) -> DeviceRow:
        """Let a line go on with the box that it has, which informs under another DeviceId since its firmware changed.

        No clearing write waits for the DeviceId that nobody shows any more. Its serial number must be the same.
        """
        line = names.line_of_service(line_of_service)
        gateway = await self._identity(named)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            box = await choose(connection, gateway, line.key, change)
            own, others = await take(connection, line.key, box)
            if own is None:
                raise _unknown(line)
            if box.is_of(own):  # it is done already
                return
            former = None if own.gateway_id is None else await gateways.find(connection, own.gateway_id)
            if former is None or box.id is None or others or former.serial_number != box.identity.serial_number:
                raise Conflict("the same box has the same serial number, and is on no other line", field="same_box")
            holder = await associations.of_line(connection, own.id)
            await self._lines.rename(connection, own, box, holder, change)

        await in_transaction(self._database, work)
        return await _found(self._database, line, change.now)

    async def swap_for_next(self, line_of_service: str, wanted: Next, actor: Actor) -> tuple[DeviceRow, list[str]]:
        """Take the gateway from a line, and give it the next one that comes and is on no line.

        One that came for the first time a moment ago is taken at once; among several nobody chooses, which is said.
        """
        line = names.line_of_service(line_of_service)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            own, _ = await take(connection, line.key, None)
            if own is None:
                raise _unknown(line)
            await self._release(connection, own, change)
            await shelf.wait(connection, own, wanted, change.now)
            await change.audit(connection, Deed("gateway_awaited", device_id=own.id, detail={"wanted": str(wanted)}))

        await in_transaction(self._database, work)
        came = await shelf.newcomers(self._database, wanted, change.now)
        if len(came) == 1:
            await self._binding.bind_wanted(came[0][0], change.now)
        return await _found(self._database, line, change.now), [shelf.to_choose(came)] if len(came) > 1 else []

    async def _identity(self, named: Identity | Suffix | int) -> Identity:
        if isinstance(named, Identity):
            return named
        if isinstance(named, Suffix):
            return await shelf.labelled(self._database, named)
        row = await gateways.find(self._database, named)
        if row is None:
            raise NotFound("there is no such gateway")
        return Identity(row.oui, row.serial_number, row.product_class)

    async def unbind(self, line_of_service: str, actor: Actor) -> DeviceRow:
        """Take the gateway from a line; the line, its association and its history stay."""
        line = names.line_of_service(line_of_service)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            own, _ = await take(connection, line.key, None)
            if own is None:
                raise _unknown(line)
            if not await self._release(connection, own, change) and await devices.stop_waiting(connection, own.id):
                await change.audit(connection, Deed("gateway_awaited_no_more", device_id=own.id))

        await in_transaction(self._database, work)
        return await _found(self._database, line, self._clock())

    async def delete(self, line_of_service: str, actor: Actor) -> None:
        """Take a line of service away that nobody is associated with; its gateway is free again."""
        line = names.line_of_service(line_of_service)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            own, _ = await take(connection, line.key, None)
            if own is None:
                raise _unknown(line)
            holder = await associations.of_line(connection, own.id)
            if holder is not None:
                raise Conflict(
                    f"line of service {own.line_of_service} is associated with subscriber {holder.subscriber_code}: "
                    "end that association first"
                )
            await devices.delete(connection, own.id, change.now)
            await change.audit(connection, Deed("device_deleted", device_id=own.id, gateway_id=own.gateway_id))

        await in_transaction(self._database, work)

    async def _connect(self, connection: Executor, line: Text, box: Box, change: Change, *, replace: bool) -> None:
        own, others = await take(connection, line.key, box)
        if own is None:
            raise _unknown(line)
        if others and not replace:
            raise taken(box, others[0])
        for other in others:
            await self._lines.give_away(connection, other, change)
        if not box.is_of(own):
            await self._join(connection, own, box, change)

    async def _exchange(self, connection: Executor, line: Text, box: Box, change: Change) -> None:
        """Give a line the gateway of another line, and that one the gateway of this."""
        own, others = await take(connection, line.key, box)
        if own is None:
            raise _unknown(line)
        if box.is_of(own):  # it is done already
            return
        former = None if own.gateway_id is None else await gateways.find(connection, own.gateway_id)
        if former is None or len(others) != 1:
            raise Conflict("gateways are exchanged between two lines of which each has one", field="exchange")
        await self._lines.give_away(connection, others[0], change)
        await self._join(connection, own, box, change)
        (other,) = await devices.lock(connection, others[0].line_key)
        identity = Identity(former.oui, former.serial_number, former.product_class)
        await self._join(connection, other, Box(identity, former.id), change)

    async def _release(self, connection: Executor, line: Line, change: Change) -> bool:
        """Take from a line the box that it has, or waits for by name; False: there is none."""
        if line.gateway_id is None and line.wanted is None:
            return False
        await self._join(connection, line, None, change)
        return True

    async def _join(self, connection: Executor, line: Line, box: Box | None, change: Change) -> None:
        holder = await associations.of_line(connection, line.id)
        await self._lines.connect(connection, line, box, holder, change)


def taken(box: Box, other: Line) -> Conflict:
    """Say which line has, or waits for, the box that another one shall get."""
    verb = "has" if box.id is not None and other.gateway_id == box.id else "waits for"
    return Conflict(f'line of service {other.line_of_service} {verb} gateway {box.identity}: "replace" moves it')


async def _found(executor: Executor, line: Text, now: datetime) -> DeviceRow:
    row = await devices.find(executor, line.key, now)
    if row is None:
        raise _unknown(line)
    return row


def _unknown(line: Text) -> NotFound:
    return NotFound(f"there is no line of service {line.shown}")
