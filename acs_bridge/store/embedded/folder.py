"""The data folder: what lies where in it, whose it is, and who may run a server on it.

It never touches a folder that holds anything else, and never removes data.
"""

import asyncio
import fcntl
import json
import os
import pwd
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from acs_bridge.store.embedded.errors import DataDirForeign, DataDirInUse, EmbeddedFailed, NotRunning

DYING_SECONDS = 30.0
"""How long we wait for the server of a daemon that was killed: it writes its last checkpoint first."""
LIVING_SECONDS = 0.5
"""How long the holder of the lock must live to be believed: a process that was sent SIGKILL takes a moment to end."""
LOOK_SECONDS = 0.02
MARK_BYTES = 100
PASSWORD_BYTES = 32
LOG_BYTES = 1 << 20
OURS_ALONE, OURS_TO_PASS_THROUGH = 0o700, 0o711
STATE, START_TIME = 0, 19
"""Fields 3 and 22 of /proc/PID/stat, counted from the third (proc(5)): the second may hold spaces."""
GONE = frozenset("ZX")
OWN_NAMES = frozenset(("credentials", "lock", "lost+found", "pgdata", "place", "run", "server.log", "server.log.1"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The passwords of the two roles; they lie in a 0600 file and nowhere else."""

    owner: str
    runtime: str

    def __repr__(self) -> str:
        return "Credentials(…)"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """One folder, one server."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """Name the folder so that a later change of the working directory does not matter."""
        return cls(path.absolute())

    @property
    def pgdata(self) -> Path:
        """Postgres' own files."""
        return self.path / "pgdata"

    @property
    def unfinished(self) -> Path:
        """Postgres' files while initdb makes them; renamed to `pgdata` when they are whole."""
        return self.path / "pgdata.new"

    @property
    def _credentials(self) -> Path:
        return self.path / "credentials"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    def prepare(self) -> None:
        """Make the folder, or refuse one that holds something else."""
        self.path.mkdir(parents=True, exist_ok=True)
        strange = sorted(entry.name for entry in self.path.iterdir() if not _is_ours(entry.name))
        if strange:
            raise DataDirForeign(f"{self.path} holds {strange[0]}, which is not ours: name an empty folder")
        if self.pgdata.exists() and not self._credentials.exists():
            raise DataDirForeign(f"{self.path} holds a database, but its credentials are gone: restore that file")
        self._require_ours()
        # As root the server's account passes through to what is its own; nobody but root writes here.
        self.path.chmod(OURS_TO_PASS_THROUGH if os.geteuid() == 0 else OURS_ALONE)

    def _require_ours(self) -> None:
        """Even root keeps away from the data of another account, which could no longer use what root then makes."""
        witness = self._credentials if self._credentials.exists() else self.path
        owner = witness.stat().st_uid
        if os.geteuid() != owner and not (os.geteuid() == 0 and witness is self.path):
            raise DataDirForeign(f"{self.path} belongs to another account: run acs-bridge as user {_name_of(owner)}")

    async def claim(self) -> int:
        """Take the lock and give its file descriptor, which the server inherits: it is free when both are gone.

        Whoever holds it is named in the file. If that process lives (and is not just being killed), the folder is
        taken; if it does not, its server is about to end, and that is waited for.
        """
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        started = time.monotonic()
        while not _locked(lock):
            holder = os.pread(lock, MARK_BYTES, 0).decode()
            patience = LIVING_SECONDS if holder == _mark_of(holder) else DYING_SECONDS
            if time.monotonic() > started + patience:
                os.close(lock)
                raise DataDirInUse(f"{self.path} is in use by process {holder.partition(' ')[0] or '(unknown)'}")
            await asyncio.sleep(LOOK_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, _mark_of(str(os.getpid())).encode(), 0)
        return lock

    def credentials(self) -> Credentials:
        """Read the passwords."""
        try:
            return Credentials(**json.loads(self._credentials.read_text()))
        except FileNotFoundError:
            raise NotRunning(f"no embedded Postgres runs on {self.path}") from None
        except PermissionError:
            raise EmbeddedFailed(f"only the account that owns {self.path} may use its database") from None
        except (ValueError, TypeError):
            raise EmbeddedFailed(f"{self._credentials} is damaged: restore that file") from None

    def make_credentials(self) -> Credentials:
        """Read the passwords, or make them, whole or not at all."""
        file, unfinished = self._credentials, self.path / "credentials.new"
        if not file.exists():
            unfinished.unlink(missing_ok=True)
            made = {role: secrets.token_urlsafe(PASSWORD_BYTES) for role in ("owner", "runtime")}
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as text:
                json.dump(made, text)
                text.flush()
                os.fsync(text.fileno())
            unfinished.rename(file)
            self.sync()
        return self.credentials()

    def publish(self, place: Path) -> None:
        """Write down where the server is, for commands beside it and for the next start."""
        unfinished = self.path / "place.new"
        unfinished.write_text(f"{place}\n{self.path.resolve()}\n")
        unfinished.rename(self.path / "place")

    def published(self) -> Path | None:
        """Read where the server is, or was; what a copied or moved folder says is another folder's affair."""
        try:
            place, _, whose = (self.path / "place").read_text().rstrip("\n").partition("\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Path(place) if whose == str(self.path.resolve()) else None

    def open_log(self) -> int:
        """Open the server's log at its end; a long one is put aside first, over the one that was put aside before."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.rename(self.path / "server.log.1")
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def sync(self) -> None:
        """Make names in this folder survive a power cut."""
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_ours(name: str) -> bool:
    return name.removesuffix(".new") in OWN_NAMES or name.startswith("postgres-")


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _mark_of(holder: str) -> str:
    """Name a living process so that a later one with the same number has another name; empty: it does not live."""
    number = holder.partition(" ")[0]
    if not number.isdigit():
        return ""
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return number  # no procfs: the number must do
    after_name = status.rpartition(")")[2].split()
    return "" if after_name[STATE] in GONE else f"{number} {after_name[START_TIME]}"
