"""What `serve` cannot start with: one clear line on standard error, exit code 1, no traceback, nothing left running."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing

import asyncpg
import pytest

from acs_bridge.store.embedded import EmbeddedPostgres
from tests.acceptance.forks import forked
from tests.acceptance.programs import Ended
from tests.acceptance.site import BOOTSTRAP, Daemon, Site
from tests.databases import Postgres


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port: int = other.getsockname()[1]
        return port


def refused(site: Site, *arguments: str) -> str:
    """The one line with which `serve` refuses to start here."""
    ended: Ended = site.start("serve", *arguments, begin=forked).ended()
    assert ended.code == 1, ended
    assert re.fullmatch(r"acs-bridge: [^\n]+\n", ended.err), ended
    assert "listening" not in ended.out
    assert site.left_behind() == []
    site.check_discreet()
    return ended.err.removeprefix("acs-bridge: ").rstrip("\n")


class TestAPortInUse:
    @pytest.mark.parametrize("listener", ["device", "operator"])
    def test_is_named_with_its_listener_before_anything_is_made(self, site: Site, taken: int, listener: str) -> None:
        site.settings[f"{listener}_listener.port"] = str(taken)
        line = refused(site)
        assert line.startswith(f"{listener}_listener: cannot listen on 127.0.0.1 port {taken}: ")
        assert not (site.folder / "var").exists()


class TestSettings:
    @pytest.mark.parametrize("arguments", [[], ["--workers", "2"]])
    def test_without_the_pair_of_digest_are_refused_before_anything_is_made(
        self, site: Site, arguments: list[str]
    ) -> None:
        del site.settings["cpe_auth.username"], site.settings["cpe_auth.password"]
        assert refused(site, *arguments).startswith("cpe_auth.username: is not set")
        assert not (site.folder / "var").exists()

    def test_without_an_address_for_the_reports_are_refused(self, site: Site) -> None:
        del site.settings["phan.base_url"]
        assert refused(site).startswith("phan.base_url: is not set")

    def test_that_do_not_exist_are_refused_with_the_nearest_that_does(self, site: Site) -> None:
        file = site.folder / "acs-bridge.toml"
        file.write_text("[queue]\nmax_attemps = 3\n")
        line = refused(site, "--config", str(file))
        assert "max_attemps" in line
        assert "max_attempts" in line

    def test_of_a_file_that_is_not_there_are_refused(self, site: Site) -> None:
        assert "nowhere.toml" in refused(site, "--config", "nowhere.toml")


class TestADatabase:
    PASSWORD = "correct-horse-battery"

    def test_that_is_down_is_named_without_its_password(self, site: Site, closed: int) -> None:
        site.settings["database.url"] = f"postgresql://someone:{self.PASSWORD}@127.0.0.1:{closed}/acs"
        line = refused(site)
        assert f"127.0.0.1:{closed}/acs" in line
        assert self.PASSWORD not in line
        assert "someone" not in line

    async def test_that_is_empty_is_refused_with_what_to_run(
        self, site: Site, postgres: Postgres, empty_database_name: str
    ) -> None:
        site.settings["database.url"] = postgres.owner_url(empty_database_name)
        assert refused(site) == "the database is empty: run acs-bridge migrate"

    async def test_of_a_newer_daemon_is_refused_with_the_version_that_it_needs(
        self, site: Site, postgres: Postgres, database_name: str
    ) -> None:
        url = postgres.owner_url(database_name)
        connection = await asyncpg.connect(url)
        await connection.execute("insert into schema_migration values (9999, 'to_come', 'x', '99.1.0', now())")
        await connection.close()
        site.settings["database.url"] = url
        line = refused(site)
        assert "9999_to_come" in line
        assert "99.1.0" in line

    async def test_of_somebody_else_is_refused(self, site: Site, postgres: Postgres, empty_database_name: str) -> None:
        url = postgres.owner_url(empty_database_name)
        connection = await asyncpg.connect(url)
        await connection.execute("create table invoice (id integer)")
        await connection.close()
        site.settings["database.url"] = url
        assert "tables that are not ours" in refused(site)


class TestAKeyring:
    """The database is that of a daemon which serves; only the folder is another one."""

    @pytest.fixture
    async def elsewhere(self, site: Site, daemon: Daemon) -> Site:
        server = await EmbeddedPostgres.attach(daemon.site.folder / "var" / "postgres")
        site.settings["database.url"] = server.runtime_url
        return site

    def test_that_is_missing_is_never_made_anew(self, elsewhere: Site) -> None:
        assert "the keyring is missing" in refused(elsewhere)
        assert not (elsewhere.folder / "var").exists()

    async def test_of_another_database_is_refused(
        self, elsewhere: Site, postgres: Postgres, database_name: str
    ) -> None:
        theirs = {"database.url": postgres.runtime_url(database_name)}
        with elsewhere.serving(settings=theirs):
            pass
        assert "is not the keyring of this database" in refused(elsewhere)


class TestADataFolder:
    def test_that_another_daemon_uses_is_refused_with_who_that_is(self, site: Site, daemon: Daemon) -> None:
        site.settings["database.data_dir"] = str(daemon.site.folder / "var" / "postgres")
        line = refused(site)
        assert f"is in use by process {daemon.program.process.pid}" in line
        assert daemon.caller().call("GET", "/readyz").status == 200

    def test_that_holds_something_else_is_refused_and_left_alone(self, site: Site) -> None:
        photo = site.folder / "var" / "postgres" / "holiday.jpg"
        photo.parent.mkdir(parents=True)
        photo.write_text(BOOTSTRAP.username)
        assert "holiday.jpg, which is not ours" in refused(site)
        assert [file.name for file in photo.parent.iterdir()] == [photo.name]
