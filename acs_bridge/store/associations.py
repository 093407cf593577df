"""Associations: one subscriber with one line of service, from a time to a time, and the generation of its PHAN URL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.names import Text
from acs_bridge.domain.ring import LastRing, RingResult
from acs_bridge.store import reports
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, common_page, indexed_pattern, listed, many, one, pattern, planned_anew
from acs_bridge.store.statements import load

_SQL = load("associations")


@dataclass(frozen=True, slots=True)
class AssociationRow:
    """An association as it is shown. Without a subscriber: it is over, and the subscriber was erased since."""

    id: UUID
    subscriber_code: str | None
    subscriber_name: str | None
    line_of_service: str
    generation: int
    key_id: str
    issued_at: datetime
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    write_id: UUID | None
    write_state: str | None
    report_state: str | None
    reporting_since: datetime | None
    last_report_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a line."""

    id: UUID  # of the association
    subscriber_id: int
    subscriber_code: str
    generation: int


@dataclass(frozen=True, slots=True)
class NewAssociation:
    """An association and its first write, both still to be stored."""

    id: UUID
    subscriber_id: int
    device_id: int
    key_id: str
    issued_at: datetime
    write_id: UUID
    gateway_id: int | None
    batch_id: UUID


@dataclass(frozen=True, slots=True)
class Seal:
    """What the PHAN URL of an association is sealed from, and whom the audit trail names with it."""

    id: UUID
    line_of_service: str
    generation: int
    key_id: str
    issued_at: datetime
    subscriber_id: int | None
    device_id: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which URLs of an association count, by their generations, and the gateway that its line has, or waits for."""

    generations: range
    oui: str | None
    serial_number: str | None

    def fits(self, oui: str | None, serial_number: str | None) -> bool:
        """Whether this is that gateway, as far as it is named."""
        if self.oui is None or self.serial_number is None:
            return False
        named = oui is None or oui.strip().upper() == self.oui.upper()
        return named and (serial_number is None or serial_number.strip() == self.serial_number)


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a timeline. `source` and `n` keep those of one instant in order."""

    at: datetime
    source: int
    n: int
    event: str
    by: str | None
    write_id: UUID | None
    from_state: str | None
    to_state: str | None
    gateway_id: int | None
    fault: dict[str, object] | None
    cause: str | None  # why a write was queued
    ring_result: str | None
    ring_http_status: int | None

    @property
    def ring(self) -> str | None:
        """What came of a connection request, in words."""
        if self.ring_result is None:
            return None
        return LastRing(self.at, RingResult(self.ring_result), self.ring_http_status).words


@dataclass(frozen=True, slots=True)
class AssociationFilter:
    """Which associations a list shows."""

    active: bool | None = None
    search: Text | None = None
    code_key: str | None = None
    line_key: str | None = None
    report_state: str | None = None


async def insert(executor: Executor, new: NewAssociation, now: datetime, by: str) -> None:
    """Store an association together with its first write."""
    await executor.execute(
        _SQL.insert,
        new.id,
        new.subscriber_id,
        new.device_id,
        new.key_id,
        new.issued_at,
        now,
        by,
        new.write_id,
        new.gateway_id,
        new.batch_id,
    )


async def of_line(executor: Executor, device_id: int) -> Holder | None:
    """Say who has a line now."""
    return await one(executor, Holder, _SQL.of_line, device_id)


async def next_generation(
    executor: Executor, association_id: UUID, key_id: str, issued_at: datetime
) -> tuple[int, str]:
    """Start the next generation of an association that is not over; its number, and the key that seals it.

    That is the key which the database has as the current one, `key_id` where it knows of none.
    """
    ((generation, sealing),) = await executor.fetch(_SQL.next_generation, association_id, key_id, issued_at)
    return generation, sealing


async def turn(executor: Executor, association_id: UUID, issued_at: datetime) -> tuple[int, str] | None:
    """Start the next generation, under the current key, of an association that is sealed with a former one.

    The former URLs count until the new one is verified. None: it is sealed with the current key already.
    """
    row = await executor.fetchrow(_SQL.turn, association_id, issued_at)
    return None if row is None else (row["generation"], row["key_id"])


async def forget_former(executor: Executor, association_id: UUID) -> None:
    """Let only the newest URL of an association count."""
    await executor.execute(_SQL.forget_former, association_id)


async def settle_turned(executor: Executor, limit: int) -> int:
    """Let former URLs of lines count no more whose new one is verified; so many lines."""
    return len(await executor.fetch(_SQL.settle_turned, limit))


async def finish(executor: Executor, association_id: UUID, now: datetime, by: str) -> None:
    """End an association."""
    await executor.execute(_SQL.finish, association_id, now, by)


async def line_key_of(executor: Executor, association_id: UUID) -> str | None:
    """Say which line an association is about."""
    line_key: str | None = await executor.fetchval(_SQL.device_of, association_id)
    return line_key


async def find(executor: Executor, association_id: UUID, now: datetime) -> AssociationRow | None:
    """Look one association up."""
    return await one(executor, AssociationRow, _SQL.find, association_id, now)


async def page(
    database: Database, before: UUID | None, wanted: AssociationFilter, limit: int, now: datetime
) -> list[AssociationRow]:
    """Newest first."""
    state = wanted.report_state
    if state in reports.QUIET and wanted in (AssociationFilter(each, report_state=state) for each in (None, True)):
        quiet = await reports.quiet_lines(database, state, before, limit, now, by_line=False)
        return await many(database, AssociationRow, _SQL.these, [each.association_id for each in quiet], now)
    text = wanted.search
    patterns = (None, None) if text is None else (pattern(text.key), pattern(text.shown))
    args = (before, now, wanted.active, *patterns, wanted.code_key, wanted.line_key, limit, state)
    if text is None or wanted.code_key or wanted.line_key:
        return await listed(database, AssociationRow, _SQL.page, *args, None)
    async with planned_anew(database) as connection:
        common = await common_page(connection, AssociationRow, _SQL, args, limit)
        if common is not None:
            return common
        indexed = indexed_pattern(text.shown)
        rows = await connection.fetch(_SQL.with_text, before, now, wanted.active, *patterns, indexed, limit, state)
        return await many(connection, AssociationRow, _SQL.these, [row["id"] for row in rows], now)


async def of_lines(executor: Executor, line_keys: Sequence[str], now: datetime) -> list[AssociationRow]:
    """Find the associations of these lines that are not over."""
    return await many(executor, AssociationRow, _SQL.of_lines, list(line_keys), now)


async def timeline(
    executor: Executor, association_id: UUID, after: tuple[datetime, int, int] | None, limit: int
) -> list[Moment]:
    """Tell what happened, oldest first."""
    return await many(executor, Moment, _SQL.timeline, association_id, *(after or (None, None, None)), limit)


async def seal(executor: Executor, association_id: UUID) -> Seal | None:
    """Say what the PHAN URL of an association is sealed from."""
    return await one(executor, Seal, _SQL.seal, association_id)


async def lines_of(executor: Executor, ids: Iterable[UUID]) -> dict[UUID, tuple[str, int | None]]:
    """Give line and gateway of those associations that are not over."""
    rows = await executor.fetch(_SQL.lines_of, list(ids))
    return {row["id"]: (row["line_of_service"], row["gateway_id"]) for row in rows}


async def standing(executor: Executor, ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Say how those associations stand that are not over."""
    rows = await executor.fetch(_SQL.standing, list(ids))
    return {
        row["id"]: Standing(range(row["counts_from"], row["generation"] + 1), row["oui"], row["serial_number"])
        for row in rows
    }
