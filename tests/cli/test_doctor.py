"""`acs-bridge doctor`: what keeps `serve` from working is found before it is started."""

import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from acs_bridge.cli.doctor.place import expiry
from acs_bridge.domain.keyring import Keyring
from acs_bridge.services.urls.keyring import open_keyring, write_keyring
from tests.services.certificates import write_certificate

PASSWORD = "correct-horse-battery"


def certificate(file: Path, until: datetime) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def doctor(run, monkeypatch):
    """Run it with settings that are right, and some that are not; what it found, by subject, and its exit code."""
    for name, value in {
        "PHAN__BASE_URL": "https://phan.example.net/r/",
        "CPE_AUTH__USERNAME": "bootstrap",
        "CPE_AUTH__PASSWORD": PASSWORD,
        "DEVICE_LISTENER__HOST": "127.0.0.1",
        "DEVICE_LISTENER__PORT": "0",
        "OPERATOR_LISTENER__PORT": "0",
    }.items():
        monkeypatch.setenv(f"ACS_BRIDGE_{name}", value)

    def doctor(**settings: str):
        for name, value in settings.items():
            monkeypatch.setenv(f"ACS_BRIDGE_{name}", value)
        ended = run("doctor")
        assert ended.err == ""
        assert PASSWORD not in ended.out
        *lines, summary = ended.out.splitlines()
        found = {}
        for line in lines:
            verdict, subject, words = re.split(r"  +", line, maxsplit=2)
            found[subject] = (verdict, words)
        assert summary.endswith(f"{len(found)} in all")
        return ended.code, found

    return doctor


def test_all_is_well_on_a_fresh_machine(doctor, tmp_path):
    code, found = doctor()
    assert code == 0, found
    assert found["settings"][0] == "ok"
    assert found["database"] == ("skipped", "the embedded Postgres is made in var/postgres by the first serve")
    assert found["keyring"] == ("ok", "var/phan.keyring is made by the first serve")
    assert list(tmp_path.iterdir()) == []  # it has changed nothing


@pytest.fixture
async def keyring(database, now, tmp_path):
    """That of the database, in the file k."""
    return await open_keyring(tmp_path / "k", database, now)


@pytest.fixture
async def narrow(database, database_url, postgres, database_name):
    """A database whose role may not do all that it has to."""
    connection = await asyncpg.connect(postgres.owner_url(database_name))
    await connection.execute("revoke update on gateway from acs_bridge")
    await connection.close()
    return database_url


def test_all_is_well_on_a_database_that_serves(doctor, keyring, database_url):
    code, found = doctor(DATABASE__URL=database_url, PHAN__KEYRING="k")
    assert code == 0, found
    for subject in ("database", "schema", "privileges", "clock", "keyring"):
        assert found[subject][0] == "ok", found
    assert keyring.current_key_id in found["keyring"][1]


class TestFinds:
    def test_a_setting_that_is_wrong(self, doctor):
        code, found = doctor(DEVICE_LISTENER__PORT="70000")
        assert (code, list(found)) == (1, ["settings"])
        assert "device_listener.port" in found["settings"][1]

    def test_a_setting_that_is_missing(self, doctor):
        code, found = doctor(PHAN__BASE_URL="http://phan.example.net/r/")
        assert code == 1
        assert "phan.base_url" in found["settings"][1]

    def test_a_port_that_is_taken(self, doctor):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            code, found = doctor(DEVICE_LISTENER__PORT=str(taken.getsockname()[1]))
        assert (code, found["device port"][0]) == (1, "failed")
        assert "cannot listen" in found["device port"][1]

    def test_a_profile_that_cannot_be_read(self, doctor, tmp_path):
        (tmp_path / "profiles").mkdir()
        (tmp_path / "profiles" / "odd.toml").write_text("name = 7\n")
        code, found = doctor(PROFILES__DIRS="profiles")
        assert (code, found["profiles"][0]) == (1, "failed")
        assert "odd.toml" in found["profiles"][1]

    def test_a_certificate_that_has_expired_or_soon_will(self, doctor, tmp_path):
        now = datetime.now(UTC)
        for days, verdict, expected in ((-1, "failed", 1), (5, "warning", 0), (90, "ok", 0)):
            until = now + timedelta(days=days)
            code, found = doctor(DEVICE_LISTENER__TLS_CERTIFICATE=str(certificate(tmp_path / "c.pem", until)))
            assert (code, found["TLS"][0]) == (expected, verdict)
            assert f"{until:%Y-%m-%d}" in found["TLS"][1]

    def test_a_database_that_is_away(self, doctor):
        code, found = doctor(DATABASE__URL=f"postgresql://acs:{PASSWORD}@127.0.0.1:1/acs")
        assert (code, found["database"][0], found["keyring"][0]) == (1, "failed", "skipped")

    def test_a_database_that_nobody_has_migrated(self, doctor, postgres, empty_database_name):
        code, found = doctor(DATABASE__URL=postgres.owner_url(empty_database_name))
        assert (code, found["schema"][0], found["privileges"][0], found["keyring"][0]) == (
            1,
            "failed",
            "skipped",
            "skipped",
        )
        assert "acs-bridge migrate" in found["schema"][1]

    def test_what_a_role_may_not_do(self, doctor, narrow):
        code, found = doctor(DATABASE__URL=narrow)
        assert (code, found["privileges"][0]) == (1, "failed")
        assert "gateway (update)" in found["privileges"][1]

    def test_a_keyring_of_another_database(self, doctor, keyring, database_url, now, tmp_path):
        write_keyring(tmp_path / "other", Keyring.new(now))
        code, found = doctor(DATABASE__URL=database_url, PHAN__KEYRING="other")
        assert (code, found["keyring"][0]) == (1, "failed")
        assert "is not the keyring of this database" in found["keyring"][1]


def test_until_when_a_certificate_is_valid_is_read_of_its_first_one(tmp_path):
    """In both notations of time (RFC 5280, 4.1.2.5): from 2050 on years have four digits."""
    until = datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert expiry(certificate(tmp_path / "two.pem", until)) == until
    assert expiry(write_certificate(tmp_path / "four.pem")) == datetime(2100, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("content", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_valid_until_nobody_knows(tmp_path, content):
    (tmp_path / "c.pem").write_text(content)
    assert expiry(tmp_path / "c.pem") is None
