"""Devices: one row for each line of service, and which gateway it has or waits for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.names import Text
from acs_bridge.store import reports
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, common_page, indexed_pattern, listed, many, one, pattern, planned_anew
from acs_bridge.store.statements import load

_SQL = load("devices")


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A line of service as it is shown. A gateway without an id is wanted, and has not informed yet."""

    id: int
    line_of_service: str
    created_at: datetime
    updated_at: datetime
    gateway_id: int | None
    oui: str | None
    product_class: str | None
    serial_number: str | None
    last_inform_at: datetime | None
    association_id: UUID | None
    subscriber_code: str | None
    subscriber_name: str | None
    report_state: str | None
    reporting_since: datetime | None
    last_report_at: datetime | None
    awaited_oui: str | None
    awaited_product_class: str | None
    awaited_until: datetime | None  # it waits for the next gateway off the shelf until then


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which lines a list shows."""

    search: Text | None = None  # in lines of service
    associated: bool | None = None
    report_state: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of service that is locked until the transaction ends."""

    id: int
    line_of_service: str
    line_key: str
    gateway_id: int | None
    wanted_oui: str | None
    wanted_serial: str | None

    @property
    def wanted(self) -> Identity | None:
        """The box that this line waits for."""
        if self.wanted_oui is None or self.wanted_serial is None:
            return None
        return Identity(self.wanted_oui, self.wanted_serial)


async def insert(executor: Executor, line: Text, now: datetime) -> int | None:
    """Add a line of service; None when it is taken."""
    device_id: int | None = await executor.fetchval(_SQL.insert, line.shown, line.key, now)
    return device_id


async def find(executor: Executor, line_key: str, now: datetime) -> DeviceRow | None:
    """Look a line of service up."""
    return await one(executor, DeviceRow, _SQL.find, line_key, now)


async def page(
    database: Database, before: int | None, wanted: DeviceFilter, limit: int, now: datetime
) -> list[DeviceRow]:
    """Newest first."""
    state = wanted.report_state
    if state in reports.QUIET and wanted in (
        DeviceFilter(associated=each, report_state=state) for each in (None, True)
    ):
        found = await reports.quiet_lines(database, state, before, limit, now, by_line=True)
        return await many(database, DeviceRow, _SQL.these, [each.device_id for each in found], now)
    search = wanted.search and pattern(wanted.search.key)
    rare = wanted.search and indexed_pattern(wanted.search.shown)
    args = (before, now, search, wanted.associated, limit, wanted.report_state, rare)
    if wanted != DeviceFilter(associated=False):
        return await listed(database, DeviceRow, _SQL.page, *args, None)
    async with planned_anew(database) as connection:
        common = await common_page(connection, DeviceRow, _SQL, args, limit)
        if common is not None:
            return common
        few = await connection.fetchval(_SQL.with_nobody, before, limit)
        return await many(connection, DeviceRow, _SQL.page, *args, few)


async def lock(
    executor: Executor, line_key: str, gateway_id: int | None = None, wanted: Identity | None = None
) -> list[Line]:
    """Lock a line, and those that have or want a gateway, in the order of their ids."""
    oui, serial = (wanted.oui, wanted.serial_number) if wanted else (None, None)
    return await many(executor, Line, _SQL.lock, line_key, gateway_id, oui, serial)


async def lock_wanting(executor: Executor, gateway_id: int) -> Line | None:
    """Lock the line that waits for this gateway."""
    return await one(executor, Line, _SQL.wanting, gateway_id)


async def await_next(
    executor: Executor, line: Line, kind: tuple[str | None, str | None], until: datetime, now: datetime
) -> str | None:
    """Let a line wait for the next gateway of this OUI and product class (None: any), but the one that it had.

    Another line that could get the same one is given back, and nothing is changed.
    """
    await executor.execute(_SQL.alone_with_shelf)
    rival: str | None = await executor.fetchval(_SQL.rival, line.id, *kind, now)
    if rival is None:
        await executor.execute(_SQL.await_next, line.id, *kind, until, now, line.gateway_id)
    return rival


async def stop_waiting(executor: Executor, device_id: int) -> bool:
    """Let a line wait for the next gateway no more; false where it did not."""
    return await executor.fetchval(_SQL.stop_waiting, device_id) is not None


async def lock_awaiting(executor: Executor, gateway_id: int, now: datetime) -> Line | None:
    """Lock the line that waits for whichever gateway comes next, if this is one that it fits; the only such line."""
    found = await many(executor, Line, _SQL.awaiting, gateway_id, now)
    return found[0] if len(found) == 1 else None


async def lock_awaiting_for(executor: Executor, gateway_id: int, association_id: UUID, now: datetime) -> Line | None:
    """Lock the line of an association, if it waits for whichever gateway comes next."""
    return await one(executor, Line, _SQL.awaiting_for, gateway_id, association_id, now)


async def lock_having(executor: Executor, gateway_id: int) -> Line | None:
    """Lock the line that has this gateway."""
    return await one(executor, Line, _SQL.having, gateway_id)


async def bind(
    executor: Executor, device_id: int, gateway_id: int | None, wanted: Identity | None, now: datetime
) -> None:
    """Set the gateway of a line, or the one that it waits for, or neither."""
    oui, serial = (wanted.oui, wanted.serial_number) if wanted else (None, None)
    await executor.execute(_SQL.bind, device_id, gateway_id, oui, serial, now)


async def delete(executor: Executor, device_id: int, now: datetime) -> None:
    """Take a line away that nobody is associated with."""
    await executor.execute(_SQL.delete, device_id, now)
