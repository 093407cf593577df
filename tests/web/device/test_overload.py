"""Too much of everything: new sessions are turned away, those under way are served, nobody waits for anybody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from acs_bridge.domain.keyring import Keyring
from acs_bridge.errors import Unavailable
from acs_bridge.parts import Own, Parts
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.settings import Settings
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import Sessions
from acs_bridge.web.listener import bind, serving
from cwmp.messages import GetRPCMethods, InformResponse, SetParameterValues
from tests.web.device.conftest import Acs, settings
from tests.web.device.test_database_trouble import row_locked
from tests.web.device.wire import XML, Answer, Authorize, Cpe, Wire, answered, challenge_of, connected, login, packed
from tests.web.device.wire import request as http


def shed(acs: Acs, reason: str) -> int:
    value = acs.parts.registry.get_sample_value("acs_bridge_device_shed_total", {"reason": reason})
    return int(value or 0)


def is_turned_away(answer: Answer) -> bool:
    return (answer.status, answer.get("connection")) == (503, "close") and 30 <= int(
        answer.get("retry-after") or 0
    ) <= 60


async def somebody_waits(acs: Acs) -> None:
    """Return when the database keeps a statement waiting."""
    while not await acs.database.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


@asynccontextmanager
async def one_waits(acs: Acs, authorize: Authorize) -> AsyncIterator[None]:
    """A session is being opened, and waits for a row which somebody holds."""
    async with connected(acs.port) as wire:
        async with row_locked(acs):
            await wire.send(http(Cpe().inform(), XML, authorize()))
            await somebody_waits(acs)
            yield
        assert (await wire.answer()).message == InformResponse()


class TestSessionsInFlight:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(device_listener={"sessions_in_flight": 1})

    async def test_at_their_limit_keep_new_ones_out_before_anything_is_read(
        self, acs: Acs, capfd: pytest.CaptureFixture[str]
    ) -> None:  # T-25
        await acs.provision("S1")
        authorize = await login(acs.port)
        async with one_waits(acs, authorize):
            for _ in range(3):
                async with connected(acs.port) as wire:
                    assert is_turned_away(await wire.ask(http(b"", XML, authorize(), length="900")))
            async with connected(acs.port) as wire:
                assert is_turned_away(await wire.post(b"<no/>", XML, ("Cookie", "cwmpsid=" + "0" * 78)))
            async with connected(acs.port) as wire:
                assert (await wire.ask(http(method="HEAD"), to_head=True)).status == 405
        assert shed(acs, "sessions") == 4
        assert capfd.readouterr().out.count("turned_away") == 1
        async with connected(acs.port) as wire:
            await Cpe("S2").session(wire, authorize)

    async def test_at_their_limit_leave_alone_what_has_begun(self, acs: Acs) -> None:  # T-25, SEC-12
        writes = [await acs.provision("S2", "LOS-2", "C-2"), await acs.provision("S3", "LOS-3", "C-3")]
        await acs.provision("S1")
        authorize = await login(acs.port)
        kept, moving, forgetful = Cpe("S2"), Cpe("S3"), Cpe("S4")
        async with connected(acs.port) as wire, connected(acs.port) as third:
            await kept.open(wire, authorize)
            async with connected(acs.port) as other:
                await moving.open(other, authorize)
            await forgetful.open(third, authorize)
            forgetful.cookie = ""
            async with one_waits(acs, authorize):
                assert (await kept.say(wire, GetRPCMethods(), "1")).status == 200
                asked = await kept.empty(wire)
                assert isinstance(asked.message, SetParameterValues)
                await kept.finish(wire, asked)
                async with connected(acs.port) as other:
                    await moving.finish(other, await moving.empty(other, authorize()))
                assert (await forgetful.empty(third)).status == 204
        assert [await acs.state(write_id) for write_id in writes] == ["verified", "verified"]


class TestSessionsOfTheSharedPair:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(device_listener={"bootstrap_in_flight": 1})

    async def test_have_a_limit_of_their_own(self, acs: Acs) -> None:
        await acs.provision("S1")
        authorize = await login(acs.port)
        async with one_waits(acs, authorize), connected(acs.port) as wire:
            assert (await wire.post(Cpe("S2").inform(), XML)).status == 401
            assert is_turned_away(await wire.post(Cpe("S2").inform(), XML, authorize()))
        assert shed(acs, "bootstrap") == 1


class TestFailedLogins:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(device_listener={"login_failures_per_minute": 5})

    async def test_keep_an_address_out_for_a_while_and_nobody_else(self, acs: Acs) -> None:
        good, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as known:
            await good.open(known, authorize)
            for _ in range(5):
                async with connected(acs.port) as wire:
                    wrong = answered(await challenge_of(wire), password="guess")
                    assert (await wire.post(good.inform(), XML, wrong)).status == 401
            async with connected(acs.port) as wire:
                assert is_turned_away(await wire.post(good.inform(), XML, authorize()))
            assert (await good.empty(known)).status == 204
        elsewhere = await login(acs.port, source="127.0.0.2")
        async with connected(acs.port, source="127.0.0.2") as wire:
            await Cpe("S2").session(wire, elsewhere)
        assert shed(acs, "logins") == 1


class TestConnections:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(device_listener={"max_connections": 6, "max_connections_per_address": 3})

    async def test_beyond_the_limit_end_the_oldest_on_which_nothing_would_be_lost(self, acs: Acs) -> None:
        """SEC-05, T-30: and one whose session is over is among those that may go, but only then."""
        cpe, authorize = Cpe(), await login(acs.port)
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(connected(acs.port))
            await cpe.open(session, authorize)
            idle = [await stack.enter_async_context(connected(acs.port)) for _ in range(6)]
            for wire in idle[:4]:
                assert await wire.is_closed()
            await challenge_of(idle[4])
            await challenge_of(idle[5])
            assert (await cpe.empty(session)).status == 204
            for _ in range(3):
                await stack.enter_async_context(connected(acs.port))
            assert await session.is_closed()

    async def test_beyond_the_limit_of_an_address_leave_others_alone(self, acs: Acs) -> None:
        async with AsyncExitStack() as stack:
            others = [await stack.enter_async_context(connected(acs.port, source="127.0.0.2")) for _ in range(3)]
            for wire in others:
                await challenge_of(wire)
            for _ in range(20):
                await stack.enter_async_context(connected(acs.port))
            authorize = await login(acs.port)
            async with connected(acs.port) as wire:
                await Cpe().session(wire, authorize)
            for wire in others:
                await challenge_of(wire)

    async def test_with_sessions_under_way_are_never_ended_for_new_ones(self, acs: Acs) -> None:
        authorize = await login(acs.port)
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(connected(acs.port)) for _ in range(3)]
            cpes = [Cpe(f"S{number}") for number in range(3)]
            for cpe, wire in zip(cpes, wires, strict=True):
                await cpe.open(wire, authorize)
            one_more = await stack.enter_async_context(connected(acs.port))
            assert is_turned_away(await one_more.answer())
            for cpe, wire in zip(cpes, wires, strict=True):
                assert (await cpe.empty(wire)).status == 204
        assert shed(acs, "address") == 1


class TestSlowGateways:
    @pytest.mark.parametrize("later", [False, True], ids=["first request", "later request"])
    async def test_do_not_keep_a_connection_by_a_head_that_never_ends(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch, *, later: bool
    ) -> None:  # SEC-05
        monkeypatch.setattr("acs_bridge.web.device.protocol.HEAD_SECONDS", 0.2)
        async with connected(acs.port) as good, connected(acs.port) as slow:
            await Cpe("S1").open(good)
            if later:
                await Cpe("S2").open(slow)
            await slow.send(b"POST /acs HTTP/1.1\r\nX-Slow: ")
            assert await slow.is_closed()
            assert (await Cpe("S1").session(good)) == []

    async def test_may_send_a_head_in_pieces_on_every_request(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            for _ in range(3):
                assert (await wire.ask(http(b"abc"), piece=7)).status == 401

    async def test_do_not_keep_a_connection_by_a_body_that_hardly_comes(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # SEC-05
        monkeypatch.setattr("acs_bridge.web.device.body.PROGRESS_SECONDS", 0.3)
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await wire.send(http(b"", *cpe.headers(), length="100000"))
            trickle = asyncio.create_task(drip(wire))
            assert (await wire.answer()).status == 408
            trickle.cancel()

    async def test_whose_body_comes_and_comes_have_as_long_as_a_body_may_take(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("acs_bridge.web.device.body.BODY_SECONDS", 0.5)
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await wire.send(http(b"", *cpe.headers(), length=str(8 << 20)))
            trickle = asyncio.create_task(drip(wire, 5000))
            assert (await wire.answer()).status == 408
            trickle.cancel()


async def drip(wire: Wire, size: int = 1) -> None:
    while True:
        await wire.send(b" " * size)
        await asyncio.sleep(0.01)


class TestABadGateway:
    async def test_never_hurts_the_session_of_another_one(self, acs: Acs) -> None:  # SEC-02, SEC-04, SEC-05
        write_id = await acs.provision()
        authorize = await login(acs.port)
        bomb = packed(b" " * (64 << 20))
        async with AsyncExitStack() as stack:
            idle = [await stack.enter_async_context(connected(acs.port)) for _ in range(1000)]
            for wire in idle[:100]:
                await wire.send(b"POST /acs HTTP/1.1\r\nHost: ")
            for wire in idle[100:200]:
                await wire.send(http(b"", XML, length="200000") + b"<slow")
            bad = [await stack.enter_async_context(connected(acs.port)) for _ in range(6)]
            for wire, body, coding in zip(
                bad, 3 * [b"<x>" * (8 << 20 >> 2), bomb], 3 * ["identity", "gzip"], strict=True
            ):
                await wire.send(http(body, XML, authorize(), ("Content-Encoding", coding)))
            cpe = Cpe()
            async with connected(acs.port) as wire:
                assert len(await cpe.session(wire, authorize)) == 2
            for wire in bad:
                assert (await wire.answer()).status in {400, 413}
            for wire in idle[200:210]:
                await challenge_of(wire)
        assert await acs.state(write_id) == "verified"


class HangingPostgres:
    """What stands between the daemon and its database, and stops passing anything on when it is told to."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def hang(self) -> None:
        self._passing.clear()

    def recover(self) -> None:
        self._passing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        theirs = await asyncio.open_unix_connection(self._socket)
        for source, target in ((reader, theirs[1]), (theirs[0], writer)):
            task = asyncio.create_task(self._pass_on(source, target))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._passing.wait()
                target.write(data)
                await target.drain()
        target.close()


