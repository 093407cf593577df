"""`serve --observe`: sessions are answered, each gateway is read once, and nothing is ever written into one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.errors import Conflict
from acs_bridge.parts import Parts
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.models import TR181
from acs_bridge.store.database import Database
from acs_bridge.store.observations import Surveyed, survey
from acs_bridge.web.listener import bind, serving
from tests.web.device.conftest import Acs, settings

READ = ("GetParameterValues",)
PHAN_URL = "X_ACSBRIDGE_HomeAnalytics.URL"
SHORT = """
name = "short"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
value = "{phan_url}"
max_length = 150
"""
LACKING = TR181.without("Device.X_ACSBRIDGE_HomeAnalytics.")


@pytest.fixture
def configured() -> Settings:
    """With everything else switched on that would write."""
    return settings(device_listener={"observe": True}, cpe_auth={"manage": True})


@pytest.fixture
async def writing(acs: Acs, database: Database, clock: Any) -> AsyncIterator[int]:
    """A daemon on the same database that provisions."""
    parts = Parts(settings(), database, acs.parts.keyring, load_profiles(), clock)
    bound = bind("device", "127.0.0.1", 0)
    async with serving(bound, parts.device_runner()):
        yield bound.port


async def counted(acs: Acs) -> Surveyed:
    (row,) = await survey(acs.database)
    return row


async def test_a_gateway_is_read_once_for_each_software_version(acs: Acs) -> None:
    gateway = acs.gateway()
    assert (await gateway.session()).served == READ
    assert (await gateway.session()).served == ()
    gateway.model.put("Device.DeviceInfo.SoftwareVersion", "9.9")
    assert (await gateway.session()).served == READ


async def test_nothing_is_written_whatever_waits(acs: Acs, database: Database) -> None:
    write_id = await acs.provision()
    gateway = acs.gateway()
    for events in (("0 BOOTSTRAP",), ("2 PERIODIC",), ("2 PERIODIC",)):
        assert set((await gateway.session(events)).served) <= {*READ}
    assert gateway.value(PHAN_URL) == ""
    assert (await acs.state(write_id), await acs.history(write_id)) == ("queued", ["created"])
    assert await database.fetchval("select count(*) from write") == 1  # no credentials either


async def test_nobody_is_rung(acs: Acs, database: Database) -> None:
    await acs.provision()
    await acs.gateway().session()
    gateway_id = await database.fetchval("select id from gateway")
    with pytest.raises(Conflict, match="switched off"):
        await acs.parts.doorbell.ring_by_hand(gateway_id, None)  # type: ignore[arg-type] # it is refused before that


async def test_what_waited_goes_out_when_it_is_over(acs: Acs, writing: int) -> None:
    write_id = await acs.provision()
    await acs.gateway().session()
    other = replace(acs, url=f"http://127.0.0.1:{writing}/acs")
    assert (await other.gateway().session()).completed
    assert await acs.state(write_id) == "verified"


async def test_the_survey_counts_what_could_be_provisioned(acs: Acs) -> None:
    await acs.gateway("S1").session()
    await acs.gateway("S2", schema=LACKING).session()
    row = await counted(acs)
    assert (row.gateways, row.provisionable, row.missing, row.unknown, row.with_url) == (2, 1, 1, 0, 0)
    assert row.words is not None
    assert row.words.endswith("URL") or "parameter" in row.words


async def test_a_line_whose_url_would_not_fit_is_counted(acs: Acs, database: Database, clock: Any) -> None:
    """By the line that the gateway has; the values of the gateway say nothing about it."""
    await acs.provision(line="L" * 60)
    profiles = ProfileSet([[parse_profile(SHORT, "short.toml")]])
    bound = bind("device", "127.0.0.1", 0)
    async with serving(bound, Parts(acs.parts.settings, database, acs.parts.keyring, profiles, clock).device_runner()):
        other = replace(acs, url=f"http://127.0.0.1:{bound.port}/acs")
        await other.gateway("S1").session()
        await other.gateway("S2").session()
    row = await counted(acs)
    assert (row.too_short, row.provisionable) == (1, 1)
    assert row.words is not None
    assert "takes at most 150 characters" in row.words


async def test_a_url_of_ours_is_found_and_not_kept(acs: Acs, writing: int, database: Database) -> None:
    write_id = await acs.provision()
    gateway = replace(acs, url=f"http://127.0.0.1:{writing}/acs").gateway()
    await gateway.session()
    seen = acs.gateway()
    seen.model.put(f"Device.{PHAN_URL}", gateway.value(PHAN_URL))
    await seen.session()
    row = await database.fetchrow("select * from observation")
    assert row is not None
    association = (await acs.write(write_id))["association_id"]
    assert (row["outcome"], row["association_id"], row["generation"]) == ("provisionable", association, 1)
    assert gateway.value(PHAN_URL)[-20:] not in str(dict(row))
    assert (await counted(acs)).with_url == 1


async def test_a_url_of_ours_is_found_in_an_instance_of_a_table(
    acs: Acs, writing: int, database: Database, clock: Any
) -> None:
    await acs.provision()
    first = replace(acs, url=f"http://127.0.0.1:{writing}/acs").gateway()
    await first.session()
    gateway = acs.gateway("S2")
    for url in ("https://else.example.net/", first.value(PHAN_URL)):
        profile = f"Device.BulkData.Profile.{gateway.model.add_object('Device.BulkData.Profile.', 'k')}."
        gateway.model.put(f"{profile}HTTP.URL", url)
    profiles = load_profiles(packaged=("bulk-data-tr181",))
    bound = bind("device", "127.0.0.1", 0)
    async with serving(bound, Parts(acs.parts.settings, database, acs.parts.keyring, profiles, clock).device_runner()):
        gateway.model.fix("ManagementServer.URL", f"http://127.0.0.1:{bound.port}/acs")
        assert (await gateway.session()).served == READ
    row = await counted(acs)
    assert (row.provisionable, row.with_url) == (1, 1)


async def test_a_gateway_that_gives_no_answer_is_asked_three_times_at_most(acs: Acs) -> None:
    served = [len((await acs.gateway(behaviour=Behaviour(drop_on_request=1)).session()).served) for _ in range(5)]
    assert served == [1, 1, 1, 0, 0]
    assert (await counted(acs)).unknown == 1


async def test_a_session_goes_on_at_another_worker(acs: Acs, database: Database, clock: Any, configured: Any) -> None:
    """It has not seen the session begin: what is outstanding stands in the database."""
    gateway = acs.gateway(behaviour=Behaviour(reconnects=True))
    assert (await gateway.session()).served == READ
    assert (await counted(acs)).provisionable == 1
