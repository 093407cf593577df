"""The keyring's file, and that it is the right one for the database.

The file is made once, together with an empty database. A database that has known a keyring never gets another: when
the file is missing or holds other keys, the daemon refuses to start, because new keys would open none of the URLs that
are in the field, and would seal others for the same lines. Which of the keys is the current one says the database.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from acs_bridge.domain.keyring import Keyring, KeyringRefused
from acs_bridge.errors import AcsBridgeError
from acs_bridge.store import keyring as store
from acs_bridge.store.database import Database
from acs_bridge.store.keyring import KeyState, KnownKey, NewKey
from acs_bridge.store.rows import Executor

_LARGEST_FILE = 1 << 20  # bytes; a keyring of a hundred keys has 20,000
_FORBIDDEN = stat.S_IWGRP | stat.S_IRWXO  # a group may read: that is how secrets are mounted into containers


class KeyringMismatch(AcsBridgeError):
    """The file of the keyring is missing, or is not the one that this database has known."""


class KeyringUnusable(AcsBridgeError):
    """The file of the keyring cannot be read, written or trusted."""


async def open_keyring(path: Path, database: Database, now: datetime) -> Keyring:
    """Return the keyring of this database, made now when both are new.

    A file that is there already while the database knows no keys is taken over: it was restored, or its making was
    interrupted. So are keys that the database does not know beside those that it knows: it was restored from before
    they were made, or a rotation was interrupted.
    """
    async with database.transaction() as connection:
        await store.lock(connection)
        known = await store.known_keys(connection)
        keyring = _read(path)
        if keyring is None:
            if known or await store.is_in_use(connection):
                raise KeyringMismatch(_missing(path))
            keyring = Keyring.new(now)
            write_keyring(path, keyring)
        keyring = _matching(path, keyring, known)
        await _make_known(connection, keyring, known)
    return keyring


async def add_key(path: Path, connection: Executor, now: datetime) -> Keyring:
    """Put a key into the file that has sealed nothing yet, and make it known; it is the last of the keyring's.

    A key that is there already for that purpose (made ready before, or by what was interrupted) is taken instead of
    another one. Which key is the current one does not change.
    """
    await store.lock(connection)
    known = await store.known_keys(connection)
    keyring = _read(path)
    if keyring is None or not known:
        raise KeyringMismatch(_missing(path) if known else f"{path}: this database does not know any keyring yet")
    keyring = _matching(path, keyring, known)
    sealing = {key.key_id for key in known if key.state is not KeyState.PREPARED}
    ready = [id for id in keyring.keys if id not in sealing]
    if not ready:
        keyring = keyring.rotate(now, never=frozenset(key.key_id for key in known))
        ready = [keyring.current_key_id]
        replace_keyring(path, keyring)
    await _make_known(connection, keyring, known)
    return keyring.with_current(ready[-1])


async def _make_known(connection: Executor, keyring: Keyring, known: Sequence[KnownKey]) -> None:
    """Record the keys that the database does not know; its first one is the current one."""
    first = store.current_key(known) is None
    await store.record(
        connection,
        [
            NewKey(
                id,
                keyring.check_value(id),
                keyring.key(id).created_at,
                KeyState.CURRENT if first and id == keyring.current_key_id else KeyState.PREPARED,
            )
            for id in sorted(keyring.keys.keys() - {key.key_id for key in known})
        ],
    )


async def verify_keyring(path: Path, database: Database) -> Keyring:
    """Return the keyring of this database, or say why it is not; make and record nothing."""
    return keyring_of(path, await store.known_keys(database))


def keyring_of(path: Path, known: Sequence[KnownKey]) -> Keyring:
    """Return the keyring of the file, if it is that of a database which knows these keys."""
    keyring = _read(path)
    if keyring is None:
        raise KeyringMismatch(_missing(path) if known else f"{path}: there is no keyring yet; `serve` makes it")
    if not known:
        raise KeyringMismatch(f"{path}: this database does not know any keyring yet; `serve` makes them known to it")
    return _matching(path, keyring, known)


def forget_retired(path: Path, known: Sequence[KnownKey]) -> None:
    """Take the keys out of the file that were retired: they open nothing any more, and nobody shall find them there."""
    keyring = _read(path)
    if keyring is not None and any(key.retired and key.key_id in keyring.keys for key in known):
        replace_keyring(path, _matching(path, keyring, known))


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write a keyring into a new file that only its owner can read; on disk as a whole, or not at all.

    It never replaces a file: two that write at once cannot both believe that theirs was kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _written(path, keyring) as name:
            os.link(name, path)
        _sync_folder(path.parent)
    except OSError as error:
        why = "it exists already, and is left as it is" if path.exists() else error.strerror
        raise KeyringUnusable(f"{path}: the keyring cannot be written: {why}") from None


def replace_keyring(path: Path, keyring: Keyring) -> None:
    """Put a keyring in the place of the one in a file, which keeps its owner; whoever reads finds one or the other."""
    target = path.resolve()
    try:
        former = target.stat()
        with _written(target, keyring) as name:
            os.chown(name, former.st_uid, former.st_gid)
            Path(name).chmod(stat.S_IMODE(former.st_mode) | stat.S_IWUSR)
            Path(name).replace(target)
        _sync_folder(target.parent)
    except PermissionError:
        why = "that needs the account which owns it, and a folder that it may write to"
        raise KeyringUnusable(f"{path}: the keyring cannot be replaced: {why}") from None
    except OSError as error:
        raise KeyringUnusable(f"{path}: the keyring cannot be replaced: {error.strerror}") from None


@contextmanager
def _written(path: Path, keyring: Keyring) -> Iterator[str]:
    """Give the name of a new file beside this one, with all of the keyring on disk; afterwards that name is gone."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(keyring.dump())
            file.flush()
            os.fsync(file.fileno())
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> Keyring | None:
    """Read the file; None when there is none."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LARGEST_FILE)
        text = content.decode()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyringUnusable(f"{path}: the keyring cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise KeyringUnusable(f"{path}: this is not a keyring: it is not text") from None
    if mode & _FORBIDDEN:
        raise KeyringUnusable(f"{path}: everybody could read or change the keyring; run: chmod 600 {path}")
    try:
        return Keyring.parse(text)
    except KeyringRefused as error:
        raise KeyringUnusable(f"{path}: {error}") from None


def _matching(path: Path, keyring: Keyring, known: Sequence[KnownKey]) -> Keyring:
    """Return the keyring as the database has it, once every key that is known is the same in it.

    It goes without keys that were retired; one that has sealed nothing yet may be missing.
    """
    for key in known:
        in_file = key.key_id in keyring.keys
        if in_file and keyring.check_value(key.key_id) != key.check_value:
            raise KeyringMismatch(f"{path}: is not the keyring of this database: its key {key.key_id} is another one")
        if not in_file and key.state in (KeyState.CURRENT, KeyState.FORMER):
            raise KeyringMismatch(f"{path}: is not the keyring of this database: it has no key {key.key_id}")
    current = store.current_key(known)
    if current is not None:
        keyring = keyring.with_current(current)
    for key in known:
        if key.retired and key.key_id in keyring.keys:
            keyring = keyring.retire(key.key_id)
    return keyring


def _missing(path: Path) -> str:
    return f"{path}: the keyring is missing, and this database has lines sealed with it: put its backup there"
