"""Many gateways: their pace, and what a fleet reports."""

import asyncio
import random
from collections import Counter

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.fleet import JITTER, Fleet, FleetPlan, Pace, Roots, wait_at_most
from acs_bridge.simulator.report import Outcome
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.messages import GetParameterValues
from tests.simulator.conftest import CREDENTIALS

READ = GetParameterValues(("Device.DeviceInfo.SerialNumber",))


class Time:
    """Seconds that pass only while somebody waits for them."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    async def wait(self, event, seconds):
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def around(clock, time):
    return Surroundings(clock=clock, timer=time, chance=random.Random(7), answer_seconds=10)


@pytest.fixture
def fleet_of(acs, around, time):
    def make(count=3, behaviour=None, **pace):
        plan = FleetPlan(acs_url=acs.url, count=count, credentials=CREDENTIALS, behaviour=behaviour or Behaviour())
        return Fleet(plan.gateways(around), Pace(**pace), around, wait=time.wait)

    return make


def serials(acs):
    return [inform.device_id.serial_number for inform in acs.informs]


async def test_every_gateway_has_its_sessions(acs, fleet_of):
    report = await fleet_of(count=5, sessions=3, concurrency=2).run()
    assert Counter(serials(acs)) == {f"SIM{number:06d}": 3 for number in range(1, 6)}
    assert (report.sessions, report.failed, report.gateways) == (15, 0, 5)
    assert report.exchanges == 30


async def test_gateways_take_turns(acs, fleet_of):
    await fleet_of(count=3, sessions=2, concurrency=1).run()
    assert serials(acs) == [f"SIM{number:06d}" for number in (1, 2, 3, 1, 2, 3)]


async def test_no_more_sessions_run_at_a_time_than_allowed(acs, fleet_of):
    release = asyncio.Event()
    acs.script = [READ]
    fleet = fleet_of(count=6, concurrency=2, behaviour=Behaviour(hold=release))
    running = asyncio.create_task(fleet.run())
    gateways = [turn.gateway for turn in fleet._turns]
    await asyncio.gather(*(gateway.until(lambda it: it.holding) for gateway in gateways[:2]))
    assert len(acs.informs) == 2
    release.set()
    assert (await running).sessions == 6


async def test_the_gateways_are_spread_over_the_interval_and_come_back_after_it(acs, fleet_of, time):
    informed = []
    acs.challenge = lambda request: informed.append(time.now) if request.content_length else None
    await fleet_of(count=4, sessions=2, interval=60.0, concurrency=1).run()
    first, second = informed[:4], informed[4:]
    assert max(first) - min(first) > 6
    assert sorted(informed) == informed
    assert min(first) >= 1000
    assert max(first) <= 1060
    assert min(second) >= min(first) + 60 * (1 - JITTER)
    assert max(second) <= 1060 + 60 * (1 + JITTER)


async def test_the_report_counts_errors_by_kind_and_goes_on(acs, door, around):
    plan = FleetPlan(acs_url=acs.url, count=2)
    report = await Fleet(plan.gateways(around), Pace(sessions=2), around).run()
    assert report.outcomes == {Outcome.UNAUTHORIZED: 4}
    assert report.errors == {"unauthorized: HTTP 401": 4}
    assert report.failed == 4


async def test_a_fleet_authenticates(acs, door, fleet_of):
    report = await fleet_of(count=3).run()
    assert (report.failed, report.exchanges) == (0, 9)


async def test_a_stopped_fleet_ends_the_sessions_under_way_and_reports(acs, fleet_of):
    release = asyncio.Event()
    acs.script = [READ]
    fleet = fleet_of(count=10, sessions=None, concurrency=2, behaviour=Behaviour(hold=release))
    gateways = [turn.gateway for turn in fleet._turns]
    running = asyncio.create_task(fleet.run())
    await asyncio.gather(*(gateway.until(lambda it: it.holding) for gateway in gateways[:2]))
    fleet.stop()
    release.set()
    report = await running
    assert (report.sessions, report.failed) == (2, 0)


async def test_a_fleet_that_is_stopped_twice_breaks_off(acs, fleet_of):
    acs.script = [READ]
    fleet = fleet_of(count=2, concurrency=2, behaviour=Behaviour(hold=asyncio.Event()))
    gateways = [turn.gateway for turn in fleet._turns]
    running = asyncio.create_task(fleet.run())
    await asyncio.gather(*(gateway.until(lambda it: it.holding) for gateway in gateways))
    fleet.stop()
    fleet.stop()
    assert (await running).sessions == 0
    assert not any(gateway.in_session for gateway in gateways)


async def test_a_stopped_fleet_does_not_wait_for_the_next_turn(acs, around):
    waiting = asyncio.Event()

    async def wait(event, seconds):
        waiting.set()
        await wait_at_most(event, seconds)

    plan = FleetPlan(acs_url=acs.url, count=1)
    fleet = Fleet(plan.gateways(around), Pace(interval=3600.0, sessions=None), around, wait=wait)
    running = asyncio.create_task(fleet.run())
    await waiting.wait()
    fleet.stop()
    assert (await running).sessions == 0


async def test_waiting_ends_with_the_time_too():
    await wait_at_most(asyncio.Event(), 0.001)


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (Roots.DEVICE, ["Device."] * 3),
        (Roots.IGD, ["InternetGatewayDevice."] * 3),
        (Roots.BOTH, ["Device.", "InternetGatewayDevice.", "Device."]),
    ],
)
def test_a_fleet_has_the_data_models_in_turn(around, roots, expected):
    plan = FleetPlan(acs_url="http://127.0.0.1:1/acs", count=3, roots=roots)
    assert [gateway.model.schema.root for gateway in plan.gateways(around)] == expected


def test_serial_numbers_are_told_apart(around):
    plan = FleetPlan(acs_url="http://127.0.0.1:1/acs", count=1200, oui="ABCDEF", serial_prefix="P-")
    identities = [gateway.identity for gateway in plan.gateways(around)]
    assert len(set(identities)) == 1200
    assert (identities[0].serial_number, identities[0].oui) == ("P-000001", "ABCDEF")


def test_what_is_planned_is_known_unless_there_is_no_end(fleet_of):
    assert fleet_of(count=3, sessions=4).planned == 12
    assert fleet_of(count=3, sessions=None).planned is None
