"""One folder, one server; what is refused says why and leaves nothing behind."""

import asyncio
import tempfile

import pytest

from acs_bridge.store.embedded import (
    DataDirForeign,
    DataDirInUse,
    EmbeddedFailed,
    EmbeddedPostgres,
    WrongVersion,
    binaries,
)
from tests.store.embedded.servers import ask, on_linux

pytestmark = on_linux


async def test_a_second_starter_is_told_who_has_the_folder(folder, daemon):
    owner = daemon(folder)
    with pytest.raises(DataDirInUse, match=f"in use by process {owner.pid}$"):
        await EmbeddedPostgres.start(folder)
    assert await ask(owner.owner_url) == 1


async def test_a_second_start_in_the_same_process_is_refused_too(folder, start):
    server = await start(folder)
    with pytest.raises(DataDirInUse):
        await start(folder)
    assert await ask(server.runtime_url) == 1


async def test_of_two_starters_at_the_same_time_one_gets_the_folder(folder):
    results = await asyncio.gather(
        *(EmbeddedPostgres.start(folder, fsync=False) for _ in range(2)), return_exceptions=True
    )
    servers = [result for result in results if isinstance(result, EmbeddedPostgres)]
    assert sorted(type(result).__name__ for result in results) == ["DataDirInUse", "EmbeddedPostgres"]
    await servers[0].stop()


async def test_data_of_another_major_version_is_refused_in_one_line(folder):
    (folder / "pgdata" / "PG_VERSION").write_text("17\n")
    with pytest.raises(WrongVersion, match=r"made by Postgres 17, but the binaries are Postgres 18\.\d+") as refusal:
        await EmbeddedPostgres.start(folder)
    assert "\n" not in str(refusal.value)


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(DataDirForeign, match=r"holds holiday\.jpg, which is not ours"):
        await EmbeddedPostgres.start(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["holiday.jpg"]


async def test_a_database_without_its_credentials_is_refused(folder):
    (folder / "credentials").unlink()
    with pytest.raises(DataDirForeign, match="credentials are gone"):
        await EmbeddedPostgres.start(folder)


async def test_damaged_credentials_are_named_and_not_quoted(folder):
    (folder / "credentials").write_text('{"owner": "secret')
    with pytest.raises(EmbeddedFailed, match="credentials is damaged") as refusal:
        await EmbeddedPostgres.start(folder)
    assert "secret" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedFailed, match=r"file: (Not a directory|File exists)$"):
        await EmbeddedPostgres.start(tmp_path / "file")


async def test_a_server_that_does_not_start_says_why_and_leaves_nothing_behind(folder, start, open_folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(open_folder))
    control = folder / "pgdata" / "global" / "pg_control"
    control.rename(folder / "pgdata" / "global" / "pg_control.away")
    with pytest.raises(EmbeddedFailed, match=r"does not start: .*pg_control.*\(see .*server\.log\)"):
        await start(folder)
    assert not list(open_folder.iterdir())
    control.with_suffix(".away").rename(control)
    assert await ask((await start(folder)).runtime_url) == 1


async def test_an_initdb_that_fails_says_why_and_leaves_no_half_a_database(tmp_path, monkeypatch, start):
    real = binaries.find_binaries()
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "initdb").write_text("#!/bin/sh\necho 'initdb: error: no space left' >&2\nexit 1\n")
    (folder / "initdb").chmod(0o755)
    (folder / "postgres").symlink_to(real.folder / "postgres")
    monkeypatch.setattr(binaries.Binaries, "readable_by", lambda self, account: True)
    monkeypatch.setattr("acs_bridge.store.embedded.server.account_for", lambda pgdata: None)
    broken = binaries.Binaries(folder, real.version)
    monkeypatch.setattr("acs_bridge.store.embedded.server.find_binaries", lambda: broken)
    with pytest.raises(EmbeddedFailed, match=r"initdb failed: .*no space left"):
        await start(tmp_path / "postgres")
    assert not (tmp_path / "postgres" / "pgdata").exists()


async def test_a_setup_that_fails_is_no_database_and_tells_no_password(tmp_path, monkeypatch, start):
    with monkeypatch.context() as broken:
        broken.setattr(
            "acs_bridge.store.embedded.cluster.SETUP", "create role x password '{owner_password}' nonsense;\n"
        )
        with pytest.raises(EmbeddedFailed, match=r"postgres failed: .*ERROR:  unrecognized role option"):
            await start(tmp_path / "postgres")
    assert not (tmp_path / "postgres" / "pgdata").exists()
    log = (tmp_path / "postgres" / "server.log").read_text()
    assert (await start(tmp_path / "postgres"))._credentials.owner not in log
