"""A pool of connections to Postgres, as thin as it can be.

It retries nothing (whether a statement may run twice is its caller's knowledge), builds no SQL, and keeps no state of a
connection between two uses. A connection that died is replaced when it is next needed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from acs_bridge.errors import AcsBridgeError, Unavailable

CONNECT_SECONDS = 10.0
STATEMENT_SECONDS = 15.0
ANSWER_SECONDS = 20.0
"""How long we wait for an answer: longer than the server works on it, so that the server's own words arrive first."""
IDLE_TRANSACTION_SECONDS = 60.0
CLOSE_SECONDS = 5.0
CACHED_STATEMENTS = 512
MOST_QUERIES = 10_000_000
"""After so many a connection is replaced, with all that it has prepared."""
MILLISECONDS = 1000

SESSION_SETTINGS: Mapping[str, str] = {
    "application_name": "acs-bridge",
    "jit": "off",
    "statement_timeout": str(int(STATEMENT_SECONDS * MILLISECONDS)),
    "idle_in_transaction_session_timeout": str(int(IDLE_TRANSACTION_SECONDS * MILLISECONDS)),
}

Row = asyncpg.Record


class DatabaseDown(Unavailable):
    """Postgres cannot be reached, refuses us, or does not answer in time."""

    title = "The database does not answer"


if TYPE_CHECKING:
    # The stubs make these generic; at run time they are not.
    AnyConnection = asyncpg.Connection[asyncpg.Record]
    PooledConnection = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    AnyConnection, PooledConnection, Pool = asyncpg.Connection, PoolConnectionProxy, asyncpg.Pool


class Connection(AnyConnection):
    """A connection that goes back into the pool as it is.

    asyncpg's default resets it with a round trip of its own after every use, which halves the pool's throughput.
    Nothing here changes a session's settings, takes a session's lock or listens on a pooled connection.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Reset nothing."""
        return ""


SERVER_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    ConnectionError,
    TimeoutError,
)
# OSError: a name that does not resolve, a socket that is not there. Not inside a transaction, where it may be a file's.
_AWAY = (*SERVER_AWAY, OSError)


class Database:
    """Statements on a pool; every failure to reach Postgres is a DatabaseDown, every other error is asyncpg's."""

    __slots__ = ("_pool", "_where")

    def __init__(self, pool: Pool, where: str) -> None:
        """`where` names the server in errors and holds no secret."""
        self._pool = pool
        self._where = where

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str, pool_size: int = 8) -> AsyncIterator[Self]:
        """Open a pool that is closed on the way out; fails at once when the server is not there."""
        where = where_is(url)
        with connecting(where):
            pool = await asyncpg.create_pool(
                url,
                init_size=1,  # fail at once when nobody is there
                min_size=0,  # but no task of asyncpg's own that dials and logs while the server is away
                max_queries=MOST_QUERIES,
                max_size=pool_size,
                max_inactive_connection_lifetime=0,
                connection_class=Connection,
                init=_set_codecs,
                timeout=CONNECT_SECONDS,
                command_timeout=ANSWER_SECONDS,
                statement_cache_size=CACHED_STATEMENTS,
                max_cached_statement_lifetime=0,
                server_settings=dict(SESSION_SETTINGS),
            )
        try:
            yield cls(pool, where)
        finally:
            await _close(pool)

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """Every row."""
        try:
            return await self._pool.fetch(sql, *args)
        except _AWAY as error:
            raise await self._down(error) from error

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """Run a statement that gives one row or none."""
        try:
            return await self._pool.fetchrow(sql, *args)
        except _AWAY as error:
            raise await self._down(error) from error

    async def fetchval(self, sql: str, *args: object) -> Any:  # noqa: ANN401 -- whatever the column holds
        """Run a statement for the first column of its first row, or None."""
        try:
            return await self._pool.fetchval(sql, *args)
        except _AWAY as error:
            raise await self._down(error) from error

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement for its effect; gives Postgres' command tag, such as `UPDATE 1`."""
        try:
            return await self._pool.execute(sql, *args)
        except _AWAY as error:
            raise await self._down(error) from error

    async def executemany(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Run a statement once for each row, in one transaction."""
        try:
            await self._pool.executemany(sql, rows)
        except _AWAY as error:
            raise await self._down(error) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PooledConnection]:
        """Several statements, all or none; the connection is the caller's until the block ends."""
        try:
            connection = await self._pool.acquire()
        except _AWAY as error:
            raise await self._down(error) from error
        try:
            async with whole(connection):
                yield connection
        except SERVER_AWAY as error:
            raise await self._down(error) from error
        except asyncpg.InterfaceError as error:
            if not _is_lost(connection):
                raise
            raise await self._down(error) from error
        finally:
            await self._pool.release(connection)

    async def _down(self, error: Exception) -> DatabaseDown:
        """Say what happened; after a switch-over leave the server that became a standby."""
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            await self._pool.expire_connections()
        return database_down(error, self._where)


@asynccontextmanager
async def whole(connection: PooledConnection | AnyConnection) -> AsyncIterator[None]:
    """Run a block as one transaction.

    asyncpg's own block would put "the connection is closed" in the place of the error that closed it.
    """
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    except BaseException:
        if not _is_lost(connection):
            await transaction.rollback()
        raise
    await transaction.commit()


def _is_lost(connection: PooledConnection | AnyConnection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # the pool took it away when it broke


@contextmanager
def connecting(where: str) -> Iterator[None]:
    """Turn whatever keeps us from connecting into a DatabaseDown."""
    try:
        yield
    except _AWAY as error:
        raise database_down(error, where) from error
    except (ValueError, asyncpg.ClientConfigurationError):
        # The parser's own words may quote a part of the URL, and with it the password.
        raise DatabaseDown("database.url is not a URL of a Postgres database") from None


def database_down(error: Exception, where: str) -> DatabaseDown:
    """One line for a person: where the database was looked for, and what came instead."""
    return DatabaseDown(f"the database ({where}) does not answer: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncpg.InterfaceError):
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


async def _set_codecs(connection: PooledConnection | AnyConnection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_to_json, decoder=json.loads)


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
