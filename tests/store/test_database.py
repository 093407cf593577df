"""The pool: what it hands through, what it says when Postgres is away, and that it comes back by itself."""

# ruff: noqa: PT012 -- what is refused is the block of a transaction

import asyncio
import socket
import tempfile
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from acs_bridge.errors import Conflict, Unavailable
from acs_bridge.store.database import Database, DatabaseDown, constraint_error, refusals, where_is
from acs_bridge.store.embedded import EmbeddedPostgres

ADD = """insert into subscriber (code, code_key, name, created_at, updated_at) values ($1, $1, 'Ann', $2, $2)"""
SECRET = "s3cr3t"


@pytest.fixture
async def single(database_url):
    """A pool of one connection, so that every statement meets the same one."""
    async with Database.connect(database_url, pool_size=1) as database:
        yield database


@pytest.fixture
def folder():
    """A data folder that every account can reach, so that its server comes back on the same socket."""
    with tempfile.TemporaryDirectory(prefix="acs-bridge-tests-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "postgres"


@pytest.fixture
def closed_port():
    """A port that nobody listens on for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


# --- what it hands through ---


async def test_each_way_of_asking_gives_what_its_name_says(database, now):
    assert await database.execute(ADD, "A", now) == "INSERT 0 1"
    await database.executemany(ADD, [("B", now), ("C", now)])
    assert [row["code"] for row in await database.fetch("select code from subscriber order by code")] == ["A", "B", "C"]
    row = await database.fetchrow("select code, created_at from subscriber where code = $1", "B")
    assert tuple(row) == ("B", now)
    assert await database.fetchrow("select from subscriber where code = 'none'") is None
    assert await database.fetchval("select count(*) from subscriber") == 3


@pytest.mark.parametrize("type_name", ["json", "jsonb"])
@pytest.mark.parametrize("value", [{"text": 'ü"\\', "list": [1, 2.5, None, True]}, [], "text", 7, None])
async def test_json_is_a_python_object_on_both_sides(database, type_name, value):
    assert await database.fetchval(f"select $1::{type_name}", value) == value


async def test_json_travels_in_arrays_too(database):
    assert await database.fetchval("select $1::jsonb[]", [{"a": 1}, {"b": 2}]) == [{"a": 1}, {"b": 2}]


async def test_a_transaction_is_kept_whole(database, now):
    async with database.transaction() as connection:
        await connection.execute(ADD, "A", now)
        assert await database.fetchval("select count(*) from subscriber") == 0
    assert await database.fetchval("select count(*) from subscriber") == 1


async def test_a_transaction_that_fails_leaves_nothing(database, now):
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await connection.execute(ADD, "A", now)
            raise ZeroDivisionError
    assert await database.fetchval("select count(*) from subscriber") == 0


async def test_a_session_has_our_settings(database):
    shown = {
        "application_name": "acs-bridge",
        "jit": "off",
        "statement_timeout": "15s",
        "idle_in_transaction_session_timeout": "1min",
    }
    assert {name: await database.fetchval(f"show {name}") for name in shown} == shown


async def test_a_connection_goes_back_into_the_pool_as_it_is(single):
    await single.fetchval("select set_config('acs_bridge.mark', 'left as it was', false)")
    assert await single.fetchval("show acs_bridge.mark") == "left as it was"


# --- constraints ---


async def test_a_refused_row_names_its_constraint(database, now):
    await database.execute(ADD, "A", now)
    with pytest.raises(asyncpg.UniqueViolationError) as refusal:
        await database.execute(ADD, "A", now)
    assert constraint_error(refusal.value) == "subscriber_code_taken"
    assert constraint_error(ValueError()) is None


async def test_a_refused_row_is_said_in_the_callers_words_without_the_row(database, now):
    await database.execute(ADD, "A", now)
    with pytest.raises(Conflict) as refusal, refusals({"subscriber_code_taken": lambda: Conflict("the code is taken")}):
        await database.execute(ADD, "A", now)
    assert (str(refusal.value), refusal.value.__cause__) == ("the code is taken", None)


async def test_a_refusal_that_nobody_has_words_for_stays_what_it_is(database, now):
    with pytest.raises(asyncpg.CheckViolationError), refusals({"subscriber_code_taken": Conflict}):
        await database.execute(ADD, "", now)
    with pytest.raises(asyncpg.UndefinedTableError), refusals({"subscriber_code_taken": Conflict}):
        await database.execute("select from nowhere")


# --- when Postgres is away ---


async def down(url):
    with pytest.raises(DatabaseDown) as refusal:
        async with Database.connect(url):
            pass
    assert isinstance(refusal.value, Unavailable)
    assert SECRET not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


async def test_a_port_that_nobody_listens_on(closed_port):
    said = await down(f"postgresql://daemon:{SECRET}@127.0.0.1:{closed_port}/acs")
    assert said.startswith(f"the database (127.0.0.1:{closed_port}/acs) does not answer: ")
    assert "Connect" in said


async def test_a_socket_that_is_not_there(tmp_path):
    assert "No such file" in await down(f"postgresql://daemon:{SECRET}@/acs?host={tmp_path}")


async def test_a_password_that_is_wrong(postgres):
    url = postgres.runtime_url("postgres").replace("postgresql://acs_bridge:", f"postgresql://acs_bridge:{SECRET}")
    assert 'password authentication failed for user "acs_bridge"' in await down(url)


async def test_a_database_that_does_not_exist(postgres):
    assert 'database "missing" does not exist' in await down(postgres.runtime_url("missing"))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://daemon:{SECRET}@host/acs",
        f"postgresql://daemon:x@y:{SECRET}@host:port/acs",
        f"postgresql://daemon:{SECRET}/acs",
        f"postgresql://host/acs?password={SECRET}&sslmode=nonsense",
    ],
)
async def test_a_url_that_is_none_is_not_quoted(url):
    await down(url)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        (f"postgresql://daemon:{SECRET}@db1,db2:5433/acs?target_session_attrs=primary", "db1,db2:5433/acs"),
        (f"postgresql://daemon:p@ss/{SECRET}@db/acs", "db/acs"),
        (f"postgresql://db/acs?user=daemon&password={SECRET}", "as in database.url"),
        (f"postgresql://daemon:{SECRET}@/acs?host=%2Frun", "acs on a local socket"),
    ],
)
def test_an_error_says_where_but_never_with_what(url, where):
    assert where_is(url) == where


async def test_a_host_that_is_away_is_passed_over_for_the_next(database_url, tmp_path):
    host = database_url.partition("?host=")[2].partition("&")[0]
    async with Database.connect(
        database_url.replace(host, f"{tmp_path},{host}").replace("5432", "5432,5432")
    ) as database:
        assert await database.fetchval("select 1") == 1


async def test_the_pool_recovers_from_a_restart_by_itself(folder, caplog):
    server = await EmbeddedPostgres.start(folder, fsync=False)
    async with Database.connect(server.runtime_url) as database:
        assert await database.fetchval("select 1") == 1
        await server.stop()
        for ask in (database.fetch, database.fetchrow, database.fetchval, database.execute):
            with pytest.raises(DatabaseDown):
                await ask("select 1")
        with pytest.raises(DatabaseDown):
            await database.executemany("select $1::int", [(1,)])
        with pytest.raises(DatabaseDown):
            async with database.transaction():
                pass
        again = await EmbeddedPostgres.start(folder, fsync=False)
        try:
            assert await database.fetchval("select 1") == 1
        finally:
            await again.stop()
    assert caplog.records == []


async def test_a_connection_that_is_cut_in_a_transaction_is_down_and_replaced(single):
    cut = "select pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(DatabaseDown):
        async with single.transaction() as connection:
            await connection.execute(cut)
    with pytest.raises(DatabaseDown):
        async with single.transaction() as connection:
            with pytest.raises(asyncpg.PostgresError):
                await connection.execute(cut)
            await connection.execute("select 1")
    assert await single.fetchval("select 1") == 1


async def test_a_connection_that_the_server_has_just_given_notice_is_down_and_replaced(single):
    """The server's last words have arrived, the end of the connection has not: asyncpg takes that for its own bug."""
    words = b"SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    async with single.transaction() as connection:
        protocol = connection._protocol
    protocol.data_received(b"E" + (len(words) + 4).to_bytes(4) + words)
    with pytest.raises(DatabaseDown):
        await single.fetchval("select 1")
    assert await single.fetchval("select 2") == 2


async def test_a_statement_that_takes_too_long_is_given_up(database):
    with pytest.raises(DatabaseDown, match="statement timeout"):
        async with database.transaction() as connection:
            await connection.execute("set local statement_timeout = 1")
            await connection.execute("select pg_sleep(60)")
    assert await database.fetchval("select 1") == 1


async def test_a_server_that_became_a_standby_is_left(single):
    before = await single.fetchval("select pg_backend_pid()")
    with pytest.raises(DatabaseDown, match="read-only transaction"):
        async with single.transaction() as connection:
            await connection.execute("set transaction read only")
            await connection.execute("delete from subscriber")
    assert await single.fetchval("select pg_backend_pid()") != before


async def test_a_file_that_is_missing_in_a_transaction_is_not_the_databases_fault(database, tmp_path):
    with pytest.raises(FileNotFoundError):
        async with database.transaction():
            (tmp_path / "missing").read_text()


async def test_a_wrong_statement_is_a_bug_and_looks_like_one(database):
    with pytest.raises(asyncpg.UndefinedColumnError):
        await database.fetchval("select nonsense")
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        async with database.transaction() as connection:
            await connection.fetchval("select $1::int")


async def test_a_task_that_is_cancelled_gives_its_connection_back(single):
    async def hold():
        async with single.transaction() as connection:
            held.set()
            await connection.execute("select pg_sleep(60)")

    held = asyncio.Event()
    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await single.fetchval("select 1") == 1


async def test_a_statement_whose_task_is_cancelled_does_not_go_on_in_the_server(database):
    running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(59)' and state = 'active'"
    task = asyncio.create_task(database.execute("select pg_sleep(59)"))
    while await database.fetchval(running) == 0:
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        while await database.fetchval(running) != 0:
            pass


async def test_a_connection_that_somebody_keeps_does_not_hold_up_the_end(database_url, monkeypatch):
    monkeypatch.setattr("acs_bridge.store.pool.CLOSE_SECONDS", 0.05)
    async with Database.connect(database_url) as database:
        kept = await database._pool.take()
    assert kept.is_closed()


async def test_times_keep_their_microseconds_and_their_zone(database, now):
    later = await database.fetchval("select $1::timestamptz + $2::interval", now, timedelta(microseconds=1))
    assert (later - now, later.utcoffset()) == (timedelta(microseconds=1), timedelta(0))


@pytest.mark.parametrize(
    "sqlstate", ["53100", "53200", "53300"], ids=["disk full", "out of memory", "no connection left"]
)
async def test_a_server_without_room_is_one_that_does_not_answer_now(database, sqlstate):
    with pytest.raises(DatabaseDown):
        await database.execute(f"do $$ begin raise exception using errcode = '{sqlstate}'; end $$")
    assert await database.fetchval("select 1") == 1
