"""How a command comes by its database."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from acs_bridge.errors import Unavailable
from acs_bridge.store import migrations
from acs_bridge.store.database import DatabaseDown
from acs_bridge.store.embedded import DataDirInUse, EmbeddedPostgres, NotRunning
from acs_bridge.store.migrations import SchemaRefused
from acs_bridge.store.opening import migrate_database, open_database, open_postgres

POOL_SIZE = 2


@pytest.fixture(scope="session")
def made_folder(memory):
    """A data folder with an empty database; its server was stopped."""
    folder = memory / "opening"

    async def make():
        await (await EmbeddedPostgres.start(folder, fsync=False)).stop()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(make())
    return folder


@pytest.fixture
def folder(made_folder):
    return made_folder


@pytest.fixture
def url(postgres, empty_database_name):
    """Somebody's Postgres: one role for everything."""
    return postgres.owner_url(empty_database_name)


@pytest.fixture
def opened(url, tmp_path, now):
    return open_database(url, tmp_path / "never", POOL_SIZE, now, may_attach=True)


async def test_somebodys_postgres_is_not_migrated_but_named_to_the_command_that_does(opened, url):
    with pytest.raises(SchemaRefused, match="run acs-bridge migrate"):
        async with opened:
            pass
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("select to_regclass('subscriber')") is None
    await connection.close()


async def test_somebodys_postgres_is_used_once_it_is_migrated(opened, url, tmp_path, now):
    assert [step.version for step in await migrate_database(url, tmp_path / "never", now)][:1] == [1]
    assert await migrate_database(url, tmp_path / "never", now) == ()
    async with opened as database:
        assert await database.fetchval("select count(*) from subscriber") == 0
    assert not (tmp_path / "never").exists()


async def test_a_postgres_that_is_away_is_one_line(tmp_path, now):
    url = f"postgresql://daemon:secret@/acs?host={tmp_path}"
    for attempt in (
        migrate_database(url, tmp_path, now),
        open_database(url, tmp_path, 1, now, may_attach=True).__aenter__(),
    ):
        with pytest.raises(DatabaseDown, match="acs on a local socket"):
            await attempt


async def test_a_migration_whose_server_goes_away_is_one_line(url, tmp_path, now, monkeypatch):
    step = migrations.Migration(1, "cut", "x", "0.1.0", "select pg_terminate_backend(pg_backend_pid())")
    monkeypatch.setattr(migrations, "_ours", lambda: (step,))
    with pytest.raises(Unavailable):
        await migrate_database(url, tmp_path, now)


async def test_the_embedded_postgres_is_started_migrated_and_ended(folder, now):
    async with open_database(None, folder, POOL_SIZE, now, may_attach=False) as database:
        assert await database.fetchval("select count(*) from subscriber") == 0
        assert await database.fetchval("select current_user") == "acs_bridge"
    with pytest.raises(NotRunning):
        await EmbeddedPostgres.attach(folder)


async def test_a_command_works_beside_the_one_that_owns_the_server(folder, now):
    async with open_postgres(None, folder, now, may_attach=False) as owned:
        async with open_postgres(None, folder, now, may_attach=True) as attached:
            assert attached.url == owned.url
            assert attached.embedded is not None
            assert not attached.embedded.is_ours
        assert await migrate_database(None, folder, now) == ()
        async with open_database(None, folder, POOL_SIZE, now, may_attach=True) as database:
            assert await database.fetchval("select 1") == 1


async def test_a_daemon_never_attaches(folder, now):
    async with open_postgres(None, folder, now, may_attach=False):
        with pytest.raises(DataDirInUse):
            async with open_postgres(None, folder, now, may_attach=False):
                pass


async def test_a_command_that_comes_while_the_server_starts_waits_for_it(folder, now):
    """Both find nothing running; one gets the folder, and the other attaches when it serves."""
    both_open = asyncio.Barrier(2)

    async def command():
        async with open_postgres(None, folder, now, may_attach=True) as postgres:
            await both_open.wait()
            ours = bool(postgres.embedded and postgres.embedded.is_ours)
            await both_open.wait()
            return ours

    assert sorted(await asyncio.gather(command(), command())) == [False, True]


async def test_the_schema_of_a_running_older_daemon_is_not_changed_under_it(folder, now, monkeypatch):
    async with open_postgres(None, folder, now, may_attach=False):
        ours = migrations._ours()
        newer = (*ours, replace(ours[-1], version=len(ours) + 1, name="newer", checksum="x", sql="select 1"))
        with monkeypatch.context() as upgraded:
            upgraded.setattr(migrations, "_ours", lambda: newer)
            with pytest.raises(SchemaRefused, match="an older daemon is running"):
                async with open_postgres(None, folder, now, may_attach=True):
                    pass
