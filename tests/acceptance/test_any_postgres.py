"""`database.url`: any Postgres, any number of daemons, one load balancer that knows nothing of sessions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from tests.acceptance.site import PHAN_URL, Daemon, Site
from tests.databases import Postgres


@asynccontextmanager
async def balancer(ports: Sequence[int]) -> AsyncIterator[tuple[int, list[int]]]:
    """Hands each connection to the next daemon; gives its own port, and the ports that it has chosen."""
    chosen: list[int] = []
    turns = cycle(ports)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while content := await reader.read(65536):
                writer.write(content)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen.append(next(turns))
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", chosen[-1])
        await asyncio.gather(copy(reader, their_writer), copy(their_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], chosen


class TestAnyPostgres:
    @pytest.fixture
    def site(self, site: Site, postgres: Postgres, empty_database_name: str) -> Site:
        site.settings["database.url"] = postgres.owner_url(empty_database_name)
        return site

    def test_is_migrated_once_and_then_there_is_nothing_to_do(self, site: Site) -> None:
        first, second = site.run("migrate"), site.run("migrate")
        assert (first.code, first.err, second.code, second.err) == (0, "", 0, "")
        assert "ran 0001_" in first.out
        assert second.out == "nothing to do\n"

    async def test_is_shared_by_daemons_that_serve_one_session_in_turn(self, site: Site) -> None:
        assert site.run("migrate").code == 0
        with site.serving() as one, site.serving() as other:
            receipt = one.caller(site.token("bss", "intake")).provision("SHARED1")
            report, chosen = await self.session_through_a_balancer(one, other)
            assert (report.completed, report.exchanges) == (True, 5), report.error
            assert chosen == [one.device_port, other.device_port] * 2 + [one.device_port]
            admin = other.caller(site.token("admin", "admin"))
            assert admin.state(receipt["write_id"]) == "verified"
            revealed = admin.post(f"/v1/associations/{receipt['association_id']}/reveal", {}, 200)
            assert site.gateways[0].value(PHAN_URL) == revealed["phan_url"]
        assert not (site.folder / "var" / "postgres").exists()

    async def session_through_a_balancer(self, one: Daemon, other: Daemon):
        async with balancer([one.device_port, other.device_port]) as (port, chosen):
            behaviour = Behaviour(reconnects=True)
            gateway = one.gateway("SHARED1", behaviour=behaviour, url=f"http://127.0.0.1:{port}/acs")
            return await gateway.session(), chosen
