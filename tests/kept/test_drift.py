"""A line that was provisioned stays so: what a box loses is noticed by what its Informs show, over real HTTP."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from acs_bridge.store import statements
from acs_bridge.store.database import Database
from cwmp.messages import Fault
from tests.kept.conftest import PARAMETER, Site
from tests.web.device.conftest import settings

SET, GET = "SetParameterValues", "GetParameterValues"
FULL = "Device." + PARAMETER
KEY = "Device.ManagementServer.ParameterKey"
VERSION = "Device.DeviceInfo.SoftwareVersion"
CODE = "Device.DeviceInfo.ProvisioningCode"
ASSOCIATED = ("provision", "associated", "verified")
A_DAY = 4


@pytest.fixture
def configured() -> Settings:
    return settings(queue={"writes_per_gateway_per_day": A_DAY})


async def provisioned(site: Site, behaviour: Behaviour | None = None, line: str = "L1") -> SimulatedGateway:
    box = site.box("B1", behaviour=behaviour or Behaviour())
    await site.provision("U1", line, "B1")
    await site.inform("B1")
    assert site.holds("B1") == await site.url_of(line)
    return box


def again(cause: str, state: str = "verified") -> tuple[str, str, str]:
    return ("provision", cause, state)


def counted(site: Site, cause: str) -> float | None:
    return site.parts.registry.get_sample_value("acs_bridge_writes_again_total", {"cause": cause})


class TestWhatIsRight:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(queue={"recheck_hours": 24 * 30})

    async def test_is_asked_for_nothing(self, site: Site) -> None:
        await provisioned(site)
        for events in (("1 BOOT",), ("2 PERIODIC",), ("4 VALUE CHANGE",), ("6 CONNECTION REQUEST",)):
            site.clock.advance(days=1)
            assert (await site.inform("B1", *events)).served == ()
        assert await site.writes("L1") == [ASSOCIATED]

    async def test_costs_no_statement_more(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """The Inform is one statement, and the empty POST none, whatever is looked for."""
        await provisioned(site)
        ran: list[str] = []
        run = Database._run

        async def counted_run(database: Database, call: Any, sql: str, *args: Any) -> Any:
            ran.append(sql)
            return await run(database, call, sql, *args)

        monkeypatch.setattr(Database, "_run", counted_run)
        monkeypatch.setattr(Database, "transaction", None)  # none is begun
        report = await site.inform("B1", "4 VALUE CHANGE")
        assert (report.completed, report.served) == (True, ())
        assert ran == [statements.load("sessions").take_informs]


class TestALostValue:
    async def test_is_noticed_by_another_software_version_and_written_once(self, site: Site) -> None:
        """P-07."""
        box = await provisioned(site)
        box.model.put(VERSION, "9.9")
        box.model.put(FULL, "")
        assert (await site.inform("B1", "1 BOOT")).served == (GET, SET, GET)
        assert site.holds("B1") == await site.url_of("L1")
        assert await site.writes("L1") == [ASSOCIATED, again("firmware")]
        assert counted(site, "firmware") == 1
        assert (await site.inform("B1")).served == ()

    async def test_is_only_looked_for_where_the_new_software_has_kept_it(self, site: Site) -> None:
        box = await provisioned(site)
        box.model.put(VERSION, "9.9")
        assert (await site.inform("B1", "1 BOOT")).served == (GET, GET)
        assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("firmware")]

    async def test_is_noticed_by_another_parameter_key(self, site: Site) -> None:
        box = await provisioned(site)
        box.model.put(FULL, "https://elsewhere.example/")
        box.model.put(KEY, "another-manager")
        assert (await site.inform("B1")).served == (GET, SET, GET)
        assert site.holds("B1") == await site.url_of("L1")
        assert await site.writes("L1") == [ASSOCIATED, again("drift")]
        (made,) = [each for each in await site.timeline("L1") if each["cause"] == "drift"]
        assert made["event"] == "write_created"

    async def test_is_not_written_where_only_the_key_is_another(self, site: Site) -> None:
        box = await provisioned(site)
        box.model.put(KEY, "another-manager")
        assert (await site.inform("B1")).served == (GET, GET)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("drift")]

    async def test_is_noticed_by_what_the_box_says_of_itself(self, site: Site) -> None:
        """Where it announces the parameter in its Inform; R-17."""
        box = await provisioned(site)
        box.model.put(FULL, "https://elsewhere.example/")
        box.behaviour = replace(box.behaviour, announces=(FULL,))
        assert (await site.inform("B1", "4 VALUE CHANGE")).served == (GET, SET, GET)
        assert (await site.inform("B1", "4 VALUE CHANGE")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("drift")]

    async def test_that_a_box_refuses_later_is_told_once(self, site: Site) -> None:
        box = await provisioned(site)
        box.model.put(FULL, "")
        box.model.put(VERSION, "9.9")
        box.behaviour = replace(box.behaviour, parameter_faults={FULL: 9008})
        assert (await site.inform("B1")).served == (GET, SET)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("firmware", "rejected")]

    async def test_waits_for_the_brakes_and_says_why_it_is_there(self, site: Site) -> None:
        box = await provisioned(site)
        await site.ask("POST", "/v1/queue/pause", {})
        box.model.put(KEY, "")
        for _ in range(3):
            assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("drift", "queued")]
        await site.ask("POST", "/v1/queue/resume", {})
        waiting = (await site.newest("L1"))["waiting_for"]
        assert "next Inform" in waiting
        assert "something else was written into the gateway" in waiting


class TestAGatewayThatShowsLittle:
    async def test_and_keeps_no_key_is_looked_at_once(self, site: Site) -> None:
        await provisioned(site, Behaviour(forgets_key=True))
        assert (await site.inform("B1")).served == (GET, GET)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()

    async def test_and_no_key_at_all_is_not_looked_at(self, site: Site) -> None:
        await provisioned(site, Behaviour(no_parameter_key=True))
        for _ in range(3):
            assert (await site.inform("B1")).served == ()

    async def test_and_cannot_be_read_is_written_when_its_key_is_another(self, site: Site) -> None:
        """Hidden values: an Inform proves the key, and another key says that it is gone. A-20."""
        box = await provisioned(site, Behaviour(faults={GET: Fault(9001, "Request denied")}))
        await site.inform("B1")
        assert await site.writes("L1") == [ASSOCIATED]
        for _ in range(2):
            assert (await site.inform("B1")).served == ()
        box.model.put(KEY, "")
        box.model.put(FULL, "")
        await site.inform("B1")
        assert site.holds("B1") == await site.url_of("L1")
        await site.inform("B1")
        assert await site.writes("L1") == [ASSOCIATED, again("drift")]


class TestAWarWithAnotherManager:
    async def test_ends_with_the_budget_of_the_day_and_is_said(self, site: Site) -> None:
        box = await provisioned(site)
        written = 0
        for turn in range(3 * A_DAY):
            site.clock.advance(minutes=10)
            box.model.put(FULL, "https://elsewhere.example/")
            box.model.put(KEY, f"other-{turn}")
            written += SET in (await site.inform("B1")).served
        assert written == A_DAY - 1  # the first one of the day was the provisioning
        assert (await site.writes("L1"))[-1] == again("drift", "queued")
        waiting = (await site.newest("L1"))["waiting_for"]
        assert "all its writes of a day" in waiting
        assert "another manager" in waiting
        assert counted(site, "drift") == A_DAY
        site.clock.advance(days=1)
        assert SET in (await site.inform("B1")).served
        assert site.holds("B1") == await site.url_of("L1")


class TestCredentialsAfterTheUrl:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"manage": True})

    async def test_are_no_drift(self, site: Site) -> None:
        """They have ParameterKeys of their own."""
        await provisioned(site)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()
        await site.ask("POST", f"/v1/gateways/{await site.gateway_id('B1')}/credentials/rotate")
        assert (await site.inform("B1")).served == (SET,)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED]

    @pytest.mark.parametrize("gap", [Behaviour(drop_on_request=1), Behaviour(drop_before_response=1)])
    async def test_are_no_drift_when_their_answer_is_lost(self, site: Site, gap: Behaviour) -> None:
        box = await provisioned(site)
        await site.inform("B1")
        await site.ask("POST", f"/v1/gateways/{await site.gateway_id('B1')}/credentials/rotate")
        box.behaviour = gap
        await site.inform("B1")
        box.behaviour = Behaviour()
        await site.rest("B1")
        assert await site.writes("L1") == [ASSOCIATED]


class TestTheClock:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(queue={"recheck_hours": 24})

    async def test_has_a_value_read_again(self, site: Site) -> None:
        box = await provisioned(site)
        site.clock.advance(hours=23)
        assert (await site.inform("B1")).served == ()
        site.clock.advance(hours=2)
        assert (await site.inform("B1")).served == (GET, GET)
        assert (await site.inform("B1")).served == ()
        box.model.put(FULL, "")
        site.clock.advance(hours=25)
        assert (await site.inform("B1")).served == (GET, SET, GET)
        assert await site.writes("L1") == [ASSOCIATED, again("recheck"), again("recheck")]

    @pytest.mark.parametrize(("hours", "served"), [(0, ()), (12, (GET, GET))])
    async def test_is_that_of_the_profile_where_it_has_one(
        self, site: Site, profiles: Path, hours: int, served: tuple[str, ...]
    ) -> None:
        await provisioned(site)
        site.clock.advance(hours=13 if hours else 1000)
        assert (await site.inform("B1")).served == served

    @pytest.fixture
    def profiles(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
        if "hours" not in request.fixturenames:
            return None
        hours = request.node.callspec.params["hours"]
        return a_profile(tmp_path, f"[keep]\nrecheck_hours = {hours}\n")


class TestAProvisioningCode:
    @pytest.fixture
    def profiles(self, tmp_path: Path) -> Path:
        tag = f'[[parameter]]\nname = "{CODE}"\nvalue = "{{provisioning_code}}"\nmax_length = 64\nclear = ""\n'
        return a_profile(tmp_path, tag)

    async def test_says_without_being_asked_whether_the_value_is_there(self, site: Site) -> None:
        """Also where the ParameterKey says nothing."""
        box = await provisioned(site, Behaviour(forgets_key=True), line="LINE-OF-B1")
        await site.inform("B1")
        code = box.value("DeviceInfo.ProvisioningCode")
        assert len(code) == 60
        assert "LINE-OF-B1" not in code
        assert (await site.inform("B1")).served == ()
        box.model.put(FULL, "")
        box.model.put(CODE, "")
        assert (await site.inform("B1")).served == (GET, SET, GET)
        assert box.value("DeviceInfo.ProvisioningCode") == code
        assert (await site.writes("LINE-OF-B1"))[-1] == again("drift")

    async def test_is_cleared_with_the_url(self, site: Site) -> None:
        box = await provisioned(site)
        await site.end("U1", "L1")
        await site.inform("B1")
        assert box.value("DeviceInfo.ProvisioningCode") == ""
        assert (await site.inform("B1")).served == ()


def a_profile(folder: Path, more: str) -> Path:
    """The parameter of the simulated boxes, and what a test adds."""
    text = f'name = "tested"\n[match]\nroot = "Device."\nproduct_class = "SimGW"\n{{}}[[parameter]]\nname = "{FULL}"\n'
    text += 'value = "{phan_url}"\nclear = ""\n'
    (folder / "tested.toml").write_text(text.replace("{}", "", 1) + more, encoding="utf-8")
    return folder


class TestABulkDataProfile:
    """The value that is kept is a whole instance, and the planner looks for it by itself."""

    TABLE = "Device.BulkData.Profile."

    async def reporting(self, site: Site) -> SimulatedGateway:
        site.parts.profiles.take(load_profiles(packaged=["bulk-data-tr181"]))
        box = site.box("B1")
        await site.provision("U1", "L1", "B1")
        await site.inform("B1")
        assert await self.urls(box) == [await site.url_of("L1")]
        return box

    async def urls(self, box: SimulatedGateway) -> list[str]:
        """What the bulk data profiles of a box report to."""
        names = [each.name for each in box.model.get_names(self.TABLE, next_level=True) if each.name != self.TABLE]
        return [box.model.value(f"{name}HTTP.URL") for name in names]

    async def test_is_compared_like_any_value(self, site: Site) -> None:
        await self.reporting(site)
        for _ in range(3):
            assert (await site.inform("B1")).served == ()

    async def test_that_new_software_has_dropped_is_made_again(self, site: Site) -> None:
        box = await self.reporting(site)
        box.model.put(VERSION, "9.9")
        box.model.delete_object(f"{self.TABLE}1.", "new-software")
        await site.inform("B1")
        assert await self.urls(box) == [await site.url_of("L1")]
        assert (await site.inform("B1")).served == ()
        assert await site.writes("L1") == [ASSOCIATED, again("firmware")]

    async def test_that_somebody_has_changed_is_put_right_and_not_doubled(self, site: Site) -> None:
        box = await self.reporting(site)
        box.model.put(f"{self.TABLE}1.HTTP.URL", "https://elsewhere.example/")
        box.model.put(KEY, "other")
        await site.inform("B1")
        assert await self.urls(box) == [await site.url_of("L1")]
        assert (await site.inform("B1")).served == ()

    async def test_moves_with_its_line(self, site: Site) -> None:
        """P-07: the old box keeps no bulk data profile of ours."""
        box = await self.reporting(site)
        await site.bind("L1", "B2")
        await site.inform("B1")
        await site.inform("B2")
        assert await self.urls(box) == []
        assert await self.urls(site.box("B2")) == [await site.url_of("L1")]
        for name in ("B1", "B2"):
            assert (await site.inform(name)).served == ()
