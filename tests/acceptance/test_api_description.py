"""A foreign reader of the description calls everything in it, with every role."""

import pytest

from tests.acceptance.site import new_site
from tests.fuzz_api.__main__ import ROLES, explore, settle, told


@pytest.fixture(scope="module")
def daemon():
    """A daemon of its own: an Admin who tries everything also pauses the queue."""
    with new_site() as site, site.serving() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def tokens(daemon):
    admin = daemon.caller(daemon.site.token("admin", "admin"))
    settle(admin)
    return {role: daemon.site.token(f"explorer-{role}", role) for role in ROLES}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", ROLES)
def test_no_call_breaks_the_daemon_or_gets_an_answer_that_is_not_described(daemon, tokens, role, tmp_path):
    report = tmp_path / "report.json"
    thorough = ("examples,fuzzing", "3") if role == "admin" else ("fuzzing", "1")  # most of the rest is a 403
    bounded = ("--phases", thorough[0], "--max-examples", thorough[1], "--generation-deterministic")
    ended = explore(daemon, report, tokens[role], bounded)
    assert ended.returncode == 0, ended.stdout
    assert told(ended.stdout), ended.stdout
