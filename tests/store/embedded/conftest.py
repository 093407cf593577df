"""Data folders, servers and the processes that own them."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from acs_bridge.store.embedded import EmbeddedPostgres
from tests.store.embedded.servers import copy, place_of

CHECKOUT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def made_folder(memory):
    """A data folder whose server was stopped: copying it saves an initdb for each test."""
    folder = memory / "made" / "postgres"

    async def make():
        await (await EmbeddedPostgres.start(folder, fsync=False)).stop()

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(make())
    return folder


@pytest.fixture
def folder(made_folder, memory):
    """A data folder of this test's own, where no other account can go."""
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield copy(made_folder, Path(folder))


@pytest.fixture
def open_folder():
    """A folder that every account can reach, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="acs-bridge-tests-open-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def start():
    """Start servers that end with the test."""
    started = []

    async def start(folder):
        started.append(await EmbeddedPostgres.start(folder, fsync=False))
        return started[-1]

    yield start
    for server in started:
        await server.stop()


DAEMON = """
import asyncio, sys
from pathlib import Path
from acs_bridge.store.embedded import EmbeddedPostgres, process

async def main():
    if sys.argv[2] == "pipe":
        process._kernel_can = lambda: False
    server = await EmbeddedPostgres.start(Path(sys.argv[1]), fsync=False)
    print(server.owner_url, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that owns a server."""

    process: subprocess.Popen[str]
    owner_url: str

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.process.kill()

    def end(self):
        self.process.communicate()
        return self.process.returncode


@pytest.fixture
def daemon():
    """Start daemons, each when it serves; what a killed one has left outside its folder is cleared away."""
    daemons, places = [], []

    def start(folder, life="signal"):
        process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, folder, life],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        daemons.append(Daemon(process, process.stdout.readline().strip() if process.stdout else ""))
        places.append((folder, place_of(folder)))
        return daemons[-1]

    yield start
    for daemon in daemons:
        daemon.end()
    for folder, place in places:
        if place != folder:
            shutil.rmtree(place, ignore_errors=True)
