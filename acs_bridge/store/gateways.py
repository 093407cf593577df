"""Gateways: the boxes, as their Informs and our records know them. What an Inform changes is the sessions' affair."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acs_bridge.domain.names import Text
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.domain.ring import LastRing
from acs_bridge.store.database import Database, PooledConnection
from acs_bridge.store.rings import last_ring
from acs_bridge.store.rows import (
    Executor,
    common_page,
    indexed_pattern,
    listed,
    many,
    one,
    pattern,
    planned_anew,
    row_as,
)
from acs_bridge.store.statements import load

_SQL = load("gateways")

_FEW: Final = 20_000
"""So many that may have a text are looked at; where there are more, the list is read until a page is full."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How a box is named; without a product class it is the one gateway with that OUI and serial number."""

    oui: str
    serial_number: str
    product_class: str | None = None

    def __str__(self) -> str:
        """Spell the identity as TR-069 does."""
        return "-".join(part for part in (self.oui, self.product_class, self.serial_number) if part)


@dataclass(frozen=True, slots=True)
class FittingGateway:
    """A gateway that an identity fits, and the line that has it."""

    id: int
    line_key: str | None


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway, all that is known of it."""

    id: int
    oui: str
    product_class: str
    serial_number: str
    manufacturer: str
    hardware_version: str
    software_version: str
    root: str
    provisioning_code: str
    profile: str | None
    address: str
    events: list[str]
    created_at: datetime
    approved_at: datetime | None
    approved_by: str | None
    first_inform_at: datetime | None
    last_inform_at: datetime | None
    booted_at: datetime | None
    periodic_at: datetime | None
    periodic_seconds: float | None
    line_of_service: str | None
    pair: str  # the credentials that it is to have
    quarantine: list[dict[str, object]]  # calls in its name that were kept out
    candidacy: dict[str, object] | None  # the line that it may be for, where it has none, and why
    rung_at: datetime | None
    ring_result: str | None
    ring_http_status: int | None
    rings: int | None

    @property
    def last_ring(self) -> LastRing | None:
        """The newest connection request to the gateway; None when there was none."""
        return last_ring(self.rung_at, self.ring_result, self.ring_http_status, self.rings)


@dataclass(frozen=True, slots=True)
class GatewayFilter:
    """Which gateways are wanted; None: whether or not."""

    unclaimed: bool | None = None  # bound to no line of service
    quarantined: bool | None = None  # in whose name calls were kept out
    approved: bool | None = None
    informed: bool = True  # false: those that have not yet


async def claim(executor: Executor, identity: Identity) -> None:
    """Decide alone about the boxes with this OUI and serial number, until the transaction ends."""
    await executor.execute(_SQL.claim, identity.oui, identity.serial_number)


async def ensure(executor: Executor, identity: Identity, now: datetime) -> int | None:
    """Record a gateway; its id when it is new."""
    gateway_id: int | None = await executor.fetchval(
        _SQL.ensure, identity.oui, identity.product_class, identity.serial_number, now
    )
    return gateway_id


async def fitting(executor: Executor, identity: Identity) -> list[FittingGateway]:
    """Find the gateways that an identity fits, a few at most."""
    return await many(
        executor, FittingGateway, _SQL.fitting, identity.oui, identity.serial_number, identity.product_class
    )


async def ending(
    executor: Executor, suffix: str, oui: str | None, product_class: str | None
) -> list[tuple[int, Identity]]:
    """Find gateways that no line has by the end of their serial number, a few at most, newest first."""
    rows = await executor.fetch(_SQL.ending, suffix, oui, product_class)
    return [(row["id"], Identity(row["oui"], row["serial_number"], row["product_class"])) for row in rows]


async def newcomers(
    executor: Executor, since: datetime, oui: str | None, product_class: str | None
) -> list[tuple[int, Identity]]:
    """Find gateways that came for the first time since then and that are nobody's, a few at most, newest first."""
    rows = await executor.fetch(_SQL.newcomers, since, oui, product_class)
    return [(row["id"], Identity(row["oui"], row["serial_number"], row["product_class"])) for row in rows]


