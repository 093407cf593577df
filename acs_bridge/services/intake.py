"""The intake: one request names a subscriber, a line and perhaps a gateway, and all that is missing is made at once.

A request is done whole or not at all. The same request again finds its first answer. What stands in its way is a
Conflict that says what; `replace` moves a line or a gateway, in the same transaction, but never renames a subscriber.
"""

from dataclasses import dataclass
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.names import Text
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services.binding import Binding
from acs_bridge.services.change import Change
from acs_bridge.services.lines import Box, Lines, ambiguous, choose, take
from acs_bridge.services.seals import Seals, issued
from acs_bridge.store import associations, devices, gateways, requests, subscribers
from acs_bridge.store.associations import Holder
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.devices import Line
from acs_bridge.store.gateways import Identity
from acs_bridge.store.requests import NewLine, RequestRow, Seen
from acs_bridge.store.rows import Executor, decided


@dataclass(frozen=True, slots=True)
class Order:
    """What a provisioning request asks for."""

    code: Text
    name: str
    line: Text
    gateway: Identity | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a request got. `created` is false when the same request was accepted before."""

    id: UUID
    association_id: UUID
    write_id: UUID
    state: str
    created: bool


class Intake:
    """Takes provisioning requests."""

    def __init__(self, database: Database, clock: Clock, lines: Lines, seals: Seals, binding: Binding) -> None:
        """`lines` and `binding` know what a change of something known means; what is new needs neither."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self._seals = seals
        self._binding = binding

    async def provision(self, order: Order, actor: Actor) -> Receipt:
        """Do what a request asks for, or say what stands in the way."""
        receipt = await decided(lambda: self._look_and_act(order, actor))
        if receipt.created:
            await self._binding.meet(order.gateway)
        return receipt

    async def find(self, request_id: UUID) -> RequestRow:
        """Look a request up that was accepted."""
        row = await requests.find(self._database, request_id)
        if row is None:
            raise NotFound("there is no such provisioning request")
        return row

    async def _look_and_act(self, order: Order, actor: Actor) -> Receipt:
        seen = await requests.look(self._database, order.code, order.line, order.gateway)
        refuse(order, seen)
        known = accepted(order, seen)
        if known is not None:
            return known
        change = Change.of(actor, self._clock())
        if is_new(seen) and (order.gateway is None or seen.named_id is not None):
            return await self._accept_new(self._database, order, seen, actor, change)
        async with self._database.transaction() as connection:
            return await self._look_again(connection, order, actor, change)

    async def _look_again(self, connection: Executor, order: Order, actor: Actor, change: Change) -> Receipt:
        """Decide alone about the box that is named, for whoever else names it at this moment."""
        if order.gateway is not None:
            await gateways.claim(connection, order.gateway)
        seen = await requests.look(connection, order.code, order.line, order.gateway)
        refuse(order, seen)
        known = accepted(order, seen)
        if known is not None:
            return known
        if is_new(seen):
            return await self._accept_new(connection, order, seen, actor, change)
        return await self._rearrange(connection, order, change)

    async def _accept_new(self, executor: Executor, order: Order, seen: Seen, actor: Actor, change: Change) -> Receipt:
        """Make a new line, and whatever else is new with it, in one statement."""
        new = NewLine(
            request_id=change.batch_id,
            association_id=new_id(change.now),
            write_id=new_id(change.now),
            key_id=self._seals.key_id,
            issued_at=issued(change.now),
            subscriber_id=seen.subscriber_id,
            code=order.code,
            name=order.name,
            line=order.line,
            gateway=order.gateway,
            gateway_id=seen.named_id if seen.fitting == 1 else None,
        )
        claims = PhanClaims(order.line.shown, new.association_id, 1, new.issued_at)
        kind = None if new.gateway_id is None else await gateways.kind(executor, new.gateway_id)
        self._seals.check(new.key_id, claims, order.code.shown, kind)
        await requests.accept_new(executor, new, actor, change.now)
        return Receipt(new.request_id, new.association_id, new.write_id, "queued", created=True)

    async def _rearrange(self, connection: Executor, order: Order, change: Change) -> Receipt:
        """Do the same where something is known already: lock it, look again, and change what differs."""
        subscriber_id = await self._subscriber(connection, order, change)
        box = None if order.gateway is None else await choose(connection, order.gateway, order.line.key, change)
        await self._device(connection, order, change)
        line, others = await take(connection, order.line.key, box)
        if line is None:
            raise NotFound(f"line of service {order.line.shown} was deleted at this very moment")
        seen = await requests.look(connection, order.code, order.line, order.gateway)
        refuse(order, seen)
        known = accepted(order, seen)
        if known is not None:
            return known
        holder = await associations.of_line(connection, line.id)
        if holder is not None and holder.subscriber_id != subscriber_id:
            await self._lines.end(connection, line, holder, change, followed=True)
            holder = None
        if box is not None:
            line = await self._connect(connection, line, others, box, holder, change)
        if holder is None:
            await self._lines.associate(connection, line, subscriber_id, order.code.shown, change)
        return await self._record(connection, order, line, change)

    async def _subscriber(self, connection: Executor, order: Order, change: Change) -> int:
        subscriber_id = await subscribers.insert(connection, order.code, order.name, change.now)
        if subscriber_id is not None:
            await change.audit(connection, Deed("subscriber_created", subscriber_id=subscriber_id))
            return subscriber_id
        known = await subscribers.find(connection, order.code.key)
        if known is None:
            raise NotFound(f"subscriber {order.code.shown} was deleted at this very moment")
        return known.id

    async def _device(self, connection: Executor, order: Order, change: Change) -> None:
        device_id = await devices.insert(connection, order.line, change.now)
        if device_id is not None:
            await change.audit(connection, Deed("device_created", device_id=device_id))

    async def _connect(
        self, connection: Executor, line: Line, others: list[Line], box: Box, holder: Holder | None, change: Change
    ) -> Line:
        """Bring the named gateway to the line; gives the line as it stands then."""
        for other in others:
            await self._lines.give_away(connection, other, change)
        if box.is_of(line):
            return line
        await self._lines.connect(connection, line, box, holder, change)
        locked, _ = await take(connection, line.line_key, None)
        return locked or line

    async def _record(self, connection: Executor, order: Order, line: Line, change: Change) -> Receipt:
        """Keep the request, so that the same one again finds it."""
        holder = await associations.of_line(connection, line.id)
        written = None if holder is None else await requests.current_write(connection, holder.id)
        if holder is None or written is None:
            raise RuntimeError("a line that was just associated has an association and a write")
        write_id, state = written
        row = RequestRow(change.batch_id, holder.id, write_id, change.now, change.by or "", state)
        await requests.insert(connection, row, order.gateway)
        deed = Deed("request_accepted", holder.id, write_id, holder.subscriber_id, line.id, line.gateway_id)
        await change.audit(connection, deed)
        return Receipt(row.id, holder.id, write_id, state, created=True)


