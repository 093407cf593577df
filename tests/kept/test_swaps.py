"""Boxes that nobody names whole: by the end of a label's serial number, or whichever comes next; over real HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Behaviour
from tests.kept.conftest import PRODUCT_CLASS, Site, serial
from tests.kept.test_drift import CODE, a_profile
from tests.web.device.conftest import OUI, settings

SET, GET = "SetParameterValues", "GetParameterValues"
GATEWAY = "/v1/devices/L1/gateway"


async def provisioned(site: Site, line: str = "L1", box: str = "B1") -> None:
    await site.provision(line.replace("L", "U"), line, box)
    await site.inform(box)
    assert site.holds(box) == await site.url_of(line)


class TestTheEndOfALabel:
    async def test_swaps_the_box_of_a_line_at_once(self, site: Site) -> None:
        await provisioned(site)
        former = await site.url_of("L1")
        await site.inform("B2")
        device = await site.ask("PUT", GATEWAY, {"serial_suffix": "00b2"})
        assert device["gateway"]["serial_number"] == serial("B2")
        assert (await site.ask("POST", "/v1/phan/open", {"url": former}))["active"] is False
        assert (await site.inform("B1")).served == (SET, GET)
        assert (await site.inform("B2")).served == (SET, GET)
        assert (site.holds("B1"), site.holds("B2")) == ("", await site.url_of("L1"))
        assert [each["event"] for each in await site.timeline("L1")].count("gateway_swapped") == 1

    async def test_that_several_boxes_have_is_refused_with_their_names(self, site: Site) -> None:
        await provisioned(site)
        for box, oui in (("B2", OUI), ("C2", "00236A"), ("D2", "00236A")):
            site.box(box, oui=oui, serial=f"{box}-7788")
            await site.inform(box)
        reply = await site.call("PUT", GATEWAY, {"serial_suffix": "7788"})
        assert reply.status == 409
        for name in ("00005E-SimGW-B2-7788", "00236A-SimGW-C2-7788", "(id ", "Give more characters"):
            assert name in reply.json["detail"]
        assert (await site.ask("GET", "/v1/devices/L1"))["gateway"]["serial_number"] == serial("B1")
        device = await site.ask("PUT", GATEWAY, {"serial_suffix": "7788", "oui": OUI})
        assert device["gateway"]["serial_number"] == "B2-7788"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"serial_suffix": "9999"}, "serial_suffix"),
            ({"serial_suffix": serial("B1")}, "serial_suffix"),  # it is on a line
            ({"serial_suffix": "%%%%"}, "serial_suffix"),
            ({"serial_suffix": "123"}, "serial_suffix"),
            ({"serial_suffix": "1" * 65}, "serial_suffix"),
            ({"serial_suffix": "12 34"}, "serial_suffix"),
            ({"serial_suffix": "1234", "serial_number": "1234"}, "serial_suffix"),
            ({"serial_suffix": "1234", "id": 1}, "id"),
            ({"next": {}, "replace": True}, "next"),
            ({"next": {"hours": 0}}, "next.hours"),
            ({"next": {"oui": "xyz"}}, "next.oui"),
            ({}, "oui"),
        ],
        ids=str,
    )
    async def test_that_names_nothing_is_refused_by_name_and_changes_nothing(
        self, site: Site, body: dict[str, Any], field: str
    ) -> None:
        await provisioned(site)
        before = await site.writes("L1")
        reply = await site.call("PUT", GATEWAY, body)
        assert reply.status == 422
        assert reply.json["errors"][0]["field"] == field
        assert await site.writes("L1") == before

    async def test_finds_its_box_by_an_index(self, site: Site) -> None:
        await site.database.execute(
            "insert into gateway (oui, product_class, serial_number, created_at)"
            " select '00005E', 'X', 'S' || n, now() from generate_series(1, 20000) n"
        )
        from acs_bridge.store import statements
        from tests.store.crowd import generic_plan, nodes

        plan = await generic_plan(site.database, "ending", statements.load("gateways").ending)
        read = {node.get("Index Name") for node in nodes(plan)}
        assert "gateway_serial_end" in read


class TestTwoBoxes:
    @pytest.mark.parametrize("calls", ["one call", "this line first", "the other line first"])
    async def test_are_exchanged_and_never_carry_a_url_of_the_other_line(self, site: Site, calls: str) -> None:
        await provisioned(site)
        await provisioned(site, "L2", "B2")
        former = [await site.url_of("L1"), await site.url_of("L2")]
        moves = {"this line first": (("L1", "B2"), ("L2", "B1")), "the other line first": (("L2", "B1"), ("L1", "B2"))}
        if calls == "one call":
            for _ in range(2):  # the same again changes nothing
                await site.ask("PUT", GATEWAY, {**site.identity("B2"), "exchange": True})
        for line, box in moves.get(calls, ()):
            await site.bind(line, box, replace=True)
            assert [site.holds("B1"), site.holds("B2")] == former  # and none of the two counts any more
        opened = await site.ask("POST", "/v1/phan/open", {"urls": former})
        assert [each["active"] for each in opened["items"]] == [False, False]
        for box in ("B2", "B1"):
            assert (await site.inform(box)).served == (SET, GET)
        assert (site.holds("B1"), site.holds("B2")) == (await site.url_of("L2"), await site.url_of("L1"))
        assert len({*former, site.holds("B1"), site.holds("B2")}) == 4

    async def test_are_exchanged_between_lines_of_which_each_has_one(self, site: Site) -> None:
        await provisioned(site)
        await site.inform("B2")
        reply = await site.call("PUT", GATEWAY, {**site.identity("B2"), "exchange": True})
        assert (reply.status, reply.json["errors"][0]["field"]) == (409, "exchange")
        assert (await site.ask("GET", "/v1/devices/L1"))["gateway"]["serial_number"] == serial("B1")


class TestTheNextBox:
    async def test_gets_the_line_when_it_comes_and_the_former_url_is_dead_before(self, site: Site) -> None:
        await provisioned(site)
        former = await site.url_of("L1")
        device = await site.ask("PUT", GATEWAY, {"next": {"oui": OUI, "product_class": PRODUCT_CLASS}})
        assert (device["gateway"], device["awaits"]["oui"]) == (None, OUI)
        assert (await site.ask("POST", "/v1/phan/open", {"url": former}))["active"] is False
        assert "next gateway off the shelf" in (await site.newest("L1"))["waiting_for"]
        assert (await site.inform("B1")).served == (SET, GET)  # the old one is cleared, and is not the next one
        assert (await site.inform("B2")).served == (SET, GET)
        assert (site.holds("B1"), site.holds("B2")) == ("", await site.url_of("L1"))
        device = await site.ask("GET", "/v1/devices/L1")
        assert (device["gateway"]["serial_number"], device["awaits"]) == (serial("B2"), None)
        assert (await site.inform("B3")).served == ()

    async def test_may_come_out_of_the_stock(self, site: Site) -> None:
        """It is on record, and has never informed."""
        await site.ask("POST", "/v1/gateways", site.identity("B2"))
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {}})
        assert (await site.inform("B2")).served == (SET, GET)

    async def test_may_be_one_that_was_returned_and_reset(self, site: Site) -> None:
        await site.inform("B2")
        site.clock.advance(hours=1)
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {}})
        assert (await site.inform("B2")).served == ()
        site.box("B2").factory_reset()
        assert (await site.inform("B2")).served == (SET, GET)

    async def test_may_have_come_a_moment_before_it_was_asked_for(self, site: Site) -> None:
        """It is not the box that the line had, nor one that another line had, of which the newest is not the first."""
        await provisioned(site)
        await provisioned(site, "L2", "B3")
        await site.ask("DELETE", "/v1/devices/L2/gateway")
        await site.inform("B2")
        site.clock.advance(minutes=14)
        device = await site.ask("PUT", GATEWAY, {"next": {}})
        assert (device["gateway"]["serial_number"], device["awaits"], device["warnings"]) == (serial("B2"), None, [])
        assert (await site.inform("B2")).served == (SET, GET)
        assert site.holds("B2") == await site.url_of("L1")

    async def test_is_waited_for_where_several_came_a_moment_before(self, site: Site) -> None:
        await provisioned(site)
        await site.inform("B2")
        await site.inform("B3")
        device = await site.ask("PUT", GATEWAY, {"next": {}})
        assert device["awaits"] is not None
        (advice,) = device["warnings"]
        assert all(serial(box) in advice for box in ("B2", "B3"))
        assert serial("B1") not in advice
        device = await site.ask("PUT", GATEWAY, {"next": {"minutes": 0}})
        assert (device["awaits"] is not None, device["warnings"]) == (True, [])
        assert (await site.inform("B4")).served == (SET, GET)

    async def test_is_not_the_one_that_the_line_had(self, site: Site) -> None:
        """Somebody resets the broken box once more: it is cleared, and gets nothing."""
        await provisioned(site)
        for _ in range(2):
            await site.ask("PUT", GATEWAY, {"next": {}})
            site.box("B1").factory_reset()
            await site.inform("B1")
            assert site.holds("B1") == ""
        assert (await site.inform("B2")).served == (SET, GET)

    async def test_is_of_the_kind_that_was_asked_for(self, site: Site) -> None:
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {"product_class": "Other"}})
        assert (await site.inform("B2")).served == ()
        site.box("B3", product_class="Other")
        assert (await site.inform("B3")).served == (SET, GET)

    async def test_is_not_waited_for_for_ever(self, site: Site) -> None:
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {"hours": 2}})
        site.clock.advance(hours=3)
        assert (await site.inform("B2")).served == ()
        assert "no gateway is bound" in (await site.newest("L1"))["waiting_for"]

    async def test_is_not_asked_for_by_two_lines_that_it_would_fit(self, site: Site) -> None:
        await provisioned(site)
        await provisioned(site, "L2", "B2")
        await site.ask("PUT", GATEWAY, {"next": {"oui": OUI}})
        reply = await site.call("PUT", "/v1/devices/L2/gateway", {"next": {"product_class": PRODUCT_CLASS}})
        assert reply.status == 409
        assert "line of service L1 waits" in reply.json["detail"]
        assert (await site.ask("GET", "/v1/devices/L2"))["gateway"]["serial_number"] == serial("B2")
        await site.ask("PUT", "/v1/devices/L2/gateway", {"next": {"oui": "00236A"}})
        await site.ask("PUT", GATEWAY, {"next": {"oui": OUI}})  # the same again
        assert (await site.inform("B3")).served == (SET, GET)
        assert site.holds("B3") == await site.url_of("L1")

    async def test_is_asked_for_by_one_line_only_when_two_ask_at_once(self, site: Site) -> None:
        for line, box in (("L1", "B1"), ("L2", "B2"), ("L3", "B3")):
            await provisioned(site, line, box)
        asked = [site.call("PUT", f"/v1/devices/{line}/gateway", {"next": {}}) for line in ("L1", "L2", "L3")]
        assert sorted(reply.status for reply in await asyncio.gather(*asked)) == [200, 409, 409]

    async def test_is_not_waited_for_any_more_by_a_line_that_gets_another_one(self, site: Site) -> None:
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {}})
        await site.bind("L1", "B2")
        assert (await site.inform("B3")).served == ()
        await site.ask("PUT", GATEWAY, {"next": {}})
        await site.ask("DELETE", GATEWAY)
        site.box("B3").factory_reset()
        assert (await site.inform("B3")).served == ()


class TestTheNextBoxOfAnInbox:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"bootstrap": "approve"})

    async def test_gets_the_line_when_it_is_approved(self, site: Site) -> None:
        await site.provision("U1", "L1")
        await site.ask("PUT", GATEWAY, {"next": {}})
        assert (await site.inform("B2")).served == ()
        assert (await site.ask("PUT", GATEWAY, {"next": {}}))["awaits"] is not None  # a stranger is not taken
        await site.ask("POST", f"/v1/gateways/{await site.gateway_id('B2')}/approve")
        assert (await site.inform("B2")).served == (SET, GET)
        assert site.holds("B2") == await site.url_of("L1")


class TestABoxWithAProvisioningCodeOfOurs:
    @pytest.fixture
    def profiles(self, tmp_path: Path) -> Path:
        return a_profile(tmp_path, f'[[parameter]]\nname = "{CODE}"\nvalue = "{{provisioning_code}}"\n')

    async def test_goes_to_its_line_though_it_comes_under_another_name(self, site: Site) -> None:
        """The backup of the old box was played into the new one."""
        await provisioned(site)
        await provisioned(site, "L2", "B2")
        code = site.box("B1").value("DeviceInfo.ProvisioningCode")
        assert len(code) == 60
        await site.ask("PUT", GATEWAY, {"next": {"oui": "00236A"}})
        site.box("B3").model.put(CODE, code)  # of another maker than was asked for: the code says more
        assert (await site.inform("B3")).served == (SET, GET)
        assert site.holds("B3") == await site.url_of("L1")
        assert site.box("B3").value("DeviceInfo.ProvisioningCode") != code  # of the next generation

    @pytest.mark.parametrize("forged", ["", "AB", "L1", "AB" + "A" * 58])
    async def test_is_nobody_s_when_we_did_not_make_it(self, site: Site, forged: str) -> None:
        await provisioned(site)
        await site.ask("PUT", GATEWAY, {"next": {"oui": "00236A"}})
        site.box("B3").model.put(CODE, forged)
        assert (await site.inform("B3")).served == ()

    async def test_gets_nothing_from_a_line_that_has_its_box(self, site: Site) -> None:
        await provisioned(site)
        site.box("B3", behaviour=Behaviour()).model.put(CODE, site.box("B1").value("DeviceInfo.ProvisioningCode"))
        assert (await site.inform("B3")).served == ()
        assert site.holds("B3") == ""
