"""One search over subscribers, lines of service and gateways, each by its own index, in a bounded time."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from acs_bridge.domain.search import Sought
from acs_bridge.store.database import Database, PooledConnection
from acs_bridge.store.rows import many, pattern
from acs_bridge.store.statements import load

_SQL = load("search")

KINDS: Final = ("subscriber", "device", "gateway")
_STATEMENTS: Final = dict(zip(KINDS, (_SQL.subscribers, _SQL.devices, _SQL.gateways), strict=True))
PATIENCE_MS: Final = 1000
"""How long Postgres looks for one kind. Only a text like 0000000, whose every part is common, takes so long."""
_ANYTHING: Final = "%"


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found. `place`: 0 it is what was typed, 1 it begins so, 2 it has that somewhere."""

    place: int
    id: int
    subscriber_code: str | None
    subscriber_name: str | None
    line_of_service: str | None
    lines: int | None  # of a subscriber
    first_lines: list[str] | None  # up to five of them
    gateway_id: int | None
    oui: str | None
    product_class: str | None
    serial_number: str | None


async def search(
    database: Database, sought: Sought, limit: int, patience_ms: int = PATIENCE_MS
) -> tuple[dict[str, list[Hit]], bool]:
    """Find up to so many of each kind, the best first; false: there may be others that would have taken too long."""
    found: dict[str, list[Hit]] = {}
    too_slow: set[str] = set()
    while left := [kind for kind in KINDS if kind not in found]:
        async with database.transaction() as connection:
            await connection.execute(_SQL.plan, str(patience_ms))
            for kind in left:
                indexed = sought.is_indexed and kind not in too_slow
                try:
                    found[kind] = await _kind(connection, kind, sought, limit, indexed=indexed)
                except asyncpg.QueryCanceledError:
                    if not indexed:
                        found[kind] = []
                    too_slow.add(kind)
                    break  # the transaction is over
    return found, not too_slow


async def _kind(connection: PooledConnection, kind: str, sought: Sought, limit: int, *, indexed: bool) -> list[Hit]:
    text, words = sought.text, sought.words
    patterns = [pattern(word) for word in words]
    arguments: list[object] = [text.key, patterns[0], list(words), limit, indexed]
    arguments.append(patterns[1] if len(words) > 1 else _ANYTHING)
    if kind == "gateway":
        arguments += [text.shown, text.shown.upper()]
    return await many(connection, Hit, _STATEMENTS[kind], *arguments)
