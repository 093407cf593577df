"""The intake: one request names a subscriber, a line and perhaps a gateway, and all that is missing is made at once.

A request is done whole or not at all. The same request again finds its first answer. What stands in its way is a
Conflict that says what; `replace` moves a line or a gateway, in the same transaction, but never renames a subscriber.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.errors import InvalidField, NotFound, Unconfirmed
from acs_bridge.services.change import Change
from acs_bridge.services.intake.orders import Order, Receipt, accepted, is_new, refuse
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.lines import Box, Lines, choose, take
from acs_bridge.services.urls.seals import Seals, issued
from acs_bridge.store import associations, devices, gateways, requests, subscribers
from acs_bridge.store.associations import Holder
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.devices import Line
from acs_bridge.store.requests import NewLine, RequestRow, Seen
from acs_bridge.store.rows import Executor, decided


class Intake:
    """Takes provisioning requests."""

    def __init__(self, database: Database, clock: Clock, lines: Lines, seals: Seals, binding: Binding) -> None:
        """`lines` and `binding` know what a change of something known means; what is new needs neither."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self._seals = seals
        self._binding = binding

    async def provision(
        self,
        order: Order,
        actor: Actor,
        batch_id: UUID | None = None,
        foretell: Callable[[Receipt], None] = lambda _: None,
    ) -> Receipt:
        """Do what a request asks for, or say what stands in the way. Without a batch it is one of its own.

        For an unconfirmed caller a new line is made, or nothing is done (Unconfirmed). `foretell` is called while the
        database is at work, with the receipt that there will be if everything is new.
        """
        receipt = await decided(lambda: self._look_and_act(order, actor, batch_id, foretell))
        if receipt.created:
            await self._binding.meet(order.gateway)
        return receipt

    async def find(self, request_id: UUID) -> RequestRow:
        """Look a request up that was accepted."""
        row = await requests.find(self._database, request_id)
        if row is None:
            raise NotFound("there is no such provisioning request")
        return row

    async def _look_and_act(
        self, order: Order, actor: Actor, batch_id: UUID | None, foretell: Callable[[Receipt], None]
    ) -> Receipt:
        """Take what is new as it is, which most are; of anything else look first what it meets."""
        change = Change.of(actor, self._clock(), batch_id)
        with suppress(InvalidField):  # it is said below, if nothing else stands in the way
            new = self._new_line(order, change)
            receipt = _receipt(new)
            asyncio.get_running_loop().call_soon(foretell, receipt)
            if await requests.accept_new(self._database, new, actor, change.now):
                return receipt
        if actor.unconfirmed is not None:
            raise Unconfirmed
        seen = await requests.look(self._database, order.code, order.line, order.gateway)
        refuse(order, seen)
        known = accepted(order, seen)
        if known is not None:
            return known
        if is_new(seen):
            new = self._new_line(order, change, seen)
            if await requests.accept_new(self._database, new, actor, change.now):
                return _receipt(new)
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
            new = self._new_line(order, change, seen)
            if await requests.accept_new(connection, new, actor, change.now):
                return _receipt(new)
        return await self._rearrange(connection, order, change)

    def _new_line(self, order: Order, change: Change, seen: Seen | None = None) -> NewLine:
        """Name all that a new line brings with it; InvalidField when its gateway could not take its URL.

        What has been seen is used as it is; without a look everything is taken for new.
        """
        new = NewLine(
            request_id=change.id,
            association_id=new_id(change.now),
            write_id=new_id(change.now),
            batch_id=change.batch_id,
            key_id=self._seals.key_id,
            issued_at=issued(change.now),
            subscriber_id=None if seen is None else seen.subscriber_id,
            code=order.code,
            name=order.name,
            line=order.line,
            gateway=order.gateway,
            gateway_id=None if seen is None or seen.fitting != 1 else seen.named_id,
        )
        claims = PhanClaims(order.line.shown, new.association_id, 1, new.issued_at)
        kind = None if seen is None else seen.named_kind(order.gateway)
        self._seals.check(claims, order.code.shown, kind)
        return new

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
        row = RequestRow(change.id, holder.id, write_id, change.now, change.by or "", state)
        await requests.insert(connection, row, order.gateway)
        deed = Deed("request_accepted", holder.id, write_id, holder.subscriber_id, line.id, line.gateway_id)
        await change.audit(connection, deed)
        return Receipt(row.id, holder.id, write_id, state, created=True)


def _receipt(new: NewLine) -> Receipt:
    return Receipt(new.request_id, new.association_id, new.write_id, "queued", created=True)
