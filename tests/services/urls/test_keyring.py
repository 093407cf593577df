import asyncio
import errno
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from acs_bridge.domain.keyring import Keyring
from acs_bridge.services.urls.keyring import (
    KeyringMismatch,
    KeyringUnusable,
    open_keyring,
    verify_keyring,
    write_keyring,
)
from acs_bridge.store.database import Database
from acs_bridge.store.keyring import known_keys, promote, retire_former


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "phan.keyring"


def put(path: Path, keyring: Keyring) -> None:
    path.unlink(missing_ok=True)
    write_keyring(path, keyring)


def left_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def test_the_first_start_makes_a_keyring_that_only_its_owner_can_read(path, database, now):
    keyring = await open_keyring(path, database, now)
    assert Keyring.parse(path.read_text()) == keyring
    assert path.stat().st_mode & 0o777 == 0o600
    assert left_in(path.parent) == [path.name]


async def test_the_database_remembers_ids_and_check_values_and_no_secret(path, database, now):
    keyring = await open_keyring(path, database, now)
    key = keyring.key(keyring.current_key_id)
    row = dict(await database.fetchrow("select * from keyring_key"))
    assert row == {
        "key_id": key.id,
        "check_value": keyring.check_value(key.id),
        "created_at": now.replace(microsecond=0),
        "retired_at": None,
        "state": "current",
    }
    assert row["check_value"] not in (key.secret, keyring.root)


async def test_every_later_start_gets_the_same_keyring(path, database, now):
    first = await open_keyring(path, database, now)
    assert await open_keyring(path, database, now + timedelta(days=1)) == first
    assert await verify_keyring(path, database) == first
    assert len(await known_keys(database)) == 1


async def test_two_starters_on_one_empty_database_get_one_keyring(path, database, now):
    one, other = await asyncio.gather(open_keyring(path, database, now), open_keyring(path, database, now))
    assert one == other


