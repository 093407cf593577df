"""The life of the server is the daemon's: real kills."""

import asyncio
import os
import subprocess
import sys
import threading

import asyncpg
import pytest

from acs_bridge.store.embedded import EmbeddedPostgres, launcher
from tests.store.embedded.servers import ask, on_linux, place_of, postmaster_of, wait_for_death

pytestmark = on_linux


@pytest.mark.parametrize("life", ["signal", "pipe"])
async def test_a_killed_daemon_leaves_no_server_and_its_data_is_whole(folder, daemon, start, life):
    owner = daemon(folder, life)
    await ask(owner.owner_url, "create table kept as select 42 as answer")
    postmaster = os.pidfd_open(postmaster_of(folder))
    owner.kill()
    server = await start(folder)
    wait_for_death(postmaster)
    assert await ask(server.runtime_url, "select answer from kept") == 42


async def test_a_busy_client_does_not_keep_the_server_of_a_killed_daemon_alive(folder, daemon):
    owner = daemon(folder)
    client = await asyncpg.connect(owner.owner_url)
    busy = asyncio.create_task(client.execute("select pg_sleep(60)"))
    postmaster, backend = os.pidfd_open(postmaster_of(folder)), os.pidfd_open(client.get_server_pid())
    owner.kill()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await busy
    wait_for_death(backend)
    wait_for_death(postmaster)


@pytest.mark.parametrize("life", ["signal", "pipe"])
def test_a_daemon_that_ends_well_ends_its_server(folder, daemon, life):
    owner = daemon(folder, life)
    postmaster = os.pidfd_open(postmaster_of(folder))
    assert owner.end() == 0
    wait_for_death(postmaster)
    assert not (folder / "pgdata" / "postmaster.pid").exists()


async def test_a_restart_clears_away_what_the_killed_daemon_had_outside_its_folder(folder, daemon, start):
    owner = daemon(folder)
    former = place_of(folder)
    owner.kill()
    await start(folder)
    assert former == folder or not former.exists()


async def test_a_server_outlives_the_thread_that_started_it(folder):
    started = []
    thread = threading.Thread(
        target=lambda: started.append(asyncio.run(EmbeddedPostgres.start(folder, fsync=False))), daemon=True
    )
    thread.start()
    thread.join()
    [server] = started
    launched, postmaster = server._owned.process.pid if server._owned else 0, postmaster_of(folder)
    assert launched != postmaster, "the launcher above it reads a pipe: the kernel would have followed the thread"
    assert await ask(server.runtime_url) == 1
    await server.stop()


def test_a_launcher_whose_starter_is_gone_starts_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, "signal:9", "1", "-1", "-1", tmp_path, "/bin/touch", "started"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert done.stderr == "the process that started this one has ended\n"


def test_the_launcher_ends_as_its_program_ends(tmp_path):
    read_end, write_end = os.pipe()
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, f"pipe:{read_end}", "0", "-1", "-1", tmp_path, "/bin/false"],
        pass_fds=[read_end],
        check=False,
    )
    os.close(read_end)
    os.close(write_end)
    assert done.returncode == 1
