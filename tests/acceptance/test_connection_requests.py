"""A daemon that rings: a URL lands in seconds, and nobody waited for a periodic Inform."""

import asyncio

import pytest

from acs_bridge.simulator.bells import Bells
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.surroundings import real_surroundings
from tests.acceptance.site import PHAN_URL, Site, gateway_of

PAIR = Credentials("ringing-acs", "ring-ring-4711")
SETTINGS = {
    "connection_requests.access_networks": "127.0.0.0/8,::1/128",
    "connection_requests.username": PAIR.username,
    "connection_requests.password": PAIR.password,
    "connection_requests.address_interval_seconds": "0",
}


def has_its_url(gateway: SimulatedGateway) -> bool:
    return bool(gateway.value(PHAN_URL)) and not gateway.in_session


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_request_of_a_bss_brings_the_gateway_at_once(site: Site, workers: str) -> None:
    with site.serving("--workers", workers, settings=SETTINGS) as daemon:
        bss = daemon.caller(site.token("bss", "intake"))
        admin = daemon.caller(site.token("ops", "admin"))
        gateways = [daemon.gateway(f"RING{number}") for number in range(3)]
        async with Bells(real_surroundings()).listening("127.0.0.1", gateways, PAIR) as bells:
            for gateway in gateways:
                assert (await gateway.session(("0 BOOTSTRAP", "1 BOOT"))).completed
            receipts = [bss.provision(gateway.identity.serial_number) for gateway in gateways]
            async with asyncio.timeout(40):
                await asyncio.gather(*(gateway.until(has_its_url) for gateway in gateways))
            assert [bss.state(receipt["write_id"]) for receipt in receipts] == ["verified"] * 3
            assert bells.rings >= 3
            (seen,) = admin.get("/v1/gateways?search=RING0")["items"]
            assert seen["connection_request"]["result"] == "rung"
            assert seen["connection_request"]["words"].startswith("answered")
            refused = admin.call("POST", f"/v1/gateways/{seen['id']}/ring")
            assert (refused.status, "once in 30 s" in refused.body["detail"]) == (409, True)
            assert admin.metrics()['acs_bridge_connection_requests_total{result="rung"}'] >= 3
    told = "".join(program.out.text + program.err.text for program in site.programs)
    urls = [gateway.value("ManagementServer.ConnectionRequestURL") for gateway in gateways]
    assert not [secret for secret in (PAIR.password, *(url.rpartition("/")[2] for url in urls)) if secret in told]


async def test_a_write_says_why_its_gateway_did_not_come(site: Site) -> None:
    with site.serving(settings=SETTINGS) as daemon:
        bss = daemon.caller(site.token("bss", "intake"))
        admin = daemon.caller(site.token("ops", "admin"))
        gateway = daemon.gateway("AWAY")
        gateway.model.fix("ManagementServer.ConnectionRequestURL", "http://192.168.1.1:7547/secret-path")
        assert (await gateway.session()).completed
        bss.post("/v1/devices", {"line_of_service": "L-AWAY", "gateway": gateway_of("AWAY")})
        (seen,) = admin.get("/v1/gateways?search=AWAY")["items"]
        answer = admin.call("POST", f"/v1/gateways/{seen['id']}/ring")
        assert (answer.status, answer.body["result"]) == (200, "private_address")
        write = admin.get(f"/v1/writes/{bss.provision('AWAY', 'L-AWAY')['write_id']}")
        assert "connection request" in write["waiting_for"]
        assert "private address" in write["waiting_for"]
        assert "secret-path" not in str(admin.get(f"/v1/gateways/{seen['id']}"))
