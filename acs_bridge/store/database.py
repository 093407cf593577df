"""A pool of connections to Postgres, as thin as it can be.

It retries nothing (whether a statement may run twice is its caller's knowledge), builds no SQL, and keeps no state of a
connection between two uses. A connection that died is replaced when it is next needed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias, TypeVar

import asyncpg

from acs_bridge.errors import AcsBridgeError, Unavailable
from acs_bridge.store.pool import Connection, Pool

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 15.0
ANSWER_SECONDS = 20.0
"""How long we wait for an answer: longer than the server works on it, so that the server's own words arrive first."""
IDLE_TRANSACTION_SECONDS = 60.0
CACHED_STATEMENTS = 512
MILLISECONDS = 1000

SESSION_SETTINGS: Mapping[str, str] = {
    "application_name": "acs-bridge",
    "jit": "off",
    "statement_timeout": str(int(STATEMENT_SECONDS * MILLISECONDS)),
    "idle_in_transaction_session_timeout": str(int(IDLE_TRANSACTION_SECONDS * MILLISECONDS)),
}

PLAN_ONCE: Mapping[str, str] = {"plan_cache_mode": "force_generic_plan"}
"""For a pool of few, frequent statements: Postgres would plan some of them anew at every call, at many times the cost
of running them. Not for searches, whose best plan depends on what is searched for."""

Row = asyncpg.Record
T = TypeVar("T")


class DatabaseDown(Unavailable):
    """Postgres cannot be reached, refuses us, or does not answer in time."""

    title = "The database does not answer"


PooledConnection: TypeAlias = Connection

SERVER_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,  # the disk or memory is full, or no connection is left
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    ConnectionError,
    TimeoutError,
)
# OSError: a name that does not resolve, a socket that is not there. Not inside a transaction, where it may be a file's.
AWAY = (*SERVER_AWAY, OSError)