async def test_of_two_hosts_with_files_of_their_own_only_one_starts(path, tmp_path, database, now):
    outcomes = await asyncio.gather(
        open_keyring(path, database, now),
        open_keyring(tmp_path / "other" / "phan.keyring", database, now),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Keyring", "KeyringMismatch"]
    assert len(await known_keys(database)) == 1


async def test_a_missing_file_is_never_made_again(path, database, now):
    await open_keyring(path, database, now)
    path.unlink()
    for opening in (open_keyring(path, database, now), verify_keyring(path, database)):
        with pytest.raises(KeyringMismatch, match=f"^{path}: the keyring is missing"):
            await opening
    assert left_in(path.parent) == []


async def test_another_keyring_is_refused_and_left_alone(path, database, now):
    first = await open_keyring(path, database, now)
    put(path, Keyring.new(now))
    before = path.read_bytes()
    for opening in (open_keyring(path, database, now), verify_keyring(path, database)):
        with pytest.raises(
            KeyringMismatch, match=f"not the keyring of this database: it has no key {first.current_key_id}"
        ):
            await opening
    assert path.read_bytes() == before


@pytest.mark.parametrize("part", ["secret", "root"])
async def test_a_keyring_with_the_same_ids_and_other_secrets_is_refused(path, database, now, part):
    first = await open_keyring(path, database, now)
    id = first.current_key_id
    altered = {
        "secret": replace(first, keys={id: replace(first.key(id), secret=bytes(32))}),
        "root": replace(first, root=bytes(32)),
    }
    put(path, altered[part])
    with pytest.raises(KeyringMismatch, match=f"its key {id} is another one"):
        await open_keyring(path, database, now)


async def test_lines_without_known_keys_never_get_new_ones(path, database, now):
    await database.execute(
        "insert into subscriber (code, code_key, name, created_at, updated_at) values ('c','c','n',$1,$1)", now
    )
    await database.execute(
        "insert into device (line_of_service, line_key, created_at, updated_at) values ('l','l',$1,$1)", now
    )
    await database.execute(
        "insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by) "
        "select gen_random_uuid(), s.id, d.id, 'aaaa', $1, $1, 'test' from subscriber s, device d",
        now,
    )
    with pytest.raises(KeyringMismatch, match="the keyring is missing"):
        await open_keyring(path, database, now)
    assert not path.exists()


async def test_a_file_whose_making_was_interrupted_is_taken_over(path, database, now):
    keyring = Keyring.new(now)
    write_keyring(path, keyring)
    with pytest.raises(KeyringMismatch, match="does not know any keyring yet"):
        await verify_keyring(path, database)
    assert await open_keyring(path, database, now) == keyring
    assert await verify_keyring(path, database) == keyring


async def test_nothing_is_remembered_of_a_keyring_that_could_not_be_written(path, database, now):
    path.parent.mkdir()
    path.mkdir()
    with pytest.raises(KeyringUnusable, match=str(path)):
        await open_keyring(path, database, now)
    assert await known_keys(database) == ()


async def test_keys_that_were_made_after_the_database_s_backup_are_taken_over(path, database, now):
    first = await open_keyring(path, database, now)
    put(path, rotated := first.rotate(now))
    assert await open_keyring(path, database, now) == rotated.with_current(first.current_key_id)
    assert {key.key_id for key in await known_keys(database)} == set(rotated.keys)


async def test_a_retired_key_opens_nothing_even_if_a_restored_file_still_has_it(path, database, now):
    first = await open_keyring(path, database, now)
    put(path, rotated := first.rotate(now))
    await open_keyring(path, database, now)
    async with database.transaction() as connection:
        await promote(connection, rotated.current_key_id)
        assert await retire_former(connection, now) == (first.current_key_id,)
    assert list((await open_keyring(path, database, now)).keys) == [rotated.current_key_id]
    put(path, rotated.retire(first.current_key_id))
    assert list((await open_keyring(path, database, now)).keys) == [rotated.current_key_id]
    put(path, first)
    with pytest.raises(KeyringMismatch, match=f"it has no key {rotated.current_key_id}"):
        await open_keyring(path, database, now)


async def test_verifying_a_new_installation_makes_nothing(path, database):
    with pytest.raises(KeyringMismatch, match="no keyring yet"):
        await verify_keyring(path, database)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("mode", "trusted"), [(0o600, True), (0o400, True), (0o440, True), (0o644, False), (0o620, False)]
)
async def test_a_keyring_that_everybody_could_read_or_change_is_refused(path, database, now, mode, trusted):
    keyring = await open_keyring(path, database, now)
    path.chmod(mode)
    if trusted:
        assert await open_keyring(path, database, now) == keyring
    else:
        with pytest.raises(KeyringUnusable, match=f"chmod 600 {path}"):
            await open_keyring(path, database, now)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}", b"keyring", b'{"format": "acs-bridge keyring"}'])
async def test_a_damaged_file_is_refused_in_one_line_that_names_it(path, database: Database, now: datetime, content):
    await open_keyring(path, database, now)
    path.write_bytes(content)
    with pytest.raises(KeyringUnusable, match=f"^{path}: this is not a keyring: [^\n]+$"):
        await open_keyring(path, database, now)


def test_a_file_that_exists_is_never_written_over(path, now):
    write_keyring(path, Keyring.new(now))
    before = path.read_bytes()
    with pytest.raises(KeyringUnusable, match=f"^{path}: .* exists already"):
        write_keyring(path, Keyring.new(now))
    assert path.read_bytes() == before
    assert left_in(path.parent) == [path.name]


def test_a_folder_that_cannot_be_written_is_named_with_the_reason(tmp_path, now):
    (tmp_path / "file").touch()
    with pytest.raises(KeyringUnusable, match="cannot be written: "):
        write_keyring(tmp_path / "file" / "phan.keyring", Keyring.new(now))


async def test_a_folder_in_the_place_of_the_file_is_named_with_the_reason(tmp_path, database, now):
    with pytest.raises(KeyringUnusable, match=f"cannot be read: {os.strerror(errno.EISDIR)}"):
        await open_keyring(tmp_path, database, now)
