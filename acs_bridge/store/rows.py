"""What every subject of the store shares: where statements run, how rows become values, how a race is settled."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg

from acs_bridge.domain.search import LEAST_INDEXED, SEPARATORS
from acs_bridge.errors import Conflict
from acs_bridge.store.database import Database, PooledConnection, Row
from acs_bridge.store.statements import Statements, load

Executor: TypeAlias = Database | PooledConnection
T = TypeVar("T")
K = TypeVar("K", int, UUID)  # what a list is in the order of

NEWEST: Final = 1000
"""Among so many what is common is found without any index."""
WIDEST: Final = 20_000
"""Among more of them nothing is looked for that an index finds, too."""

_SQL = load("lists")
_ROUNDS = 6
_PARTS = re.compile(f"[!-~{re.escape(SEPARATORS)}]+")
_INDEXED = re.compile(f"[A-Za-z0-9]{{{LEAST_INDEXED},}}")
_NO_SEPARATORS = str.maketrans("", "", SEPARATORS)
_RACES = (
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)


class Contended(Conflict):
    """Others are changing the same records at this very moment; nothing was done, ask again."""

    title = "The same records are being changed by others at this moment: ask again"


def row_as(cls: type[T], row: Row) -> T:
    """Make a value whose fields are the columns of a row."""
    return cls(**dict(row))


async def one(executor: Executor, cls: type[T], sql: str, *args: object) -> T | None:
    """Run a statement that gives one row or none."""
    row = await executor.fetchrow(sql, *args)
    return None if row is None else row_as(cls, row)


async def many(executor: Executor, cls: type[T], sql: str, *args: object) -> list[T]:
    """Run a statement for all its rows."""
    return [row_as(cls, row) for row in await executor.fetch(sql, *args)]


@asynccontextmanager
async def planned_anew(database: Database) -> AsyncIterator[PooledConnection]:
    """Lend a connection that plans for what it is asked: for lists, where every filter may be there or not."""
    async with database.transaction() as connection:
        await connection.execute(_SQL.plan_anew)
        yield connection


async def listed(database: Database, cls: type[T], sql: str, *args: object) -> list[T]:
    """Run such a statement for all its rows."""
    async with planned_anew(database) as connection:
        return await many(connection, cls, sql, *args)


async def among_newest(
    newest: Callable[[int], Awaitable[list[K]]], read: Callable[[list[K]], Awaitable[list[T]]], limit: int
) -> list[T] | None:
    """Read a page of what is wanted out of the newest records, more of them where some are; None: there are few."""
    many = NEWEST
    while many <= WIDEST:
        ids = await newest(many)
        found = await read(ids)
        if len(found) == limit or len(ids) < many:
            return found
        many = max(2 * many, 2 * many * limit // len(found)) if found else WIDEST + 1
    return None


async def common_page(
    connection: PooledConnection, cls: type[T], sql: Statements, args: tuple[object, ...], limit: int
) -> list[T] | None:
    """Read a page so, by the statements `newest` and `page` of a list; `args` begin with where the page does."""
    return await among_newest(
        lambda most: connection.fetchval(sql.newest, args[0], most),
        lambda newest: many(connection, cls, sql.page, *args, newest),
        limit,
    )


async def decided(work: Callable[[], Awaitable[T]]) -> T:
    """Run what reads, decides and writes; when somebody else was quicker, let it read and decide again.

    Only work that leaves nothing behind when it fails may be run here: one statement, or one transaction.
    """
    for _ in range(_ROUNDS):
        try:
            return await work()
        except _RACES:
            continue
    raise Contended


async def in_transaction(database: Database, work: Callable[[PooledConnection], Awaitable[T]]) -> T:
    """Run one transaction, again when it lost a race."""

    async def once() -> T:
        async with database.transaction() as connection:
            return await work(connection)

    return await decided(once)


def indexed_pattern(search: str) -> str | None:
    """Make the LIKE pattern of what the indexes of trigrams know of a text; None: nothing. What has the text fits it.

    That is what is ASCII, whose letters have one lower case wherever they stand; no blanks, and no separators, which
    the indexes leave out.
    """
    parts = [part.translate(_NO_SEPARATORS).lower() for part in _PARTS.findall(search)]
    return f"%{'%'.join(map(_literal, parts))}%" if any(map(_INDEXED.search, parts)) else None


def pattern(search: str) -> str:
    """Make the LIKE pattern that finds this text anywhere; what means something to LIKE stands for itself."""
    return f"%{_literal(search)}%"


def _literal(text: str) -> str:
    for special in ("\\", "%", "_"):
        text = text.replace(special, f"\\{special}")
    return text
