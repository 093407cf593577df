"""Under which account Postgres runs: it refuses to be root, and this module creates no account."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from acs_bridge.store.embedded.errors import EmbeddedFailed

UNPRIVILEGED = ("postgres", "nobody")
OTHERS_SHIFT, GROUP_SHIFT, OWNER_SHIFT = 0, 3, 6
SEARCH, READ_AND_RUN = 0o1, 0o5


@dataclass(frozen=True, slots=True)
class Account:
    """An account that root hands the server to."""

    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Whether it may open `path`: every folder above can be searched, the path itself read and entered or run."""
        path = path.resolve()
        return self._may(path, READ_AND_RUN) and self.reaches_into(path.parent)

    def reaches_into(self, folder: Path) -> bool:
        """Whether it may open what lies in `folder`, as far as the folders above decide."""
        folder = folder.resolve()
        return all(self._may(above, SEARCH) for above in (folder, *folder.parents))

    def _may(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        shift = OTHERS_SHIFT
        if status.st_uid == self.uid:
            shift = OWNER_SHIFT
        elif status.st_gid == self.gid:
            shift = GROUP_SHIFT
        return status.st_mode >> shift & wanted == wanted


def account_for(pgdata: Path) -> Account | None:
    """Say whom to run as: nobody but ourselves unless we are root; the owner of data that is already there."""
    if os.geteuid() != 0:
        return None
    if pgdata.exists():
        status = pgdata.stat()
        return Account(status.st_uid, status.st_gid)
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedFailed(
        "Postgres does not run as root, and there is no account named postgres or nobody: create one, "
        "run acs-bridge under an account of its own, or set database.url"
    )
