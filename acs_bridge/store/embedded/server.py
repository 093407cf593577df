"""The embedded Postgres: start one and own it, or attach to one that runs.

It migrates nothing and opens no pool (`store/opening.py` does), and it never touches a server that it did not start.
"""

import asyncio
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGQUIT
from urllib.parse import quote

import asyncpg

from acs_bridge.store.embedded.account import account_for
from acs_bridge.store.embedded.binaries import find_binaries
from acs_bridge.store.embedded.cluster import DATABASE, OWNER, RUNTIME, Cluster, last_words
from acs_bridge.store.embedded.errors import EmbeddedFailed, NotRunning
from acs_bridge.store.embedded.folder import Credentials, DataFolder
from acs_bridge.store.embedded.place import PORT, Place, choose_place, sockets_of
from acs_bridge.store.embedded.process import Process, Program

START_SECONDS = 60.0
"""Recovery after a power cut replays at most max_wal_size."""
FAST_SECONDS, IMMEDIATE_SECONDS = 15.0, 5.0
ATTACH_SECONDS = 5.0
WATCH_SECONDS = 0.5
LOOK_SECONDS = 0.005
STATUS_LINE = 7

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "cluster_name": "acs-bridge",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_compression": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A refused row is an answer to somebody, not an event of the server; and its text quotes the row.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
FOR_TESTS_ONLY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


@dataclass(slots=True)
class _Owned:
    """What must be given back by whoever started the server."""

    process: Process
    undo: ExitStack


class EmbeddedPostgres:
    """A running server; `start` owns it, `attach` only speaks to it."""

    def __init__(self, folder: DataFolder, sockets: Path, credentials: Credentials, owned: _Owned | None) -> None:
        """Use `start` or `attach`."""
        self._folder = folder
        self._sockets = sockets
        self._credentials = credentials
        self._owned = owned

    @classmethod
    async def start(cls, data_dir: Path, *, fsync: bool = True) -> "EmbeddedPostgres":
        """Run a server on `data_dir`, which is made when it is not there; `fsync=False` is for tests only."""
        folder = DataFolder.at(data_dir)
        try:
            binaries = find_binaries()
            folder.prepare()
            with ExitStack() as undo:
                lock = await folder.claim()
                undo.callback(os.close, lock)
                account = account_for(folder.pgdata)
                place = choose_place(folder, account)
                undo.callback(place.remove)
                cluster = Cluster(folder, place.binaries(binaries, account), account, lock, fsync)
                credentials = folder.make_credentials()
                if not folder.pgdata.exists():
                    await cluster.make(credentials)
                cluster.check_version()
                process = await _run_server(cluster, place)
                return cls(folder, place.sockets, credentials, _Owned(process, undo.pop_all()))
        except OSError as error:
            raise EmbeddedFailed(f"{error.filename or folder.path}: {error.strerror}") from error

    @classmethod
    async def attach(cls, data_dir: Path) -> "EmbeddedPostgres":
        """Find the server that another process runs on `data_dir`."""
        folder = DataFolder.at(data_dir)
        place = folder.published()
        if place is None:
            raise NotRunning(f"no embedded Postgres runs on {folder.path}")
        server = cls(folder, sockets_of(place), folder.credentials(), None)
        try:
            connection = await asyncpg.connect(server.runtime_url, timeout=ATTACH_SECONDS)
        except (OSError, asyncpg.PostgresError):
            raise NotRunning(f"no embedded Postgres runs on {folder.path}") from None
        await connection.close()
        return server

    @property
    def runtime_url(self) -> str:
        """For the daemon: reads and writes rows, changes no table."""
        return self.url(RUNTIME, self._credentials.runtime)

    @property
    def owner_url(self) -> str:
        """For migrations."""
        return self.url(OWNER, self._credentials.owner)

    def url(self, role: str, password: str, database: str = DATABASE) -> str:
        """Name the server, a role and a database in one URL."""
        return (
            f"postgresql://{role}:{quote(password)}@/{database}?host={quote(str(self._sockets), safe='')}&port={PORT}"
        )

    @property
    def is_ours(self) -> bool:
        """Whether we started it, and have not stopped it."""
        return self._owned is not None

    async def died(self) -> int:
        """Wait until the server ends without having been asked to; only its owner can."""
        if self._owned is None:
            raise RuntimeError("only the owner of a server watches it")
        return await self._owned.process.ended(look=WATCH_SECONDS) or 0

    async def stop(self) -> None:
        """End the server that `start` gave: politely for a bounded time, then at once. Attached: nothing to do."""
        if self._owned is None:
            return
        owned, self._owned = self._owned, None
        try:
            await owned.process.end((SIGINT, FAST_SECONDS), (SIGQUIT, IMMEDIATE_SECONDS))
        finally:
            owned.undo.close()


async def _run_server(cluster: Cluster, place: Place) -> Process:
    """Start the postmaster and wait until it takes connections."""
    folder = cluster.folder
    settings = SETTINGS | {"unix_socket_directories": str(place.sockets)} | ({} if cluster.fsync else FOR_TESTS_ONLY)
    command = [cluster.binaries.path("postgres"), "-D", cluster.data_argument()]
    command += [f"--{name}={value}" for name, value in settings.items()]
    log = folder.open_log()
    try:
        log_start = os.fstat(log).st_size
        _forget_stale(folder)
        former = _status(folder)
        process = Program(command, cluster.account, folder.pgdata, cluster.lock, SIGINT).start(log)
    finally:
        os.close(log)
    try:
        await _ready(process, folder, former, log_start)
    except BaseException:
        await process.end((SIGQUIT, IMMEDIATE_SECONDS))
        raise
    folder.publish(place.path)
    return process


async def _ready(process: Process, folder: DataFolder, former: list[str], log_start: int) -> None:
    """Wait for the word that Postgres writes into its pid file."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        status = _status(folder)
        if status != former and status[STATUS_LINE:] == ["ready"]:
            return
        if process.returncode is not None or time.monotonic() > deadline:
            raise EmbeddedFailed(f"the embedded Postgres does not start: {last_words(folder, log_start)}")
        await asyncio.sleep(LOOK_SECONDS)


def _forget_stale(folder: DataFolder) -> None:
    """Remove a killed server's pid file when its number is now some other program's, as it often is in containers.

    Postgres would take that program for a server and refuse. We hold the folder's lock, which a server of ours shares.
    """
    name = Path(f"/proc/{next(iter(_status(folder)), '-')}/comm")
    if name.exists() and name.read_text().strip() != "postgres":
        (folder.pgdata / "postmaster.pid").unlink()


def _status(folder: DataFolder) -> list[str]:
    try:
        return [line.strip() for line in (folder.pgdata / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []
