"""One real Postgres for the whole test run, and a database for each test that asks for one.

The process that runs the session starts the server: under pytest-xdist that is the controller, which tells the workers
where it is, so that a worker which dies takes nothing with it. The server ends with that process, however that ends.

All tests of a worker share a loop, and most of them a database (tests/databases.py), with its connections.
"""

import asyncio
import fcntl
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import hypothesis
import pytest

from acs_bridge.store.database import Database
from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.migrations import migrate
from tests.databases import POOL_SIZE, TEMPLATE, Postgres, Standing, clerk_of, fresh_database, make_template
from tests.order import heaviest_first

# How long an example takes says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

T = TypeVar("T")
DATA_PREFIX = "acs-bridge-tests-"
ROOM_BYTES = 1 << 30
WORKER_INPUT = "postgres_urls"


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
LOOP = pytest.StashKey[asyncio.AbstractEventLoop]()


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


@pytest.fixture(scope="session", autouse=True)
async def loop(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The loop of all tests, for what comes after each."""
    request.config.stash[LOOP] = asyncio.get_running_loop()
    yield
    del request.config.stash[LOOP]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End what a test has left running, as the end of a loop of its own would. A browser goes on between tests."""
    loop = item.config.stash.get(LOOP, None)
    before = asyncio.all_tasks(loop) if loop else set()
    try:
        return (yield)
    finally:
        if loop and "has_browser" not in getattr(item, "fixturenames", ()):
            end_tasks(loop, asyncio.all_tasks(loop) - before)


def end_tasks(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    given = getattr(request.config, "workerinput", {}).get(WORKER_INPUT)
    server = Postgres(*given) if given else server_of(request.config)
    run(make_template(server, TEMPLATE, "template1", migrated))
    yield server
    clerk_of(server).close()


async def migrated(connection: asyncpg.Connection) -> None:
    await migrate(connection, datetime.now(UTC))


@pytest.fixture
async def database_name(postgres: Postgres) -> AsyncIterator[str]:
    """A fresh, migrated database, dropped after the test: for what may do more to it than change rows."""
    async for name in fresh_database(postgres, TEMPLATE):
        yield name


@pytest.fixture(scope="session")
async def standing(postgres: Postgres) -> AsyncIterator[Standing]:
    """The connections to the database that is lent."""
    standing = Standing()
    yield standing
    await standing.close()


@pytest.fixture
async def lent_database_name(postgres: Postgres, standing: Standing) -> str:
    """A migrated database that is as good as fresh, for what has only the daemon's role."""
    clerk = clerk_of(postgres)
    await standing.rest()
    if not await clerk.take_back():
        await standing.close()
        await clerk.discard()
    return await clerk.lend()


@pytest.fixture
async def empty_database_name(postgres: Postgres) -> AsyncIterator[str]:
    """A fresh database without any table, dropped after the test."""
    async for name in fresh_database(postgres, "template1"):
        yield name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, postgres: Postgres) -> str:
    """For what opens its own pool: the database of this test as the daemon sees it."""
    own = "database_name" in request.fixturenames
    name: str = request.getfixturevalue("database_name" if own else "lent_database_name")
    return postgres.runtime_url(name)


@pytest.fixture
async def database(request: pytest.FixtureRequest, database_url: str, standing: Standing) -> AsyncIterator[Database]:
    """A fresh, migrated database, on the role that the daemon has."""
    if "database_name" in request.fixturenames:
        async with Database.connect(database_url, POOL_SIZE) as database:
            yield database
    else:
        yield await standing.on(database_url)


@pytest.fixture
async def owner(postgres: Postgres, database_name: str) -> AsyncIterator[Database]:
    """The same database on the role that owns its tables: for ANALYZE and for what only a migration may do."""
    async with Database.connect(postgres.owner_url(database_name), pool_size=POOL_SIZE) as owner:
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