async def take_in_stock(executor: Executor, identity: Identity, now: datetime) -> tuple[int, bool]:
    """Record a gateway that somebody has, seen or not; its id, and whether it is new."""
    row = await executor.fetchrow(_SQL.take_in_stock, identity.oui, identity.product_class, identity.serial_number, now)
    if row is None:
        raise RuntimeError("a gateway that is recorded has a row")
    return row["id"], row["is_new"]


async def find(executor: Executor, gateway_id: int) -> GatewayRow | None:
    """Look one gateway up."""
    return await one(executor, GatewayRow, _SQL.find, gateway_id)


async def namesakes(executor: Executor, gateway_id: int) -> list[GatewayRow]:
    """Those on no line that may be this box, which informs under another OUI or product class now; a few at most."""
    return await many(executor, GatewayRow, _SQL.namesakes, gateway_id)


async def page(
    database: Database, before: int | None, search: Text | None, wanted: GatewayFilter, limit: int
) -> list[GatewayRow]:
    """Those that are wanted, newest first."""
    text = (None, None) if search is None else (pattern(search.shown), pattern(search.key))
    args = (before, wanted.informed, wanted.unclaimed, wanted.quarantined, wanted.approved, limit, *text)
    if search is None and not (wanted.unclaimed or wanted.quarantined):
        return await listed(database, GatewayRow, _SQL.page, *args, None)
    async with planned_anew(database) as connection:
        common = await common_page(connection, GatewayRow, _SQL, args, limit)
        if common is not None:
            return common
        few = await _few(connection, before, search, wanted, limit)
        return await many(connection, GatewayRow, _SQL.page, *args, few)


async def _few(
    connection: PooledConnection, before: int | None, search: Text | None, wanted: GatewayFilter, limit: int
) -> list[int] | None:
    """Find by index which gateways may be wanted that are not common among the newest; None: many, or any."""
    if wanted.quarantined:
        return await _ids(connection, _SQL.in_quarantine, before)
    if wanted.unclaimed:
        most = limit if search is None else _FEW
        few = await _ids(connection, _SQL.on_no_line, before, wanted.informed, wanted.approved, most)
        if search is None or len(few) < _FEW:
            return few
    return None if search is None else await _with_text(connection, before, search, wanted, limit)


async def _ids(connection: PooledConnection, sql: str, *args: object) -> list[int]:
    ids: list[int] = await connection.fetchval(sql, *args)
    return ids


async def _with_text(
    connection: PooledConnection, before: int | None, search: Text, wanted: GatewayFilter, limit: int
) -> list[int] | None:
    """Those that may have a text; None: many, or any."""
    if (indexed := indexed_pattern(search.shown)) is None:
        return None
    enough = limit if wanted == GatewayFilter(informed=wanted.informed) else None
    few = await _ids(connection, _SQL.named, before, wanted.informed, pattern(search.shown), indexed, enough, _FEW + 1)
    return few if len(few) <= _FEW else None


async def approve(executor: Executor, gateway_id: int, now: datetime, by: str) -> bool:
    """Approve a gateway; false when it is approved already."""
    return await executor.fetchval(_SQL.approve, gateway_id, now, by) is not None


async def provisioning_code(executor: Executor, gateway_id: int) -> str | None:
    """Say which DeviceInfo.ProvisioningCode a gateway showed last."""
    code: str | None = await executor.fetchval(_SQL.provisioning_code, gateway_id)
    return code


async def doubt(executor: Executor, gateway_id: int) -> None:
    """Compare what a gateway shows with nothing any more, until a value is proven to be in it again."""
    await executor.execute(_SQL.doubt, gateway_id)


async def kind(executor: Executor, gateway_id: int) -> GatewayKind | None:
    """Say what profiles match this gateway by; None before its first Inform."""
    row = await executor.fetchrow(_SQL.kind, gateway_id)
    return row_as(GatewayKind, row) if row is not None and row["root"] else None


async def kinds(executor: Executor) -> list[GatewayKind]:
    """Every kind of gateway on record, once."""
    return await many(executor, GatewayKind, _SQL.kinds)


async def longest_line(executor: Executor) -> str | None:
    """The line of service with an association that makes the longest PHAN URL; None while there is none."""
    line: str | None = await executor.fetchval(_SQL.longest_line)
    return line