def refuse(order: Order, seen: Seen) -> None:
    """Raise for what stands in a request's way. A known code with another name is never replaced."""
    if seen.subscriber_id is not None and seen.subscriber_name != order.name:
        raise Conflict(f"subscriber code {order.code.shown} is known with another name: {seen.subscriber_name}")
    if order.gateway is not None and seen.fitting > 1 and not _has_named(order.gateway, seen):
        raise ambiguous(order.gateway)
    if order.replace:
        return
    if seen.holder_id is not None and seen.holder_id != seen.subscriber_id:
        raise Conflict(
            f"line of service {seen.line_of_service} is associated with subscriber {seen.holder_code}: "
            '"replace" moves it, or end that association first'
        )
    if order.gateway is not None:
        _refuse_gateway(order.gateway, seen)


def _refuse_gateway(gateway: Identity, seen: Seen) -> None:
    for other in (seen.other_line, seen.waiting_line):
        if other is not None and other != seen.line_of_service:
            raise Conflict(f'gateway {gateway} is on line of service {other}: "replace" moves it')
    has_other = seen.gateway_id is not None and not _has_named(gateway, seen)
    waits_for_other = seen.wanted_serial is not None and not _waits_for_named(gateway, seen)
    if has_other or waits_for_other:
        present = Identity(
            seen.oui or seen.wanted_oui or "", seen.serial_number or seen.wanted_serial or "", seen.product_class
        )
        raise Conflict(f'line of service {seen.line_of_service} has gateway {present}: "replace" swaps it')


def accepted(order: Order, seen: Seen) -> Receipt | None:
    """Give the answer of the same request, when it was accepted before and what it asked for still stands."""
    if seen.request_id is None or seen.association_id is None or seen.write_id is None:
        return None
    if seen.holder_id != seen.subscriber_id or not _stands(order.gateway, seen):
        return None
    return Receipt(seen.request_id, seen.association_id, seen.write_id, seen.write_state or "", created=False)


def is_new(seen: Seen) -> bool:
    """Tell whether the line, and whatever its gateway brings with it, is new to the records."""
    return seen.device_id is None and not seen.busy and seen.other_line is None and seen.waiting_line is None


def _stands(gateway: Identity | None, seen: Seen) -> bool:
    return gateway is None or _has_named(gateway, seen) or _waits_for_named(gateway, seen)


def _has_named(gateway: Identity, seen: Seen) -> bool:
    same_box = (seen.oui, seen.serial_number) == (gateway.oui, gateway.serial_number)
    return same_box and gateway.product_class in (None, seen.product_class)


def _waits_for_named(gateway: Identity, seen: Seen) -> bool:
    return (seen.wanted_oui, seen.wanted_serial) == (gateway.oui, gateway.serial_number)
