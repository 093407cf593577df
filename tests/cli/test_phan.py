"""`acs-bridge phan`: on a database that a daemon has served."""

import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanClaims, PhanUrls
from acs_bridge.services.urls.keyring import open_keyring, write_keyring
from acs_bridge.store.database import Database

BASE = "https://phan.example.net/r/"
ASSOCIATION = UUID("01939f1e-5b2a-7abc-8def-0123456789ab")
LINE = "Ж-00042/a"


@dataclass(frozen=True)
class Installation:
    """What a daemon has left: a database, a keyring's file, and a line with its second URL."""

    database: Database
    keyring: Keyring
    path: Path
    issued_at: datetime

    def url(self, generation: int = 2) -> str:
        claims = PhanClaims(LINE, ASSOCIATION, generation, self.issued_at)
        return PhanUrls(self.keyring, BASE).seal(self.keyring.current_key_id, claims)


@pytest.fixture
async def installation(run, database: Database, database_url: str, now: datetime, tmp_path: Path, monkeypatch):
    path = tmp_path / "phan.keyring"
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    monkeypatch.setenv("ACS_BRIDGE_PHAN__KEYRING", str(path))
    installation = Installation(database, await open_keyring(path, database, now), path, now.replace(microsecond=0))
    await database.execute(
        "with subscriber as (insert into subscriber (code, code_key, name, created_at, updated_at) "
        "values ('c', 'c', 'n', $1, $1) returning id), "
        "device as (insert into device (line_of_service, line_key, created_at, updated_at) "
        "values ($2, lower($2), $1, $1) returning id) "
        "insert into association (id, subscriber_id, device_id, generation, key_id, issued_at, created_at, created_by) "
        "select $3, subscriber.id, device.id, 2, $4, $1, $1, 'cli:test' from subscriber, device",
        installation.issued_at,
        LINE,
        ASSOCIATION,
        installation.keyring.current_key_id,
    )
    return installation


@pytest.fixture
async def ended_installation(installation):
    await installation.database.execute("update association set ended_at = created_at, ended_by = 'cli:test'")
    return installation


def test_open_says_what_a_url_says_and_that_it_counts(run, installation):
    ended = run("phan", "open", installation.url() + "?oui=00236A")
    assert (ended.code, ended.err) == (0, "")
    assert json.loads(ended.out) == {
        "line_of_service": LINE,
        "association_id": str(ASSOCIATION),
        "active": True,
        "issued_at": "2026-03-14T15:09:26Z",
        "key_id": installation.keyring.current_key_id,
    }
    assert LINE in ended.out


def test_open_takes_a_bare_token(run, installation):
    assert json.loads(run("phan", "open", installation.url().removeprefix(BASE)).out)["active"] is True


def test_open_reads_a_url_from_standard_input_so_that_no_shell_remembers_it(run, installation, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(installation.url() + "\n"))
    assert json.loads(run("phan", "open", "-").out)["line_of_service"] == LINE


@pytest.mark.parametrize("generation", [1, 3])
def test_the_url_of_another_generation_does_not_count(run, installation, generation):
    assert json.loads(run("phan", "open", installation.url(generation)).out)["active"] is False


def test_the_url_of_an_association_that_is_over_does_not_count(run, ended_installation):
    assert json.loads(run("phan", "open", ended_installation.url()).out)["active"] is False


@pytest.mark.parametrize("damage", [lambda url: url[:-1], lambda url: url + "A", lambda _: BASE, lambda _: "hello"])
def test_open_refuses_what_is_not_ours_in_one_line_that_shows_nothing_of_it(run, installation, damage):
    ended = run("phan", "open", damage(installation.url()))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "acs-bridge: This is not a PHAN URL of this installation\n"


def test_verify_names_the_keys_and_shows_no_secret(run, installation):
    ended = run("phan", "keys", "verify")
    key_id = installation.keyring.current_key_id
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (f"{key_id}: of 2026-03-14, current\n{installation.path} is the keyring of this database\n")


