"""`acs-bridge migrate`: on a database that was given, and on the embedded one."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest


@pytest.fixture
def empty_database_url(postgres, empty_database_name) -> str:
    return postgres.owner_url(empty_database_name)


def test_a_given_database_gets_the_schema_of_this_version(run, empty_database_url, monkeypatch):
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", empty_database_url)
    first, second = run("migrate"), run("migrate")
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("ran 0001_foundation\n")
    assert (second.code, second.out, second.err) == (0, "nothing to do\n", "")


def test_a_database_that_does_not_answer_is_one_line_without_its_password(run, monkeypatch):
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", "postgresql://u:hunter2@127.0.0.1:1/acs_bridge")
    ended = run("migrate")
    assert (ended.code, ended.out) == (1, "")
    assert len(ended.err.splitlines()) == 1
    assert "127.0.0.1" in ended.err
    assert "hunter2" not in ended.err


def test_the_embedded_database_is_migrated_where_the_settings_put_it(run, tmp_path):
    (tmp_path / "a.toml").write_text("[database]\ndata_dir = 'data'\n", "utf-8")
    ended = run("migrate", "--config", "a.toml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("ran 0001_foundation\n")
    assert (tmp_path / "data").is_dir()


def test_a_data_folder_that_is_a_file_is_one_line_that_names_it(run, tmp_path):
    (tmp_path / "data").write_text("no folder", "utf-8")
    (tmp_path / "a.toml").write_text("[database]\ndata_dir = 'data'\n", "utf-8")
    ended = run("migrate", "--config", "a.toml")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert "data" in ended.err


@pytest.fixture
async def daemon_url(postgres, empty_database_name) -> AsyncIterator[str]:
    """The URL of a role that owns nothing, and that nothing is granted to by itself."""
    name = f"daemon_{uuid4().hex}"
    owner = await asyncpg.connect(postgres.owner_url(empty_database_name))
    await owner.execute(f"create role {name} login password 'x'")
    yield re.sub("//[^@]*@", f"//{name}:x@", postgres.owner_url(empty_database_name))
    await owner.execute(f"drop owned by {name}")
    await owner.execute(f"drop role {name}")
    await owner.close()


@pytest.fixture
async def migrated(run, daemon_url, empty_database_url, monkeypatch):
    """Two roles in the settings, and the database migrated."""
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", daemon_url)
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__OWNER_URL", empty_database_url)


def test_with_a_role_of_its_own_the_daemon_gets_what_it_needs(run, migrated, tmp_path):
    assert run("migrate").code == 0
    created = run("tokens", "create", "crm", "--role", "admin")
    assert (created.code, created.err) == (0, "")
    ended = run("audit", "verify")
    assert (ended.code, ended.out.splitlines()[0]) == (0, "1 links, none of them broken")


@pytest.fixture
async def refused_in(daemon_url):
    """Says what Postgres refuses to the daemon's role."""

    async def refuse(change: str) -> str:
        connection = await asyncpg.connect(daemon_url)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError) as refused:
                await connection.execute(change)
            return str(refused.value)
        finally:
            await connection.close()

    return refuse


@pytest.mark.parametrize(
    "change", ["delete from audit", "update audit set actor = 'x'", "truncate audit", "drop table audit"]
)
def test_with_a_role_of_its_own_the_daemon_has_no_right_to_change_the_audit_trail(run, migrated, refused_in, change):
    assert run("migrate").code == 0
    said = asyncio.run(refused_in(change))
    assert said.startswith(("permission denied for table audit", "must be owner of table audit"))


@pytest.fixture
async def narrow(daemon_url, postgres, empty_database_name, monkeypatch):
    """A role that may make tables in the database, and no extensions."""
    owner = await asyncpg.connect(postgres.owner_url(empty_database_name))
    name = re.search("//([^:]*):", daemon_url)
    assert name is not None
    await owner.execute(f"grant create, usage on schema public to {name[1]}")
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", daemon_url)
    yield owner
    await owner.close()


def test_a_database_without_trigrams_is_told_what_it_lacks(run, narrow):
    ended = run("migrate")
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (1, "", 1)
    assert "let a superuser run create extension pg_trgm" in ended.err.replace('"', "")


@pytest.fixture
async def prepared(narrow):
    await narrow.execute("create schema extensions")
    await narrow.execute("create extension pg_trgm schema extensions")
    await narrow.execute("grant usage on schema extensions to public")


def test_trigrams_may_be_there_already_and_elsewhere(run, prepared):
    assert run("migrate").code == 0
