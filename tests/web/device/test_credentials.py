"""Credentials of each gateway: given in two phases, bound to the DeviceId, taken back; over real HTTP."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import Conflict
from acs_bridge.services.records.credentials import NewPair
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.models import TR098, TR181
from acs_bridge.simulator.report import Outcome
from acs_bridge.simulator.schema import Schema
from cwmp import digest
from cwmp.messages import Fault, ParameterFault
from tests.web.device.conftest import BOOTSTRAP, Acs, settings

SET, GET = "SetParameterValues", "GetParameterValues"
URL = "X_ACSBRIDGE_HomeAnalytics.URL"
ADMIN = Actor("token", "ann", Role.ADMIN, "192.0.2.7")
GATEWAY = "select * from gateway where serial_number = $1"
WRITES = """
select w.* from write w join gateway g on g.id = w.gateway_id
where g.serial_number = $1 and w.purpose = 'credentials' order by w.id
"""


@pytest.fixture
def configured() -> Settings:
    return settings(cpe_auth={"manage": True, "periodic_inform_seconds": 3600})


def name_of(gateway: SimulatedGateway) -> str:
    return gateway.value("ManagementServer.Username")


def pair_of(gateway: SimulatedGateway) -> Credentials:
    return Credentials(name_of(gateway), gateway.value("ManagementServer.Password"))


async def row(acs: Acs, serial: str = "S1") -> dict[str, Any]:
    found = await acs.database.fetchrow(GATEWAY, serial)
    assert found is not None
    return dict(found)


async def writes(acs: Acs, serial: str = "S1") -> list[dict[str, Any]]:
    return [dict(each) for each in await acs.database.fetch(WRITES, serial)]


async def states(acs: Acs, serial: str = "S1") -> list[tuple[str, str]]:
    return [(write["pair"], write["state"]) for write in await writes(acs, serial)]


async def kept_out(acs: Acs) -> list[tuple[str, str, int]]:
    rows = await acs.database.fetch("select reason, claimed, calls from quarantine order by first_at, reason, claimed")
    return [tuple(each) for each in rows]


async def approve(acs: Acs, serial: str = "S1") -> None:
    parts = acs.parts
    gateways = Gateways(acs.database, acs.clock, parts.binding, parts.credentials, parts.codes)
    await gateways.approve((await row(acs, serial))["id"], ADMIN)


async def rotated(acs: Acs, serial: str = "S1", **more: Any) -> SimulatedGateway:
    """A gateway that has credentials of its own, and has used them."""
    gateway = acs.gateway(serial, **more)
    await gateway.session()
    assert (await gateway.session()).completed
    assert (await states(acs, serial))[-1] == ("own", "verified")
    return gateway


class TestAGatewayThatIsBelieved:
    @pytest.mark.parametrize("schema", [TR181, TR098])
    async def test_gets_credentials_of_its_own_and_proves_them_by_its_next_login(
        self, acs: Acs, schema: Schema
    ) -> None:
        """A-18, A-20, A-21, C-10, P-01."""
        gateway = acs.gateway(schema=schema)
        assert (await gateway.session()).served == (SET,)
        (write,) = await writes(acs)
        assert (write["state"], write["plan"]) == ("applied", {"unreadable": True})
        own = acs.parts.credentials._pairs.login((await row(acs))["id"], 1)
        assert pair_of(gateway) == Credentials(own.username, own.password)
        ring = (
            gateway.value("ManagementServer.ConnectionRequestUsername"),
            gateway.value("ManagementServer.ConnectionRequestPassword"),
        )
        assert ring[1] not in ("", own.password)
        rings_with = await acs.parts.credentials.ringing((await row(acs))["id"])
        assert rings_with is not None
        assert (rings_with.username, rings_with.password) == ring
        assert gateway.value("ManagementServer.PeriodicInformInterval") == "3600"
        report = await gateway.session()
        assert (report.completed, report.served) == (True, ())
        (write,) = await writes(acs)
        assert (write["state"], write["proof"], write["event"]) == ("verified", "login", "login_proves")
        assert (await gateway.session()).exchanges == 3

    async def test_gets_its_url_first_and_its_credentials_in_the_same_session(self, acs: Acs) -> None:
        """S-07, S-29: one request at a time, and few of them; the main job does not wait for anything."""
        write_id = await acs.provision()
        gateway = acs.gateway()
        assert (await gateway.session()).served == (SET, GET, SET)
        assert gateway.value(URL) == await acs.url_of(write_id)
        assert await acs.state(write_id) == "verified"
        assert await states(acs) == [("own", "applied")]

    async def test_gets_both_also_when_every_post_is_a_new_connection(self, acs: Acs) -> None:
        write_id = await acs.provision()
        gateway = acs.gateway(behaviour=Behaviour(reconnects=True, preemptive=True))
        assert (await gateway.session()).served == (SET, GET, SET)
        assert await acs.state(write_id) == "verified"
        assert (await gateway.session()).completed
        assert await states(acs) == [("own", "verified")]

    async def test_loses_its_former_pair_with_the_first_use_of_the_new_one(self, acs: Acs) -> None:
        """A-18."""
        gateway = acs.gateway()
        await gateway.session()
        assert (await row(acs))["takes_bootstrap"]  # it may not have applied it
        await gateway.session()
        assert not (await row(acs))["takes_bootstrap"]

    async def test_keeps_working_when_it_never_uses_what_it_took(self, acs: Acs, clock: Any) -> None:
        gateway = acs.gateway(behaviour=Behaviour(forgets_values=True))
        await gateway.session()
        for _ in range(2):
            assert (await gateway.session()).served == ()
        assert await states(acs) == [("own", "applied")]
        clock.advance(days=1, seconds=1)
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).completed
        clock.advance(minutes=1)
        assert (await gateway.session()).served == (SET,)
        await gateway.session()
        assert await states(acs) == [("own", "verified")]

    async def test_is_left_alone_where_it_cannot_be_given_any(self, acs: Acs) -> None:
        refusal = Fault(9003, "Invalid arguments", (ParameterFault("Device.ManagementServer.Username", 9008, "ro"),))
        gateway = acs.gateway(behaviour=Behaviour(faults={SET: refusal}))
        await gateway.session()
        assert await states(acs) == [("own", "rejected")]
        for _ in range(2):
            report = await gateway.session()
            assert (report.completed, report.served) == (True, ())

    async def test_never_sees_its_password_in_a_fault_that_is_kept(self, acs: Acs) -> None:
        """SEC-06."""
        gateway = acs.gateway()
        await gateway.session()
        password = pair_of(gateway).password
        await acs.parts.credentials.rotate((await row(acs))["id"], ADMIN)
        own = acs.parts.credentials._pairs.login((await row(acs))["id"], 2)
        gateway.behaviour = Behaviour(faults={SET: Fault(9003, f"{own.password} is no good")})
        await gateway.session()
        kept = str([write["fault"] for write in await writes(acs)])
        assert "is no good" in kept
        assert own.password not in kept
        assert password not in kept


class TestWithoutManage:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings()

    async def test_nothing_is_written_and_nothing_asked_for(self, acs: Acs) -> None:
        gateway = acs.gateway()
        for _ in range(2):
            assert (await gateway.session()).served == ()
        assert await writes(acs) == []
        assert await acs.parts.credentials.ringing((await row(acs))["id"]) is None
        for ask in (acs.parts.credentials.rotate, acs.parts.credentials.hand_back):
            with pytest.raises(Conflict, match=r"cpe_auth\.manage"):
                await ask((await row(acs))["id"], ADMIN)


class TestWithApproval:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"manage": True, "bootstrap": "approve"})

    async def test_nothing_is_written_before_it_and_credentials_after_it(self, acs: Acs) -> None:
        """A-17."""
        gateway = acs.gateway()
        assert (await gateway.session()).served == ()
        assert await writes(acs) == []
        await approve(acs)
        assert (await gateway.session()).served == (SET,)
        await gateway.session()
        assert await states(acs) == [("own", "verified")]


class TestASessionThatDies:
    @pytest.mark.parametrize(
        "behaviour",
        [
            Behaviour(drop_on_answer=1),  # with the InformResponse
            Behaviour(drop_on_request=1),  # the request arrived, and was not carried out
            Behaviour(drop_before_response=1),  # it was carried out, and not answered
            Behaviour(drop_on_answer=3),  # it was answered, and our 204 was lost
        ],
        ids=["InformResponse", "request", "response", "end"],
    )
    @pytest.mark.parametrize("forgets_key", [False, True], ids=["with a key", "without a key"])
    @pytest.mark.parametrize("generation", [1, 2])
    async def test_locks_no_gateway_out(
        self, acs: Acs, behaviour: Behaviour, forgets_key: bool, generation: int
    ) -> None:
        """A-18: whatever the gateway holds afterwards is taken, and in the end it has its own pair."""
        gateway = acs.gateway() if generation == 1 else await rotated(acs)
        if generation > 1:
            await acs.parts.credentials.rotate((await row(acs))["id"], ADMIN)
        gateway.behaviour = replace(behaviour, no_parameter_key=forgets_key)
        assert (await gateway.session()).outcome is Outcome.DROPPED
        gateway.behaviour = Behaviour(no_parameter_key=forgets_key)
        for _ in range(3):
            assert (await gateway.session()).completed
        assert (await states(acs))[-1] == ("own", "verified")
        assert name_of(gateway) == f"gw{(await row(acs))['id']}x{generation}"
        assert await kept_out(acs) == []

    async def test_again_and_again_leaves_the_former_pair_alive(self, acs: Acs) -> None:
        gateway = acs.gateway(behaviour=Behaviour(drop_on_request=1))
        for _ in range(5):
            await gateway.session()
        assert await states(acs) == [("own", "failed")]
        gateway.behaviour = Behaviour()
        assert (await gateway.session()).completed
        assert await kept_out(acs) == []

    async def test_and_a_rotation_on_top_of_it_still_lock_nobody_out(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        gateway_id = (await row(acs))["id"]
        for _ in range(3):
            await acs.parts.credentials.rotate(gateway_id, ADMIN)
            gateway.behaviour = Behaviour(drop_before_response=1)
            await gateway.session()
        await acs.parts.credentials.rotate(gateway_id, ADMIN)
        gateway.behaviour = Behaviour()
        for _ in range(2):
            assert (await gateway.session()).completed
        assert name_of(gateway) == f"gw{gateway_id}x5"
        assert [state for _, state in await states(acs)] == ["verified", *["superseded"] * 3, "verified"]


class TestTheBootstrapPair:
    async def test_is_no_proof_for_a_gateway_that_has_its_own(self, acs: Acs) -> None:
        """A-14, A-17: nothing is touched, also with 0 BOOTSTRAP, and the impostor learns nothing."""
        gateway = await rotated(acs)
        write_id = await acs.provision()
        before = await row(acs)
        history = await acs.database.fetchval("select count(*) from write_event")
        impostor = acs.gateway()
        report = await impostor.session(("0 BOOTSTRAP", "1 BOOT"))
        assert (report.completed, report.served, report.exchanges) == (True, (), 3)
        assert await row(acs) == before
        assert await acs.database.fetchval("select count(*) from write_event") == history
        assert await kept_out(acs) == [("bootstrap_pair", "00005E-SimGW-S1", 1)]
        assert (await gateway.session()).served == (SET, GET)
        assert await acs.state(write_id) == "verified"

    async def test_does_not_fence_the_session_of_the_real_one(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        write_id = await acs.provision()
        hold = asyncio.Event()
        gateway.behaviour = Behaviour(hold=hold)
        session = asyncio.create_task(gateway.session())
        await gateway.until(lambda gateway: gateway.holding)
        await asyncio.gather(*(acs.gateway().session() for _ in range(3)))
        hold.set()
        assert (await session).served == (SET, GET)
        assert await acs.state(write_id) == "verified"
        assert [calls for _, _, calls in await kept_out(acs)] == [3]

    async def test_arriving_together_with_the_real_login_takes_nothing_from_it(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        before = (await row(acs))["session_number"]
        impostors = [acs.gateway() for _ in range(8)]
        reports = await asyncio.gather(*(each.session() for each in (*impostors[:4], gateway, *impostors[4:])))
        assert all(report.completed for report in reports)
        assert (await row(acs))["session_number"] == before + 1

    async def test_is_taken_again_after_a_factory_reset_once_an_admin_says_so(self, acs: Acs) -> None:
        """A-19: quarantine, approval, and credentials of its own again."""
        gateway = await rotated(acs)
        gateway.factory_reset()
        assert (await gateway.session()).served == ()
        assert (await kept_out(acs))[0][0] == "bootstrap_pair"
        await approve(acs)
        assert await kept_out(acs) == []
        assert SET in (await gateway.session()).served
        assert (await gateway.session()).completed
        assert name_of(gateway) == f"gw{(await row(acs))['id']}x2"
        assert await states(acs) == [("own", "verified"), ("own", "verified")]
        assert (await acs.gateway().session()).served == ()
        assert len(await kept_out(acs)) == 1

    async def test_is_not_taken_again_by_an_approval_that_nobody_waited_for(self, acs: Acs) -> None:
        await rotated(acs)
        await approve(acs)
        await approve(acs)
        assert not (await row(acs))["takes_bootstrap"]

    async def test_is_withdrawn_again_when_the_real_gateway_uses_its_new_pair(self, acs: Acs) -> None:
        """An approval that an impostor had provoked: the real gateway goes on, and ends what it allowed."""
        gateway = await rotated(acs)
        await acs.gateway().session()
        await approve(acs)
        for _ in range(2):
            assert (await gateway.session()).completed
        assert not (await row(acs))["takes_bootstrap"]


class TestAPairOfOneGateway:
    @pytest.mark.parametrize("known", [True, False], ids=["another that is known", "one that nobody knows"])
    async def test_is_worth_nothing_for_another(self, acs: Acs, known: bool) -> None:
        """A-14, SEC-07."""
        gateway = await rotated(acs)
        if known:
            await rotated(acs, "S2")
            await acs.provision("S2")
        before = await acs.database.fetch("select * from gateway order by id")
        impostor = acs.gateway("S2", credentials=pair_of(gateway))
        report = await impostor.session(("0 BOOTSTRAP",))
        assert (report.completed, report.served) == (True, ())
        assert await acs.database.fetch("select * from gateway order by id") == before
        assert await kept_out(acs) == [("foreign_pair", "00005E-SimGW-S2", 1)]

    async def test_of_a_former_generation_is_worth_nothing_either(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        former = pair_of(gateway)
        await acs.parts.credentials.rotate((await row(acs))["id"], ADMIN)
        for _ in range(2):
            await gateway.session()
        assert (await acs.gateway(credentials=former).session()).served == ()
        assert await kept_out(acs) == [("retired_pair", "00005E-SimGW-S1", 1)]

    async def test_of_a_former_generation_is_taken_again_when_an_admin_says_so(self, acs: Acs) -> None:
        """A gateway whose old configuration was restored."""
        gateway = await rotated(acs)
        former = pair_of(gateway)
        await acs.parts.credentials.rotate((await row(acs))["id"], ADMIN)
        for _ in range(2):
            await gateway.session()
        restored = acs.gateway(credentials=former)
        await restored.session()
        await approve(acs)
        for _ in range(2):
            assert (await restored.session()).completed
        assert name_of(restored) == f"gw{(await row(acs))['id']}x3"
        assert await kept_out(acs) == []

    async def test_that_nobody_gave_out_is_a_wrong_one(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        guessed = Credentials(name_of(gateway), "A" * 24)
        assert (await acs.gateway(credentials=guessed).session()).outcome is Outcome.UNAUTHORIZED
        unknown = Credentials("gw9223372036854775807x2147483647", "A" * 24)
        assert (await acs.gateway(credentials=unknown).session()).outcome is Outcome.UNAUTHORIZED


class TestHandingBack:
    async def test_gives_the_bootstrap_pair_back_and_leaves_it_there(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        gateway_id = (await row(acs))["id"]
        own = pair_of(gateway)
        await acs.parts.credentials.hand_back(gateway_id, ADMIN)
        assert (await gateway.session()).served == (SET,)
        assert pair_of(gateway) == BOOTSTRAP
        for _ in range(2):
            assert (await gateway.session()).served == ()
        assert (await states(acs))[-1] == ("bootstrap", "verified")
        assert (await acs.gateway(credentials=own).session()).completed
        assert [reason for reason, _, _ in await kept_out(acs)] == ["retired_pair"]
        with pytest.raises(Conflict, match="nothing to hand back"):
            await acs.parts.credentials.hand_back(gateway_id, ADMIN)

    @pytest.mark.parametrize("carried_out", [False, True])
    async def test_locks_no_gateway_out_when_its_session_dies(self, acs: Acs, carried_out: bool) -> None:
        gateway = await rotated(acs)
        await acs.parts.credentials.hand_back((await row(acs))["id"], ADMIN)
        gateway.behaviour = Behaviour(drop_before_response=1) if carried_out else Behaviour(drop_on_request=1)
        await gateway.session()
        gateway.behaviour = Behaviour()
        for _ in range(2):
            assert (await gateway.session()).completed
        assert pair_of(gateway) == BOOTSTRAP
        assert (await states(acs))[-1] == ("bootstrap", "verified")
        assert await kept_out(acs) == []

    async def test_can_be_taken_back_by_the_next_generation(self, acs: Acs) -> None:
        gateway = await rotated(acs)
        gateway_id = (await row(acs))["id"]
        await acs.parts.credentials.hand_back(gateway_id, ADMIN)
        for _ in range(2):
            await gateway.session()
        await acs.parts.credentials.rotate(gateway_id, ADMIN)
        for _ in range(2):
            assert (await gateway.session()).completed
        assert name_of(gateway) == f"gw{gateway_id}x2"

    async def test_gives_an_imported_pair_back(self, acs: Acs) -> None:
        had = Credentials("00005E-S1", "what-it-had")
        gateway = acs.gateway(credentials=had)
        gateway_id = await known(acs)
        await acs.parts.credentials.import_pair(gateway_id, NewPair(had.username, had.password), ADMIN)
        for _ in range(2):
            assert (await gateway.session()).completed
        assert name_of(gateway) == f"gw{gateway_id}x1"
        await acs.parts.credentials.hand_back(gateway_id, ADMIN)
        for _ in range(2):
            assert (await gateway.session()).completed
        assert pair_of(gateway) == had
        assert (await states(acs))[-1] == ("imported", "verified")


async def known(acs: Acs, serial: str = "S1") -> int:
    gateway_id: int = await acs.database.fetchval(
        "insert into gateway (oui, product_class, serial_number, created_at) values ('00005E', 'SimGW', $1, $2)"
        " returning id",
        serial,
        acs.clock(),
    )
    return gateway_id


class TestAnImportedPair:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(cpe_auth={"bootstrap": "approve"})

    @pytest.mark.parametrize("hashed", [False, True], ids=["password", "HA1"])
    async def test_is_as_good_as_one_of_ours(self, acs: Acs, hashed: bool) -> None:
        """A-13: a name as the Broadband Forum recommends; it entitles without an approval."""
        had = Credentials("00005E-SimGW-S1", "what-it-had")
        write_id = await acs.provision()
        ha1 = digest.ha1(had.username, "acs-bridge", had.password)
        new = NewPair(had.username, ha1=ha1) if hashed else NewPair(had.username, had.password)
        await acs.parts.credentials.import_pair((await row(acs))["id"], new, ADMIN)
        kept = await acs.database.fetchval("select sealed from gateway_pair")
        assert had.password.encode() not in kept
        assert ha1.encode() not in kept
        assert (await acs.gateway(credentials=had).session()).served == (SET, GET)
        assert await acs.state(write_id) == "verified"
        wrong = Credentials(had.username, "guessed")
        assert (await acs.gateway(credentials=wrong).session()).outcome is Outcome.UNAUTHORIZED
        assert (await acs.gateway().session(("0 BOOTSTRAP",))).served == ()
        assert [reason for reason, _, _ in await kept_out(acs)] == ["bootstrap_pair"]

    @pytest.mark.parametrize("passwords", [("one", "two"), ("same", "same")])
    async def test_of_two_gateways_with_one_user_name_is_told_by_the_device_id(
        self, acs: Acs, passwords: tuple[str, str]
    ) -> None:
        writes_of = {}
        for serial, password in zip(("S1", "S2"), passwords, strict=True):
            writes_of[serial] = await acs.provision(serial, f"LOS-{serial}", f"C-{serial}")
            new = NewPair("cpe", password)
            await acs.parts.credentials.import_pair((await row(acs, serial))["id"], new, ADMIN)
        for serial, password in zip(("S1", "S2"), passwords, strict=True):
            assert (await acs.gateway(serial, credentials=Credentials("cpe", password)).session()).completed
            assert await acs.state(writes_of[serial]) == "verified"
        assert await kept_out(acs) == []
        stranger = acs.gateway("S3", credentials=Credentials("cpe", passwords[0]))
        assert (await stranger.session()).served == ()
        assert [reason for reason, _, _ in await kept_out(acs)] == ["foreign_pair"]
        assert await acs.database.fetchval("select count(*) from gateway") == 2
