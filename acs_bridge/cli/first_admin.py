"""The first Admin of an installation: made by `serve` where there is no user yet, so that somebody can log in.

Its password counts for one login. It is shown at the terminal, or stands in a file that only its owner can read; it is
in no log.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from acs_bridge.errors import AcsBridgeError

if TYPE_CHECKING:
    from acs_bridge.services.access.users import Users
    from acs_bridge.settings import Settings
    from acs_bridge.store.database import Database

FILE: Final = "first-login.txt"

_log = structlog.get_logger(__name__)


class CannotTell(AcsBridgeError):
    """The password of the first Admin has nowhere to go."""


async def make_first_admin(settings: "Settings", database: "Database", url: str) -> None:
    """Make the first Admin, if there is no user, and tell its password to whoever has started the daemon."""
    from acs_bridge.app import utc_now
    from acs_bridge.services.access.users import Users

    users = Users(database, utc_now, secrets.token_bytes)
    if await users.any():
        return
    terminal = next((stream for stream in (sys.stderr, sys.stdout) if stream.isatty()), None)
    if terminal is None:
        await _into_a_file(users, settings.phan.keyring.parent / FILE, url)
        return
    password = users.one_time()
    if await users.add_first(password):
        print(f"\n{_words(password, url)}\n", file=terminal, flush=True)
        _log.info("first_admin_made", user="admin", password="at the terminal")  # noqa: S106 -- it says where


async def _into_a_file(users: "Users", path: Path, url: str) -> None:
    """Write the password before there is a user with it: nobody could log in without it."""
    password = users.one_time()
    with _written(path, _words(password, url)) as keep:
        if await users.add_first(password):
            keep()
            _log.info("first_admin_made", user="admin", password=f"in {path}")


@contextmanager
def _written(path: Path, text: str) -> Iterator[Callable[[], object]]:
    """Write a file that only its owner can read; it has its name when it is kept, and is gone otherwise."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)  # O_EXCL, mode 0600
    except OSError as error:
        raise CannotTell(f"{path}: the first Admin's password cannot be written: {error.strerror}") from None
    written = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        yield lambda: written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def _words(password: str, url: str) -> str:
    return f"The console is at {url}/\nLog in as admin with the password {password}\nand choose another one there."
