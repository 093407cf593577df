"""What the tests of the embedded Postgres ask a server and its processes."""

import os
import subprocess
import sys
from pathlib import Path
from select import POLLIN, poll

import asyncpg
import pytest

DEATH_MILLISECONDS = 20_000
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a server to another account")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and process file descriptors")


def copy(made_folder, into):
    """Copy a data folder whose server was stopped, owners and all."""
    subprocess.run(["/bin/cp", "-a", made_folder, into / "postgres"], check=True)
    return into / "postgres"


def postmaster_of(folder):
    return int((folder / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


def place_of(folder):
    return Path((folder / "place").read_text().splitlines()[0])


def owner_of(pid):
    return Path(f"/proc/{pid}").stat().st_uid


def wait_for_death(pid_descriptor):
    """Wait until the process is gone; its descriptor was opened while it lived, so that it is surely the one."""
    watched = poll()
    watched.register(pid_descriptor, POLLIN)
    died = watched.poll(DEATH_MILLISECONDS)
    os.close(pid_descriptor)
    assert died, "the process still lives"


async def ask(url, sql="select 1"):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
