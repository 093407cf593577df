"""How a daemon ends: asked to, it finishes what it is answering; killed, it takes its Postgres along, no data lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.store.embedded import EmbeddedPostgres
from tests.acceptance.programs import inhabitants, survivors
from tests.acceptance.site import BOOTSTRAP, PHAN_URL, Caller, Daemon, Site
from tests.bench import driver
from tests.bench.driver import Exchange

DRAIN_SECONDS = 10.0
CONTINUE = "Expect: 100-continue"


@dataclass
class Client:
    """A connection to one of the listeners that stays open."""

    exchange: Exchange

    async def begin(self, content: bytes) -> bytes:
        """Send what a request has before its body, and wait until the daemon wants the body; give the body."""
        head, _, body = content.partition(b"\r\n\r\n")
        self.exchange.writer.write(head + b"\r\n\r\n")
        assert b"100 Continue" in await self.exchange.reader.readuntil(b"\r\n\r\n")
        return body

    async def is_closed(self) -> None:
        """Return when the daemon has closed the connection, having said nothing more."""
        assert await self.exchange.reader.read() == b""


Connect = Callable[[int], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """What connects to a port; whatever is still open after the test is closed then."""
    clients: list[Client] = []

    async def connect(port: int) -> Client:
        client = Client(Exchange(*await asyncio.open_connection("127.0.0.1", port)))
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.exchange.writer.close()


async def refuses(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:  # refused, or reset when the listener went between the two
        return True
    writer.close()
    return False


@asynccontextmanager
async def standing_still(daemon: Daemon) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Nobody gets at the gateways' rows until the block ends; what is given tells whether somebody waits for them."""
    server = await EmbeddedPostgres.attach(daemon.site.folder / "var" / "postgres")
    connection = await asyncpg.connect(server.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("lock table gateway in access exclusive mode")

            async def is_waited_for() -> bool:
                waiting = "select exists (select from pg_locks where not granted and relation = 'gateway'::regclass)"
                return bool(await connection.fetchval(waiting))

            yield is_waited_for
    finally:
        await connection.close()


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so."""
    async with asyncio.timeout(DRAIN_SECONDS):
        while not await look():
            pass


class TestSigterm:
    async def test_lets_the_request_that_is_being_answered_finish(self, site: Site, connect: Connect) -> None:
        with site.serving() as daemon:
            idle = [await connect(port) for port in (daemon.device_port, daemon.operator_port)]
            for client in idle:
                await client.exchange.post(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            gateway = (await connect(daemon.device_port)).exchange
            inform = driver.inform("LAST1")
            status, head, _ = await gateway.post(driver.request(inform))
            assert status == 401
            login = driver.Login(BOOTSTRAP.username, BOOTSTRAP.password).answer(head)
            async with standing_still(daemon) as is_waited_for:
                answer = asyncio.create_task(gateway.post(driver.request(inform, login)))
                await until(is_waited_for)
                daemon.program.send(signal.SIGTERM)
                await until(partial(refuses, daemon.device_port))
                for client in idle:
                    await client.is_closed()
                assert not answer.done()
            status, _, body = await answer
            assert (status, b"InformResponse" in body) == (200, True)
            ended = await asyncio.to_thread(daemon.program.ended, DRAIN_SECONDS)
            assert (ended.code, ended.err) == (0, "")
        assert site.left_behind() == []

    async def test_lets_a_message_that_is_under_way_arrive(self, site: Site, connect: Connect) -> None:
        with site.serving(settings={"device_listener.drain_seconds": "2"}) as daemon:
            idle, gateway = [await connect(daemon.device_port) for _ in range(2)]
            await idle.exchange.post(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            inform = driver.inform("LAST2")
            _, head, _ = await gateway.exchange.post(driver.request(inform))
            login = driver.Login(BOOTSTRAP.username, BOOTSTRAP.password).answer(head)
            body = await gateway.begin(driver.request(inform, login, CONTINUE))
            daemon.program.send(signal.SIGTERM)
            await idle.is_closed()  # all connections have been told by now
            status, _, answer = await gateway.exchange.post(body)
            assert (status, b"InformResponse" in answer) == (200, True)

    async def test_gives_those_who_never_finish_one_time_to_drain(self, site: Site, connect: Connect) -> None:
        """Both listeners drain at the same time: one after the other would take longer than we have."""
        drain = {"device_listener.drain_seconds": str(int(DRAIN_SECONDS / 2))}
        with site.serving(settings=drain) as daemon:
            bearer = f"Authorization: Bearer {site.token('admin', 'admin')}"
            to_gateways = driver.request(driver.inform("SLOW1"), CONTINUE)
            to_operators = driver.request(b"{}", CONTINUE, bearer).replace(b"/acs", b"/v1/subscribers")
            for port, request in ((daemon.device_port, to_gateways), (daemon.operator_port, to_operators)):
                await (await connect(port)).begin(request)
            daemon.program.send(signal.SIGTERM)
            ended = await asyncio.to_thread(daemon.program.ended, DRAIN_SECONDS)
            assert (ended.code, ended.err) == (0, "")
        assert site.left_behind() == []


class TestKilled:
    @pytest.fixture
    def hold(self) -> asyncio.Event:
        return asyncio.Event()

    async def test_between_two_posts_it_leaves_no_postgres_and_the_next_one_goes_on_with_the_session(
        self, site: Site, hold: asyncio.Event
    ) -> None:
        """S-20."""
        with site.serving() as first:
            token = site.token("admin", "admin")
            receipt = first.caller(token).provision("HELD1")
            gateway = first.gateway("HELD1", behaviour=Behaviour(reconnects=True, hold=hold))
            session = asyncio.create_task(gateway.session())
            await gateway.until(lambda gateway: gateway.holding)
            assert first.caller(token).state(receipt["write_id"]) == "sent"
            orphans = [process for process in inhabitants(site.folder) if process.pid != first.program.process.pid]
            assert any(process.name() == "postgres" for process in orphans)
            first.kill()
        with site.serving(settings=first.ports) as second:
            assert survivors(orphans) == []
            assert second.caller(token).state(receipt["write_id"]) == "sent"
            hold.set()
            report = await session
            assert (report.completed, report.exchanges) == (True, 5), report.error
            self.check_one_session(second.caller(token), receipt)
            assert gateway.value(PHAN_URL) != ""
        assert site.left_behind() == []

    def check_one_session(self, caller: Caller, receipt: dict[str, str]) -> None:
        """The write was sent once, and proved in the session that it was sent in."""
        moments = caller.get(f"/v1/associations/{receipt['association_id']}/timeline")["items"]
        events = [moment["event"] for moment in moments if moment["event"].startswith("write_")]
        assert events == ["write_created", "write_dispatched", "write_accepted", "write_read_back_equal"]
