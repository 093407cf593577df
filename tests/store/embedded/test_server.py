"""The embedded Postgres: a first start, a stop, another start, and commands beside it."""

# ruff: noqa: ASYNC240 -- the loop of these tests has nothing else to do while a file is read

import asyncio
import os
import shutil
import signal
import stat
import tempfile
from pathlib import Path

import asyncpg
import pytest

from acs_bridge.store.embedded import EmbeddedPostgres, NotRunning
from tests.store.embedded.servers import ask, on_linux, place_of, postmaster_of, wait_for_death

pytestmark = on_linux


async def test_a_first_start_makes_a_database_with_an_owner_and_a_runtime_role(tmp_path):
    folder = tmp_path / "var" / "postgres"
    (folder / "pgdata.new").mkdir(parents=True)
    (folder / "pgdata.new" / "left by a start that was killed").touch()
    server = await EmbeddedPostgres.start(folder)
    try:
        await ask(server.owner_url, "create table one (id integer generated always as identity)")
        assert await ask(server.runtime_url, "insert into one default values returning id") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.runtime_url, "drop table one")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(server.runtime_url, "create table two (id integer)")
        about = (
            "select datlocprovider::text || ' ' || datlocale || ' ' || pg_encoding_to_char(encoding) from pg_database"
        )
        assert await ask(server.owner_url, f"{about} where datname = current_database()") == "b C.UTF-8 UTF8"
        for name, value in {
            "data_checksums": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "jit": "off",
            "listen_addresses": "",
            "password_encryption": "scram-sha-256",
        }.items():
            assert await ask(server.owner_url, f"show {name}") == value, name
    finally:
        await server.stop()
    assert not (folder / "pgdata.new").exists()


async def test_nothing_is_open_to_other_accounts(folder, start):
    await start(folder)
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("credentials", "server.log", "pgdata")}
    assert modes == {"credentials": 0o600, "server.log": 0o600, "pgdata": 0o700}
    sockets = place_of(folder) / "run"
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


async def test_only_the_right_password_opens_the_socket(folder, start):
    server = await start(folder)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(server.url("acs_bridge", "guessed"))


async def test_passwords_stand_in_no_log_and_no_command_line(folder, start):
    server = await start(folder)
    passwords = [server._credentials.owner, server._credentials.runtime]
    seen = (folder / "server.log").read_text() + Path(f"/proc/{postmaster_of(folder)}/cmdline").read_text()
    seen += repr(server._credentials)
    assert not [password for password in passwords if password in seen]


async def test_data_outlives_a_restart(folder, start):
    server = await start(folder)
    await ask(server.owner_url, "create table kept as select 42 as answer")
    await server.stop()
    assert await ask((await start(folder)).runtime_url, "select answer from kept") == 42


async def test_a_stopped_server_leaves_no_process_and_no_folder_outside(folder, start):
    server = await start(folder)
    postmaster, place = os.pidfd_open(postmaster_of(folder)), place_of(folder)
    await server.stop()
    wait_for_death(postmaster)
    assert place == folder or not place.exists()
    await server.stop()


async def test_an_idle_client_does_not_hold_up_the_stop(folder, start):
    server = await start(folder)
    client = await asyncpg.connect(server.runtime_url)
    await server.stop()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        await client.fetchval("select 1")


async def test_the_number_of_a_killed_server_may_be_another_programs_now(folder, start):
    (folder / "pgdata" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'pgdata'}\n1\n5432\n\n\n\nready\n")
    assert await ask((await start(folder)).runtime_url) == 1


async def test_the_owner_learns_that_its_server_died(folder, start):
    server = await start(folder)
    died = asyncio.create_task(server.died())
    os.kill(postmaster_of(folder), signal.SIGKILL)
    assert await died == -signal.SIGKILL
    await server.stop()
    assert await ask((await start(folder)).runtime_url) == 1


async def test_a_ctrl_c_in_the_terminal_is_the_daemons_alone(folder, start):
    await start(folder)
    assert os.getsid(postmaster_of(folder)) != os.getsid(0)


async def test_a_command_attaches_to_the_server_of_a_daemon_and_leaves_it_running(folder, daemon):
    owner = daemon(folder)
    attached = await EmbeddedPostgres.attach(folder)
    assert (attached.owner_url, attached.is_ours) == (owner.owner_url, False)
    assert await ask(attached.runtime_url, "select current_user") == "acs_bridge"
    await attached.stop()
    assert await ask(owner.owner_url) == 1


async def test_only_the_owner_watches_a_server(folder, daemon):
    daemon(folder)
    attached = await EmbeddedPostgres.attach(folder)
    with pytest.raises(RuntimeError):
        await attached.died()


async def test_there_is_nothing_to_attach_to_before_a_start_and_after_a_stop(tmp_path, folder, start):
    with pytest.raises(NotRunning):
        await EmbeddedPostgres.attach(tmp_path / "never")
    server = await start(folder)
    await server.stop()
    with pytest.raises(NotRunning):
        await EmbeddedPostgres.attach(folder)
    assert not (tmp_path / "never").exists()


async def test_a_copied_folder_is_not_taken_for_the_one_it_was_copied_from(folder, start, memory):
    server = await start(folder)
    with tempfile.TemporaryDirectory(dir=memory) as elsewhere:
        shutil.copytree(folder, Path(elsewhere) / "postgres", ignore=shutil.ignore_patterns("pgdata", "run"))
        with pytest.raises(NotRunning):
            await EmbeddedPostgres.attach(Path(elsewhere) / "postgres")
        copied = await start(Path(elsewhere) / "postgres")
        assert await ask(copied.runtime_url) == await ask(server.runtime_url) == 1
        await copied.stop()
