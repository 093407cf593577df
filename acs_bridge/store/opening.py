"""How every command comes by its database: somebody's Postgres, or the embedded one.

The embedded one is brought to this version's schema by whoever starts it. Somebody's Postgres is never changed here,
only checked: that is for `acs-bridge migrate` (`migrate_database`) to do.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from acs_bridge.store.database import (
    CONNECT_SECONDS,
    SERVER_AWAY,
    Database,
    connecting,
    database_down,
    where_is,
)
from acs_bridge.store.embedded import DataDirInUse, EmbeddedPostgres, NotRunning
from acs_bridge.store.migrations import Migration, SchemaRefused, SchemaState, admit, migrate, schema_state
from acs_bridge.store.pool import Connection

STARTING_SECONDS = 60.0
"""How long a command waits for a server that another process is just starting, or ending."""
LOOK_SECONDS = 0.05
PATIENT: Mapping[str, str] = {"application_name": "acs-bridge migrate", "statement_timeout": "0", "lock_timeout": "0"}


@dataclass(frozen=True, slots=True)
class OpenPostgres:
    """A Postgres with a usable schema."""

    url: str
    """On the role that the daemon has; for pools in this process and in its workers."""
    embedded: EmbeddedPostgres | None
    """The server when it is ours: `serve` watches its `died()`."""


@asynccontextmanager
async def open_postgres(
    url: str | None, data_dir: Path, now: datetime, *, may_attach: bool
) -> AsyncIterator[OpenPostgres]:
    """Give a Postgres whose schema this version can use; an embedded one that we started ends on the way out.

    `may_attach`: use the embedded server of a running daemon when there is one. `serve` and `demo` own theirs and never
    do.
    """
    if url is not None:
        async with connection_to(url) as connection:
            (await schema_state(connection)).require_usable()
        yield OpenPostgres(url, None)
        return
    async with _embedded(data_dir, may_attach=may_attach) as server:
        await _bring_up(server, now)
        yield OpenPostgres(server.runtime_url, server)


@asynccontextmanager
async def open_database(
    url: str | None, data_dir: Path, pool_size: int, now: datetime, *, may_attach: bool
) -> AsyncIterator[Database]:
    """Give a pool on a Postgres opened by `open_postgres`."""
    async with (
        open_postgres(url, data_dir, now, may_attach=may_attach) as postgres,
        Database.connect(postgres.url, pool_size) as database,
    ):
        yield database


async def migrate_database(
    url: str | None, data_dir: Path, now: datetime, owner_url: str | None = None
) -> tuple[Migration, ...]:
    """Bring a database to this version's schema, beside a running daemon or without one; say what was run.

    With `owner_url` its role owns the tables, and the role of `url` is given what a daemon needs, and no more.
    """
    if url is not None:
        async with connection_to(owner_url or url) as connection:
            done = await migrate(connection, now)
            if owner_url is not None:
                await admit(connection, await _role_of(url))
            return done
    async with _embedded(data_dir, may_attach=True) as server, connection_to(server.owner_url) as connection:
        return await migrate(connection, now)


async def _role_of(url: str) -> str:
    async with connection_to(url) as connection:
        return str(await connection.fetchval("select current_user"))


@asynccontextmanager
async def connection_to(url: str) -> AsyncIterator[Connection]:
    """Give a connection without a pool and without limits on time: for migrations."""
    where = where_is(url)
    with connecting(where):
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=dict(PATIENT))
    try:
        yield connection
    except SERVER_AWAY as error:
        raise database_down(error, where) from error
    finally:
        await connection.close()


async def _bring_up(server: EmbeddedPostgres, now: datetime) -> None:
    """Migrate an embedded server, unless an older daemon is using it."""
    async with connection_to(server.owner_url) as connection:
        schema = await schema_state(connection)
        if schema.state is SchemaState.OLDER and not server.is_ours:
            raise SchemaRefused("an older daemon is running on this database: restart it with this version first")
        await migrate(connection, now)


@asynccontextmanager
async def _embedded(data_dir: Path, *, may_attach: bool) -> AsyncIterator[EmbeddedPostgres]:
    server = await _attach_or_start(data_dir) if may_attach else await EmbeddedPostgres.start(data_dir)
    try:
        yield server
    finally:
        await server.stop()


async def _attach_or_start(data_dir: Path) -> EmbeddedPostgres:
    """Use the server that runs, else start one; while another process is between the two, try again."""
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            return await EmbeddedPostgres.attach(data_dir)
        except NotRunning:
            pass
        try:
            return await EmbeddedPostgres.start(data_dir)
        except DataDirInUse:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_SECONDS)
