"""What the container files say, said to a daemon that really runs; only addresses of the container's world differ."""

import subprocess
from pathlib import Path

import pytest

from acs_bridge.simulator.gateway import Credentials
from config.make_secrets import make
from tests import test_deployment as files
from tests.acceptance.programs import eventually
from tests.acceptance.site import BASE_URL, PHAN_URL, Caller, Daemon, Site
from tests.databases import Postgres

SERVICES = files.COMPOSE["services"]
HERE = {"device_listener.host": "127.0.0.1", "device_listener.port": "0"}
HERE |= {"operator_listener.host": "127.0.0.1", "operator_listener.port": "0"}
SESSIONS = "acs_bridge_sessions_opened_total"


@pytest.fixture
def secrets(tmp_path: Path, postgres: Postgres, empty_database_name: str) -> Path:
    """What `make secrets` makes, with the URL of a database that is there."""
    make(tmp_path / "secrets")
    (tmp_path / "secrets" / "database_url").write_text(postgres.owner_url(empty_database_name) + "\n")
    return tmp_path / "secrets"


def environment(service: str, secrets: Path) -> dict[str, str]:
    return files.TestCompose().environment(service, secrets, {"PHAN_BASE_URL": BASE_URL})


@pytest.fixture
def site(site: Site, secrets: Path) -> Site:
    """The container of the daemon: the settings of compose, its addresses this machine's."""
    site.settings = HERE
    site.variables = environment("acs-bridge", secrets)
    site.credentials = Credentials("bootstrap", (secrets / "cpe_password").read_text().strip())
    return site


class TestCompose:
    async def test_brings_up_a_daemon_that_provisions_whom_an_admin_approves(self, site: Site, secrets: Path) -> None:
        site.variables = environment("migrate", secrets)
        migrated = site.run(*SERVICES["migrate"]["command"])
        assert (migrated.code, migrated.err) == (0, "")
        site.variables = environment("acs-bridge", secrets)
        (command,) = SERVICES["acs-bridge"]["command"]
        assert command == "serve"
        with site.serving() as daemon:
            check_healthy(daemon)
            admin = daemon.caller(site.token("admin", "admin"))
            await self.check_approval(daemon, admin)
            self.check_fleet(daemon, admin, secrets)
            check_healthy(daemon)

    async def check_approval(self, daemon: Daemon, admin: Caller) -> None:
        """A gateway that shows the shared pair gets nothing until it is approved; then it gets its URL."""
        receipt = admin.provision("BOX1")
        gateway = daemon.gateway("BOX1")
        assert (await gateway.session()).served == ()
        assert "approv" in admin.get(f"/v1/writes/{receipt['write_id']}")["waiting_for"]
        (seen,) = admin.get("/v1/gateways")["items"]
        admin.post(f"/v1/gateways/{seen['id']}/approve", {}, 200)
        await gateway.session()
        assert admin.state(receipt["write_id"]) == "verified"
        assert gateway.value(PHAN_URL).startswith(BASE_URL)

    def check_fleet(self, daemon: Daemon, admin: Caller, secrets: Path) -> None:
        """The simulated fleet gets through, and ends when compose stops it."""
        before = admin.metrics()[SESSIONS]
        words = [word.replace("/run/secrets", str(secrets)) for word in SERVICES["simulate"]["command"]]
        words = [f"--acs-url={daemon.acs_url}" if word.startswith("--acs-url=") else word for word in words]
        fleet = daemon.site.start(*words)
        eventually(lambda: admin.metrics()[SESSIONS], lambda sessions: sessions > before)
        fleet.process.terminate()
        ended = fleet.ended()
        assert (ended.code, ended.err) == (0, "")
        assert "Sessions/s" in ended.out


def check_healthy(daemon: Daemon) -> None:
    """What the container is asked every few seconds."""
    health = files.TestHealthCheck().command(daemon.operator_port)
    assert subprocess.run(health, check=False, timeout=10).returncode == 0
