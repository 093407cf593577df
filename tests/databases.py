"""The databases of the tests: copies of a template for what changes more than rows, and one that is lent for the rest.

A copy is hundreds of files. Whoever works on the daemon's role can change nothing but rows and sequences; so what such
a test leaves is taken back row by row, and the next one gets the same database. It gets the same connections too: most
of what a test costs Postgres is that new ones read the catalogues and plan everything anew.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg

from acs_bridge.store.database import Database

T = TypeVar("T")
TEMPLATE = "template_acs_bridge"
POOL_SIZE = 4
MOST_LOANS = 200
MOST_BYTES = 10 << 13
"""Postgres plans for a table that was never analyzed as if it had ten pages at least: only up to there is it as new."""

AS_IT_WAS = """
set session_replication_role = replica;  -- no trigger runs, and no foreign key is checked

create temp table counted as
  select format('%I.%I', schemaname, sequencename)::regclass as name, coalesce(last_value, start_value) as value,
         last_value is not null as is_called
  from pg_sequences;

-- Statements of a function are planned once.
create function pg_temp.put_back() returns bigint language plpgsql as $$
begin
  perform pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and state <> 'idle'
      and pid <> pg_backend_pid();
  perform pg_temp.put_rows_back();
  perform setval(counted.name, counted.value, counted.is_called) from counted
    where pg_sequence_last_value(counted.name) is distinct from case when counted.is_called then counted.value end;
  return (select max(pg_relation_size(oid)) from pg_class
          where relnamespace = 'public'::regnamespace and relkind = 'r');
end $$;

do $do$
declare
  each text;
  kept text;
  filled boolean;
  body text := '';
begin
  for each in
    select oid::regclass from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
  loop
    execute format('alter table %s set (autovacuum_enabled = false)', each);  -- what is planned for it stays as it is
    execute format('select exists (select from %s)', each) into filled;
    if filled then
      kept := format('%I', 'kept_' || each);
      execute format('create temp table %s as table %s', kept, each);
      body := body || format(
        'if exists ((table %1$s except all table %2$s) union all (table %2$s except all table %1$s)) then
           delete from %1$s; insert into %1$s overriding system value table %2$s;
         end if;', each, kept
      );
    else
      body := body || format('delete from %s;', each);
    end if;
  end loop;
  execute format(
    'create function pg_temp.put_rows_back() returns void language plpgsql as $body$ begin %s end $body$', body
  );
end $do$;
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """The server of this test run, by a pair of URLs whose database is put in by name."""

    runtime: str
    owner: str

    def runtime_url(self, database: str) -> str:
        return self.runtime.replace("@/acs_bridge?", f"@/{database}?")

    def owner_url(self, database: str = "postgres") -> str:
        return self.owner.replace("@/acs_bridge?", f"@/{database}?")


class Clerk:
    """Makes, lends and drops the databases of a worker's tests, on a loop and connections of its own.

    A connection for each test would cost a third of what a copy does.
    """

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._connection: asyncpg.Connection | None = None
        self._lent: Lent | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def execute(self, statement: str) -> None:
        """Run a statement there, and wait for it here."""
        await self._there(self._execute(statement))

    async def lend(self) -> str:
        """Name a migrated database; before the next test gets it, what this one did is taken back."""
        return await self._there(self._lend())

    async def take_back(self) -> bool:
        """Undo what was done to what is lent, and what may still be done; say whether it is as good as new."""
        return await self._there(self._take_back())

    async def discard(self) -> None:
        """Drop it; the next test gets a new one."""
        await self._there(self._discard())

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def _execute(self, statement: str) -> None:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._server.owner_url())
            await self._connection.execute(statement)

    async def _lend(self) -> str:
        if self._lent is None:
            name = f"test_{uuid4().hex}"
            await self._execute(f"create database {name} template {TEMPLATE} strategy file_copy")
            connection = await asyncpg.connect(self._server.owner_url(name))
            await connection.execute(AS_IT_WAS)
            self._lent = Lent(name, connection)
        self._lent.loans += 1
        return self._lent.name

    async def _take_back(self) -> bool:
        if self._lent is None:
            return True
        if self._lent.connection.is_closed():
            return False
        largest: int = await self._lent.connection.fetchval("select pg_temp.put_back()")
        return self._lent.loans < MOST_LOANS and largest <= MOST_BYTES

    async def _discard(self) -> None:
        if self._lent is not None:
            lent, self._lent = self._lent, None
            await lent.connection.close()
            await self._execute(f"drop database {lent.name} with (force)")

    async def _hang_up(self) -> None:
        await self._discard()
        if self._connection is not None:
            await self._connection.close()


@dataclass(slots=True)
class Lent:
    """The database that is lent, the owner's connection to it, and how often it was."""

    name: str
    connection: asyncpg.Connection
    loans: int = 0


class Standing:
    """The pool on the database that is lent: open for as long as that is."""

    def __init__(self) -> None:
        self._open = AsyncExitStack()
        self._url = ""
        self._pool: Database

    async def on(self, url: str) -> Database:
        """Give the pool."""
        if url != self._url:
            await self.close()
            self._pool = await self._open.enter_async_context(Database.connect(url, POOL_SIZE))
            self._url = url
        return self._pool

    async def rest(self) -> None:
        """Be ready for the next test: with none of the connections that this one has not given back."""
        if self._url and self._pool._pool._lent:
            await self.close()

    async def close(self) -> None:
        self._url = ""
        await self._open.aclose()


@cache
def clerk_of(server: Postgres) -> Clerk:
    """The clerk of this process, from when one is first needed."""
    return Clerk(server)


async def make_template(
    server: Postgres, name: str, source: str, fill: Callable[[asyncpg.Connection], Awaitable[None]]
) -> None:
    """Make a database that tests get copies of, once for the run: the first worker makes it, the others wait."""
    admin = await asyncpg.connect(server.owner_url())
    try:
        await admin.execute("select pg_advisory_lock(hashtext($1))", name)
        if not await admin.fetchval("select exists (select from pg_database where datname = $1)", name):
            unfinished = f"{name}_{uuid4().hex}"
            await admin.execute(f"create database {unfinished} template {source} strategy file_copy")
            connection = await asyncpg.connect(server.owner_url(unfinished))
            await fill(connection)
            await connection.close()
            await admin.execute(f"alter database {unfinished} rename to {name}")
    finally:
        await admin.close()


async def fresh_database(server: Postgres, template: str) -> AsyncIterator[str]:
    name, clerk = f"test_{uuid4().hex}", clerk_of(server)
    await clerk.execute(f"create database {name} template {template} strategy file_copy")
    yield name
    await clerk.execute(f"drop database {name} with (force)")