@pytest.mark.parametrize("command", [("open", "x"), ("keys", "verify"), ("keys", "backup", "copy")])
def test_without_the_right_keyring_every_command_ends_in_one_line(run, installation, now, tmp_path, command):
    installation.path.unlink()
    missing = run("phan", *command)
    write_keyring(installation.path, Keyring.new(now))
    another = run("phan", *command)
    for ended, reason in ((missing, "the keyring is missing"), (another, "is not the keyring of this database")):
        assert (ended.code, ended.out) == (1, "")
        assert len(ended.err.splitlines()) == 1
        assert f"{installation.path}: {reason}" in ended.err
    assert not (tmp_path / "copy").exists()


def test_backup_copies_the_keyring_into_a_file_that_only_its_owner_can_read(run, installation, tmp_path):
    ended = run("phan", "keys", "backup", "copy")
    assert (ended.code, ended.err) == (0, "")
    assert Keyring.parse((tmp_path / "copy").read_text()) == installation.keyring
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_backup_never_writes_over_a_file(run, installation, tmp_path):
    (tmp_path / "copy").write_text("precious")
    ended = run("phan", "keys", "backup", "copy")
    assert (ended.code, ended.out) == (1, "")
    assert "exists already" in ended.err
    assert (tmp_path / "copy").read_text() == "precious"


def test_a_backup_is_verified_without_putting_it_in_place(run, installation, now, tmp_path):
    run("phan", "keys", "backup", "copy")
    write_keyring(tmp_path / "another", Keyring.new(now))
    good, another = run("phan", "keys", "verify", "copy"), run("phan", "keys", "verify", "another")
    assert (good.code, good.out.splitlines()[-1]) == (0, "copy is the keyring of this database")
    assert (another.code, another.out) == (1, "")
    assert "another: is not the keyring of this database" in another.err


def test_a_rotation_is_begun_shown_and_gone_on_with_by_the_same_command(run, installation):
    assert run("phan", "rotate", "--status").out == "the keys have never been rotated\n"
    begun = run("phan", "rotate", "--no-wait", "--per-minute", "60")
    key_id = Keyring.parse(installation.path.read_text()).current_key_id
    assert (begun.code, begun.err) == (0, "")
    assert begun.out == f"key {key_id}: 0 of 1 lines done, 0 under way, 1 waiting\n"
    assert run("phan", "rotate", "--no-wait").out == begun.out
    status = run("phan", "rotate", "--status").out
    assert "60 lines a minute\nbatch " in status
    assert status.endswith(f"former keys: {installation.keyring.current_key_id}\n")
    assert json.loads(run("phan", "open", installation.url()).out)["active"] is True


def test_a_former_key_may_be_retired_at_once(run, installation):
    assert "no former key" in run("phan", "rotate", "--retire-now").err
    run("phan", "rotate", "--no-wait")
    assert run("phan", "rotate", "--retire-now").out == f"retired: {installation.keyring.current_key_id}\n"
    assert run("phan", "open", installation.url()).code == 1


def test_a_key_is_made_ready_without_sealing_anything(run, installation):
    prepared = run("phan", "rotate", "--prepare")
    assert "copy that to every host" in prepared.out
    assert f"{installation.keyring.current_key_id}: of 2026-03-14, current" in run("phan", "keys", "verify").out


def test_the_backup_serves_when_the_file_is_lost(run, installation, tmp_path):
    run("phan", "keys", "backup", "copy")
    (tmp_path / "copy").replace(installation.path)
    assert run("phan", "open", installation.url()).code == 0


def test_no_command_makes_a_keyring(run, tmp_path):
    (tmp_path / "a.toml").write_text("[database]\ndata_dir = 'data'\n[phan]\nkeyring = 'keyring'\n", "utf-8")
    ended = run("phan", "keys", "verify", "--config", "a.toml")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "acs-bridge: keyring: there is no keyring yet; `serve` makes it\n"
    assert not (tmp_path / "keyring").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("open",),
        ("keys", "backup"),
        ("keys", "verify", "--nothing"),
        ("rotate", "--status", "--prepare"),
        ("rotate", "--per-minute", "0"),
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    assert run("phan", *arguments).code == 2
