"""A session belongs to no process: every POST of it may reach another worker, late, twice, or never."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from acs_bridge.domain.ids import tag
from acs_bridge.domain.keyring import Keyring
from acs_bridge.parts import Parts
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.store.database import Database
from acs_bridge.web.listener import bind, serving
from cwmp.messages import (
    AutonomousDUStateChangeComplete,
    AutonomousTransferComplete,
    DUStateChangeComplete,
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    InformResponse,
    Kicked,
    RequestDownload,
    SetParameterValues,
    SetParameterValuesResponse,
    TransferComplete,
    UnknownRequest,
)
from tests.web.device.conftest import Acs
from tests.web.device.wire import NAMESPACE, XML, Answer, Authorize, Cpe, Wire, connected, login
from tests.web.device.wire import request as http


@dataclass
class Workers:
    """Two daemons on one database, with one keyring."""

    acs: Acs
    ports: tuple[int, int]
    authorize: Authorize

    @asynccontextmanager
    async def wires(self) -> AsyncIterator[tuple[Wire, Wire]]:
        """A connection to each, as a proxy keeps them, on which credentials have been shown."""
        async with connected(self.ports[0]) as first, connected(self.ports[1]) as second:
            for wire in (first, second):
                assert (await wire.post(b"", self.authorize())).status == 204
            yield first, second


@pytest.fixture
async def workers(database_url: str, database: Database, clock: Any, configured: Settings) -> AsyncIterator[Workers]:
    keyring = Keyring.new(clock())
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            pool = await stack.enter_async_context(Database.connect(database_url, pool_size=2))
            parts = Parts(configured, pool, keyring, load_profiles(), clock)
            bound = bind("device", "127.0.0.1", 0)
            await stack.enter_async_context(serving(bound, parts.device_runner()))
            made.append((parts, bound.port))
        parts, port = made[0]
        acs = Acs(parts, database, clock, f"http://127.0.0.1:{port}/acs", port)
        yield Workers(acs, (port, made[1][1]), await login(port))


ORDERS = list(product((0, 1), repeat=4))


class TestTwoWorkers:
    @pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join("AB"[worker] for worker in order))
    async def test_serve_one_session_in_any_order(self, workers: Workers, order: tuple[int, ...]) -> None:  # T-03
        write_id = await workers.acs.provision()
        cpe = Cpe()
        async with workers.wires() as wires:
            at = [wires[worker] for worker in order]
            await cpe.open(at[0], workers.authorize)
            asked = await cpe.empty(at[1])
            assert isinstance(asked.message, SetParameterValues)
            asked = await cpe.obey(at[2], asked)
            assert isinstance(asked.message, GetParameterValues)
            assert (await cpe.obey(at[3], asked)).status == 204
            for wire in wires:
                assert (await cpe.empty(wire)).status == 204
        assert await workers.acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    @pytest.mark.parametrize("order", ORDERS, ids=lambda order: "".join("AB"[worker] for worker in order))
    async def test_repeat_a_request_wherever_its_answer_is_missing(
        self, workers: Workers, order: tuple[int, ...]
    ) -> None:
        write_id = await workers.acs.provision()
        cpe = Cpe()
        async with workers.wires() as wires:
            await cpe.open(wires[0], workers.authorize)
            answers = [await cpe.empty(wires[worker]) for worker in order[:2]]
            assert len({answer.body for answer in answers}) == 1
            asked = await cpe.obey(wires[order[2]], answers[-1])
            again = await cpe.obey(wires[order[3]], answers[-1])
            assert isinstance(asked.message, GetParameterValues)
            assert again.body == asked.body
            assert (await cpe.obey(wires[1], again)).status == 204
        assert await workers.acs.state(write_id) == "verified"

    async def test_take_an_authorization_once_whichever_it_reaches_first(self, workers: Workers) -> None:
        async with workers.wires() as wires:
            for first, second in (wires, wires[::-1]):
                shown = workers.authorize()
                assert (await first.post(Cpe("S1").inform(), XML, shown)).status == 200
                assert (await second.post(Cpe("S1").inform(), XML, shown)).status == 401
                assert (await second.post(Cpe("S2").inform(), XML, shown)).status == 401
            for serials in (("S1", "S2"), ("S1", "S1")):
                shown = workers.authorize()
                pairs = zip(wires, serials, strict=True)
                answers = await asyncio.gather(*(wire.post(Cpe(serial).inform(), XML, shown) for wire, serial in pairs))
                assert sorted(answer.status for answer in answers) == [200, 401]

    async def test_hand_a_write_out_once_however_many_posts_arrive_together(self, workers: Workers) -> None:  # S-07
        write_id = await workers.acs.provision()
        cpe = Cpe()
        async with workers.wires() as wires:
            await cpe.open(wires[0], workers.authorize)
            answers = await asyncio.gather(*(cpe.empty(wire) for wire in wires))
            assert {answer.id for answer in answers if answer.status == 200} == {tag(write_id, 1)}
        assert await workers.acs.history(write_id) == ["created", "dispatched"]

    async def test_agree_on_which_of_two_informs_was_the_newest(self, workers: Workers) -> None:  # S-23
        write_id = await workers.acs.provision()
        gateways = [Cpe(), Cpe()]
        async with workers.wires() as wires:
            await asyncio.gather(
                *(cpe.open(wire, workers.authorize) for cpe, wire in zip(gateways, wires, strict=True))
            )
            pairs = zip(gateways, wires, strict=True)
            answers = await asyncio.gather(*(cpe.empty(wire) for cpe, wire in pairs))
            assert sorted(answer.status for answer in answers) == [200, 204]
        assert await workers.acs.history(write_id) == ["created", "dispatched"]

    async def test_go_on_with_what_replaced_a_write_in_the_middle(self, workers: Workers) -> None:
        """P-06."""
        acs = workers.acs
        old = await acs.provision()
        cpe = Cpe()
        async with workers.wires() as wires:
            await cpe.open(wires[0], workers.authorize)
            asked = await cpe.empty(wires[0])
            new = await replaced(acs, old)
            answer = await cpe.say(wires[0], SetParameterValuesResponse(0), None)
            assert asked.id == tag(old, 1)
            assert answer.id == tag(new, 1)
            assert len(await cpe.finish(wires[1], answer)) == 2
        assert (await acs.state(old), await acs.state(new)) == ("superseded", "verified")

    async def test_look_again_when_also_what_replaced_it_is_replaced(self, workers: Workers) -> None:
        """P-06."""
        acs = workers.acs
        old = await acs.provision()
        cpe = Cpe()
        async with workers.wires() as wires:
            await cpe.open(wires[0], workers.authorize)
            asked = await cpe.empty(wires[0])
            second = await replaced(acs, old)
            async with acs.database.transaction() as operator:
                await operator.execute("select from write where id = $1 for no key update", second)
                answer = asyncio.create_task(cpe.obey(wires[0], asked))
                while not await acs.database.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110 - nothing tells it
                    await asyncio.sleep(0)
                third = await replaced(acs, second, operator)
            assert (await answer).id == tag(third, 1)
            assert len(await cpe.finish(wires[1], await answer)) == 2
        assert [await acs.state(each) for each in (old, second, third)] == ["superseded", "superseded", "verified"]


async def replaced(acs: Acs, old: Any, operator: Any = None) -> Any:
    """What an operator does who sends the URL once more."""
    new = await acs.database.fetchval("select gen_random_uuid()")
    async with nullcontext(operator) if operator else acs.database.transaction() as connection:
        await connection.execute(
            "update write set state = 'superseded', event = 'superseded', moves = moves + 1, moved_at = $2,"
            " request_id = null, lease_until = null, finished_at = $2 where id = $1",
            old,
            acs.clock(),
        )
        await connection.execute(
            "insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id,"
            " moved_at, due_at, created_at) select $2, purpose, association_id, device_id, gateway_id, $2, generation,"
            " key_id, $3, $3, $3 from write where id = $1",
            old,
            new,
            acs.clock(),
        )
    return new


class TestACookie:
    async def test_that_was_changed_in_any_byte_opens_nothing(self, acs: Acs) -> None:  # T-08
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        good = cpe.cookie
        async with connected(acs.port) as wire:
            for place in range(len("cwmpsid="), len(good)):
                cpe.cookie = good[:place] + ("1" if good[place] != "1" else "2") + good[place + 1 :]
                assert (await cpe.empty(wire, authorize())).status == 204
        assert await acs.state(write_id) == "queued"

    @pytest.mark.parametrize("form", ["truncated", "longer", "of another keyring", "random"])
    async def test_that_is_not_ours_is_refused_for_every_message(self, acs: Acs, clock: Any, form: str) -> None:
        await acs.provision()  # T-08
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        other = acs.parts.keyring.new(clock()).sealer("CWMP session cookie").seal(bytes(18)).hex()
        cpe.cookie = {
            "truncated": cpe.cookie[:-1],
            "longer": cpe.cookie + "0",
            "of another keyring": f"cwmpsid={other}",
            "random": "cwmpsid=" + "7" * 68,
        }[form]
        before = await acs.database.fetch("select * from write")
        for message in (SetParameterValuesResponse(0), TransferComplete("key"), Fault(9002)):
            async with connected(acs.port) as wire:
                assert (await cpe.say(wire, message, "1", authorize())).status == 400
        async with connected(acs.port) as wire:
            assert (await cpe.empty(wire, authorize())).status == 204
        assert await acs.database.fetch("select * from write") == before

    @pytest.mark.parametrize(("age", "status"), [(600, 200), (601, 400), (-30, 200), (-31, 400)])
    async def test_lives_for_ten_minutes_and_forgives_hosts_whose_clocks_differ(
        self, acs: Acs, clock: Any, age: float, status: int
    ) -> None:  # S-17, S-29
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            clock.advance(seconds=age)
            assert (await cpe.say(wire, TransferComplete("key"), "1")).status == status

    async def test_does_not_spare_an_inform_its_session(self, acs: Acs) -> None:  # T-08, S-22
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            first = (await cpe.open(wire)).cookie
            second = (await cpe.open(wire)).cookie
            assert first != second
            assert isinstance((await cpe.empty(wire)).message, SetParameterValues)

    async def test_is_another_one_for_every_session(self, acs: Acs) -> None:  # T-04
        authorize = await login(acs.port)
        async with connected(acs.port) as wire:
            cookies = [(await Cpe(f"S{number % 5}").open(wire, authorize)).cookie for number in range(50)]
        assert len(set(cookies)) == 50


class TestAnOldSession:
    async def test_has_no_effect_after_a_newer_inform(self, acs: Acs) -> None:  # S-22, S-23
        write_id = await acs.provision()
        old, new, authorize = Cpe(), Cpe(), await login(acs.port)
        async with connected(acs.port) as wire, connected(acs.port) as other:
            await old.open(wire, authorize)
            asked = await old.empty(wire)
            await new.open(other, authorize)
            served = await new.empty(other)
            before = await acs.write(write_id)
            for message in (SetParameterValuesResponse(0), GetParameterValuesResponse(()), Fault(9005)):
                assert (await old.say(wire, message, asked.id)).status == 204
            assert (await old.empty(wire)).status == 204
            assert await acs.write(write_id) == before
            assert len(await new.finish(other, served)) == 2
        assert await acs.state(write_id) == "verified"

    async def test_has_no_effect_on_another_connection_either(self, acs: Acs) -> None:
        write_id = await acs.provision()
        old, new, authorize = Cpe(), Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await old.open(wire, authorize)
            asked = await old.empty(wire)
            await new.open(wire, authorize)
        before = await acs.write(write_id)
        async with connected(acs.port) as wire:
            assert (await old.say(wire, SetParameterValuesResponse(0), asked.id, authorize())).status == 204
            assert (await old.empty(wire)).status == 204
        assert await acs.write(write_id) == before


class TestAnAnswer:
    async def test_that_is_sent_twice_hears_the_same_next_request_again(self, acs: Acs) -> None:  # S-10
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            heard = [await cpe.obey(wire, asked) for _ in range(3)]
            assert len({answer.body for answer in heard}) == 1
            assert [(await cpe.obey(wire, heard[0])).status for _ in range(2)] == [204, 204]
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    @pytest.mark.parametrize("id", ["another", None, " {} "])
    async def test_of_the_right_kind_is_taken_whatever_its_id(self, acs: Acs, id: str | None) -> None:  # S-08
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            while asked.status == 200:
                shown = None if id is None else id.format(asked.id)
                asked = await cpe.say(wire, cpe.carried_out(asked.message), shown)
        assert await acs.state(write_id) == "verified"

    async def test_of_the_wrong_kind_leaves_the_write_in_doubt(self, acs: Acs) -> None:  # S-08, X-13
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.empty(wire)
            assert (await cpe.say(wire, GetParameterValuesResponse(()), asked.id)).status == 400
            assert await wire.is_closed()
        assert await acs.state(write_id) == "in_doubt"
        async with connected(acs.port) as wire:
            assert await cpe.session(wire) == ["SetParameterValues", "GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    async def test_that_cannot_be_read_is_400_and_may_be_sent_once_more(self, acs: Acs) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        authorize = await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
            asked = await cpe.empty(wire)
            assert (await wire.post(b"<SetParameterValuesResponse", XML, *cpe.headers())).status == 400
        async with connected(acs.port) as wire:
            await wire.post(b"", authorize())
            assert len(await cpe.finish(wire, await cpe.obey(wire, asked))) == 1
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize("message", [SetParameterValuesResponse(0), GetParameterValuesResponse(()), Fault(9002)])
    async def test_that_nobody_asked_for_is_400(self, acs: Acs, message: Any) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            assert (await cpe.say(wire, message, "1")).status == 400
        assert await acs.history(write_id) == ["created"]

    async def test_that_says_status_1_ends_the_session_also_for_late_empty_posts(self, acs: Acs) -> None:
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
            asked = await cpe.empty(wire)
            cpe.carried_out(asked.message)
            for _ in range(2):
                assert (await cpe.say(wire, SetParameterValuesResponse(1), asked.id)).status == 204
            assert (await cpe.empty(wire)).status == 204
        async with connected(acs.port) as wire:
            assert (await cpe.empty(wire, authorize())).status == 204
            assert await acs.state(write_id) == "staged"
            assert await cpe.session(wire, authorize) == ["GetParameterValues"]
        assert await acs.state(write_id) == "verified"


class TestAnEmptyPostForAnAnswer:
    async def test_gets_the_same_request_once_more_and_then_counts_as_a_fault(self, acs: Acs) -> None:
        """S-14."""
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            first, second = await cpe.empty(wire), await cpe.empty(wire)
            assert (first.id, first.body) == (tag(write_id, 1), second.body)
            assert (await cpe.empty(wire)).status == 204
        write = await acs.write(write_id)
        assert (write["state"], write["fault"]["code"]) == ("rejected", 9000)

    async def test_goes_on_when_the_second_time_is_answered(self, acs: Acs) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await cpe.empty(wire)
            asked = await cpe.obey(wire, await cpe.empty(wire))
            assert isinstance(asked.message, GetParameterValues)
            assert (await cpe.empty(wire)).body == asked.body  # each request has its own second chance
            assert (await cpe.obey(wire, asked)).status == 204
        assert await acs.state(write_id) == "verified"

    async def test_to_the_read_back_leaves_the_write_to_its_parameter_key(self, acs: Acs) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await cpe.obey(wire, await cpe.empty(wire))
            assert [(await cpe.empty(wire)).status for _ in range(3)] == [200, 204, 204]
            assert await acs.state(write_id) == "applied"
            assert await cpe.session(wire) == []
        assert (await acs.write(write_id))["proof"] == "parameter_key"


class TestARequestOfTheGateway:
    async def test_is_answered_in_its_turn_and_moves_nothing(self, acs: Acs) -> None:  # S-04, S-05, S-06
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            informed = await cpe.open(wire)
            assert informed.message == InformResponse()
            assert (await cpe.say(wire, TransferComplete("a"), " 1 ")).id == " 1 "
            asked = await cpe.empty(wire)
            assert (await cpe.say(wire, TransferComplete("b"), "2")).id == "2"
            assert len(await cpe.finish(wire, asked)) == 2
            assert (await cpe.say(wire, TransferComplete("c"), "3")).status == 200  # S-13
            assert (await cpe.empty(wire)).status == 204
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize("request_", [Kicked(), UnknownRequest("X_00005E_Hello")], ids=["known", "unknown"])
    async def test_that_is_not_supported_is_8000_and_the_session_goes_on(self, acs: Acs, request_: Any) -> None:
        write_id = await acs.provision()  # X-11, T-16
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            body = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="{NAMESPACE}"><s:Body>'
            name = type(request_).__name__ if isinstance(request_, Kicked) else request_.name
            answer = await wire.post(f"{body}<c:{name}/></s:Body></s:Envelope>".encode(), XML, *cpe.headers())
            assert (answer.status, answer.id) == (200, None)
            assert isinstance(answer.message, Fault)
            assert answer.message.code == 8000
            assert b"<FaultCode>8000</FaultCode>" in answer.body
            assert len(await cpe.finish(wire, await cpe.empty(wire))) == 2
        assert await acs.state(write_id) == "verified"

    async def test_that_is_said_to_be_answered_is(self, acs: Acs) -> None:
        """R-05, R-21, R-22: the list holds what works, and nothing else."""
        requests = (
            GetRPCMethods(),
            TransferComplete("an unknown key", fault_code=9010),
            AutonomousTransferComplete("http://a.example/", "http://b.example/", True, "1 Firmware Upgrade Image"),
            RequestDownload("1 Firmware Upgrade Image"),
            DUStateChangeComplete(()),
            AutonomousDUStateChangeComplete(()),
        )
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            answers = [await cpe.say(wire, each, "7") for each in requests]
            assert [type(each.message).__name__ for each in answers] == [
                f"{type(each).__name__}Response" for each in requests
            ]
            assert {(each.status, each.id) for each in answers} == {(200, "7")}
            methods = answers[0].message
            assert isinstance(methods, GetRPCMethodsResponse)
            assert set(methods.methods) == {"Inform"} | {type(each).__name__ for each in requests}
            assert (await cpe.empty(wire)).status == 204

    @pytest.mark.parametrize("cookie", ["", "cwmpsid=" + "0" * 68])
    async def test_outside_a_session_is_400(self, acs: Acs, cookie: str) -> None:  # S-01
        authorize = await login(acs.port)
        async with connected(acs.port) as wire:
            answer = await Cpe(cookie=cookie).say(wire, TransferComplete("key"), "1", authorize())
            assert answer.status == 400


class TestAWriteThatIsQueuedInTheMiddle:
    @pytest.mark.parametrize("late", [False, True], ids=["after the Inform", "after the end"])
    async def test_of_a_session_comes_with_the_next_one(self, acs: Acs, late: bool) -> None:
        """S-28: a session is asked nothing that was not due when it began; who is waited for is rung."""
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
            if late:
                assert (await cpe.empty(wire)).status == 204
            write_id = await acs.provision()
            assert (await cpe.empty(wire)).status == 204
            assert await acs.state(write_id) == "queued"
            assert len(await cpe.session(wire, authorize)) == 2
            assert await cpe.session(wire, authorize) == []
        assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]

    async def test_of_many_sessions_at_any_moment_is_neither_lost_nor_sent_twice(self, acs: Acs) -> None:
        """S-28."""
        gateways, authorize = [Cpe(f"S{number}") for number in range(12)], await login(acs.port)
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(connected(acs.port)) for _ in gateways]
            pairs = list(zip(gateways, wires, strict=True))
            provisioned = asyncio.gather(*(acs.provision(cpe.serial, cpe.serial, cpe.serial) for cpe in gateways))
            await asyncio.gather(*(cpe.session(wire, authorize) for cpe, wire in pairs))
            writes = await provisioned
            await asyncio.gather(*(cpe.session(wire, authorize) for cpe, wire in pairs))
        for write_id in writes:
            assert await acs.history(write_id) == ["created", "dispatched", "accepted", "read_back_equal"]


class TestALateEmptyPost:
    async def test_after_the_end_gets_204(self, acs: Acs, clock: Any) -> None:  # S-16
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.session(wire, authorize)
            clock.advance(seconds=40)
            assert (await cpe.empty(wire)).status == 204
        async with connected(acs.port) as wire:
            assert (await cpe.empty(wire)).status == 401
            authorize = await login(acs.port)
            assert (await cpe.empty(wire, authorize())).status == 204
        assert await acs.state(write_id) == "verified"


class TestAnInform:
    @pytest.mark.parametrize("envelopes", [0, 1, 16])
    async def test_hears_that_one_envelope_at_a_time_is_taken(self, acs: Acs, envelopes: int) -> None:  # S-02
        body = Cpe().inform().replace(b"<MaxEnvelopes>1<", f"<MaxEnvelopes>{envelopes}<".encode())
        authorize = await login(acs.port)
        async with connected(acs.port) as wire:
            assert (await wire.post(body, XML, authorize())).message == InformResponse(1)

    @pytest.mark.parametrize(
        "events",
        [(), ("6 CONNECTION REQUEST",), ("14 HEARTBEAT",), ("X 00005E Foo", "99 NEW"), ("4 VALUE CHANGE", "1 BOOT")],
        ids=str,
    )
    async def test_may_come_at_any_time_for_any_reason(self, acs: Acs, events: tuple[str, ...]) -> None:
        """S-32, E-02, E-05: also as the answer to a ring that nobody made, and its write is not made to wait."""
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            answer = await wire.post(cpe.inform(events), XML, authorize())
            cpe.cookie = answer.cookie
            assert len(await cpe.finish(wire, await cpe.empty(wire))) == 2
        assert await acs.state(write_id) == "verified"

    async def test_with_a_value_change_proves_nothing(self, acs: Acs) -> None:
        """E-04: what is in doubt is settled by the ParameterKey and by reading, whatever an event says of the value."""
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
            request = (await cpe.empty(wire)).message
        assert isinstance(request, SetParameterValues)
        (url,) = request.parameters
        cpe.values[url.name] = url.value  # set by somebody else: the key of our write is not there
        said = f"<ParameterValueStruct><Name>{url.name}</Name><Value>{url.value}</Value></ParameterValueStruct>"
        body = cpe.inform(("4 VALUE CHANGE",)).replace(b"</ParameterList>", said.encode() + b"</ParameterList>")
        async with connected(acs.port) as wire:
            cpe.cookie = (await wire.post(body, XML, authorize())).cookie
            assert await acs.state(write_id) == "queued"
            assert [type(each) for each in await cpe.finish(wire, await cpe.empty(wire))] == [
                SetParameterValues,
                GetParameterValues,
            ]
        assert "key_differs" in await acs.history(write_id)

    async def test_says_by_three_words_whose_it_is(self, acs: Acs) -> None:
        """S-24, R-02: of two with one serial number only that one gets a write; capitals of an OUI do not matter."""
        write_id = await acs.provision()
        other, same = b"<ProductClass>Other<", b"<OUI>00005e<"
        cpe, authorize = Cpe(), await login(acs.port)
        for body, status in (
            (cpe.inform().replace(b"<ProductClass>SimGW<", other), 204),
            (cpe.inform().replace(b"<OUI>00005E<", same), 200),
        ):
            assert other in body or same in body
            async with connected(acs.port) as wire:
                cpe.cookie = (await wire.post(body, XML, authorize())).cookie
                assert (await cpe.empty(wire)).status == status
        assert await acs.state(write_id) == "sent"
        assert await acs.database.fetchval("select count(*) from gateway") == 2

    async def test_that_is_sent_twice_opens_two_sessions_of_which_the_second_counts(self, acs: Acs) -> None:  # S-21
        await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            body = cpe.inform().replace(b"<RetryCount>0<", b"<RetryCount>1485<")
            answers: list[Answer] = [await wire.ask(http(body, XML, authorize())) for _ in range(2)]
            statuses = []
            for answer in answers:
                cpe.cookie = answer.cookie
                statuses.append((await cpe.empty(wire)).status)
            assert statuses == [204, 200]
