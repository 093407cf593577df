"""`acs-bridge audit`: whether the audit trail is what it was."""

from datetime import UTC, datetime

import pytest

from acs_bridge.services.audit import AuditTrail

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ADD = "insert into audit (at, actor, address, action) values ($1, 'cli:a', '', 'queue_paused')"


@pytest.fixture
async def served(database, database_url, monkeypatch):
    """A database that the settings name, with three deeds."""
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    for _ in range(3):
        await database.execute(ADD, NOW)
    return database


def test_a_chain_that_is_whole_is_said_to_be_and_can_be_noted(run, served):
    ended = run("audit", "verify")
    assert (ended.code, ended.err) == (0, "")
    first, noted = ended.out.splitlines()
    assert first == "3 links, none of them broken"
    assert run("audit", "verify", "--noted", noted).code == 0
    other = noted[:-1] + ("0" if noted[-1] != "0" else "1")
    refused = run("audit", "verify", "--noted", other)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "acs-bridge: the audit trail is broken: link 3 is not the one that was noted\n"


@pytest.fixture
async def tampered(served, owner):
    await AuditTrail(served, lambda: NOW).link()
    await owner.execute("alter table audit disable trigger user")
    await owner.execute("update audit set actor = 'cli:b' where id = 2")


def test_the_first_broken_place_is_named(run, tampered):
    ended = run("audit", "verify")
    assert (ended.code, ended.err) == (
        1,
        "acs-bridge: the audit trail is broken: audit row 2 (link 2) is not what was linked\n",
    )


@pytest.mark.parametrize("noted", ["3", "3:abc", "x:" + "0" * 64])
def test_a_note_that_is_none_is_wrong_usage(run, served, noted):
    ended = run("audit", "verify", "--noted", noted)
    assert (ended.code, "64 hexadecimal digits" in ended.err) == (2, True)
