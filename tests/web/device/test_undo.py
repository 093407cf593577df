"""A write taken back: the gateway has again what it had before."""

from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.errors import Conflict
from acs_bridge.services.pages import Ask
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.services.queue.undo import Undo
from acs_bridge.services.queue.writes import Writes
from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from tests.web.device.conftest import Acs
from tests.web.device.test_instances import TABLE, have, instances, written_again

ADMIN = Actor("token", "ops", Role.ADMIN, "")
URL = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
PROFILE = f"""
name = "ours"
read_former = true
[match]
root = "Device."
[[parameter]]
name = "{URL}"
value = "{{phan_url}}"
clear = ""
[[parameter]]
name = "Device.ManagementServer.PeriodicInformInterval"
value = "3600"
type = "xsd:unsignedInt"
[[parameter]]
name = "Device.ManagementServer.ConnectionRequestPassword"
value = "reports"
hidden = true
"""
FORMER = "https://their.example/report"


@pytest.fixture
def undo(acs: Acs) -> Undo:
    acs.parts.profiles.take(ProfileSet([[parse_profile(PROFILE, "ours.toml")]]))
    writes = Writes(acs.database, acs.clock, approval_needed=False, blocked=lambda *_: None)
    return Undo(acs.database, acs.clock, writes)


async def provisioned(acs: Acs, **behaviour: Any) -> tuple[SimulatedGateway, UUID]:
    gateway, write_id = acs.gateway(behaviour=Behaviour(**behaviour)), await acs.provision()
    gateway.model.put(URL, FORMER)
    await gateway.session()
    assert await acs.state(write_id) == "verified"
    assert gateway.value("ManagementServer.PeriodicInformInterval") == "3600"
    return gateway, write_id


class TestAWriteThatIsUndone:
    async def test_brings_back_what_was_there(self, acs: Acs, undo: Undo) -> None:
        gateway, write_id = await provisioned(acs)
        undoing = await undo.write(write_id, ADMIN)
        await gateway.session()
        write = await acs.write(undoing)
        assert (write["state"], write["purpose"], write["cause"]) == ("verified", "clear", "undone")
        assert gateway.model.value(URL) == FORMER
        assert gateway.value("ManagementServer.PeriodicInformInterval") == "86400"

    async def test_keeps_what_it_read_sealed(self, acs: Acs, undo: Undo) -> None:
        _, write_id = await provisioned(acs)
        plan = str((await acs.write(write_id))["plan"])
        assert "former" in plan
        assert "their.example" not in plan

    async def test_is_not_written_again_because_its_gateway_begins_anew(self, acs: Acs, undo: Undo) -> None:
        gateway, write_id = await provisioned(acs)
        await undo.write(write_id, ADMIN)
        await gateway.session()
        gateway.factory_reset()
        await gateway.session()
        assert gateway.model.value(URL) == ""
        assert await acs.database.fetchval("select count(*) from write") == 2

    @pytest.mark.parametrize("gap", [1, 2])
    async def test_is_undone_also_when_a_session_dies(self, acs: Acs, undo: Undo, gap: int) -> None:
        gateway, write_id = await provisioned(acs)
        undoing = await undo.write(write_id, ADMIN)
        gateway.behaviour = Behaviour(drop_before_response=gap)
        await gateway.session()
        gateway.behaviour = Behaviour()
        await gateway.session()
        assert (await acs.state(undoing), gateway.model.value(URL)) == ("verified", FORMER)

    async def test_of_a_line_written_twice_leaves_no_url_that_counts_no_more(self, acs: Acs, undo: Undo) -> None:
        """What the second write found was ours: what is left is what the end of the association would leave."""
        gateway, _ = await provisioned(acs)
        gateway.model.put(URL, "https://phan.example.net/r/k1former-url-of-ours-that-counts-no-more")
        gateway.model.parameter_key = "another manager"
        second = await written_again(acs)
        await gateway.session()
        await undo.write(second, ADMIN)
        await gateway.session()
        assert gateway.model.value(URL) == ""


class TestAnInstanceThatIsUndone:
    async def test_goes_away_if_we_added_it(self, acs: Acs, undo: Undo) -> None:
        acs.parts.profiles.take(load_profiles(packaged=["bulk-data-tr181"]))
        gateway, write_id = acs.gateway(), await acs.provision()
        await gateway.session()
        undoing = await undo.write(write_id, ADMIN)
        await gateway.session()
        assert (await acs.state(undoing), instances(gateway)) == ("verified", [])

    async def test_is_as_it_was_if_it_was_there(self, acs: Acs, undo: Undo) -> None:
        acs.parts.profiles.take(load_profiles(packaged=["bulk-data-tr181"]))
        gateway, write_id = acs.gateway(), await acs.provision()
        have(gateway, Name="acs-bridge", HTTP_URL=FORMER, ReportingInterval="60")
        await gateway.session()
        assert await acs.state(write_id) == "verified"
        await undo.write(write_id, ADMIN)
        await gateway.session()
        value = gateway.model.value
        assert (value(f"{TABLE}1.HTTP.URL"), value(f"{TABLE}1.ReportingInterval")) == (FORMER, "60")
        assert (value(f"{TABLE}1.Enable"), value("Device.BulkData.Enable")) == ("0", "0")


class TestWhatCannotBeUndone:
    async def test_because_nothing_was_read_says_what_to_do(self, acs: Acs, undo: Undo) -> None:
        acs.parts.profiles.take(load_profiles())
        gateway, write_id = acs.gateway(), await acs.provision()
        await gateway.session()
        with pytest.raises(Conflict, match="read_former = true"):
            await undo.write(write_id, ADMIN)

    async def test_because_it_is_not_done_or_something_newer_is_says_so(self, acs: Acs, undo: Undo) -> None:
        write_id = await acs.provision()
        with pytest.raises(Conflict, match="this write is queued"):
            await undo.write(write_id, ADMIN)
        await acs.gateway().session()
        undoing = await undo.write(write_id, ADMIN)
        with pytest.raises(Conflict, match="something newer"):
            await undo.write(write_id, ADMIN)
        with pytest.raises(Conflict, match="only a write that has brought a PHAN URL"):
            await undo.write(undoing, ADMIN)


async def test_a_batch_is_undone_a_page_at_a_time_and_says_what_cannot_be(acs: Acs, undo: Undo) -> None:
    writes = [await acs.provision(f"S{number}", f"LOS-{number}", f"C-{number}") for number in range(3)]
    batch = UUID(int=7)
    await acs.database.execute("update write set batch_id = $1", batch)
    for number in range(2):
        await acs.gateway(f"S{number}").session()
    first = await undo.batch(batch, Ask(2), ADMIN)
    assert ([each.write_id for each in first.refused], len(first.queued)) == ([writes[2]], 1)
    assert first.next is not None
    rest = await undo.batch(batch, Ask(2, first.next), ADMIN)
    assert (len(rest.queued), rest.refused, rest.next) == (1, [], None)
    states = await acs.database.fetch("select cause, count(*) as n from write where state = 'queued' group by cause")
    assert {row["cause"]: row["n"] for row in states} == {"associated": 1, "undone": 2}