class Database:
    """Statements on a pool; every failure to reach Postgres is a DatabaseDown, every other error is asyncpg's."""

    __slots__ = ("_dial", "_pool", "_where")

    def __init__(self, pool: Pool, where: str, dial: Callable[[], Awaitable[Connection]]) -> None:
        """`where` names the server in errors and holds no secret; `dial` makes a connection beside the pool's."""
        self._dial = dial
        self._pool = pool
        self._where = where

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, pool_size: int = 8, *, plan_once: bool = False) -> AsyncIterator[Self]:
        """Open a pool that is closed on the way out; fails at once when the server is not there.

        `plan_once`: see PLAN_ONCE.
        """
        where = where_is(url)
        settings = {**SESSION_SETTINGS, **PLAN_ONCE} if plan_once else SESSION_SETTINGS

        def dial() -> Awaitable[Connection]:
            return _dial(url, settings)

        pool = Pool(dial, pool_size)
        with connecting(where):
            pool.give(await pool.take())
        try:
            yield cls(pool, where, dial)
        finally:
            await pool.close()

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Every row."""
        return await self._run(Connection.fetch, sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Run a statement that gives one row or none."""
        return await self._run(Connection.fetchrow, sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:  # noqa: ANN401 -- whatever the column holds
        """Run a statement for the first column of its first row, or None."""
        return await self._run(Connection.fetchval, sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement for its effect; gives Postgres' command tag, such as `UPDATE 1`."""
        return await self._run(Connection.execute, sql, *args)

    async def executemany(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run a statement once for each row, in one transaction."""
        await self._run(Connection.executemany, sql, rows)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PooledConnection]:
        """Several statements, all or none; the connection is the caller's until the block ends."""
        if (around := self._around()) is not None:
            async with whole(around.connection):
                yield around.connection
            return
        connection = await self._take()
        try:
            async with whole(connection):
                yield connection
        except BaseException as error:
            self._give_back_after(error, connection)
            raise
        self._pool.give(connection)

    @asynccontextmanager
    async def together(self) -> AsyncIterator[PooledConnection]:
        """One transaction of everything that the block asks of this database, also through others: all or none.

        What is a transaction for them can fail for itself and be tried again.
        """
        async with self.transaction() as connection:
            around = _Around(self, connection)
            token = _AROUND.set(around)
            try:
                yield connection
            finally:
                _AROUND.reset(token)
        for work in around.afterwards:
            await work()

    async def afterwards(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do what must see what was done so far as others see it: now, or when the `together` around us is over."""
        if (around := self._around()) is None:
            await work()
        else:
            around.afterwards.append(work)

    def _around(self) -> "_Around | None":
        around = _AROUND.get()
        return around if around is not None and around.database is self else None

    @asynccontextmanager
    async def listening(self, channel: str, hear: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
        """Call `hear` for every notice on a channel, on a connection of its own; gives what tells that it has ended."""
        with connecting(self._where):
            connection = await self._dial()
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            with connecting(self._where):
                await connection.add_listener(channel, lambda *_: hear())
            yield ended
        finally:
            connection.terminate()

    async def _run(self, method: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run one of asyncpg's methods on a connection of the pool."""
        if (around := self._around()) is not None:
            async with whole(around.connection):
                return await method(around.connection, *args)
        connection = await self._take()
        try:
            result = await method(connection, *args)
        except BaseException as error:
            self._give_back_after(error, connection)
            raise
        self._pool.give(connection)
        return result

    async def _take(self) -> Connection:
        try:
            return await self._pool.take()
        except AWAY as error:
            raise database_down(error, self._where) from error

    def _give_back_after(self, error: BaseException, connection: Connection) -> None:
        """Give a connection back after an error, and raise DatabaseDown when that is what the error means."""
        # asyncpg's own bug, as it says, is a connection whose end has been announced and has not arrived yet.
        at_its_end = isinstance(error, asyncpg.InternalClientError)
        down = at_its_end or isinstance(error, SERVER_AWAY)
        down |= isinstance(error, asyncpg.InterfaceError) and connection.is_closed()
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            self._pool.renew()  # the server became a standby: the next connection finds the new primary
        if at_its_end or isinstance(error, asyncio.CancelledError | TimeoutError):
            self._pool.drop(connection)  # its answer, or its end, is still to come
        else:
            self._pool.give(connection)
        if down:
            raise database_down(error, self._where) from error


@dataclass(slots=True)
class _Around:
    """The transaction that is around everything a task asks of a database."""

    database: Database
    connection: Connection
    afterwards: list[Callable[[], Awaitable[object]]] = field(default_factory=list)


_AROUND: ContextVar[_Around | None] = ContextVar("around", default=None)


@asynccontextmanager
async def whole(connection: Connection) -> AsyncIterator[None]:
    """Run a block as one transaction.

    asyncpg's own block would put "the connection is closed" in the place of the error that closed it.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    await transaction.commit()


@contextmanager
def connecting(where: str) -> Iterator[None]:
    """Turn whatever keeps us from connecting into a DatabaseDown."""
    try:
        yield
    except AWAY as error:
        raise database_down(error, where) from error
    except (ValueError, asyncpg.ClientConfigurationError):
        # The parser's own words may quote a part of the URL, and with it the password.
        raise DatabaseDown("database.url is not a URL of a Postgres database") from None


def database_down(error: BaseException, where: str) -> DatabaseDown:
    """One line for a person: where the database was looked for, and what came instead."""
    return DatabaseDown(f"the database ({where}) does not answer: {_reason(error)}")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError):
        return "the connection was lost"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next(iter(str(error).splitlines()), type(error).__name__)


def where_is(url: str) -> str:
    """Host and database of a URL, for a message: never its user, password or options."""
    if "password=" in url:
        return "as in database.url"
    place = url.partition("://")[2].rpartition("@")[2].partition("?")[0]
    return f"{place.removeprefix('/')} on a local socket" if place.startswith("/") else place


def constraint_error(error: BaseException) -> str | None:
    """Name the constraint that refused a row; None when the error is about something else."""
    return error.constraint_name if isinstance(error, asyncpg.PostgresError) else None


@contextmanager
def refusals(errors: Mapping[str, Callable[[], AcsBridgeError]]) -> Iterator[None]:
    """Turn the violation of a constraint that stands in `errors` into the caller's own words; let any other pass.

    The violation itself is dropped: its text quotes the row.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        words = errors.get(error.constraint_name or "")
        if words is None:
            raise
        raise words() from None


async def _dial(url: str, settings: Mapping[str, str]) -> Connection:
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=ANSWER_SECONDS,
        statement_cache_size=CACHED_STATEMENTS,
        max_cached_statement_lifetime=0,
        server_settings=dict(settings),
    )
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_to_json, decoder=json.loads)
    return connection


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
