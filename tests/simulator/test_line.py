"""A gateway's own connection: what it sends, and what it takes for an answer, byte by byte."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from acs_bridge.simulator.line import Endpoint, Line, LineError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nbody"


class Server:
    """Answers every POST with the same bytes, whole or one by one."""

    def __init__(self, answer, *, byte_by_byte=False, closes=False):
        self.answer = answer
        self.byte_by_byte = byte_by_byte
        self.closes = closes
        self.received = []
        self.connections = 0

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.received.append(head + await reader.readexactly(length))
                pieces = (
                    [self.answer[i : i + 1] for i in range(len(self.answer))] if self.byte_by_byte else [self.answer]
                )
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def line(self, path="/acs?x=1"):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        line = Line(Endpoint.of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"))
        try:
            yield line
        finally:
            line.close()
            server.close()
            await server.wait_closed()


async def answer_of(raw, **options):
    async with Server(raw, **options).line() as line:
        return await line.post(b"<x/>", [])


async def test_a_post_names_the_host_the_target_and_the_length():
    server = Server(OK)
    async with server.line() as line:
        await line.post(b"<x/>", [("SOAPAction", "")])
    (request,) = server.received
    assert request.startswith(b"POST /acs?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert request.endswith(b"\r\nSOAPAction: \r\nContent-Length: 4\r\n\r\n<x/>")


@pytest.mark.parametrize("byte_by_byte", [False, True])
@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (OK, 200, b"body"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nbod\r\n1\r\ny\r\n0\r\n\r\n", 200, b"body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nTrailer: x\r\n\r\n", 200, b"body"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"body"),
        (b"HTTP/1.1 401\r\nContent-Length: 0\r\n\r\n", 401, b""),
    ],
)
async def test_reads_every_form_of_answer(raw, status, body, byte_by_byte):
    response = await answer_of(raw, byte_by_byte=byte_by_byte)
    assert (response.status, response.body) == (status, body)


async def test_an_answer_without_a_length_ends_with_its_connection():
    response = await answer_of(b"HTTP/1.0 200 OK\r\n\r\nall of it", closes=True)
    assert response.body == b"all of it"


async def test_the_body_of_an_answer_is_not_in_its_repr():
    assert "body" not in repr(await answer_of(OK))


async def test_headers_come_in_order_with_names_in_lower_case():
    assert (await answer_of(OK)).every("set-cookie") == ("a=1", "b=2")


async def test_the_connection_is_kept_between_posts():
    server = Server(OK)
    async with server.line() as line:
        await line.post(b"1", [])
        await line.post(b"2", [])
    assert server.connections == 1


@pytest.mark.parametrize("value", ["a\r\nX-Smuggled: 1", "a\nb", "a\0b"])
async def test_a_header_never_becomes_two(value):
    server = Server(OK)
    async with server.line() as line:
        with pytest.raises(LineError):
            await line.post(b"", [("Authorization", value)])
    assert server.received == []


async def test_a_closed_line_connects_anew():
    server = Server(OK)
    async with server.line() as line:
        await line.post(b"1", [])
        line.close()
        await line.post(b"2", [])
    assert server.connections == 2


async def test_connection_close_is_obeyed():
    server = Server(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    async with server.line() as line:
        await line.post(b"1", [])
        await line.post(b"2", [])
    assert server.connections == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
async def test_what_is_no_answer_is_an_error(raw):
    with pytest.raises(LineError):
        await answer_of(raw, closes=raw.startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 9"))


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
async def test_a_connection_that_ends_before_its_answer_is_an_error(raw):
    with pytest.raises(LineError):
        await answer_of(raw, closes=True)


async def test_an_acs_that_does_not_listen_is_an_error_that_names_it(unused_tcp_port):
    with pytest.raises(LineError, match=f"127.0.0.1:{unused_tcp_port}"):
        await Line(Endpoint.of(f"http://127.0.0.1:{unused_tcp_port}/")).post(b"", [])


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://acs.example.net", ("acs.example.net", 80, "/", False)),
        ("https://acs.example.net/a/b?c=d", ("acs.example.net", 443, "/a/b?c=d", True)),
        ("http://[::1]:7547/acs", ("::1", 7547, "/acs", False)),
    ],
)
def test_an_acs_url_is_taken_apart(url, endpoint):
    at = Endpoint.of(url)
    assert (at.host, at.port, at.target, at.tls) == endpoint


@pytest.mark.parametrize("url", ["", "acs.example.net", "ftp://acs.example.net/", "http://", "http://h:99999/"])
def test_a_url_that_nothing_can_be_posted_to_is_refused(url):
    with pytest.raises(ValueError):  # noqa: PT011  # whichever sentence it is
        Endpoint.of(url)
