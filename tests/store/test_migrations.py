import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import pytest

import acs_bridge
from acs_bridge.store.migrations import (
    LOCK,
    BrokenMigration,
    SchemaRefused,
    SchemaState,
    migrate,
    migrations_folder,
    read_migrations,
    schema_state,
)

CHECKOUT = Path(__file__).parents[2]

FIRST = "-- oldest daemon: 0.1.0\ncreate table one (id integer);\n"
SECOND = "-- oldest daemon: 0.1.0\ncreate table two (id integer);\ninsert into two values (2);\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "0001_one.sql").write_text(FIRST)
    (tmp_path / "0002_two.sql").write_text(SECOND)
    return tmp_path


@pytest.fixture
def ours(folder):
    return read_migrations(folder)


@pytest.fixture
async def connect(postgres, empty_database_name):
    connections = []

    async def connect():
        connections.append(await asyncpg.connect(postgres.owner_url(empty_database_name)))
        return connections[-1]

    yield connect
    for connection in connections:
        await connection.close()


@pytest.fixture
async def connection(connect):
    return await connect()


async def tables(connection):
    rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [row["tablename"] for row in rows]


async def test_an_empty_database_is_brought_to_this_version_in_order(connection, ours, now):
    assert [str(done) for done in await migrate(connection, now, ours)] == ["0001_one", "0002_two"]
    assert await tables(connection) == ["one", "schema_migration", "two"]
    rows = await connection.fetch("select version, name, oldest_daemon, applied_at from schema_migration order by 1")
    assert [tuple(row) for row in rows] == [(1, "one", "0.1.0", now), (2, "two", "0.1.0", now)]


async def test_migrating_again_does_nothing(connection, ours, now):
    await migrate(connection, now, ours)
    assert await migrate(connection, now, ours) == ()


async def test_an_older_database_gets_only_what_it_lacks(connection, ours, now):
    await migrate(connection, now, ours[:1])
    assert [str(done) for done in await migrate(connection, now, ours)] == ["0002_two"]


async def test_two_starters_migrate_once(connect, ours, now):
    connections = [await connect() for _ in range(4)]
    done = await asyncio.gather(*(migrate(connection, now, ours) for connection in connections))
    assert sorted(map(len, done)) == [0, 0, 0, 2]
    assert await connections[0].fetchval("select count(*) from two") == 1


async def test_a_second_starter_waits_for_the_first(connect, ours, now):
    first, second, watcher = [await connect() for _ in range(3)]
    await first.execute("select pg_advisory_lock($1)", LOCK)
    waiting = asyncio.create_task(migrate(second, now, ours))
    while not await watcher.fetchval(
        "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
    ):
        assert not waiting.done()
    assert await tables(watcher) == []
    await first.execute("select pg_advisory_unlock($1)", LOCK)
    assert len(await waiting) == 2


async def test_the_lock_is_given_back(connection, connect, ours, now):
    await migrate(connection, now, ours)
    assert await (await connect()).fetchval("select pg_try_advisory_lock($1)", LOCK)


async def test_a_migration_that_fails_leaves_nothing_of_itself_and_everything_before_it(connection, folder, now):
    (folder / "0003_wrong.sql").write_text("-- oldest daemon: 0.1.0\ncreate table three (id integer);\nselect 1/0;\n")
    with pytest.raises(BrokenMigration, match=r"0003_wrong failed.*division by zero"):
        await migrate(connection, now, read_migrations(folder))
    assert await tables(connection) == ["one", "schema_migration", "two"]
    (folder / "0003_wrong.sql").write_text("-- oldest daemon: 0.1.0\ncreate table three (id integer);\n")
    assert [str(done) for done in await migrate(connection, now, read_migrations(folder))] == ["0003_wrong"]


async def state(connection, ours, now, applied=None):
    if applied is not None:
        await migrate(connection, now, applied)
    return await schema_state(connection, ours)


async def test_an_empty_database_says_what_to_run(connection, ours, now):
    schema = await state(connection, ours, now)
    assert (schema.state, schema.pending) == (SchemaState.EMPTY, ours)
    with pytest.raises(SchemaRefused, match="empty: run acs-bridge migrate"):
        schema.require_usable()


async def test_asking_changes_nothing(connection, ours, now):
    await state(connection, ours, now)
    assert await tables(connection) == []


async def test_an_older_database_says_what_to_run(connection, ours, now):
    schema = await state(connection, ours, now, applied=ours[:1])
    assert (schema.state, schema.pending) == (SchemaState.OLDER, ours[1:])
    with pytest.raises(SchemaRefused, match=r"older \(0001_one\).*\(0002_two\): run acs-bridge migrate"):
        schema.require_usable()


