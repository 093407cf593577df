"""A write taken back: its gateway gets again what it held before, as far as that was read and kept.

That is another write, which clears: what we added is removed, and every value that was kept is written again; of one
that was not kept (a PHAN URL of ours, which counts no more), the profile's `clear`. The association stays; nothing
writes its URL again by itself, until it is issued anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.write import Cause, Purpose, WriteState
from acs_bridge.errors import AcsBridgeError, Conflict, NotFound
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask
from acs_bridge.services.queue.writes import WriteQuestion, Writes
from acs_bridge.services.records import lines
from acs_bridge.store import associations, writes
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.writes import NewWrite, Undoable

_DONE = frozenset((WriteState.APPLIED, WriteState.STAGED, WriteState.VERIFIED, WriteState.FAILED))


@dataclass(frozen=True, slots=True)
class Refused:
    """A write of a batch that cannot be undone, and why."""

    write_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class BatchUndone:
    """What became of one page of a batch."""

    queued: Sequence[UUID]  # the writes that undo
    refused: Sequence[Refused]
    next: str | None  # the cursor of the page after this one


class Undo:
    """Takes writes back."""

    def __init__(self, database: Database, clock: Clock, all_writes: Writes) -> None:
        self._database = database
        self._clock = clock
        self._writes = all_writes

    async def write(self, write_id: UUID, actor: Actor, batch_id: UUID | None = None) -> UUID:
        """Queue the write that undoes this one; its id. Conflict says why it cannot be undone."""
        change = Change.of(actor, self._clock(), batch_id)

        async def work(connection: Executor) -> UUID:
            found = await writes.undoable(connection, write_id)
            if found is None:
                raise NotFound("there is no such write")
            if found.line_key is not None:
                await lines.take(connection, found.line_key, None)
                found = await writes.undoable(connection, write_id) or found
            return await _undo(connection, found, change)

        return await in_transaction(self._database, work)

    async def batch(self, batch_id: UUID, ask: Ask, actor: Actor) -> BatchUndone:
        """Undo one page of a batch, newest first; what cannot be undone is named, and stops nothing."""
        page = await self._writes.page(ask, WriteQuestion(batch_id=batch_id))
        batch, queued, refused = new_id(self._clock()), list[UUID](), list[Refused]()
        for seen in page.items:
            try:
                queued.append(await self.write(seen.row.id, actor, batch))
            except AcsBridgeError as error:
                refused.append(Refused(seen.row.id, str(error)))
        return BatchUndone(queued, refused, page.next)


async def _undo(connection: Executor, found: Undoable, change: Change) -> UUID:
    if found.gateway_id is None or found.association_id is None or found.purpose != Purpose.PROVISION:
        raise Conflict("only a write that has brought a PHAN URL to a gateway can be undone")
    if WriteState(found.state) not in _DONE:
        raise Conflict(f"this write is {found.state}: only one that the gateway took can be undone")
    if found.overtaken:
        raise Conflict("something newer has been written into this gateway since, or waits to be")
    memory = found.memory or {}
    if not memory.get("former") and not memory.get("added"):
        raise Conflict(
            "what the gateway held before was not read: its profile has to say read_former = true before it is written"
        )
    holder = None
    if found.device_id is not None:
        holder = await associations.of_line(connection, found.device_id)
    await lines.hold(connection, holder, [found.gateway_id])
    await writes.supersede(connection, found.association_id, found.gateway_id, change.now, change.by)
    kept: dict[str, object] = {name: memory[name] for name in ("former", "instance", "added") if name in memory}
    new = NewWrite(
        new_id(change.now),
        Purpose.CLEAR,
        found.association_id,
        found.gateway_id,
        change.batch_id,
        Cause.UNDONE,
        memory={**kept, "undoes": str(found.id)},
    )
    await writes.insert(connection, new, change.now, change.by)
    deed = Deed("write_undone", found.association_id, found.id, device_id=found.device_id, gateway_id=found.gateway_id)
    await change.audit(connection, deed)
    return new.id
