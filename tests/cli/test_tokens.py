"""`acs-bridge tokens`, beside whatever else uses the database."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest


@pytest.fixture
async def served(run, database, database_url, monkeypatch):
    """A database that the settings name."""
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    return database


def test_a_new_token_is_printed_alone_and_its_hash_is_kept(run, served, tmp_path):
    ended = run("tokens", "create", "crm", "--role", "intake")
    assert ended.code == 0, ended.err
    assert re.fullmatch(r"acsb_[A-Za-z0-9_-]{43}\n", ended.out)
    assert ended.err == ""
    listed = run("tokens", "list").out
    assert listed.startswith("crm\tintake\tuntil ")
    assert listed.endswith("\tnever used\n")
    assert ended.out.strip() not in listed


async def test_only_the_hash_of_a_token_is_stored_with_a_year_to_live(served, database_url):
    from acs_bridge.domain.actor import Actor, Role
    from acs_bridge.services.access.tokens import Tokens

    now = datetime(2026, 5, 1, tzinfo=UTC)
    token = await Tokens(served, lambda: now).create(
        "crm", Role.CSR, Actor("cli", "root", Role.ADMIN, ""), timedelta(days=365)
    )
    row = await served.fetchrow("select * from token")
    assert row["hash"] == sha256(token.encode()).digest()
    assert row["expires_at"] == now + timedelta(days=365)
    assert token not in str(dict(row))


def test_a_revoked_token_stays_listed_and_its_name_taken(run, served):
    run("tokens", "create", "crm", "--role", "phan", "--expires", "never")
    assert "until revoked" in run("tokens", "list").out
    assert run("tokens", "revoke", "crm").code == 0
    assert "revoked" in run("tokens", "list").out
    again = run("tokens", "create", "crm", "--role", "phan")
    assert (again.code, again.out) == (1, "")
    assert again.err == "acs-bridge: there is, or was, a token named crm already\n"


def test_a_token_of_some_networks_and_a_rate_of_its_own_is_listed_so(run, served):
    narrow = ("--network", "192.0.2.0/24", "--network", "2001:db8::/48", "--requests-per-minute", "60")
    assert run("tokens", "create", "crm", "--role", "intake", "--expires", "30", *narrow).code == 0
    assert run("tokens", "list").out.endswith("\tfrom 192.0.2.0/24 2001:db8::/48\t60 requests a minute\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("create", "crm", "--role", "csr", "--expires", "0"), 2, "days from 1 to 36500, or"),
        (("create", "crm", "--role", "csr", "--expires", "soon"), 2, "never"),
        (("create", "crm", "--role", "csr", "--network", "192.0.2.1/24"), 2, "must be an address or a network"),
        (("create", "crm", "--role", "csr", "--requests-per-minute", "0"), 2, "requests-per-minute"),
        (("revoke", "nobody"), 1, "there is no token named nobody"),
        (("create", "crm", "--role", "king"), 2, "--role"),
        (("create", "a\nb", "--role", "csr"), 1, "name: has U\\+000A"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, served, arguments, code, words):
    ended = run("tokens", *arguments)
    assert ended.code == code
    assert re.search(words, ended.err)
    assert ended.out == ""
