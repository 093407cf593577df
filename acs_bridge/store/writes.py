"""Writes as operators see and move them. What a session makes of a write is the sessions' affair.

From which states a write may be moved is not written here: every statement asks the database's own table of the law.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.profile import GatewayKind
from acs_bridge.domain.ring import LastRing
from acs_bridge.domain.write import Cause, Purpose, WriteState
from acs_bridge.errors import Conflict
from acs_bridge.store.database import Database, refusals
from acs_bridge.store.rings import last_ring
from acs_bridge.store.rows import Executor, common_page, listed, many, one, planned_anew
from acs_bridge.store.statements import load

_SQL = load("writes")


@dataclass(frozen=True, slots=True)
class WriteRow:
    """A write with everything that explains where it stands."""

    id: UUID
    purpose: str
    association_id: UUID | None
    line_of_service: str | None
    subscriber_code: str | None
    gateway_id: int | None
    oui: str | None
    product_class: str | None
    serial_number: str | None
    batch_id: UUID
    generation: int | None
    key_id: str | None
    state: str
    event: str
    moves: int
    attempts: int
    step: int
    created_at: datetime
    moved_at: datetime
    moved_by: str | None
    due_at: datetime
    finished_at: datetime | None
    lease_until: datetime | None
    fault: dict[str, object] | None
    proof: str | None
    profile: str | None
    plan: dict[str, object]
    cause: str
    written_from: datetime | None  # the day on which its gateway has had
    written_count: int | None  # so many requests of writes
    wanted_serial: str | None
    awaited_until: datetime | None  # its line waits for the next gateway off the shelf until then
    approved_at: datetime | None
    gateway_pair: str | None  # the credentials that its gateway is to have
    last_inform_at: datetime | None
    periodic_at: datetime | None
    periodic_seconds: float | None
    exposed: bool
    cloned: bool  # two boxes show its gateway's DeviceId
    root: str | None
    software_version: str | None
    braked: bool
    rung_at: datetime | None
    ring_result: str | None
    ring_http_status: int | None
    rings: int | None

    @property
    def kind(self) -> GatewayKind | None:
        """What profiles look at of its gateway; None before that has informed."""
        if self.oui is None or not self.root:
            return None
        return GatewayKind(self.root, self.oui, self.product_class or "", self.software_version or "")

    @property
    def last_ring(self) -> LastRing | None:
        """The newest connection request to the gateway; None when there was none."""
        return last_ring(self.rung_at, self.ring_result, self.ring_http_status, self.rings)


@dataclass(frozen=True, slots=True)
class NewWrite:
    """A write for an association, still to be stored; it takes the association's generation and key."""

    id: UUID
    purpose: Purpose
    association_id: UUID
    gateway_id: int | None
    batch_id: UUID
    cause: Cause
    look_first: bool = False  # the gateway may hold its value: it is read before it is written
    memory: Mapping[str, object] | None = None  # what it knows from the write that it undoes


@dataclass(frozen=True, slots=True)
class Undoable:
    """A write that somebody wants undone."""

    id: UUID
    purpose: str
    state: str
    association_id: UUID | None
    device_id: int | None
    line_key: str | None
    gateway_id: int | None
    memory: dict[str, object] | None
    overtaken: bool  # something newer went into its gateway, or waits to


@dataclass(frozen=True, slots=True)
class StandingWrite:
    """The provisioning of an association that counts now."""

    id: UUID
    state: str
    gateway_id: int | None
    held: bool  # its gateway shows a ParameterKey that says so


@dataclass(frozen=True, slots=True)
class TurnableWrite:
    """The provisioning of a line whose URL is to be sealed with another key."""

    id: UUID
    queued: bool
    under_way: bool  # it will settle, or move, by itself
    may_carry: bool  # it has not brought its URL: it may as well bring another one
    in_force: bool  # its gateway is believed to hold its URL
    undone: bool  # an operator has taken back what it brought


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What surrounds a write when an operator moves it."""

    device_id: int | None
    gateway_id: int | None
    line_key: str | None
    association_id: UUID | None
    subscriber_id: int | None
    purpose: str
    state: str
    association_ended: bool
    current: bool | None  # carries the current generation of its association, or the pair that its gateway is to have


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a gateway would be sent; without a write of its own it is what its association wants to see in it."""

    write_id: UUID | None
    purpose: str
    state: str | None
    association_id: UUID
    generation: int
    key_id: str
    plan: dict[str, object]
    issued_at: datetime
    line_of_service: str
    subscriber_code: str


@dataclass(frozen=True, slots=True)
class WriteFilter:
    """Which writes a list shows."""

    states: Collection[WriteState] | None = None
    line_key: str | None = None
    code_key: str | None = None
    batch_id: UUID | None = None
    gateway_id: int | None = None
    serial_number: str | None = None
    profile: str | None = None
    fault: str | None = None  # its code, else its text


