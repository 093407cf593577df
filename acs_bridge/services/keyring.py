"""The keyring's file, and that it is the right one for the database.

The file is made once, together with an empty database. A database that has known a keyring never gets another: when
the file is missing or holds other keys, the daemon refuses to start, because new keys would open none of the URLs that
are in the field, and would seal others for the same lines.
"""

import os
import stat
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from acs_bridge.domain.keyring import Keyring, KeyringRefused
from acs_bridge.errors import AcsBridgeError
from acs_bridge.store import keyring as store
from acs_bridge.store.database import Database
from acs_bridge.store.keyring import KnownKey

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
    they were made.
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
        unknown = keyring.keys.keys() - {key.key_id for key in known}
        await store.record(
            connection, [(id, keyring.check_value(id), keyring.key(id).created_at) for id in sorted(unknown)]
        )
    return keyring


async def verify_keyring(path: Path, database: Database) -> Keyring:
    """Return the keyring of this database, or say why it is not; make and record nothing."""
    known = await store.known_keys(database)
    keyring = _read(path)
    if keyring is None:
        raise KeyringMismatch(_missing(path) if known else f"{path}: there is no keyring yet; `serve` makes it")
    if not known:
        raise KeyringMismatch(f"{path}: this database does not know any keyring yet; `serve` makes them known to it")
    return _matching(path, keyring, known)


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write a keyring into a new file that only its owner can read; on disk as a whole, or not at all.

    It never replaces a file: two that write at once cannot both believe that theirs was kept.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # O_EXCL, mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(keyring.dump())
                file.flush()
                os.fsync(file.fileno())
            os.link(name, path)
        finally:
            Path(name).unlink()
        _sync_folder(path.parent)
    except OSError as error:
        why = "it exists already, and is left as it is" if path.exists() else error.strerror
        raise KeyringUnusable(f"{path}: the keyring cannot be written: {why}") from None


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
    """Return the keyring without the keys that were retired, once every other key that is known is the same in it."""
    if any(key.retired and key.key_id == keyring.current_key_id for key in known):
        current = keyring.current_key_id
        raise KeyringMismatch(f"{path}: is older than this database: its current key {current} was retired")
    for key in known:
        in_file = key.key_id in keyring.keys
        if in_file and keyring.check_value(key.key_id) != key.check_value:
            raise KeyringMismatch(f"{path}: is not the keyring of this database: its key {key.key_id} is another one")
        if not in_file and not key.retired:
            raise KeyringMismatch(f"{path}: is not the keyring of this database: it has no key {key.key_id}")
        if in_file and key.retired:
            keyring = keyring.retire(key.key_id)
    return keyring


def _missing(path: Path) -> str:
    return f"{path}: the keyring is missing, and this database has lines sealed with it: put its backup there"
