"""One real Postgres for the whole test run, and a database of its own for each test that asks for one.

The process that runs the session starts the server: under pytest-xdist that is the controller, which tells the workers
where it is, so that a worker which dies takes nothing with it. The server ends with that process, however that ends.
"""

import asyncio
import fcntl
import gc
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import hypothesis
import pytest

from acs_bridge.store.database import Database
from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.migrations import migrate
from tests.order import heaviest_first

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

T = TypeVar("T")
TEMPLATE = "template_acs_bridge"
TEST_POOL_SIZE = 4
DATA_PREFIX = "acs-bridge-tests-"
ROOM_BYTES = 1 << 30
WORKER_INPUT = "postgres_urls"


class Clerk:
    """Makes and drops the databases of a worker's tests, on one connection and a loop of its own.

    A connection for each test would cost a third of what its copy does.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    async def execute(self, statement: str) -> None:
        """Run a statement there, and wait for it here."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._execute(statement), self._loop))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _execute(self, statement: str) -> None:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._url)
            await self._connection.execute(statement)

    async def _hang_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()


@dataclass(frozen=True, slots=True)
class Postgres:
    """The server of this test run, by a pair of URLs whose database is put in by name."""

    runtime: str
    owner: str

    def runtime_url(self, database: str) -> str:
        return self.runtime.replace("@/acs_bridge?", f"@/{database}?")

    def owner_url(self, database: str = "postgres") -> str:
        return self.owner.replace("@/acs_bridge?", f"@/{database}?")


@cache
def clerk_of(server: Postgres) -> Clerk:
    """The clerk of this process, from when one is first needed."""
    return Clerk(server.owner_url())


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run outside of any test's event loop, and leave no loop behind."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(coroutine)


def memory_or_disk() -> Path:
    """Choose where the server's files lie: copying a database costs a tenth of the time in memory."""
    memory = Path("/dev/shm")  # noqa: S108 -- mkdtemp makes a folder of its own in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_BYTES
    return memory if roomy else Path(tempfile.gettempdir())


def clear_away_what_was_killed(parent: Path) -> None:
    """Remove the folders of test runs that could not do it themselves: nobody holds their lock."""
    for lock in parent.glob(f"{DATA_PREFIX}*/lock"):
        with suppress(OSError), lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def start_server(config: pytest.Config) -> Postgres:
    parent = memory_or_disk()
    clear_away_what_was_killed(parent)
    data_dir = Path(tempfile.mkdtemp(prefix=DATA_PREFIX, dir=parent))
    config.add_cleanup(lambda: shutil.rmtree(data_dir, ignore_errors=True))
    server = run(EmbeddedPostgres.start(data_dir, fsync=False))
    config.add_cleanup(lambda: run(server.stop()))
    return Postgres(server.runtime_url, server.owner_url)


SERVER = pytest.StashKey[Postgres]()


def server_of(config: pytest.Config) -> Postgres:
    """Give the server of this process, and start it when it is first asked for."""
    if SERVER not in config.stash:
        config.stash[SERVER] = start_server(config)
    return config.stash[SERVER]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """As `-n auto`: two workers for each core, because tests that drive daemons and browsers mostly wait for them."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for no cycles while what stays is made, and never in it: a fifth of the time that collecting takes."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker of xdist begin with what takes longest."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    if workers > 1:
        items[:] = heaviest_first(items, workers)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the xdist controller, before each worker starts."""
    server = server_of(node.config)
    node.workerinput[WORKER_INPUT] = (server.runtime, server.owner)


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    given = getattr(request.config, "workerinput", {}).get(WORKER_INPUT)
    server = Postgres(*given) if given else server_of(request.config)
    run(make_template(server, TEMPLATE, "template1", migrated))
    yield server
    clerk_of(server).close()


async def migrated(connection: asyncpg.Connection) -> None:
    await migrate(connection, datetime.now(UTC))


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


@pytest.fixture
async def database_name(postgres: Postgres) -> AsyncIterator[str]:
    """A fresh, migrated database, dropped after the test."""
    async for name in fresh_database(postgres, TEMPLATE):
        yield name


@pytest.fixture
async def empty_database_name(postgres: Postgres) -> AsyncIterator[str]:
    """A fresh database without any table, dropped after the test."""
    async for name in fresh_database(postgres, "template1"):
        yield name


@pytest.fixture
def database_url(postgres: Postgres, database_name: str) -> str:
    """For what opens its own pool: the fresh database as the daemon sees it."""
    return postgres.runtime_url(database_name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, on the role that the daemon has."""
    async with Database.connect(database_url, pool_size=TEST_POOL_SIZE) as database:
        yield database


@pytest.fixture
async def owner(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    """The same database on the role that owns its tables: for ANALYZE and for what only a migration may do."""
    async with Database.connect(postgres.owner_url(database_name), pool_size=TEST_POOL_SIZE) as owner:
        yield owner


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder for large files that are soon gone: in memory where there is room, and no other account may look."""
    with tempfile.TemporaryDirectory(prefix="acs-bridge-tests-files-", dir=memory_or_disk()) as folder:
        yield Path(folder)


@dataclass
class SettableClock:
    """A Clock that stands still until it is told otherwise."""

    time: datetime

    def __call__(self) -> datetime:
        return self.time

    def set(self, time: datetime) -> None:
        self.time = time

    def advance(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time


@pytest.fixture
def now() -> datetime:
    """A fixed time, with microseconds, so that one which is cut off is noticed."""
    return datetime(2026, 3, 14, 15, 9, 26, 535897, UTC)


@pytest.fixture
def clock(now: datetime) -> SettableClock:
    """A clock that a test sets; it starts at `now`."""
    return SettableClock(now)