class TestADatabaseThatHangs:
    @pytest.fixture
    async def hanging(self, database_url: str) -> AsyncIterator[HangingPostgres]:
        where = parse_qs(urlsplit(database_url).query)
        async with HangingPostgres(f"{where['host'][0]}/.s.PGSQL.{where.get('port', ['5432'])[0]}") as hanging:
            yield hanging

    @pytest.fixture
    async def acs(
        self, hanging: HangingPostgres, database: Database, database_url: str, clock: Any, configured: Settings
    ) -> AsyncIterator[Acs]:
        url = urlsplit(database_url)
        through = f"{url.scheme}://{url.netloc.rpartition('@')[0]}@127.0.0.1:{hanging.port}{url.path}"
        async with Database.connect(through) as slow:
            parts = Parts(configured, slow, Keyring.new(clock()), load_profiles(), clock, Own(Sessions(slow)))
            bound = bind("device", "127.0.0.1", 0)
            async with serving(bound, parts.device_runner()):
                yield Acs(parts, database, clock, f"http://127.0.0.1:{bound.port}/acs", bound.port)

    async def test_is_503_in_time_for_everybody_and_everything_goes_on_when_it_is_back(
        self, acs: Acs, hanging: HangingPostgres, monkeypatch: pytest.MonkeyPatch, clock: Any
    ) -> None:  # T-26
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with AsyncExitStack() as stack:
            begun = await stack.enter_async_context(connected(acs.port))
            await cpe.open(begun, authorize)
            hanging.hang()
            impatient = stack.enter_context(monkeypatch.context())
            impatient.setattr("acs_bridge.web.device.endpoint.ANSWER_SECONDS", 0.6)
            wires = [await stack.enter_async_context(connected(acs.port)) for _ in range(20)]
            for number, wire in enumerate(wires):
                await wire.send(http(Cpe(f"H{number}").inform(), XML, authorize()))
            await begun.send(http(b"", *cpe.headers()))
            answers = [await wire.answer() for wire in (*wires, begun)]
            assert all(is_turned_away(answer) for answer in answers)
            assert len({answer.get("retry-after") for answer in answers}) == len(answers)  # they do not return at once
            async with connected(acs.port) as wire:
                assert (await wire.post()).status == 401
            hanging.recover()
        async with connected(acs.port) as wire:
            await cpe.session(wire, authorize)
        if await acs.state(write_id) == "sent":
            # What hung was carried out behind this Inform's look, and never reached the gateway: its lease decides.
            clock.advance(seconds=91)
            await acs.parts.janitor.sweep()
            authorize = await login(acs.port)
            async with connected(acs.port) as wire:
                await cpe.session(wire, authorize)
        assert await acs.state(write_id) == "verified"

    async def test_is_told_in_time_to_whoever_asks_if_the_daemon_is_ready(
        self, acs: Acs, hanging: HangingPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("acs_bridge.parts.READY_SECONDS", 0.3)
        bound = bind("operator", "127.0.0.1", 0)
        ready = f"http://127.0.0.1:{bound.port}/readyz"
        async with serving(bound, acs.parts.operator_runner("http://127.0.0.1")), ClientSession() as session:
            hanging.hang()
            async with session.get(ready) as answer:
                assert (answer.status, "does not answer" in await answer.text()) == (503, True)
            hanging.recover()


class TestALine:
    """What a stranger can provoke is told now and then, however often it happens: no flood fills a disk."""

    async def test_about_wrong_credentials_or_messages_comes_once_in_a_while(
        self, acs: Acs, capfd: pytest.CaptureFixture[str]
    ) -> None:
        authorize = await login(acs.port)
        for _ in range(5):
            async with connected(acs.port) as wire:
                wrong = answered(await challenge_of(wire), password="guess")
                assert (await wire.post(Cpe().inform(), XML, wrong)).status == 401
            async with connected(acs.port) as wire:
                assert (await wire.post(b"<no/>", XML, authorize())).status == 400
        said = capfd.readouterr().out
        assert [said.count(event) for event in ("login_refused", "message_refused")] == [1, 1]

    async def test_about_a_database_that_is_away_too(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async def away(*_: Any) -> None:
            raise Unavailable("the database is away")

        monkeypatch.setattr("acs_bridge.services.session.provisioner.Provisioner.open", away)
        authorize = await login(acs.port)
        for _ in range(3):
            async with connected(acs.port) as wire:
                assert (await wire.post(Cpe().inform(), XML, authorize())).status == 503
        assert capfd.readouterr().out.count("message_unanswered") == 1
