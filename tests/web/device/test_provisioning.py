"""A write on its way through sessions, from the queue to its proof: the main job, over real HTTP."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.services.records.associations import Associations
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Applies, Behaviour
from acs_bridge.simulator.models import TR098, TR181
from acs_bridge.simulator.schema import Schema
from cwmp.messages import Fault, GetRPCMethods, Kicked, ParameterFault, TransferComplete
from tests.web.device.conftest import BOOTSTRAP, Acs, change, lock, settings

URL = "X_ACSBRIDGE_HomeAnalytics.URL"
SET, GET = "SetParameterValues", "GetParameterValues"


class TestTheNextInform:
    @pytest.mark.parametrize("schema", [TR181, TR098])
    async def test_gets_the_phan_url_into_the_gateway_and_proves_it(self, acs: Acs, schema: Schema) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(schema=schema)
        report = await gateway.session()
        assert report.served == (SET, GET)
        assert gateway.value(URL) == await acs.url_of(write_id)
        write = await acs.write(write_id)
        assert (write["state"], write["proof"], write["attempts"]) == ("verified", "read_back", 1)
        assert write["finished_at"] is not None
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    async def test_of_a_gateway_without_work_takes_two_messages(self, acs: Acs) -> None:
        """S-29."""
        await acs.provision()
        gateway = acs.gateway()
        await gateway.session()
        report = await gateway.session()
        assert report.served == ()
        assert report.exchanges == 3  # the challenge, the Inform, the empty POST

    async def test_of_another_gateway_gets_nothing(self, acs: Acs) -> None:
        write_id = await acs.provision("S1")
        assert (await acs.gateway("S2").session()).served == ()
        assert await acs.state(write_id) == "queued"

    async def test_answers_what_the_gateway_asks_first(self, acs: Acs) -> None:
        write_id = await acs.provision()
        asked = (TransferComplete("key"), GetRPCMethods(), Kicked())
        report = await acs.gateway(behaviour=Behaviour(own_requests=asked)).session()
        assert report.served == (SET, GET)
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize("minor", range(5))
    async def test_is_answered_in_the_gateways_own_namespace(self, acs: Acs, minor: int) -> None:
        write_id = await acs.provision()
        behaviour = Behaviour(namespace=f"urn:dslforum-org:cwmp-1-{minor}")
        assert (await acs.gateway(behaviour=behaviour).session()).served == (SET, GET)
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize(
        "behaviour",
        [
            Behaviour(cookies=False),
            Behaviour(reconnects=True),
            Behaviour(stale_cookie=True),
            Behaviour(preemptive=False),
            Behaviour(probes_first=True),
            Behaviour(no_events=True),
            Behaviour(supported_versions=("1.0", "1.4", "2.0"), session_timeout=120),
        ],
        ids=str,
    )
    async def test_of_a_gateway_with_habits_of_its_own_does_the_same(self, acs: Acs, behaviour: Behaviour) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=behaviour)
        await gateway.session()
        assert await acs.state(write_id) == "verified"
        assert gateway.value(URL) == await acs.url_of(write_id)


class TestALostSession:
    @pytest.mark.parametrize(
        ("behaviour", "events", "asked"),
        [
            # The SetParameterValues did not arrive: its key is not there, it is sent again.
            (Behaviour(drop_on_request=1), ["key_differs", "dispatched", "accepted", "read_back_equal"], (SET, GET)),
            # It was carried out, and only the answer was lost: the key proves it, it is only read back.
            (Behaviour(drop_before_response=1), ["key_matches", "read_back_equal"], (GET,)),
        ],
        ids=["before it was carried out", "after it was carried out"],
    )
    async def test_is_settled_by_the_parameter_key_of_the_next_inform(
        self, acs: Acs, behaviour: Behaviour, events: list[str], asked: tuple[str, ...]
    ) -> None:
        """S-19, R-09."""
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=behaviour)
        await gateway.session()
        assert await acs.state(write_id) == "sent"
        gateway.behaviour = Behaviour()
        report = await gateway.session()
        assert report.served == asked
        assert await acs.history(write_id) == ["created", "dispatched", *events]
        assert gateway.value(URL) == await acs.url_of(write_id)

    @pytest.mark.parametrize("carried_out", [False, True])
    async def test_without_a_parameter_key_is_settled_by_looking_first(self, acs: Acs, carried_out: bool) -> None:
        """S-19, R-04."""
        write_id = await acs.provision()
        lost = (
            Behaviour(no_parameter_key=True, drop_before_response=1)
            if carried_out
            else Behaviour(no_parameter_key=True, drop_on_request=1)
        )
        gateway = acs.gateway(behaviour=lost)
        await gateway.session()
        gateway.behaviour = Behaviour(no_parameter_key=True)
        report = await gateway.session()
        assert report.served == ((GET, GET) if carried_out else (GET, SET, GET))
        assert await acs.state(write_id) == "verified"

    async def test_during_the_read_back_is_read_back_again(self, acs: Acs) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(drop_on_request=2))
        await gateway.session()
        assert await acs.state(write_id) == "applied"
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).served == (GET,)
        assert await acs.state(write_id) == "verified"

    async def test_leaves_its_write_in_doubt_when_the_lease_is_over(self, acs: Acs, clock) -> None:
        """S-18."""
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(drop_before_response=1))
        await gateway.session()
        clock.advance(seconds=91)
        assert await acs.parts.janitor.sweep() == 1
        assert await acs.state(write_id) == "in_doubt"
        gateway.behaviour = Behaviour()
        await gateway.session()
        assert await acs.history(write_id) == [
            "created",
            "dispatched",
            "session_lost",
            "key_matches",
            "read_back_equal",
        ]

    async def test_again_and_again_fails_in_the_end(self, acs: Acs) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(drop_on_request=1))
        for _ in range(4):
            await gateway.session()
        write = await acs.write(write_id)
        assert (write["state"], write["attempts"]) == ("failed", 3)

    async def test_answer_that_comes_late_still_counts(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        hold = asyncio.Event()
        gateway = acs.gateway(behaviour=Behaviour(hold=hold))
        session = asyncio.create_task(gateway.session())
        await gateway.until(lambda gateway: gateway.holding)
        clock.advance(seconds=91)
        await acs.parts.janitor.sweep()
        assert await acs.state(write_id) == "in_doubt"
        hold.set()
        await session
        assert await acs.state(write_id) == "verified"


class TestAFault:
    async def test_that_is_permanent_parks_the_write_with_every_parameter(self, acs: Acs) -> None:
        """R-11, R-12."""
        write_id = await acs.provision()
        fault = Fault(
            9003,
            "Invalid arguments",
            (ParameterFault("Device.X", 9005, "no such"), ParameterFault("Device.Y", 9007, "bad")),
        )
        gateway = acs.gateway(behaviour=Behaviour(faults={SET: fault}))
        assert (await gateway.session()).served == (SET,)
        write = await acs.write(write_id)
        assert write["state"] == "rejected"
        assert write["fault"] == {
            "code": 9003,
            "text": "Invalid arguments",
            "parameters": [
                {"name": "Device.X", "code": 9005, "text": "no such"},
                {"name": "Device.Y", "code": 9007, "text": "bad"},
            ],
        }
        assert (await gateway.session()).served == ()

    async def test_that_is_transient_is_tried_again_later_and_not_before(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(faults={SET: Fault(9002, "busy")}))
        await gateway.session()
        write = await acs.write(write_id)
        assert write["state"] == "queued"
        assert timedelta(seconds=15) <= write["due_at"] - clock() <= timedelta(seconds=30)
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).served == ()
        clock.advance(seconds=30)
        await gateway.session()
        write = await acs.write(write_id)
        assert (write["state"], write["attempts"], write["fault"]) == ("verified", 2, None)

    async def test_that_does_not_end_fails_the_write(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(faults={SET: Fault(9002, "busy")}))
        for _ in range(3):
            await gateway.session()
            clock.advance(days=1)
        write = await acs.write(write_id)
        assert (write["state"], write["attempts"], write["fault"]["code"]) == ("failed", 3, 9002)

    async def test_of_the_read_back_leaves_the_write_to_its_parameter_key(self, acs: Acs) -> None:
        """R-13."""
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(faults={GET: Fault(9005, "no such")}))
        await gateway.session()
        assert await acs.state(write_id) == "applied"
        assert (await gateway.session()).served == ()
        write = await acs.write(write_id)
        assert (write["state"], write["proof"]) == ("verified", "parameter_key")


class TestAGatewayThatIsNotByTheBook:
    async def test_and_applies_values_after_the_session_is_verified_by_a_later_one(self, acs: Acs) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(status=1, applies=Applies.AFTER_SESSION))
        assert (await gateway.session()).served == (SET,)
        assert await acs.state(write_id) == "staged"
        assert (await gateway.session()).served == (GET,)
        assert await acs.state(write_id) == "verified"

    async def test_and_applies_values_after_a_boot_is_not_written_to_again_before_it(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(status=1, applies=Applies.AFTER_BOOT))
        await gateway.session()
        for _ in range(3):
            clock.advance(hours=1)
            assert (await gateway.session()).served == (GET,)
            assert await acs.state(write_id) == "staged"
        gateway.reboot()
        await gateway.session()
        assert await acs.state(write_id) == "verified"

    async def test_and_shows_nothing_is_proven_by_its_parameter_key_once_it_has_booted(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        hidden = Behaviour(status=1, applies=Applies.AFTER_BOOT, faults={GET: Fault(9005, "no such")})
        gateway = acs.gateway(behaviour=hidden)
        for served in ((SET,), (GET,), ()):
            assert (await gateway.session()).served == served
            assert await acs.state(write_id) == "staged"
        clock.advance(hours=1)
        gateway.reboot()
        await gateway.session()
        write = await acs.write(write_id)
        assert (write["state"], write["proof"]) == ("verified", "parameter_key")

    async def test_and_never_applies_what_it_promised_is_written_to_again(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(status=1, forgets_values=True))
        await gateway.session()
        clock.advance(days=1)
        await gateway.session()
        assert await acs.state(write_id) == "queued"

    async def test_and_says_ok_without_storing_is_written_to_again_and_fails(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(forgets_values=True))
        for _ in range(3):
            await gateway.session()
            clock.advance(days=1)
        write = await acs.write(write_id)
        assert (write["state"], write["attempts"]) == ("failed", 3)
        assert "reads back" in write["fault"]["text"]

    async def test_and_sends_no_status_is_read_back(self, acs: Acs) -> None:
        """R-10."""
        write_id = await acs.provision()
        await acs.gateway(behaviour=Behaviour(status=None)).session()
        assert await acs.state(write_id) == "verified"


class TestTheEndOfAnAssociation:
    async def test_takes_the_url_from_the_gateway_in_its_next_session(self, acs: Acs) -> None:
        """P-07, X-18: an empty text, written, read back and proven as the URL was."""
        await acs.provision()
        gateway = acs.gateway()
        await gateway.session()
        assert gateway.value(URL) != ""
        association = await acs.database.fetchval("select id from association")
        associations = Associations(acs.database, acs.clock, acs.parts.lines, acs.parts.seals)
        await associations.end(association, Actor("cli", "Ann", Role.ADMIN, ""))
        assert (await gateway.session()).served == (SET, GET)
        assert gateway.value(URL) == ""
        states = await acs.database.fetch("select purpose, state from write order by created_at, purpose desc")
        assert [tuple(row) for row in states] == [("provision", "verified"), ("clear", "verified")]


class TestTheNewestInform:
    async def test_takes_the_session_from_the_one_before(self, acs: Acs) -> None:
        write_id = await acs.provision()
        hold = asyncio.Event()
        old = acs.gateway(behaviour=Behaviour(hold=hold))
        session = asyncio.create_task(old.session())
        await old.until(lambda gateway: gateway.holding)
        new = acs.gateway()
        assert (await new.session()).served == (SET, GET)
        hold.set()
        assert (await session).served == (SET,)  # its answer came too late: nothing more is asked
        assert await acs.state(write_id) == "verified"


class TestABrake:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(queue={"writes_per_minute": 1})

    async def test_on_the_rate_holds_for_all_gateways(self, acs: Acs, clock) -> None:
        await acs.database.execute("update queue_rate set refilled_at = $1, available = 1", clock())
        first, second = await acs.provision("S1", "LOS-1"), await acs.provision("S2", "LOS-2", "C-2")
        await acs.gateway("S1").session()
        await acs.gateway("S2").session()
        assert (await acs.state(first), await acs.state(second)) == ("verified", "queued")
        clock.advance(seconds=60)
        await acs.gateway("S2").session()
        assert await acs.state(second) == "verified"


class TestAGatewayThatItsLineWaitedFor:
    async def wait_for(self, acs: Acs, serial: str, line: str) -> None:
        """Associate a line that names its box by OUI and serial number only."""
        async with acs.database.transaction() as connection:
            now = acs.clock()
            subscriber_id = await connection.fetchval(
                "insert into subscriber (code, code_key, name, created_at, updated_at)"
                " values ($1, lower($1), 'Ann', $2, $2) returning id",
                f"C-{line}",
                now,
            )
            await connection.execute(
                "insert into device (line_of_service, line_key, wanted_oui, wanted_serial, created_at, updated_at)"
                " values ($1, lower($1), '00005E', $2, $3, $3)",
                line,
                serial,
                now,
            )
            own = await lock(connection, line)
            await acs.parts.lines.associate(connection, own, subscriber_id, f"C-{line}", change(now))

    async def test_is_bound_and_provisioned_by_its_first_inform(self, acs: Acs) -> None:
        await self.wait_for(acs, "S1", "LOS-1")
        assert (await acs.gateway("S1").session(["0 BOOTSTRAP"])).served == (SET, GET)
        states = await acs.database.fetch("select state from write")
        assert [row["state"] for row in states] == ["verified"]

    async def test_is_held_back_by_a_brake_also_at_its_first_inform(self, acs: Acs) -> None:
        await self.wait_for(acs, "S1", "LOS-1")
        await acs.database.execute("insert into brake (set_at, set_by) values ($1, 'Ann')", acs.clock())
        gateway = acs.gateway("S1")
        assert (await gateway.session(["0 BOOTSTRAP"])).served == ()
        await acs.database.execute("delete from brake")
        assert (await gateway.session()).served == (SET, GET)


class TestApproval:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"bootstrap": "approve"})

    async def test_is_needed_where_the_shared_pair_is_no_proof(self, acs: Acs, clock) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway()
        assert (await gateway.session()).served == ()
        assert await acs.state(write_id) == "queued"
        await acs.database.execute("update gateway set approved_at = $1, approved_by = 'Ann'", clock())
        assert (await gateway.session()).served == (SET, GET)
        assert await acs.state(write_id) == "verified"


class TestAWrongPassword:
    async def test_changes_nothing(self, acs: Acs) -> None:
        await acs.provision()
        before = await acs.database.fetch("select * from gateway")
        for credentials in (None, replace(BOOTSTRAP, password="wrong")):
            report = await acs.gateway(credentials=credentials).session()
            assert report.error
        assert await acs.database.fetch("select * from gateway") == before
