"""Where the server's socket lies, and a copy of the binaries when their account cannot read the originals.

Normally that is the data folder itself. It is a short-lived folder under the system's temporary one when the socket's
path would be too long, or when we are root and the server's account cannot reach into the data folder.
"""

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from acs_bridge.store.embedded.account import Account
from acs_bridge.store.embedded.binaries import Binaries
from acs_bridge.store.embedded.errors import EmbeddedFailed
from acs_bridge.store.embedded.folder import DataFolder

PORT = 5432
"""Only a part of the socket's name: no server of ours listens on a port."""
LONGEST_SOCKET_PATH = 103 if sys.platform == "darwin" else 107
TEMPORARY_PREFIX = "acs-bridge-"
MADE_BY_MKDTEMP = 8
OURS_ALONE, OURS_TO_PASS_THROUGH = 0o700, 0o711


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that the server's account can reach."""

    path: Path
    temporary: bool

    @property
    def sockets(self) -> Path:
        """Its folder for the socket."""
        return self.path / "run"

    def binaries(self, binaries: Binaries, account: Account | None) -> Binaries:
        """Give the binaries as they are, or a copy that the account can read."""
        if binaries.readable_by(account):
            return binaries
        return binaries.copied_to(self.path / f"postgres-{binaries.version}")

    def remove(self) -> None:
        """Leave nothing behind: a temporary place goes altogether."""
        if self.temporary:
            shutil.rmtree(self.path, ignore_errors=True)


def choose_place(folder: DataFolder, account: Account | None) -> Place:
    """Find where the socket can be, make its folder, and clear away what a killed daemon left."""
    former = folder.published()
    if former and _is_temporary(former, folder):
        Place(former, temporary=True).remove()
    place = Place(folder.path.resolve(), temporary=False)
    if not _fits(place.path) or (account and not account.reaches_into(place.path)):
        place = Place(_temporary(account), temporary=True)
    place.sockets.mkdir(exist_ok=True)
    place.sockets.chmod(OURS_ALONE)
    if account:
        os.chown(place.sockets, account.uid, account.gid)
    return place


def sockets_of(place: Path) -> Path:
    """Say where a place that another process made has its socket."""
    return Place(place, temporary=False).sockets


def _fits(path: Path) -> bool:
    return len(os.fsencode(path / "run" / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH


def _temporary(account: Account | None) -> Path:
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 -- mkdtemp makes a name of its own in it
        short = _fits(parent / (TEMPORARY_PREFIX + "x" * MADE_BY_MKDTEMP))
        if short and os.access(parent, os.W_OK) and (account is None or account.reaches_into(parent)):
            path = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
            path.chmod(OURS_TO_PASS_THROUGH if os.geteuid() == 0 else OURS_ALONE)
            return path
    raise EmbeddedFailed(
        f"the server's socket has no place: its path may have {LONGEST_SOCKET_PATH} bytes, and the system's temporary "
        "folder is no way out: name a data folder with a short path that every account may search"
    )


def _is_temporary(path: Path, folder: DataFolder) -> bool:
    """Whether it is a place that we may clear away: by its name, and never inside or above the data."""
    return path.name.startswith(TEMPORARY_PREFIX) and not folder.path.resolve().is_relative_to(path)
