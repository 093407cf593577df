"""A listener: an address taken early, served late, and left in order."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import web

from acs_bridge.web.listener import CannotListen, bind, is_free, serving


class TestAnAddress:
    def test_of_port_0_is_a_free_one(self) -> None:
        bound = bind("device", "127.0.0.1", 0)
        with bound.socket:
            host, port = bound.host, bound.port
            assert (host, port > 0) == ("127.0.0.1", True)
            assert not is_free(host, port)
        assert is_free(host, port)

    def test_that_is_taken_is_refused_in_one_line_that_names_the_setting(self) -> None:
        first = bind("device", "127.0.0.1", 0)
        port = first.port
        with first.socket, pytest.raises(CannotListen) as refused:
            bind("operator", "127.0.0.1", port)
        words = str(refused.value)
        assert words.startswith(f"operator_listener: cannot listen on 127.0.0.1 port {port}: ")
        assert "\n" not in words

    @pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
    def test_that_is_not_ours_is_refused(self, host: str) -> None:
        with pytest.raises(CannotListen, match="device_listener"):
            bind("device", host, 0)

    @pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
    def test_of_every_interface_takes_both_families(self) -> None:
        bound = bind("device", "::", 0)
        with bound.socket:
            for host in ("127.0.0.1", "::1"):
                socket.create_connection((host, bound.port), timeout=5).close()


class TestServing:
    async def test_lets_those_who_came_early_wait(self) -> None:
        """The address is taken before anything is ready, and whoever calls meanwhile is answered."""
        bound = bind("device", "127.0.0.1", 0)
        async with aiohttp.ClientSession() as client:
            early = asyncio.create_task(get(client, bound.port))
            await asyncio.sleep(0)
            async with serving(bound, web.ServerRunner(web.Server(hello, access_log=None))):
                assert await early == "hello"

    async def test_ends_when_those_who_are_being_answered_have_been(self) -> None:
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def slow(_request: web.BaseRequest) -> web.Response:
            asked.set()
            await go_on.wait()
            return web.Response(text="at last")

        bound = bind("device", "127.0.0.1", 0)
        port = bound.port
        async with aiohttp.ClientSession() as client:
            async with serving(bound, web.ServerRunner(web.Server(slow, access_log=None), shutdown_timeout=10)):
                answer = asyncio.create_task(get(client, port))
                await asked.wait()
                asyncio.get_running_loop().call_later(0.05, go_on.set)
            assert await answer == "at last"
            with pytest.raises(aiohttp.ClientConnectionError):
                await get(client, port)

    async def test_does_not_wait_for_connections_that_ask_for_nothing(self) -> None:
        bound = bind("device", "127.0.0.1", 0)
        async with asyncio.timeout(5):
            async with serving(bound, web.ServerRunner(web.Server(hello, access_log=None), shutdown_timeout=60)):
                reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
            assert await reader.read() == b""
            writer.close()


async def hello(_request: web.BaseRequest) -> web.Response:
    return web.Response(text="hello")


async def get(client: aiohttp.ClientSession, port: int) -> str:
    async with client.get(f"http://127.0.0.1:{port}/") as answer:
        return await answer.text()


@pytest.mark.parametrize(
    ("host", "named"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")],  # noqa: S104
)
def test_a_listener_says_how_this_machine_reaches_it(host: str, named: str) -> None:
    bound = bind("operator", host, 0)
    with bound.socket:
        assert bound.local_url == f"http://{named}:{bound.port}"
