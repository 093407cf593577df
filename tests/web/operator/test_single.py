"""Single provisioning requests that are ordinary: they mean and get what every other way of sending them does."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp.web_protocol import RequestHandler
from structlog.testing import capture_logs

from acs_bridge.domain.actor import Role
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.web.operator import server
from acs_bridge.web.operator.server import OperatorRunner
from tests.web.operator.conftest import MAKER, PROXY

PATH = "/v1/provisioning-requests"
JSON = "Content-Type: application/json"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
VANISHING = {"Date"}


def request(name: str, **more: object) -> bytes:
    body = {"subscriber": {"name": "Ann", "code": f"C-{name}"}, "line_of_service": f"L-{name}", **more}
    return json.dumps(body).encode()


def box(name: str) -> dict[str, str]:
    return {"oui": "00005E", "product_class": "Home", "serial_number": f"S-{name}"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Wire:
    """A connection, on which calls are ordinary, or have a header that is odd and means nothing."""

    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    odd: bool = False

    async def send(self, token: str, content: bytes, *lines: str) -> None:
        fields = ["Host: acs.example.net", f"Authorization: Bearer {token}", *(lines or (JSON,))]
        fields += ["X_Odd: y"] if self.odd else []
        head = "\r\n".join([f"POST {PATH} HTTP/1.1", *fields, f"Content-Length: {len(content)}"])
        self.writer.write(head.encode() + b"\r\n\r\n" + content)

    async def answer(self) -> Answer:
        start, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        headers = dict(line.split(": ", 1) for line in lines)
        text = await self.reader.readexactly(int(headers["Content-Length"]))
        return Answer(int(start.split()[1]), headers, text.decode())

    def vanish(self) -> None:
        """Reset the connection."""
        at_once = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.writer.transport.abort()

    async def call(self, token: str, content: bytes, *lines: str) -> Answer:
        await self.send(token, content, *lines)
        return await self.answer()


@asynccontextmanager
async def connected(base: str, *, odd: bool = False, source: str = "127.0.0.1") -> AsyncIterator[Wire]:
    address = base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(*address, local_addr=(source, 0))
    yield Wire(reader, writer, odd)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@pytest.fixture
def handed_over(monkeypatch):
    """How many connections went to aiohttp."""
    seen: list[tuple[Any, ...]] = []
    known = server._Server.hand_over

    def hand_over(*given: Any) -> Any:
        seen.append(given)
        return known(*given)

    monkeypatch.setattr(server._Server, "hand_over", hand_over)
    return seen


async def said(operator, name: str, *, odd: bool) -> list[tuple[int, str, str]]:
    """What everybody is told who sends what there is to be sent, with `name` in all that has to be new."""
    tokens: Tokens = operator.office.tokens
    make: dict[str, dict[str, Any]] = {
        "admin": {"role": Role.ADMIN},
        "intake": {"role": Role.INTAKE},
        "csr": {"role": Role.CSR},
        "phan": {"role": Role.PHAN},
        "slow": {"role": Role.INTAKE, "requests_per_minute": 1},
        "narrow": {"role": Role.INTAKE, "networks": (ip_network("192.0.2.0/24"),)},
        "short": {"role": Role.INTAKE, "lifetime": timedelta(hours=1)},
        "gone": {"role": Role.INTAKE},
    }
    shown = {
        each: await tokens.create(f"{each}-{name}", given.pop("role"), MAKER, **given) for each, given in make.items()
    }
    shown["wrong"] = "acsb_wrong"
    new = request(name, gateway=box(name))
    twice = b'{"subscriber": {"name": "A", "code": "D-%b"}, "line_of_service": "a", "line_of_service": "b"}'
    calls = [
        ("intake", new, ()),
        ("intake", new, ()),
        ("admin", new, ()),
        ("admin", request(f"{name}-2"), (f"{JSON}; charset=utf-8", "X-Forwarded-For: 198.51.100.7")),
        ("intake", request(name, subscriber={"name": "Bob", "code": f"B-{name}"}), ()),
        ("intake", request(name, subscriber={"name": "Bob", "code": f"B-{name}"}, replace=True), ()),
        ("intake", request(name, subscriber={"name": "Eve", "code": f"B-{name}"}), ()),
        ("intake", request(f"{name}-3", gateway=box(name)), ()),
        ("intake", request(f"{name}-3", colour="blue"), ()),
        ("intake", request(f"{name}-3", line_of_service=7), ()),
        ("intake", request(f"{name}-3", gateway={**box(name), "oui": "XYZ"}), ()),
        ("intake", request("x" * 70), ()),
        ("intake", twice % name.encode(), ()),
        ("intake", b"{", ()),
        ("intake", b"", ()),
        ("intake", b'{"subscriber": "\xff"}', ()),
        ("intake", request(f"{name}-4"), ("Content-Type: text/plain",)),
        ("csr", request(f"{name}-4"), ()),
        ("phan", request(f"{name}-4"), ()),
        ("narrow", request(f"{name}-4"), ()),
        ("wrong", request(f"{name}-4"), ()),
        ("slow", request(f"{name}-4"), ()),
        ("slow", request(f"{name}-5"), ()),
        ("short", request(f"{name}-6"), ()),
        ("gone", request(f"{name}-7"), ()),
        ("gone", request(f"{name}-8"), ()),
        ("gone", b"{", ()),
    ]
    told = []
    for caller, content, lines in calls:
        if content == request(f"{name}-8"):
            await tokens.revoke(f"gone-{name}", MAKER)
        async with connected(operator.base, odd=odd) as wire:
            answer = await wire.call(shown[caller], content, *lines)
        headers = {key: value for key, value in answer.headers.items() if key not in VANISHING}
        told.append((answer.status, UUID.sub("…", str(sorted(headers.items()))), UUID.sub("…", answer.text)))
    return [(status, headers, text.replace(name, "NAME")) for status, headers, text in told]


async def test_every_caller_is_told_the_same_whichever_way_a_request_comes(operator, handed_over):
    ways = {}
    for name, odd in (("ONE", False), ("TWO", True)):
        with capture_logs() as logs:
            answers = await said(operator, name, odd=odd)
        lines = [{**line, "seconds": 0, "actor": str(line.get("actor")).replace(name, "NAME")} for line in logs]
        ways[name] = answers, [line for line in lines if line["event"] == "request_served"]
        if not odd:
            assert len(handed_over) == 1  # text/plain
    assert len(handed_over) == 1 + len(ways["TWO"][0])
    assert ways["ONE"] == ways["TWO"]
    statuses = [status for status, _, _ in ways["ONE"][0]]
    assert statuses[:8] == [201, 200, 200, 201, 409, 201, 409, 409]
    assert statuses[8:16] == [422, 422, 422, 422, 422, 400, 400, 400]
    assert statuses[16:] == [415, 403, 403, 403, 401, 201, 429, 201, 201, 401, 401]


async def test_what_is_ordinary_needs_nothing_of_aiohttp(operator, monkeypatch):
    token = operator.tokens[Role.INTAKE]
    async with connected(operator.base) as wire:
        with monkeypatch.context() as without:
            without.delattr(RequestHandler, "data_received")
            assert [(await wire.call(token, request(name))).status for name in ("1", "2", "1")] == [201, 201, 200]
            assert (await wire.call("acsb_wrong", request("3"))).status == 401
        assert (await wire.call(token, request("3"), JSON, 'Idempotency-Key: "a"')).status == 201
        again = await wire.call(token, request("3"), JSON, 'Idempotency-Key: "a"')
        assert (again.status, again.headers["Idempotent-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    "lines",
    [
        (JSON, 'Idempotency-Key: "a"'),
        (JSON, "Batch-Id: 01a2090e-0000-7000-8000-000000000000"),
        ("Content-Type: application/x-ndjson",),
        ("Content-Type: application/json; charset=latin-1",),
        (JSON, "Connection: close"),
        (JSON, "Expect: 100-continue"),
        ("X: y",),
    ],
)
async def test_what_asks_for_more_than_the_usual_is_left_to_aiohttp(operator, handed_over, lines):
    async with connected(operator.base) as wire:
        await wire.send(operator.tokens[Role.INTAKE], request("1"), *lines)
        await wire.reader.readuntil(b"\r\n\r\n")
    assert len(handed_over) == 1


async def test_the_audit_trail_has_the_address_that_a_trusted_proxy_names(operator):
    async with connected(operator.base, source=PROXY) as wire:
        lines = (JSON, "X-Forwarded-For: 203.0.113.9")
        assert (await wire.call(operator.tokens[Role.INTAKE], request("1"), *lines)).status == 201
    rows = await operator.office.database.fetch("select address from audit_fresh union select address from audit")
    assert "203.0.113.9" in {row["address"] for row in rows}


async def test_a_mistake_of_ours_is_one_answer_and_told_by_where_it_was(operator, monkeypatch):
    async def broken(*_, **__):
        raise RuntimeError("SECRET")

    monkeypatch.setattr(operator.office.intake, "provision", broken)
    async with connected(operator.base) as wire:
        with capture_logs() as logs:
            answer = await wire.call(operator.tokens[Role.INTAKE], request("1"))
        assert (answer.status, json.loads(answer.text)["title"]) == (500, "The daemon made a mistake")
        assert "SECRET" not in answer.text + str(logs)
        assert [line["error"] for line in logs if line["event"] == "request_broke"] == ["RuntimeError"]
        monkeypatch.undo()
        assert (await wire.call(operator.tokens[Role.INTAKE], request("1"))).status == 201


async def test_requests_that_do_not_wait_for_answers_get_theirs_in_their_order(operator):
    token = operator.tokens[Role.INTAKE]
    async with connected(operator.base) as wire:
        for name in ("1", "2", "3"):
            await wire.send(token, request(name))
        assert [(await wire.answer()).status for _ in range(3)] == [201] * 3
        assert (await wire.call(token, request("2"))).status == 200


class TestTheEnd:
    @pytest.fixture
    async def base(self, operator):
        """The same application behind a listener of this test's own."""
        runner = OperatorRunner(operator.runner.app, access_log=None)
        made = await runner._make_server()
        listening = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}", made
        listening.close()
        await made.shutdown(1)

    @pytest.fixture
    def held(self, operator, monkeypatch):
        """Provisioning begins, and goes on when it may."""
        began, goes_on, known = asyncio.Event(), asyncio.Event(), operator.office.intake.provision

        async def provision(*given, **more):
            began.set()
            await goes_on.wait()
            return await known(*given, **more)

        monkeypatch.setattr(operator.office.intake, "provision", provision)
        return began, goes_on

    async def test_waits_for_what_is_under_way_and_for_no_further_request(self, operator, base, held):
        (address, made), (began, goes_on) = base, held
        async with connected(address) as idle, connected(address) as busy:
            call = asyncio.create_task(busy.call(operator.tokens[Role.INTAKE], request("1")))
            await began.wait()
            made.pre_shutdown()
            assert await idle.reader.read() == b""
            ending = asyncio.create_task(made.shutdown(20))
            goes_on.set()
            assert (await call).status == 201
            await ending
            assert await busy.reader.read() == b""

    async def test_waits_for_the_work_of_who_has_gone(self, operator, base, held):
        (address, made), (began, goes_on) = base, held
        async with connected(address) as busy:
            await busy.send(operator.tokens[Role.INTAKE], request("1"))
            await began.wait()
            busy.vanish()
        ending = asyncio.create_task(made.shutdown(20))
        goes_on.set()
        await ending
        assert await operator.office.database.fetchval("select count(*) from provisioning_request") == 1

    async def test_does_not_wait_for_ever(self, operator, base, held):
        (address, made), (began, _) = base, held
        async with connected(address) as busy:
            await busy.send(operator.tokens[Role.INTAKE], request("1"))
            await began.wait()
            made.pre_shutdown()
            await made.shutdown(0.05)
            assert await busy.reader.read() == b""

    async def test_of_our_patience_is_503(self, operator, held, monkeypatch):
        monkeypatch.setattr(server, "SECONDS", 0.05)
        runner = OperatorRunner(operator.runner.app, access_log=None)
        made = await runner._make_server()
        listening = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        host, port = listening.sockets[0].getsockname()
        async with listening, connected(f"http://{host}:{port}") as wire:
            answer = await wire.call(operator.tokens[Role.INTAKE], request("1"))
            assert (answer.status, json.loads(answer.text)["detail"]) == (503, "the daemon took too long")
        await made.shutdown(1)
