"""Subscribers: a name and a unique code."""

from dataclasses import dataclass
from datetime import datetime

from acs_bridge.domain.names import Text
from acs_bridge.errors import Conflict
from acs_bridge.store.database import Database, refusals
from acs_bridge.store.rows import Executor, common_page, indexed_pattern, listed, many, one, pattern, planned_anew
from acs_bridge.store.statements import load

_SQL = load("subscribers")


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A subscriber and how many lines are associated with it."""

    id: int
    code: str
    name: str
    created_at: datetime
    updated_at: datetime
    lines: int


async def insert(executor: Executor, code: Text, name: str, now: datetime) -> int | None:
    """Add a subscriber; None when the code is taken."""
    subscriber_id: int | None = await executor.fetchval(_SQL.insert, code.shown, code.key, name, now)
    return subscriber_id


async def find(executor: Executor, code_key: str) -> SubscriberRow | None:
    """Look a subscriber up by its code."""
    return await one(executor, SubscriberRow, _SQL.find, code_key)


async def page(
    database: Database,
    before: int | None,
    search: Text | None,
    associated: bool | None,  # noqa: FBT001 -- a filter, not a switch
    limit: int,
) -> list[SubscriberRow]:
    """Newest first; `search` is looked for in codes and names."""
    patterns = (pattern(search.key), pattern(search.shown)) if search else (None, None)
    args = (before, *patterns, associated, limit, indexed_pattern(search.shown) if search else None)
    if search or associated is not False:
        return await listed(database, SubscriberRow, _SQL.page, *args, None)
    async with planned_anew(database) as connection:
        common = await common_page(connection, SubscriberRow, _SQL, args, limit)
        if common is not None:
            return common
        few = await connection.fetchval(_SQL.without_line, before, limit)
        return await many(connection, SubscriberRow, _SQL.page, *args, few)


async def rename(executor: Executor, code_key: str, name: str, now: datetime) -> int | None:
    """Give a subscriber another name; None when there is none."""
    subscriber_id: int | None = await executor.fetchval(_SQL.rename, code_key, name, now)
    return subscriber_id


async def delete(executor: Executor, code: Text) -> int | None:
    """Erase a subscriber that has no line; None when there is none."""
    refused = Conflict(f"subscriber {code.shown} is associated with a line of service: end that association first")
    with refusals({"association_subscriber_needed": lambda: refused}):
        subscriber_id: int | None = await executor.fetchval(_SQL.delete, code.key)
    return subscriber_id
