"""The audit trail: append-only, in the same transaction as what it records, and chained a moment later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.audit_chain import BEGINNING, AuditRow
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, many, one, planned_anew
from acs_bridge.store.statements import load

_SQL = load("audit")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done, `noun_verbed`, and the records that it touched. Never a code, a name or a PHAN URL."""

    action: str
    association_id: UUID | None = None
    write_id: UUID | None = None
    subscriber_id: int | None = None
    device_id: int | None = None
    gateway_id: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


DAEMON: Final = "daemon"


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which deeds somebody wants to see; None: whatever it is."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    action: str | None = None
    address: str | None = None
    association_id: UUID | None = None
    subscriber_id: int | None = None
    device_id: int | None = None
    gateway_id: int | None = None


@dataclass(frozen=True, slots=True)
class SeenDeed:
    """One deed, and what the records that it names are called now; an erased subscriber is called nothing."""

    id: int
    at: datetime
    actor: str
    address: str
    action: str
    association_id: UUID | None
    write_id: UUID | None
    subscriber_id: int | None
    device_id: int | None
    gateway_id: int | None
    detail: dict[str, Any]
    subscriber_code: str | None
    line_of_service: str | None
    oui: str | None
    product_class: str | None
    serial_number: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain, and the hash there."""

    n: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """Up to where the chain was cut off, because everything there was older than `before`."""

    n: int
    hash: bytes
    before: datetime
    at: datetime

    @property
    def link(self) -> Link:
        """The last link that is gone."""
        return Link(self.n, self.hash)


@dataclass(frozen=True, slots=True)
class LinkedRow:
    """A link and the row that it was made of; None: that is gone."""

    link: Link
    audit_id: int
    row: AuditRow | None


async def record(executor: Executor, actor: Actor | None, now: datetime, deed: Deed) -> None:
    """Write one deed down; without an actor it was the daemon's own."""
    await executor.execute(
        _SQL.record,
        now,
        actor.label if actor else DAEMON,
        actor.address if actor else "",
        deed.action,
        deed.association_id,
        deed.write_id,
        deed.subscriber_id,
        deed.device_id,
        deed.gateway_id,
        dict(deed.detail),
    )


async def page(
    database: Database, before: tuple[datetime, int] | None, wanted: AuditFilter, limit: int
) -> list[SeenDeed]:
    """Newest first."""
    async with planned_anew(database) as connection:
        return await many(
            connection,
            SeenDeed,
            _SQL.page,
            *(before or (None, None)),
            wanted.since,
            wanted.until,
            wanted.actor,
            wanted.action,
            wanted.address,
            wanted.association_id,
            wanted.subscriber_id,
            wanted.device_id,
            wanted.gateway_id,
            limit,
        )


async def subscriber_of(executor: Executor, code_key: str) -> int | None:
    """Find the id that the trail names a subscriber by."""
    subscriber_id: int | None = await executor.fetchval(_SQL.subscriber_of, code_key)
    return subscriber_id


async def device_of(executor: Executor, line_key: str) -> int | None:
    """Find the id that the trail names a line of service by."""
    device_id: int | None = await executor.fetchval(_SQL.devices_of, line_key)
    return device_id


async def link_alone(executor: Executor) -> bool:
    """Have the chain alone until the transaction ends; false when somebody else has it."""
    return bool(await executor.fetchval(_SQL.link_alone))


async def take_fresh(executor: Executor, limit: int) -> None:
    """Take what single requests wrote down to the other rows, as many as are linked at a time."""
    await executor.execute(_SQL.take_fresh, limit)


async def take_unlinked(executor: Executor, limit: int) -> list[AuditRow]:
    """Take rows that are to be linked now, in their order."""
    return await many(executor, AuditRow, _SQL.unlinked, limit)


async def add_links(executor: Executor, links: Sequence[Link], rows: Sequence[AuditRow]) -> None:
    """Add to the chain."""
    await executor.execute(
        _SQL.add_links, [each.n for each in links], [row.id for row in rows], [each.hash for each in links]
    )


async def head(executor: Executor) -> Link:
    """Give the newest link."""
    return await one(executor, Link, _SQL.head) or Link(0, BEGINNING)


async def newest_cut(executor: Executor) -> Cut | None:
    """Say up to where the chain was cut off, if it was."""
    return await one(executor, Cut, _SQL.newest_cut)


async def awaiting(executor: Executor) -> int:
    """Count the rows that are not linked yet."""
    count: int = await executor.fetchval(_SQL.awaiting)
    return count


async def links(executor: Executor, after: int, limit: int) -> list[LinkedRow]:
    """Give the next links with their rows."""
    return [_linked(dict(row)) for row in await executor.fetch(_SQL.links, after, limit)]


def _linked(columns: dict[str, Any]) -> LinkedRow:
    found, audit_id = Link(columns.pop("n"), columns.pop("hash")), columns.pop("audit_id")
    return LinkedRow(found, audit_id, None if columns["id"] is None else AuditRow(**columns))


async def missing(database: Database) -> int | None:
    """Find a row that the chain does not have exactly once; reads the whole trail."""
    async with database.transaction() as connection:
        await connection.execute(_SQL.take_time)
        audit_id: int | None = await connection.fetchval(_SQL.missing)
    return audit_id


async def cut_off(executor: Executor, before: datetime) -> bool:
    """Cut off the beginning of the chain that is from before a time."""
    return bool(await executor.fetchval(_SQL.cut_off, before))


async def clear(executor: Executor, limit: int) -> int:
    """Delete what was cut off, a part of it; how many rows."""
    count: int = await executor.fetchval(_SQL.clear, limit)
    return count
