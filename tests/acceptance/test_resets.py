"""Gateways that are reset, and the record of what they say, with the whole daemon and two workers."""

import json
from collections.abc import Iterator

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from tests.acceptance.site import SETTINGS, Site, new_site, port_of

URL = "X_ACSBRIDGE_HomeAnalytics.URL"
RECONNECTS = Behaviour(reconnects=True)
A_DAY = 3


@pytest.fixture
def site() -> Iterator[Site]:
    with new_site({**SETTINGS, "queue.writes_per_gateway_per_day": str(A_DAY)}) as site:
        yield site


async def test_a_gateway_that_is_reset_gets_its_url_again_and_a_loop_ends(site: Site) -> None:
    """S-30, E-06: whichever worker hears of it."""
    with site.serving("--workers", "2") as daemon:
        daemon.program.out.until(port_of("device"), count=3)
        admin = daemon.caller(site.token("admin", "admin"))
        gateway = daemon.gateway("RESET1", behaviour=RECONNECTS)
        receipt = admin.provision("RESET1")
        assert (await gateway.session()).completed
        (box,) = admin.get("/v1/gateways")["items"]
        path = f"/v1/gateways/{box['id']}/transcript"
        admin.post(path, {"sessions": 1, "minutes": 5})

        url, urls = gateway.value(URL), []
        for _ in range(A_DAY + 2):
            gateway.factory_reset()
            assert (await gateway.session()).completed
            urls.append(gateway.value(URL))
        assert urls == [url] * (A_DAY - 1) + [""] * 3
        moments = admin.get(f"/v1/associations/{receipt['association_id']}/timeline")["items"]
        causes = [moment["cause"] for moment in moments if moment["event"] == "write_created"]
        assert causes == ["associated"] + ["bootstrap"] * A_DAY
        (waiting,) = admin.get("/v1/writes?state=queued")["items"]
        assert "all its writes of a day" in waiting["waiting_for"]
        assert daemon.program.out.until(lambda line: "gateway_budget_spent" in line)

        said = admin.get(path)
        assert [entry["message"] for entry in said["entries"]][:4] == [
            *("Inform", "InformResponse", "EmptyPost", "SetParameterValues"),
        ]
        assert not said["recording"]
        assert url not in json.dumps(said)
