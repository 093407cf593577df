"""A bulk data profile reaches gateways that have none, one, too many, or that die on the way: never a second one."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from acs_bridge.domain.credentials import OwnPairs
from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.services.profiles.profiles import load_profiles, packaged_profiles
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Applies, Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from cwmp.messages import Fault
from tests.web.device.conftest import Acs, change, lock

TABLE = "Device.BulkData.Profile."
REQUESTS = 7
"""List, look, add, survey, add a row, set, read back."""


@pytest.fixture(autouse=True)
def bulk_data(acs: Acs) -> None:
    acs.parts.profiles.take(load_profiles(packaged=["bulk-data-tr181"]))


def instances(gateway: SimulatedGateway) -> list[str]:
    """The numbers of the bulk data profiles that a gateway has."""
    names = gateway.model.get_names(TABLE, next_level=True)
    return [name.name.removeprefix(TABLE).rstrip(".") for name in names if name.name != TABLE]


def rows(gateway: SimulatedGateway, number: str) -> int:
    return int(gateway.model.value(f"{TABLE}{number}.ParameterNumberOfEntries"))


def have(gateway: SimulatedGateway, **values: str) -> str:
    """Give a gateway a bulk data profile of somebody else; its number."""
    number = str(gateway.model.add_object(TABLE, "theirs"))
    for name, value in values.items():
        gateway.model.put(f"{TABLE}{number}.{name.replace('_', '.')}", value)
    return number


async def check_reports(acs: Acs, gateway: SimulatedGateway, write_id: UUID, number: str) -> None:
    """The gateway reports to the URL of this write, out of that instance alone."""
    url = await acs.url_of(write_id)
    value = gateway.model.value
    assert await acs.state(write_id) == "verified"
    assert value(f"{TABLE}{number}.HTTP.URL") == url
    assert (value(f"{TABLE}{number}.Enable"), value("Device.BulkData.Enable")) == ("1", "1")
    assert value(f"{TABLE}{number}.Name") == "acs-bridge"
    assert value(f"{TABLE}{number}.ReportingInterval") == "900"
    references = [
        name for name in gateway.model.get_values([f"{TABLE}{number}.Parameter."]) if ".Reference" in name.name
    ]
    assert [reference.value for reference in references] == ["Device.DeviceInfo."]
    holders = [other for other in instances(gateway) if value(f"{TABLE}{other}.HTTP.URL").startswith("https://phan.")]
    assert holders == [number]


async def end(acs: Acs, line: str = "LOS-1") -> UUID:
    """End the association of a line; the id of the write that clears."""
    from acs_bridge.store import associations

    async with acs.database.transaction() as connection:
        own = await lock(connection, line)
        holder = await associations.of_line(connection, own.id)
        assert holder is not None
        await acs.parts.lines.end(connection, own, holder, change(acs.clock()), followed=False)
    write_id: UUID = await acs.database.fetchval(
        "select id from write where purpose = 'clear' order by id desc limit 1"
    )
    return write_id


class TestAGatewayWithoutABulkDataProfile:
    async def test_gets_one_in_one_session(self, acs: Acs) -> None:  # P-04, R-15, R-18, D-07
        gateway, write_id = acs.gateway(), await acs.provision()
        report = await gateway.session()
        assert report.exchanges == 3 + REQUESTS
        await check_reports(acs, gateway, write_id, "1")
        assert await acs.history(write_id) == [
            "created",
            "dispatched",
            *["advanced"] * 5,
            "accepted",
            "read_back_equal",
        ]

    async def test_gets_a_login_for_its_reports_where_the_profile_asks_for_one(self, acs: Acs) -> None:
        text = (packaged_profiles() / "bulk-data-tr181.toml").read_text()
        login = r"^# (\[\[parameter|name = .*(?:Username|Password)|value = .*report|hidden)"
        asked = re.sub(login, r"\1", text, flags=re.MULTILINE)
        acs.parts.profiles.take(ProfileSet([[parse_profile(asked, "bulk-data-tr181.toml")]]))
        gateway, write_id = acs.gateway(), await acs.provision()
        await gateway.session()
        await check_reports(acs, gateway, write_id, "1")
        association_id = (await acs.write(write_id))["association_id"]
        pair = OwnPairs(acs.parts.keyring).report(UUID(int=association_id.int), 1)
        value = gateway.model.value
        assert (value(f"{TABLE}1.HTTP.Username"), value(f"{TABLE}1.HTTP.Password")) == (pair.username, pair.password)

    async def test_gets_it_from_whichever_worker_takes_its_next_message(self, acs: Acs) -> None:
        """Every POST comes on a connection that nobody has seen: what is known of the write is what its row says."""
        gateway, write_id = acs.gateway(behaviour=Behaviour(reconnects=True)), await acs.provision()
        assert (await gateway.session()).exchanges == 3 + REQUESTS
        await check_reports(acs, gateway, write_id, "1")

    async def test_is_sent_what_its_plan_foresaw(self, acs: Acs) -> None:
        from acs_bridge.services.session.plans import Plans
        from cwmp.messages import rpc_name

        gateway = acs.gateway(behaviour=Behaviour(faults={"SetParameterValues": Fault(9002, "busy")}))
        await acs.provision()
        await gateway.session()
        gateway_id = await acs.database.fetchval("select id from gateway")
        plan = await Plans(acs.database, acs.clock, acs.parts.rendering).of_gateway(gateway_id)
        assert [rpc_name(each.request) for each in plan.requests] == [
            "GetParameterNames",
            "GetParameterValues",
            "AddObject",
            "GetParameterValues",
            "AddObject",
            "SetParameterValues",
            "GetParameterValues",
        ]

    async def test_gets_it_with_the_number_that_it_gives(self, acs: Acs) -> None:  # D-07
        gateway, write_id = acs.gateway(), await acs.provision()
        gateway.model.delete_object(f"{TABLE}{have(gateway)}.", "")
        theirs = have(gateway, Name="theirs", Enable="1", HTTP_URL="https://their.example/")
        await gateway.session()
        assert instances(gateway) == [theirs, "3"]
        await check_reports(acs, gateway, write_id, "3")
        assert gateway.model.value(f"{TABLE}{theirs}.HTTP.URL") == "https://their.example/"

    async def test_has_a_free_one_taken_before_one_is_added(self, acs: Acs) -> None:  # P-03
        gateway, write_id = acs.gateway(), await acs.provision()
        have(gateway, Name="theirs", Enable="1")
        have(gateway)
        await gateway.session()
        assert len(instances(gateway)) == 2
        await check_reports(acs, gateway, write_id, "2")

    async def test_keeps_it_when_the_line_is_written_again(self, acs: Acs) -> None:  # P-03
        gateway, first = acs.gateway(), await acs.provision()
        await gateway.session()
        gateway.model.parameter_key = "another manager"
        second = await written_again(acs)
        await gateway.session()
        assert (await acs.state(first), instances(gateway)) == ("verified", ["1"])
        await check_reports(acs, gateway, second, "1")
        assert rows(gateway, "1") == 1

    async def test_that_has_everything_is_written_nothing(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        gateway.model.parameter_key = key = "another manager"
        second = await written_again(acs)
        await gateway.session()
        assert (await acs.state(second), gateway.model.parameter_key) == ("verified", key)

    async def test_keeps_it_when_our_database_was_lost(self, acs: Acs) -> None:  # R-19, P-03
        """Nothing of what we did is known any more; the gateway has it, under our name."""
        gateway, first = acs.gateway(), await acs.provision()
        await gateway.session()
        await acs.database.execute("update write set plan = '{}', parameter_key = null where id = $1", first)
        second = await written_again(acs)
        await gateway.session()
        assert instances(gateway) == ["1"]
        await check_reports(acs, gateway, second, "1")


async def written_again(acs: Acs) -> UUID:
    """Queue the write of the line once more, as a reset does."""
    gateway_id = await acs.database.fetchval("select id from gateway")
    from acs_bridge.domain.write import Cause
    from acs_bridge.services.session.resets import write_again

    async with acs.database.transaction() as connection:
        write_id = await write_again(connection, gateway_id, Cause.BOOTSTRAP, change(acs.clock()))
    assert write_id is not None
    return write_id


DEATHS: dict[str, Callable[[int], Behaviour]] = {
    "before it is done": lambda number: Behaviour(drop_on_request=number),
    "before the answer": lambda number: Behaviour(drop_before_response=number),
    "after the answer": lambda number: Behaviour(drop_on_answer=number + 2),
}


class TestASessionThatDies:
    @pytest.mark.parametrize("known", [True, False], ids=["with its ParameterKey", "without"])
    @pytest.mark.parametrize("death", DEATHS)
    @pytest.mark.parametrize("number", range(1, REQUESTS + 1))
    async def test_in_any_gap_leaves_one_profile_and_one_row(
        self, acs: Acs, number: int, death: str, known: bool
    ) -> None:  # R-19, S-19
        behaviour = replace(DEATHS[death](number), no_parameter_key=not known)
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        await gateway.session()
        gateway.behaviour = replace(BY_THE_BOOK, no_parameter_key=not known)
        for _ in range(2):
            await gateway.session()
        assert instances(gateway) == ["1"]
        await check_reports(acs, gateway, write_id, "1")
        assert rows(gateway, "1") == 1

    @pytest.mark.parametrize("number", [3, 5])
    async def test_after_an_object_was_added_and_another_manager_wrote_leaves_one(self, acs: Acs, number: int) -> None:
        gateway, write_id = acs.gateway(behaviour=Behaviour(drop_before_response=number)), await acs.provision()
        await gateway.session()
        gateway.model.parameter_key = "another manager"
        gateway.behaviour = BY_THE_BOOK
        await gateway.session()
        assert instances(gateway) == ["1"]
        await check_reports(acs, gateway, write_id, "1")

    async def test_again_and_again_ends_as_failed(self, acs: Acs) -> None:
        gateway, write_id = acs.gateway(behaviour=Behaviour(drop_before_response=3)), await acs.provision()
        for _ in range(4):
            await gateway.session()
        assert await acs.state(write_id) == "failed"
        assert len(instances(gateway)) == 1


class TestAGatewayThatCannot:
    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            (
                "Protocols",
                "Streaming,File",
                "the gateway's Device.BulkData.Protocols is 'Streaming,File', without HTTP",
            ),
            ("EncodingTypes", "XML,XDR", "the gateway's Device.BulkData.EncodingTypes is 'XML,XDR', without JSON"),
            (
                "MinReportingInterval",
                "3600",
                "the gateway's Device.BulkData.MinReportingInterval is '3600', more than 900",
            ),
            ("MaxNumberOfProfiles", "0", "the gateway has room for 0 instances of Device.BulkData.Profile., and has 0"),
        ],
    )
    async def test_is_parked_with_the_reason_and_not_written(
        self, acs: Acs, name: str, value: str, reason: str
    ) -> None:  # P-02
        gateway, write_id = acs.gateway(), await acs.provision()
        gateway.model.put(f"Device.BulkData.{name}", value)
        report = await gateway.session()
        write = await acs.write(write_id)
        reason = reason.format(f"Device.BulkData.{name}")
        assert (write["state"], write["fault"]) == ("rejected", {"code": None, "text": reason, "parameters": []})
        assert report.exchanges == 3 + 2
        assert instances(gateway) == []

    async def test_because_its_table_is_full_is_parked(self, acs: Acs) -> None:
        gateway, write_id = acs.gateway(), await acs.provision()
        for number in range(4):
            have(gateway, Name=f"theirs {number}", Enable="1")
        await gateway.session()
        assert "room for 4 instances" in (await acs.write(write_id))["fault"]["text"]
        assert len(instances(gateway)) == 4

    async def test_add_more_though_it_said_so_is_rejected(self, acs: Acs) -> None:
        behaviour = Behaviour(faults={"AddObject": Fault(9004, "full")})
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        await gateway.session()
        write = await acs.write(write_id)
        assert (write["state"], write["fault"]["code"]) == ("rejected", 9004)

    @pytest.mark.parametrize("rpc", ["GetParameterNames"])
    async def test_list_is_asked_for_the_whole_table(self, acs: Acs, rpc: str) -> None:
        behaviour = Behaviour(faults={rpc: Fault(9000, "Method not supported")})
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        have(gateway, Name="theirs", Enable="1")
        await gateway.session()
        await check_reports(acs, gateway, write_id, "2")

    async def test_read_anything_is_parked_because_nobody_can_know_what_it_has(self, acs: Acs) -> None:
        behaviour = Behaviour(faults={"GetParameterValues": Fault(9000, "Method not supported")})
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        await gateway.session()
        assert (await acs.state(write_id), instances(gateway)) == ("rejected", [])


class TestWhatIsRefusedHalfWay:
    REFUSED = Behaviour(parameter_faults={f"{TABLE}1.HTTP.URL": 9007})

    async def test_is_taken_away_again(self, acs: Acs) -> None:  # P-04, R-20
        gateway, write_id = acs.gateway(behaviour=self.REFUSED), await acs.provision()
        report = await gateway.session()
        assert report.exchanges == 3 + 7
        write = await acs.write(write_id)
        assert (write["state"], write["fault"]["parameters"][0]["code"]) == ("rejected", 9007)
        assert instances(gateway) == []

    async def test_is_left_where_it_was_before_us_without_our_rows(self, acs: Acs) -> None:
        gateway, write_id = acs.gateway(behaviour=self.REFUSED), await acs.provision()
        have(gateway, Name="acs-bridge", HTTP_URL="https://their.example/")
        await gateway.session()
        assert (await acs.state(write_id), instances(gateway), rows(gateway, "1")) == ("rejected", ["1"], 0)
        assert gateway.model.value(f"{TABLE}1.HTTP.URL") == "https://their.example/"

    async def test_is_tried_again_in_the_same_instance_where_that_may_help(
        self, acs: Acs, clock: Callable[[], datetime]
    ) -> None:
        behaviour = Behaviour(faults={"SetParameterValues": Fault(9002, "busy")})
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        await gateway.session()
        assert (await acs.state(write_id), instances(gateway)) == ("queued", ["1"])
        gateway.behaviour = BY_THE_BOOK
        clock.advance(hours=1)  # type: ignore[attr-defined]
        await gateway.session()
        await check_reports(acs, gateway, write_id, "1")
        assert await cleared(acs, gateway) == []

    async def test_is_taken_away_when_it_was_tried_too_often(self, acs: Acs, clock: Callable[[], datetime]) -> None:
        behaviour = Behaviour(faults={"SetParameterValues": Fault(9002, "busy")})
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        for _ in range(3):
            await gateway.session()
            clock.advance(hours=1)  # type: ignore[attr-defined]
        assert (await acs.state(write_id), instances(gateway)) == ("failed", [])


async def cleared(acs: Acs, gateway: SimulatedGateway) -> list[str]:
    write_id = await end(acs)
    await gateway.session()
    assert await acs.state(write_id) == "verified"
    return instances(gateway)


class TestTheEndOfAnAssociation:
    async def test_removes_what_was_added(self, acs: Acs) -> None:  # P-07, R-20
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        assert await cleared(acs, gateway) == []

    async def test_empties_what_was_there_before(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await acs.provision()
        have(gateway, Name="acs-bridge")
        await gateway.session()
        assert await cleared(acs, gateway) == ["1"]
        value = gateway.model.value
        assert (value(f"{TABLE}1.HTTP.URL"), value(f"{TABLE}1.Enable"), value("Device.BulkData.Enable")) == (
            "",
            "0",
            "1",
        )

    async def test_is_done_where_the_profile_is_gone_already(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        gateway.model.delete_object(f"{TABLE}1.", "")
        assert await cleared(acs, gateway) == []

    @pytest.mark.parametrize("death", DEATHS)
    @pytest.mark.parametrize("number", [1, 2, 3, 4])
    async def test_removes_it_also_when_its_session_dies(self, acs: Acs, death: str, number: int) -> None:
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        write_id = await end(acs)
        gateway.behaviour = DEATHS[death](number)
        await gateway.session()
        gateway.behaviour = BY_THE_BOOK
        await gateway.session()
        assert (await acs.state(write_id), instances(gateway)) == ("verified", [])

    async def test_empties_what_the_gateway_does_not_let_go(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        gateway.behaviour = Behaviour(faults={"DeleteObject": Fault(9000, "Method not supported")})
        assert await cleared(acs, gateway) == ["1"]
        assert gateway.model.value(f"{TABLE}1.HTTP.URL") == ""

    async def test_leaves_a_profile_that_another_has_taken_over(self, acs: Acs) -> None:
        gateway = acs.gateway()
        await acs.provision()
        await gateway.session()
        gateway.model.put(f"{TABLE}1.Name", "theirs")
        gateway.model.put(f"{TABLE}1.HTTP.URL", "https://their.example/")
        assert await cleared(acs, gateway) == ["1"]
        assert gateway.model.value(f"{TABLE}1.HTTP.URL") == "https://their.example/"


class TestValuesThatApplyLater:
    async def test_are_read_back_after_the_boot(self, acs: Acs, clock: Callable[[], datetime]) -> None:
        behaviour = Behaviour(status=1, applies=Applies.AFTER_BOOT)
        gateway, write_id = acs.gateway(behaviour=behaviour), await acs.provision()
        await gateway.session()
        assert await acs.state(write_id) == "staged"
        clock.advance(minutes=5)  # type: ignore[attr-defined]
        gateway.reboot()
        await gateway.session()
        await check_reports(acs, gateway, write_id, "1")
