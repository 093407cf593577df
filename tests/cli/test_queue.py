"""`acs-bridge queue`: the brakes hold in the database, for every worker."""

from uuid import UUID

import pytest

from acs_bridge.domain.write import WriteState

BATCH = "0193a000-0000-7000-8000-000000000001"


@pytest.fixture
async def served(run, database, database_url, monkeypatch):
    """A database that the settings name."""
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    return database


def test_status_shows_all_ten_states_and_no_ceiling(run, served):
    ended = run("queue", "status")
    assert ended.code == 0, ended.err
    states = [line.split()[0] for line in ended.out.splitlines()[:10]]
    assert states == [*WriteState]
    assert ended.out.endswith("no ceiling\n")


def test_a_brake_stays_until_exactly_it_is_taken_off(run, served):
    assert "paused: the whole queue since" in run("queue", "pause").out
    assert (
        f"paused: batch {UUID(BATCH)}, profile p since" in run("queue", "pause", "--batch", BATCH, "--profile", "p").out
    )
    both = run("queue", "resume", "--batch", BATCH).out
    assert both.count("paused: ") == 2
    assert run("queue", "resume").out.count("paused: ") == 1
    assert "paused" not in run("queue", "resume", "--batch", BATCH, "--profile", "p").out


def test_a_batch_that_is_no_uuid_is_wrong_usage(run, served):
    ended = run("queue", "pause", "--batch", "everything")
    assert ended.code == 2
    assert "--batch" in ended.err
