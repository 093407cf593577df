"""What events set going: a gateway that begins anew is written again, once, and nothing becomes a loop; real HTTP."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.write import Cause
from acs_bridge.services.pages import Ask
from acs_bridge.services.queue.writes import Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.services.session.resets import Resets
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Applies, Behaviour
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.report import Outcome
from cwmp.messages import Fault, SetParameterValues
from tests.web.device.conftest import Acs, settings

SET, GET = "SetParameterValues", "GetParameterValues"
URL = "X_ACSBRIDGE_HomeAnalytics.URL"
ADMIN = Actor("token", "ann", Role.ADMIN, "192.0.2.7")
A_DAY = 3


@pytest.fixture
def configured() -> Settings:
    return settings(queue={"writes_per_gateway_per_day": A_DAY, "max_attempts": 10})


async def lines_writes(acs: Acs) -> list[tuple[str, str]]:
    """(cause, state) of the writes of all lines, oldest first."""
    rows = await acs.database.fetch("select cause, state from write where purpose <> 'credentials' order by id")
    return [(row["cause"], row["state"]) for row in rows]


async def newest(acs: Acs) -> UUID:
    found = await acs.database.fetchval("select id from write where purpose = 'provision' order by id desc limit 1")
    return UUID(int=found.int)


async def provisioned(acs: Acs, behaviour: Behaviour | None = None) -> SimulatedGateway:
    """A gateway with the URL of its line."""
    await acs.provision()
    gateway = acs.gateway(behaviour=behaviour or Behaviour())
    await gateway.session()
    return gateway


def sets(gateway: SimulatedGateway) -> int:
    """How many SetParameterValues its newest session brought."""
    return sum(isinstance(request, SetParameterValues) for request in gateway.received)


class TestAFactoryReset:
    async def test_brings_the_same_url_again(self, acs: Acs) -> None:
        """S-30, E-06."""
        gateway = await provisioned(acs)
        before = gateway.value(URL)
        gateway.factory_reset()
        assert gateway.value(URL) == ""
        assert (await gateway.session()).served == (SET, GET)
        assert gateway.value(URL) == before
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "verified")]
        rows = await acs.database.fetch("select batch_id, generation from write")
        assert len({row["batch_id"] for row in rows}) == 2  # it can be paused by itself
        assert {row["generation"] for row in rows} == {1}

    async def test_is_told_in_the_timeline(self, acs: Acs) -> None:
        gateway = await provisioned(acs)
        gateway.factory_reset()
        await gateway.session()
        association_id = await acs.database.fetchval("select id from association")
        told = await Associations(acs.database, acs.clock, acs.parts.lines, acs.parts.seals).timeline(
            association_id, Ask()
        )
        assert [moment.cause for moment in told.items if moment.event == "write_created"] == ["associated", "bootstrap"]
        assert {moment.cause for moment in told.items if moment.event != "write_created"} == {None}

    @pytest.mark.parametrize("event", ["0 BOOTSTRAP", "0 Bootstrap", " 0 BOOTSTRAP", "0BOOTSTRAP", "0"])
    async def test_is_known_by_the_number_of_its_event(self, acs: Acs, event: str) -> None:
        """E-01, E-02: the same Inform may tell other things before it."""
        gateway = await provisioned(acs)
        gateway.factory_reset()
        gateway.pending = []
        await gateway.session(("1 BOOT", "4 VALUE CHANGE", event))
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "verified")]

    @pytest.mark.parametrize(
        "events",
        [
            (),
            ("1 BOOT",),
            ("1BOOT", "2 PERIODIC"),
            (" 6 CONNECTION REQUEST",),
            ("4 VALUE CHANGE",),
            ("10 AUTONOMOUS TRANSFER COMPLETE",),
            ("14 HEARTBEAT",),
            ("99 NEW",),
            ("M Reboot", "M X_00005E_Zero"),
            ("X 00005E 0 BOOTSTRAP", "BOOTSTRAP", "-0 BOOTSTRAP"),
            ("00005E 0",),
        ],
        ids=str,
    )
    async def test_is_no_other_event(self, acs: Acs, events: tuple[str, ...]) -> None:
        """E-01, E-02, E-05: they are kept as they came, and nothing is written or asked."""
        gateway = await provisioned(acs)
        report = await gateway.session(events)
        assert (report.completed, report.served) == (True, ())
        kept = await acs.database.fetchval("select events from gateway")
        assert [each.strip() for each in kept] == [each.strip() for each in events]
        assert await lines_writes(acs) == [("associated", "verified")]

    async def test_that_is_told_again_until_its_answer_arrives_is_one(self, acs: Acs) -> None:
        """E-06, S-21."""
        gateway = await provisioned(acs)
        gateway.factory_reset()
        gateway.behaviour = Behaviour(drop_on_answer=1)  # the InformResponse
        for _ in range(3):
            assert (await gateway.session()).outcome is Outcome.DROPPED
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "queued")]
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).served == (SET, GET)

    async def test_that_is_told_again_after_the_write_is_over(self, acs: Acs) -> None:
        gateway = await provisioned(acs)
        gateway.factory_reset()
        gateway.behaviour = Behaviour(drop_on_answer=4)  # the 204 at the end
        assert (await gateway.session()).outcome is Outcome.DROPPED
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).served == ()
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "verified")]

    async def test_of_a_gateway_that_shows_no_parameter_key_is_looked_at_first(self, acs: Acs) -> None:
        gateway = await provisioned(acs, Behaviour(no_parameter_key=True))
        assert (await gateway.session(("0 BOOTSTRAP",))).served == (GET, GET)
        gateway.factory_reset()
        assert (await gateway.session()).served == (GET, SET, GET)
        assert gateway.value(URL) == await acs.url_of(await newest(acs))

    @pytest.mark.parametrize("applies", [Applies.AFTER_SESSION, Applies.AFTER_BOOT])
    async def test_takes_the_place_of_what_was_to_apply_later(self, acs: Acs, applies: Applies) -> None:
        gateway = await provisioned(acs, Behaviour(status=1, applies=applies))
        gateway.factory_reset()
        gateway.behaviour = Behaviour()
        await gateway.session()
        assert await lines_writes(acs) == [("associated", "superseded"), ("bootstrap", "verified")]

    async def test_in_the_middle_of_a_write_needs_no_other_one(self, acs: Acs) -> None:
        gateway = await provisioned(acs, Behaviour(drop_before_response=1))
        gateway.factory_reset()
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).served == (SET, GET)
        assert await lines_writes(acs) == [("associated", "verified")]

    async def test_leaves_a_write_that_was_refused_to_an_operator(self, acs: Acs) -> None:
        gateway = await provisioned(acs, Behaviour(faults={SET: Fault(9005, "Invalid parameter name")}))
        (before,) = await lines_writes(acs)
        gateway.factory_reset()
        await gateway.session()
        assert await lines_writes(acs) == [before]
        assert before == ("associated", "rejected")

    async def test_of_a_gateway_without_an_association_brings_nothing(self, acs: Acs) -> None:
        gateway = await provisioned(acs)
        associations = Associations(acs.database, acs.clock, acs.parts.lines, acs.parts.seals)
        await associations.end(await acs.database.fetchval("select id from association"), ADMIN)
        await gateway.session()
        assert await lines_writes(acs) == [("associated", "verified"), ("left", "verified")]
        gateway.factory_reset()
        assert (await gateway.session()).served == ()
        assert len(await lines_writes(acs)) == 2

    async def test_that_was_not_told_with_the_right_password_changes_nothing(self, acs: Acs) -> None:
        """E-06, A-03."""
        await provisioned(acs)
        impostor = acs.gateway(credentials=Credentials("bootstrap", "wrong"))
        assert (await impostor.session(("0 BOOTSTRAP",))).outcome is Outcome.UNAUTHORIZED
        assert await lines_writes(acs) == [("associated", "verified")]

    async def test_is_held_back_by_the_brakes(self, acs: Acs) -> None:
        gateway = await provisioned(acs)
        await acs.database.execute("insert into brake (set_at, set_by) values ($1, 'cli:test')", acs.clock())
        gateway.factory_reset()
        assert (await gateway.session()).served == ()
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "queued")]
        await acs.database.execute("delete from brake")
        assert (await gateway.session()).served == (SET, GET)

    async def test_that_several_workers_hear_of_is_one(self, acs: Acs) -> None:
        await provisioned(acs)
        gateway_id = await acs.database.fetchval("select id from gateway")
        told: list[Cause] = []
        workers = [Resets(acs.database, told.append) for _ in range(4)]
        begun = await asyncio.gather(*(worker.begins_anew(gateway_id, "", acs.clock()) for worker in workers))
        assert sorted(begun) == [False, False, False, True]
        assert told == [Cause.BOOTSTRAP]
        assert await lines_writes(acs) == [("associated", "verified"), ("bootstrap", "queued")]


class TestAGatewayWithCredentialsOfItsOwn:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"manage": True})

    async def test_that_is_reset_gets_nothing_before_it_is_approved_again_and_then_everything(self, acs: Acs) -> None:
        """A-15: 0 BOOTSTRAP with the shared pair touches nothing."""
        gateway = await provisioned(acs)
        await gateway.session()
        before = gateway.value(URL)
        gateway.factory_reset()
        for _ in range(2):
            assert (await gateway.session()).served == ()
        assert await lines_writes(acs) == [("associated", "verified")]
        gateways = Gateways(acs.database, acs.clock, acs.parts.binding, acs.parts.credentials, acs.parts.codes)
        await gateways.approve(await acs.database.fetchval("select id from gateway"), ADMIN)
        # Its 0 BOOTSTRAP was answered long ago: it does not come again.
        assert (await gateway.session()).served == (GET, SET, GET, SET)
        assert gateway.value(URL) == before
        assert await lines_writes(acs) == [("associated", "verified"), ("readmitted", "verified")]
        assert gateway.value("ManagementServer.Username").endswith("x2")
        assert (await gateway.session()).completed

    async def test_is_let_in_for_a_day(self, acs: Acs, clock: Any) -> None:
        """A-17: who shows the shared pair a year after an approval may be anybody."""
        gateway = await provisioned(acs)
        await gateway.session()
        gateway.factory_reset()
        await gateway.session()
        gateways = Gateways(acs.database, acs.clock, acs.parts.binding, acs.parts.credentials, acs.parts.codes)
        gateway_id = await acs.database.fetchval("select id from gateway")
        await gateways.approve(gateway_id, ADMIN)
        clock.advance(hours=25)
        assert (await gateway.session()).served == ()
        (kept_out,) = (await gateways.find(gateway_id)).quarantine
        assert kept_out["reason"] == "bootstrap_pair"
        await gateways.approve(gateway_id, ADMIN)
        clock.advance(hours=23)
        assert (await gateway.session()).served == (GET, SET, GET, SET)
        clock.advance(hours=25)
        assert (await gateway.session()).completed  # with a pair of its own by now

    async def test_is_not_written_again_when_only_its_answer_was_lost(self, acs: Acs) -> None:
        """The ParameterKey names the credentials, which came behind the URL."""
        await acs.provision()
        gateway = acs.gateway()
        gateway.factory_reset()
        gateway.behaviour = Behaviour(drop_on_answer=5)
        report = await gateway.session()
        assert (report.outcome, report.served) == (Outcome.DROPPED, (SET, GET, SET))
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).completed
        assert await lines_writes(acs) == [("associated", "verified")]


class TestAnEvent:
    async def test_is_no_proof(self, acs: Acs) -> None:
        """E-04: a value change settles no doubt; the ParameterKey does."""
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(drop_on_request=1))
        await gateway.session()
        gateway.behaviour = Behaviour()
        assert (await gateway.session(("4 VALUE CHANGE",))).served == (SET, GET)
        assert "key_differs" in await acs.history(write_id)


class TestALoop:
    async def test_of_a_gateway_that_resets_itself_ends_with_the_budget_of_the_day(self, acs: Acs, clock: Any) -> None:
        gateway = await provisioned(acs)
        served = sets(gateway)
        with structlog.testing.capture_logs() as lines:
            for _ in range(8):
                clock.advance(minutes=1)
                gateway.factory_reset()
                await gateway.session()
                served += sets(gateway)
        assert served == A_DAY
        assert (await lines_writes(acs))[-1] == ("bootstrap", "queued")
        (line,) = (line for line in lines if line["event"] == "gateway_budget_spent")
        assert line["log_level"] == "warning"
        assert acs.parts.registry.get_sample_value("acs_bridge_writes_over_budget_total") == 8 - (A_DAY - 1)
        writes = Writes(acs.database, clock, approval_needed=False, blocked=lambda *_: None, writes_per_day=A_DAY)
        waiting = (await writes.find(await newest(acs))).waiting
        assert "all its writes of a day" in str(waiting.waiting_for)
        assert waiting.expected_at is not None
        assert clock() + timedelta(hours=23) < waiting.expected_at < clock() + timedelta(days=1)
        clock.advance(days=1)
        assert (await gateway.session()).served == (SET, GET)
        assert (await lines_writes(acs))[-1] == ("bootstrap", "verified")

    async def test_of_faults_ends_with_the_budget_of_the_day(self, acs: Acs, clock: Any) -> None:
        """The attempts of one write count as well, whichever worker sends them."""
        gateway = await provisioned(acs, Behaviour(faults={SET: Fault(9002, "Internal error")}))
        served = sets(gateway)
        for _ in range(6):
            clock.advance(hours=1)
            await gateway.session()
            served += sets(gateway)
        assert served == A_DAY

    async def test_holds_no_other_gateway_back(self, acs: Acs, clock: Any) -> None:
        looping = await provisioned(acs)
        for _ in range(4):
            looping.factory_reset()
            await looping.session()
        await acs.provision("S2", "LOS-2", "C-2")
        assert (await acs.gateway("S2").session()).served == (SET, GET)

    @pytest.mark.parametrize("forgets", [False, True], ids=["it never boots", "it never keeps the value"])
    async def test_is_not_begun_by_status_1(self, acs: Acs, clock: Any, forgets: bool) -> None:
        """It comes at once, without an event, again and again: it is looked at, and not written again."""
        gateway = await provisioned(acs, Behaviour(status=1, applies=Applies.AFTER_BOOT, forgets_values=forgets))
        gateway.behaviour = replace(gateway.behaviour, no_events=True)
        for _ in range(5):
            clock.advance(seconds=1)
            assert (await gateway.session()).served == (GET,)
        assert await lines_writes(acs) == [("associated", "staged")]

    async def test_is_not_begun_by_status_1_that_applies_after_the_session(self, acs: Acs) -> None:
        gateway = await provisioned(acs, Behaviour(status=1, applies=Applies.AFTER_SESSION, no_events=True))
        assert (await gateway.session()).served == (GET,)
        assert (await gateway.session()).served == ()
        assert await lines_writes(acs) == [("associated", "verified")]
