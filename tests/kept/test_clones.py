"""Two boxes under one DeviceId never fight over a URL, and a box under a new one is recognised; over real HTTP."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acs_bridge.settings import Settings
from acs_bridge.simulator.gateway import SimulatedGateway
from tests.kept.conftest import Site, serial
from tests.kept.test_drift import CODE, VERSION, a_profile
from tests.web.device.conftest import settings

SET, GET = "SetParameterValues", "GetParameterValues"


@pytest.fixture
def configured() -> Settings:
    return settings(queue={"writes_per_gateway_per_day": 50})


@dataclass
class Twins:
    """A box that has its URL, and another one with its serial number, which has nothing yet."""

    site: Site
    one: SimulatedGateway
    other: SimulatedGateway

    async def take_turns(self, rounds: int) -> list[tuple[str, ...]]:
        """What each session was asked for."""
        served = []
        for _ in range(rounds):
            for box in (self.one, self.other):
                self.site.clock.advance(minutes=30)
                served.append((await box.session()).served)
        return served

    async def quarantine(self) -> list[dict[str, Any]]:
        gateway = await self.site.ask("GET", f"/v1/gateways/{await self.site.gateway_id('B1')}")
        return list(gateway["quarantine"])


@pytest.fixture
async def twins(site: Site) -> Twins:
    one, other = site.box("B1"), site.box("clone", serial=serial("B1"))
    one.model.fix("ManagementServer.ConnectionRequestURL", "http://192.0.2.1:7547/")
    other.model.fix("ManagementServer.ConnectionRequestURL", "http://192.0.2.2:7547/")
    await site.provision("U1", "L1", "B1")
    await site.inform("B1")
    return Twins(site, one, other)


class TestTwoBoxesWithOneSerialNumber:
    @pytest.mark.parametrize("version", ["1.0", "9.9"], ids=["the same software", "other software"])
    async def test_are_noticed_by_taking_turns_and_get_nothing_more(self, twins: Twins, version: str) -> None:
        """S-24."""
        twins.other.model.put(VERSION, version)
        served = await twins.take_turns(8)
        assert sum(SET in each for each in served) <= 1  # never a second time: the URL goes nowhere back and forth
        assert set(served[-8:]) == {()}
        kept_out = await twins.quarantine()
        assert {each["reason"] for each in kept_out} == {"clone"}
        assert "software" in kept_out[0]["claimed"]
        queue = await twins.site.ask("GET", "/v1/queue")
        assert queue["gateways"].get("quarantined", 1) == 1
        listed = await twins.site.ask("GET", "/v1/gateways?quarantined=true")
        assert [each["serial_number"] for each in listed["items"]] == [serial("B1")]

    async def test_get_nothing_that_is_queued_until_an_admin_has_decided(self, twins: Twins) -> None:
        await twins.take_turns(8)
        association = await twins.site.association("L1")
        await twins.site.ask("POST", f"/v1/associations/{association['id']}/reissue")
        assert set(await twins.take_turns(1)) == {()}
        assert "two boxes show the DeviceId" in (await twins.site.newest("L1"))["waiting_for"]
        await twins.site.ask("POST", f"/v1/gateways/{await twins.site.gateway_id('B1')}/approve")
        assert await twins.quarantine() == []
        assert SET in (await twins.one.session()).served  # the other one was taken away
        for _ in range(4):
            twins.site.clock.advance(hours=1)
            assert (await twins.one.session()).served == ()
        assert await twins.quarantine() == []
        assert twins.site.holds("B1") == await twins.site.url_of("L1")

    async def test_are_noticed_again_when_they_go_on(self, twins: Twins) -> None:
        await twins.take_turns(8)
        await twins.site.ask("POST", f"/v1/gateways/{await twins.site.gateway_id('B1')}/approve")
        served = await twins.take_turns(8)
        assert set(served[-6:]) == {()}
        assert {each["reason"] for each in await twins.quarantine()} == {"clone"}


class TestOneBox:
    async def test_that_moves_and_is_written_again_is_one(self, site: Site) -> None:
        """Two ways to the internet, other software and back, resets: all of it is what one box does."""
        box = site.box("B1")
        await site.provision("U1", "L1", "B1")
        for turn in range(12):
            site.clock.advance(hours=3)
            box.model.fix("ManagementServer.ConnectionRequestURL", f"http://192.0.2.{turn % 2}:7547/")
            if turn in (3, 8):
                box.factory_reset()
            await site.inform("B1")
        assert (await site.ask("GET", f"/v1/gateways/{await site.gateway_id('B1')}"))["quarantine"] == []
        assert site.holds("B1") == await site.url_of("L1")

    async def test_that_a_laboratory_flashes_up_and_down_where_it_stands_is_one(self, site: Site) -> None:
        box = site.box("B1")
        await site.provision("U1", "L1", "B1")
        for turn in range(12):
            site.clock.advance(hours=3)
            box.model.put(VERSION, f"{turn % 2}.0")
            await site.inform("B1")
        assert (await site.ask("GET", f"/v1/gateways/{await site.gateway_id('B1')}"))["quarantine"] == []


class TestABoxUnderANewDeviceId:
    async def test_is_a_candidate_for_the_line_of_its_serial_number(self, site: Site) -> None:
        """A change of firmware changed the OUI: nothing is guessed, and an Admin binds it."""
        await site.provision("U1", "L1", "B1")
        await site.inform("B1")
        site.box("flipped", oui="FFFFFF", serial=serial("B1"))
        assert (await site.inform("flipped")).served == ()
        shown = (await site.ask("GET", "/v1/gateways?unclaimed=true"))["items"][0]
        assert shown["oui"] == "FFFFFF"
        assert shown["candidate_for"] == {
            "line_of_service": "L1",
            "gateway_id": shown["candidate_for"]["gateway_id"],
            "reason": "serial_number",
        }
        await site.ask("PUT", "/v1/devices/L1/gateway", {"id": shown["id"], "same_box": True})
        assert (await site.inform("flipped")).served == (SET, GET)
        assert {purpose for purpose, _, _ in await site.writes("L1")} == {"provision"}  # nothing waits for its old name
        assert site.holds("flipped") == await site.url_of("L1")
        assert (await site.ask("GET", f"/v1/gateways/{shown['id']}"))["candidate_for"] is None

    async def test_is_none_where_only_the_serial_number_is_the_same(self, site: Site) -> None:
        await site.provision("U1", "L1", "B1")
        await site.inform("B1")
        site.box("stranger", oui="FFFFFF", product_class="Else", serial=serial("B1"))
        await site.inform("stranger")
        assert (await site.ask("GET", "/v1/gateways?unclaimed=true"))["items"][0]["candidate_for"] is None
        reply = await site.call("PUT", "/v1/devices/L1/gateway", {**site.identity("B2"), "same_box": True})
        assert (reply.status, reply.json["errors"][0]["field"]) == (409, "same_box")


class TestABoxThatCarriesACode:
    @pytest.fixture
    def profiles(self, tmp_path: Path) -> Path:
        return a_profile(tmp_path, f'[[parameter]]\nname = "{CODE}"\nvalue = "{{provisioning_code}}"\n')

    async def test_is_a_candidate_for_the_line_that_it_was_made_for(self, site: Site) -> None:
        await site.provision("U1", "L1", "B1")
        await site.inform("B1")
        box = site.box("B2", oui="FFFFFF", product_class="Else")
        box.model.put(CODE, site.box("B1").value("DeviceInfo.ProvisioningCode"))
        assert (await site.inform("B2")).served == ()
        shown = await site.ask("GET", f"/v1/gateways/{await site.gateway_id('B2')}")
        assert (shown["candidate_for"]["line_of_service"], shown["candidate_for"]["reason"]) == (
            "L1",
            "provisioning_code",
        )
        await site.end("U1", "L1")
        shown = await site.ask("GET", f"/v1/gateways/{await site.gateway_id('B2')}")
        assert shown["candidate_for"] is None
