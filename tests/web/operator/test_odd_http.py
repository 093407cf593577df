"""What is not quite a request: odd methods, heads and bodies that do not arrive, and mistakes of ours."""

import asyncio

import pytest
from structlog.testing import capture_logs

from acs_bridge.domain.actor import Role
from acs_bridge.web.operator import serving
from acs_bridge.web.operator.server import OperatorRunner

SECRET = "acsb_this-would-be-a-token"


async def exchanged(base, data, *, end=False):
    """Send bytes and read until the other end closes."""
    reader, writer = await asyncio.open_connection(*base.removeprefix("http://").split(":"))
    writer.write(data)
    if end:
        writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.fixture
async def hasty(operator):
    """The same application behind a listener with little patience."""
    runner = OperatorRunner(operator.runner.app, access_log=None, keepalive_timeout=0.2)
    server = await runner._make_server()
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    listening.close()
    await server.shutdown(1)


@pytest.mark.parametrize("data", [b"", b"GET /v1/queue HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_does_not_ask_in_time_is_let_go(hasty, data):
    assert await exchanged(hasty, data) == b""


async def test_a_connection_is_let_go_that_is_used_no_more(hasty):
    assert (await exchanged(hasty, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_body_that_does_not_arrive_is_400(operator, monkeypatch):
    monkeypatch.setattr(serving, "BODY_SECONDS", 0.05)
    head = f"POST /v1/subscribers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {operator.tokens[Role.ADMIN]}\r\n"
    sent = f"{head}Connection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    answer = await exchanged(operator.base, sent.encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"did not arrive" in answer


async def test_a_mistake_of_ours_is_told_by_where_it_was_and_not_by_its_words(operator, admin, monkeypatch):
    async def broken(*_):
        raise RuntimeError(SECRET)

    monkeypatch.setattr(operator.office.queue, "overview", broken)
    with capture_logs() as logs:
        reply = await admin.get("/metrics")
    assert (reply.status, reply.json["title"]) == (500, "The daemon made a mistake")
    (line,) = (line for line in logs if line["event"] == "request_broke")
    assert line["error"] == "RuntimeError"
    assert "broken" in line["at"][-1]
    assert SECRET not in reply.text + str(logs)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("OPTIONS", "/v1/subscribers", "GET,HEAD,POST"),
        ("TRACE", "/v1/subscribers/C-1", "DELETE,GET,HEAD,PATCH"),
        ("PUT", "/v1/associations/lookup", "GET,HEAD,POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("HEAD", "/v1/queue/pause", "POST"),
        ("OPTIONS", "/openapi.json", "GET,HEAD"),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_405_and_says_which_it_takes(admin, method, path, allow):
    reply = await admin(method, path)
    assert (reply.status, reply.headers["Allow"]) == (405, allow)


async def test_at_an_open_address_everybody_is_told_which_methods_there_are(operator):
    assert (await operator.as_(None)("DELETE", "/healthz")).status == 405
    assert (await operator.as_(Role.CSR)("TRACE", "/readyz")).status == 405
    assert (await operator.as_(None)("DELETE", "/v1/queue")).status == 401


async def test_a_code_may_be_a_word_of_another_path(operator, admin):
    for code in ("lookup", "pause"):
        assert (await admin.post("/v1/subscribers", {"name": "Ann", "code": code})).status == 201
        assert (await admin.get(f"/v1/subscribers/{code}")).status == 200


@pytest.mark.parametrize("path", ["/v1/queue", "/v1/nothing", "/healthz", "/metrics", "/openapi.json", "/reference"])
async def test_no_answer_says_what_the_listener_is_made_of(admin, path):
    assert (await admin.get(path)).headers["Server"] == "acs-bridge"
