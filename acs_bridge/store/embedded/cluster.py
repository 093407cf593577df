"""A new cluster: initdb, the two roles and the database, whole or not at all.

It is made in a folder of its own, without anything listening, and renamed when it is complete.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from acs_bridge.store.embedded.account import Account
from acs_bridge.store.embedded.binaries import Binaries
from acs_bridge.store.embedded.errors import EmbeddedFailed, WrongVersion
from acs_bridge.store.embedded.folder import Credentials, DataFolder
from acs_bridge.store.embedded.process import Program

OWNER, RUNTIME, DATABASE = "acs_bridge_owner", "acs_bridge", "acs_bridge"
HERE = "/proc/self/cwd"
"""The folder that a program was started in, by a name that works where the folders above it may not be searched."""
INITDB_SECONDS = 120.0
HBA = "# Written by acs-bridge. Sockets only, passwords always.\nlocal all all scram-sha-256\n"

# One statement a line: single-user mode reads lines. The defaults stand in template1 and so hold for every database.
SETUP = """\
alter role {owner} password '{owner_password}';
create role {runtime} login password '{runtime_password}';
alter default privileges for role {owner} grant select, insert, update, delete on tables to {runtime};
alter default privileges for role {owner} grant select, usage on sequences to {runtime};
alter default privileges for role {owner} grant execute on functions to {runtime};
create database {database};
"""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is needed to make one, or to check one that is there."""

    folder: DataFolder
    binaries: Binaries
    account: Account | None
    lock: int
    fsync: bool

    def check_version(self) -> None:
        """Refuse data that another major version made: Postgres itself would, in more words."""
        made_by = (self.folder.pgdata / "PG_VERSION").read_text().strip()
        if made_by != str(self.binaries.major):
            raise WrongVersion(
                f"{self.folder.path} was made by Postgres {made_by}, but the binaries are Postgres "
                f"{self.binaries.version}: dump it with {made_by}, or install the binaries of {made_by}"
            )

    async def make(self, credentials: Credentials) -> None:
        """Run initdb and the setup, then give the result its name."""
        unfinished = self.folder.unfinished
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.account:
            os.chown(unfinished, self.account.uid, self.account.gid)
        await self._run(self._initdb())
        (unfinished / "pg_hba.conf").write_text(HBA)
        await self._run(self._single_user(), _setup(credentials))
        unfinished.rename(self.folder.pgdata)
        self.folder.sync()

    def _initdb(self) -> list[str]:
        return [
            self.binaries.path("initdb"),
            f"--pgdata={self.data_argument()}",
            f"--username={OWNER}",
            "--auth=trust",  # nothing listens before pg_hba.conf is replaced
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
            "--set=password_encryption=scram-sha-256",
            "--set=scram_iterations=1",  # iterations protect guessable passwords; ours are 256 random bits
            *(() if self.fsync else ("--no-sync",)),
        ]

    def _single_user(self) -> list[str]:
        durable = () if self.fsync else ("-F",)
        quiet = ("-c", "log_min_error_statement=panic")  # the statements hold the passwords
        return [self.binaries.path("postgres"), "--single", *durable, *quiet, "-D", self.data_argument(), "template1"]

    def data_argument(self) -> str:
        """Name the folder to a program that was started in it."""
        reached = self.account is None or self.account.reaches_into(self.folder.path)
        return "." if reached else HERE

    async def _run(self, command: list[str], text: str = "") -> None:
        log = self.folder.open_log()
        try:
            start = os.fstat(log).st_size
            program = Program(command, self.account, self.folder.unfinished, self.lock)
            process = program.start(log, subprocess.PIPE)
            try:
                process.feed(text)
                code = await process.ended(INITDB_SECONDS)
            finally:
                await process.end()
            # Single-user mode goes on after an error, and ends with 0.
            if code != 0 or any(" ERROR: " in line for line in log_lines(self.folder, start)):
                raise EmbeddedFailed(f"{Path(command[0]).name} failed: {last_words(self.folder, start)}")
        finally:
            os.close(log)


def _setup(credentials: Credentials) -> str:
    return SETUP.format(
        owner=OWNER,
        owner_password=credentials.owner,
        runtime=RUNTIME,
        runtime_password=credentials.runtime,
        database=DATABASE,
    )


def log_lines(folder: DataFolder, start: int) -> list[str]:
    """Read the log from byte `start` on."""
    with folder.log.open("rb") as log:
        log.seek(start)
        return [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]


def last_words(folder: DataFolder, start: int) -> str:
    """Quote the line of the log, from byte `start` on, that says why a program ended."""
    lines = log_lines(folder, start)
    fatal = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:", "error:"))]
    return f"{(fatal or lines or ['it said nothing'])[-1].strip()} (see {folder.log})"
