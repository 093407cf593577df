"""Under whose account the server runs, and what lies where."""

# ruff: noqa: ASYNC240 -- the loop of these tests has nothing else to do while a file is read

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from acs_bridge.store.embedded import DataDirForeign, EmbeddedPostgres, binaries
from acs_bridge.store.embedded.account import Account
from tests.store.embedded.servers import as_root, ask, copy, on_linux, owner_of, place_of, postmaster_of

CHECKOUT = Path(__file__).parents[3]
NOBODY = pwd.getpwnam("nobody")

pytestmark = on_linux


@as_root
async def test_as_root_the_server_runs_under_an_account_without_rights(folder, start):
    await start(folder)
    postmaster = postmaster_of(folder)
    assert owner_of(postmaster) == (folder / "pgdata").stat().st_uid != 0
    status = dict(line.split(":", 1) for line in Path(f"/proc/{postmaster}/status").read_text().splitlines())
    assert (status["Groups"].split(), int(status["CapEff"], 16)) == ([], 0)


@as_root
async def test_as_root_the_data_may_lie_where_that_account_cannot_go(folder, start):
    folder.parent.chmod(0o700)
    server = await start(folder)
    assert await ask(server.runtime_url) == 1
    place = place_of(folder)
    assert not place.is_relative_to(folder)


@as_root
async def test_where_that_account_can_go_nothing_lies_outside_the_folder(open_folder, made_folder, start):
    folder = copy(made_folder, open_folder)
    server = await start(folder)
    assert await ask(server.runtime_url) == 1
    assert place_of(folder) == folder


@as_root
async def test_as_root_the_binaries_may_lie_where_that_account_cannot_go(folder, start, tmp_path, monkeypatch):
    real = binaries.find_binaries()
    package = real.folder.parent.parent
    hidden = tmp_path / "home of root" / "site-packages"
    hidden.parent.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.parent / name, hidden / name)
    moved = binaries.Binaries(hidden / package.name / "pginstall" / "bin", real.version)
    monkeypatch.setattr("acs_bridge.store.embedded.server.find_binaries", lambda: moved)
    shutil.rmtree(folder / "pgdata")
    server = await start(folder)
    program = Path(f"/proc/{postmaster_of(folder)}/exe").readlink()
    assert not program.is_relative_to(hidden)
    await ask(server.owner_url, "create extension pg_trgm")
    await server.stop()
    assert not program.exists()


@as_root
async def test_binaries_are_copied_once(open_folder, monkeypatch):
    real = binaries.find_binaries()
    first = real.copied_to(open_folder / "copy")
    made = (first.folder / "postgres").stat()
    assert real.copied_to(open_folder / "copy") == first
    assert (first.folder / "postgres").stat() == made
    assert not (open_folder / "copy.new").exists()


def interpreter_for_nobody():
    """An interpreter that an account without rights can run, with our libraries: root's own may lie under its home."""
    reached = Account(NOBODY.pw_uid, NOBODY.pw_gid)
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        if Path(python).exists() and reached.reaches(Path(python).resolve()):
            return python
    return None


PLAIN_USER = """
import asyncio, os, sys
sys.path[:0] = sys.argv[2:]
os.setgroups([]); os.setgid(int(os.environ["GID"])); os.setuid(int(os.environ["UID_"]))
from pathlib import Path
import asyncpg
from acs_bridge.store.embedded import EmbeddedPostgres

async def main():
    folder = Path(sys.argv[1])
    for _ in range(2):
        server = await EmbeddedPostgres.start(folder, fsync=False)
        connection = await asyncpg.connect(server.runtime_url)
        print(await connection.fetchval("select 6 * 7"), os.stat(f"/proc/{connection.get_server_pid()}").st_uid)
        await connection.close()
        await server.stop()

asyncio.run(main())
"""


@as_root
@pytest.mark.skipif(interpreter_for_nobody() is None, reason="no interpreter that a plain user can run")
def test_a_plain_user_runs_it_as_itself(open_folder):
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    done = subprocess.run(
        [interpreter_for_nobody(), "-c", PLAIN_USER, home / "postgres", CHECKOUT, sysconfig.get_path("purelib")],
        env={"UID_": str(NOBODY.pw_uid), "GID": str(NOBODY.pw_gid), "TMPDIR": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", f"42 {NOBODY.pw_uid}\n" * 2)
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700


@as_root
async def test_root_keeps_away_from_the_data_of_another_account(folder):
    os.chown(folder / "credentials", NOBODY.pw_uid, NOBODY.pw_gid)
    with pytest.raises(DataDirForeign, match="run acs-bridge as user nobody"):
        await EmbeddedPostgres.start(folder)