async def insert(executor: Executor, new: NewWrite, now: datetime, by: str | None) -> None:
    """Queue a write."""
    await executor.execute(
        _SQL.insert,
        new.id,
        new.purpose,
        new.association_id,
        new.gateway_id,
        new.batch_id,
        now,
        by,
        new.cause,
        _plan_of(new),
    )


def _plan_of(new: NewWrite) -> dict[str, object]:
    plan: dict[str, object] = {"read_first": True} if new.look_first else {}
    return plan if new.memory is None else {**plan, "memory": dict(new.memory)}


async def undoable(executor: Executor, write_id: UUID) -> Undoable | None:
    """Say what decides whether a write can be undone."""
    return await one(executor, Undoable, _SQL.undoable, write_id)


async def standing(
    executor: Executor, association_id: UUID, gateway_id: int, key_of: UUID | None
) -> StandingWrite | None:
    """Look up the provisioning that counts now; `key_of` is the write that the gateway's ParameterKey names."""
    return await one(executor, StandingWrite, _SQL.standing, association_id, gateway_id, key_of)


async def turnable(executor: Executor, association_id: UUID) -> TurnableWrite | None:
    """Look up the provisioning that counts now, for a line whose URL is to be sealed with another key."""
    return await one(executor, TurnableWrite, _SQL.turnable, association_id)


async def carry_on(executor: Executor, write_id: UUID) -> None:
    """Let a write that no session knows carry the URL that its association has now."""
    await executor.execute(_SQL.carry_on, write_id)


async def hold(executor: Executor, association_id: UUID | None, gateway_ids: Iterable[int]) -> None:
    """Keep sessions from moving what is about to be rearranged, until the transaction ends."""
    await executor.execute(_SQL.hold, association_id, list(gateway_ids))


async def retarget(executor: Executor, association_id: UUID, gateway_id: int | None, now: datetime) -> UUID | None:
    """Send a write that has gone nowhere yet to another gateway; None when that is not possible any more."""
    write_id: UUID | None = await executor.fetchval(_SQL.retarget, association_id, gateway_id, now)
    return write_id


async def supersede(
    executor: Executor, association_id: UUID | None, gateway_id: int | None, now: datetime, by: str | None
) -> None:
    """Take away what a newer write of this association, or for this gateway, replaces."""
    await executor.execute(_SQL.supersede, association_id, gateway_id, now, by)


async def give_up(executor: Executor, association_id: UUID, now: datetime, by: str | None) -> None:
    """Cancel what an ended association still had waiting."""
    await executor.execute(_SQL.give_up, association_id, now, by)


async def to_be_cleared(executor: Executor, gateway_id: int) -> UUID | None:
    """Say which association's URL a gateway may still hold when it leaves its line."""
    association_id: UUID | None = await executor.fetchval(_SQL.to_be_cleared, gateway_id)
    return association_id


async def find(executor: Executor, write_id: UUID) -> WriteRow | None:
    """Look one write up."""
    return await one(executor, WriteRow, _SQL.find, write_id)


async def page(database: Database, before: UUID | None, wanted: WriteFilter, limit: int) -> list[WriteRow]:
    """Newest first."""
    args = (
        before,
        None if wanted.states is None else list(wanted.states),
        wanted.line_key,
        wanted.code_key,
        wanted.batch_id,
        wanted.gateway_id,
        wanted.serial_number,
        wanted.profile,
        wanted.fault,
        limit,
    )
    if wanted.fault is None or wanted != WriteFilter(fault=wanted.fault):
        return await listed(database, WriteRow, _SQL.page, *args, None)
    async with planned_anew(database) as connection:
        common = await common_page(connection, WriteRow, _SQL, args, limit)
        if common is not None:
            return common
        few = await connection.fetchval(_SQL.with_fault, before, wanted.fault, limit)
        return await many(connection, WriteRow, _SQL.page, *args, few)


async def context(executor: Executor, write_id: UUID) -> WriteContext | None:
    """Say what surrounds a write."""
    return await one(executor, WriteContext, _SQL.context, write_id)


async def outlook(executor: Executor, gateway_id: int) -> Outlook | None:
    """Say what a gateway would be sent; None where no line, or none with an association, has it."""
    return await one(executor, Outlook, _SQL.outlook, gateway_id)


async def retry(executor: Executor, write_id: UUID, now: datetime, by: str | None) -> bool:
    """Queue a write again; false when its state has no such way."""
    busy = Conflict("a newer write for the same line or the same gateway is under way: cancel it first")
    with refusals(
        {"write_line_busy": lambda: busy, "write_gateway_busy": lambda: busy, "write_credentials_busy": lambda: busy}
    ):
        return await executor.fetchval(_SQL.retry, write_id, now, by) is not None


async def cancel(executor: Executor, write_id: UUID, now: datetime, by: str | None) -> bool:
    """Take a write out of the queue; false when its state has no such way."""
    return await executor.fetchval(_SQL.cancel, write_id, now, by) is not None
