"""Credentials of each gateway, given by the whole daemon with two workers, and kept to itself."""

import signal
from collections.abc import Iterator

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from tests.acceptance.site import SETTINGS, Daemon, Site, event_of, new_site, port_of

RECONNECTS = Behaviour(reconnects=True)
END_SECONDS = 10.0


@pytest.fixture
def site() -> Iterator[Site]:
    with new_site({**SETTINGS, "cpe_auth.manage": "true"}) as site:
        yield site


def secrets_of(gateway: SimulatedGateway) -> list[str]:
    return [gateway.value(f"ManagementServer.{name}") for name in ("Password", "ConnectionRequestPassword")]


async def test_every_gateway_gets_its_own_from_whichever_worker_and_no_line_of_the_log_has_them(site: Site) -> None:
    """A-18, A-21, SEC-06."""
    with site.serving("--workers", "2") as daemon:
        daemon.program.out.until(port_of("device"), count=3)
        admin = daemon.caller(site.token("admin", "admin"))
        gateways = [daemon.gateway(f"OWN{number}", behaviour=RECONNECTS) for number in range(6)]
        receipts = [admin.provision(gateway.identity.serial_number) for gateway in gateways]
        for _ in range(2):
            for gateway in gateways:
                assert (await gateway.session()).completed
        assert {admin.state(receipt["write_id"]) for receipt in receipts} == {"verified"}
        shown = admin.get("/v1/gateways")["items"]
        assert [(each["pair"], each["quarantine"]) for each in shown] == [("own", [])] * 6
        writes = admin.get("/v1/writes?state=verified")["items"]
        assert [write["proof"] for write in writes if write["purpose"] == "credentials"] == ["login"] * 6

        impostor = daemon.gateway("OWN0", behaviour=RECONNECTS)
        for _ in range(3):
            assert (await impostor.session(("0 BOOTSTRAP",))).served == ()
        (kept_out,) = admin.get("/v1/gateways?quarantined=true")["items"]
        assert kept_out["serial_number"] == "OWN0"
        assert [(call["reason"], call["calls"]) for call in kept_out["quarantine"]] == [("bootstrap_pair", 3)]
        assert daemon.program.out.until(lambda line: event_of(line).get("event") == "gateway_quarantined")
        assert (await gateways[0].session()).completed

        daemon.program.send(signal.SIGTERM)
        assert daemon.program.ended(END_SECONDS).code == 0
    check_kept(daemon, [secret for gateway in gateways for secret in secrets_of(gateway)])


def check_kept(daemon: Daemon, secrets: list[str]) -> None:
    """Nothing that the daemon has said has one of these."""
    said = daemon.program.out.text + daemon.program.err.text
    assert len(set(secrets)) == len(secrets)
    assert not [secret for secret in secrets if not secret or secret in said]