async def test_a_current_database_is_used(connection, ours, now):
    schema = await state(connection, ours, now, applied=ours)
    assert schema.state is SchemaState.CURRENT
    schema.require_usable()


@pytest.mark.parametrize("oldest", ["0.0.9", acs_bridge.__version__])
async def test_a_newer_database_that_admits_this_version_is_used_as_it_is(connection, ours, now, oldest):
    newer = (*ours, replace(ours[1], version=3, name="three", checksum="x", oldest_daemon=oldest, sql="select 1"))
    schema = await state(connection, ours, now, applied=newer)
    assert schema.state is SchemaState.NEWER_ADMITTED
    schema.require_usable()
    assert await migrate(connection, now, ours) == ()


async def test_a_newer_database_that_does_not_admit_this_version_is_refused(connection, ours, now):
    newer = (
        *ours,
        replace(ours[1], version=3, name="three", checksum="x", oldest_daemon="0.10.0", sql="select 1"),
        replace(ours[1], version=4, name="four", checksum="y", oldest_daemon="0.2.0", sql="select 1"),
    )
    schema = await state(connection, ours, now, applied=newer)
    assert schema.state is SchemaState.NEWER_REFUSED
    for refusal in (schema.require_usable, None):
        with pytest.raises(SchemaRefused, match=r"newer \(0004_four\) and needs acs-bridge 0\.10\.0 or newer"):
            refusal() if refusal else await migrate(connection, now, ours)


async def test_a_database_with_tables_of_somebody_else_is_left_alone(connection, ours, now):
    await connection.execute("create table theirs (id integer)")
    assert (await state(connection, ours, now)).state is SchemaState.FOREIGN
    with pytest.raises(SchemaRefused, match="tables that are not ours"):
        await migrate(connection, now, ours)
    assert await tables(connection) == ["theirs"]


async def test_an_extension_that_was_there_before_us_does_not_make_a_database_foreign(connection, ours, now):
    await connection.execute("create extension pg_stat_statements")
    assert (await state(connection, ours, now)).state is SchemaState.EMPTY


async def test_a_migration_that_changed_after_it_was_run_is_noticed(connection, folder, ours, now):
    await migrate(connection, now, ours)
    (folder / "0001_one.sql").write_text(FIRST + "-- one more line\n")
    schema = await schema_state(connection, read_migrations(folder))
    assert schema.state is SchemaState.CHANGED
    with pytest.raises(SchemaRefused, match="0001_one"):
        await migrate(connection, now, read_migrations(folder))


async def test_a_starter_that_was_killed_before_its_first_migration_is_no_obstacle(connection, ours, now):
    with pytest.raises(BrokenMigration):
        await migrate(connection, now, [replace(ours[0], sql="select 1/0")])
    assert (await schema_state(connection, ours)).state is SchemaState.EMPTY
    assert len(await migrate(connection, now, ours)) == 2


async def test_a_server_that_is_too_old_is_refused_by_name():
    server = SimpleNamespace(get_server_version=lambda: SimpleNamespace(major=14, minor=9))
    with pytest.raises(SchemaRefused, match=r"Postgres 14\.9: acs-bridge needs 15 or newer"):
        await schema_state(cast("Any", server))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("0003_three.sql", "create table three (id integer);"),
        ("0004_gap.sql", FIRST),
        ("three.sql", FIRST),
        ("0002_again.sql", FIRST),
    ],
)
def test_a_folder_with_a_broken_migration_is_refused(folder, name, text):
    (folder / name).write_text(text)
    with pytest.raises(BrokenMigration):
        read_migrations(folder)


def test_line_ends_do_not_change_a_checksum(folder, ours):
    (folder / "0001_one.sql").write_bytes(FIRST.replace("\n", "\r\n").encode())
    assert read_migrations(folder)[0].checksum == ours[0].checksum


def test_our_migrations_are_found_in_a_checkout_and_in_a_wheel():
    assert migrations_folder() == CHECKOUT / "schemas" / "postgres"
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    force_include = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert force_include["schemas"] == "acs_bridge/_data/schemas"


def test_an_installed_package_has_its_migrations_inside(tmp_path, monkeypatch):
    inside = tmp_path / "_data" / "schemas" / "postgres"
    inside.mkdir(parents=True)
    monkeypatch.setattr("acs_bridge.store.migrations.files", lambda package: tmp_path)
    assert migrations_folder() == inside


async def test_our_own_migrations_make_the_schema_of_this_version(connection, now):
    assert await migrate(connection, now)
    assert (await schema_state(connection)).state is SchemaState.CURRENT
