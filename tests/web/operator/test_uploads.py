"""Uploads: a result for each line, in order, whatever stands in the lines and whatever becomes of the client."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.web.operator import uploads
from acs_bridge.web.operator.models.provisioning import RequestLine
from acs_bridge.web.operator.ndjson import LINE_LIMIT
from tests.web.operator.conftest import MAKER

PATH = "/v1/provisioning-requests"
NDJSON = {"Content-Type": "application/x-ndjson"}


def request(number=1, **more):
    return {"subscriber": {"name": f"Ann {number}", "code": f"C-{number}"}, "line_of_service": f"L-{number}", **more}


def lines_of(*bodies: Any) -> bytes:
    return b"".join(body if isinstance(body, bytes) else json.dumps(body).encode() + b"\n" for body in bodies)


async def send(api, content: bytes, headers=NDJSON):
    reply = await api("POST", PATH, content, headers=headers)
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    results = [json.loads(line) for line in reply.text.splitlines()]
    assert {result["batch_id"] for result in results} <= {reply.headers["Batch-Id"]}
    return results


async def count(operator, table="write") -> int:
    return int(await operator.office.database.fetchval(f"select count(*) from {table}"))  # noqa: S608 -- a name of ours


def outline(results: Sequence[Any]) -> list[tuple[int, int]]:
    return [(result["line"], result["status"]) for result in results]


class TestResults:
    async def test_each_line_gets_what_the_same_request_alone_would_get(self, intake):
        results = await send(
            intake, lines_of(request(1), request(2), request(1), request(1, subscriber={"name": "Bob", "code": "C-1"}))
        )
        assert outline(results) == [(1, 201), (2, 201), (3, 200), (4, 409)]
        assert RequestLine.model_validate_json(json.dumps(results[0])).line == 1
        assert results[2]["id"] == results[0]["id"]
        assert results[3]["detail"] == "subscriber code C-1 is known with another name: Ann 1"
        again = (await intake.post(PATH, request(1))).json
        assert {key: results[0][key] for key in again} == again

    async def test_parts_of_one_upload_are_one_batch(self, intake):
        first = await intake("POST", PATH, lines_of(request(1)), headers=NDJSON)
        batch = first.headers["Batch-Id"]
        rest = await intake("POST", PATH, lines_of(request(2)), headers={**NDJSON, "Batch-Id": batch})
        assert (rest.status, rest.headers["Batch-Id"]) == (200, batch)
        assert (await intake.get(f"/v1/batches/{batch}")).json["writes"] == 2
        for body, kind in ((lines_of(request(3)), NDJSON), (request(3), {})):
            refused = await intake("POST", PATH, body, headers={**kind, "Batch-Id": "mine"})
            assert (refused.status, refused.json["errors"][0]["field"]) == (422, "Batch-Id")

    async def test_sent_again_every_line_finds_its_first_answer(self, operator, intake):
        content = lines_of(*(request(number) for number in range(30)))
        first, second = await send(intake, content), await send(intake, content)
        assert [result["id"] for result in second] == [result["id"] for result in first]
        assert {result["status"] for result in second} == {200}
        assert await count(operator) == 30

    async def test_an_upload_is_a_batch_that_can_be_paused_and_counted(self, operator, intake, admin):
        results = await send(intake, lines_of(request(1), request(2), b"no json\n"))
        batch = results[0]["batch_id"]
        shown = (await intake.get(f"/v1/batches/{batch}")).json
        assert (shown["id"], shown["paused"], shown["writes"], shown["counts"]["queued"]) == (batch, False, 2, 2)
        assert (await admin.post("/v1/queue/pause", {"batch": batch})).status == 200
        assert (await intake.get(f"/v1/batches/{batch}")).json["paused"]
        assert (await intake.get("/v1/batches/00000000-0000-7000-8000-000000000000")).status == 404

    async def test_results_come_while_lines_are_still_sent(self, operator):
        async with Line(operator) as client:
            await client.send(lines_of(request(1)))
            assert (await client.result())["status"] == 201
            await client.send(lines_of(request(2)))
            assert (await client.result())["line"] == 2
            await client.end()
            assert await client.rest() == b""

    async def test_an_upload_of_nothing_is_answered_with_nothing(self, intake):
        assert await send(intake, b"") == []
        assert await send(intake, b"\r\n\n  \n") == []


BAD = [
    (b'{"subscriber": \n', 400, "no JSON"),
    (b"\xff\xfe\x00\n", 400, "no JSON"),
    (lines_of(request(9)).replace(b"Ann", b"\xff"), 400, "no JSON"),
    (b"[" * 100_00 + b"\n", 400, "no JSON"),
    (b'"text"\n', 422, "must be an object"),
    (b"[]\n", 422, "must be an object"),
    (lines_of(request(9)).replace(b'"C-9"', b"9"), 422, "subscriber.code: must be text"),
    (lines_of(request(9, nmae=1)), 422, "nmae: is not a field"),
    (lines_of(request(9)).replace(b'"code"', b'"code": "C-8", "code"'), 422, "code: must be given once"),
    (lines_of(request(9)).replace(b"C-9", b"C\\u00009"), 422, "U+0000"),
    (lines_of(request(9)).replace(b"C-9", b"C\x009"), 400, "no JSON"),
    (lines_of(request(9)).replace(b"C-9", b"C" * (LINE_LIMIT + 1)), 413, f"at most {LINE_LIMIT} bytes"),
    (b'{"a":1} {"b":2}\n', 400, "no JSON"),
    (lines_of(request(9, line_of_service="")), 422, "line_of_service: must have 1 to 64"),
]


class TestBadLines:
    @pytest.mark.parametrize(("bad", "status", "words"), BAD, ids=range(len(BAD)))
    async def test_a_bad_line_says_what_is_wrong_and_spoils_no_other(self, operator, intake, bad, status, words):
        results = await send(intake, lines_of(request(1), bad, request(2)))
        assert outline(results) == [(1, 201), (2, status), (3, 201)]
        assert words in results[1]["detail"]
        assert results[1].keys() >= {"type", "title", "detail"}
        assert await count(operator) == 2

    async def test_names_and_codes_of_any_script_are_taken(self, intake):
        body = request(1, subscriber={"name": "Zoë 👩‍👩‍👧 Ωmega", "code": "Ü-1"})
        (result,) = await send(intake, json.dumps(body, ensure_ascii=False).encode())
        association = (await intake.get(f"/v1/associations/{result['association_id']}")).json
        assert association["subscriber_name"] == "Zoë 👩‍👩‍👧 Ωmega"

    async def test_a_byte_order_mark_crlf_empty_lines_and_a_missing_end_are_all_fine(self, intake):
        content = (
            b"\xef\xbb\xbf" + lines_of(request(1)).replace(b"\n", b"\r\n") + b"\r\n" + json.dumps(request(2)).encode()
        )
        assert outline(await send(intake, content)) == [(1, 201), (3, 201)]

    async def test_what_is_cut_off_in_the_middle_of_a_line_is_no_line(self, intake):
        results = await send(intake, lines_of(request(1), request(2))[:-20])
        assert outline(results) == [(1, 201), (2, 400)]

    async def test_a_line_of_many_megabytes_is_refused_and_the_next_is_taken(self, intake):
        async def content() -> AsyncIterator[bytes]:
            yield lines_of(request(1))
            for _ in range(64):
                yield b"x" * (1 << 20)
            yield b"\n" + lines_of(request(2))

        async with intake.session.post(
            intake.base + PATH, data=content(), headers={**NDJSON, "Authorization": f"Bearer {intake.token}"}
        ) as response:
            results = [json.loads(line) async for line in response.content]
        assert outline(results) == [(1, 201), (2, 413), (3, 201)]


class TestBadUploads:
    async def test_of_another_media_type_say_which_are_taken(self, intake):
        reply = await intake("POST", PATH, b"x", headers={"Content-Type": "text/plain"})
        assert (reply.status, reply.json["detail"]) == (
            415,
            "this address takes application/json or application/x-ndjson or text/csv",
        )

    async def test_that_are_compressed_are_refused(self, intake):
        reply = await intake("POST", PATH, b"x", headers={**NDJSON, "Content-Encoding": "gzip"})
        assert reply.status == 415

    async def test_where_none_are_taken_are_refused(self, intake):
        assert (await intake("POST", "/v1/subscribers", b"{}", headers=NDJSON)).status == 415

    async def test_of_somebody_who_may_not_change_nothing(self, operator):
        reply = await operator.as_(Role.CSR)("POST", PATH, lines_of(request(1)), headers=NDJSON)
        assert (reply.status, await count(operator)) == (403, 0)


class TestClients:
    async def test_one_that_vanishes_leaves_whole_requests_and_can_send_again(self, operator, intake):
        everything = [request(number) for number in range(1500)]
        async with Line(operator) as client:
            await client.send(lines_of(*everything[:700]) + b'{"subscriber": {"na')
            answered = [await client.result() for _ in range(500)]
        assert {result["status"] for result in answered} == {201}
        results = await send(intake, lines_of(*everything))
        assert [result["id"] for result in results[:500]] == [result["id"] for result in answered]
        for table in ("subscriber", "device", "association", "write", "provisioning_request"):
            assert await count(operator, table) == 1500

    async def test_one_that_does_not_read_is_not_read_from(self, operator, monkeypatch):
        """What it has sent and not got answered stays in its own buffers, however long it goes on sending."""
        monkeypatch.setattr(uploads, "STALLED_SECONDS", 0.5)
        line = lines_of({"x" * 8000: 1})  # its answer repeats the name of the field
        async with Line(operator) as client:
            with pytest.raises(ConnectionError):
                await client.send_for_ever(line * 10)
        assert await count(operator) == 0

    async def test_one_that_sends_nothing_more_is_told_so_after_a_while(self, operator, monkeypatch):
        monkeypatch.setattr(uploads, "STALLED_SECONDS", 0.2)
        async with Line(operator) as client:
            await client.send(lines_of(request(1)) + b'{"subscriber"')
            assert (await client.result())["status"] == 201
            last = await client.result()
            assert (last["line"], last["status"]) == (2, 408)
            assert await client.is_cut_off()

    async def test_one_whose_token_is_revoked_gets_nothing_more_done(self, operator):
        async with Line(operator) as client:
            await client.send(lines_of(request(1)))
            assert (await client.result())["status"] == 201
            await operator.office.tokens.revoke(Role.INTAKE, MAKER)
            await client.send(lines_of(request(2)))
            last = await client.result()
            assert (last["line"], last["status"]) == (2, 401)
            assert await client.is_cut_off()
        assert await count(operator) == 1


class Line:
    """A client that does with its connection what no library would."""

    def __init__(self, operator: Any) -> None:
        self._operator = operator
        self._kept = b""

    async def __aenter__(self) -> Self:
        host, _, port = self._operator.base.removeprefix("http://").partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(
            f"POST {PATH} HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {self._operator.tokens[Role.INTAKE]}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def send(self, content: bytes) -> None:
        self._writer.write(b"%x\r\n%s\r\n" % (len(content), content))
        await self._writer.drain()

    async def send_for_ever(self, content: bytes) -> None:
        while True:
            await self.send(content)

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")

    async def result(self) -> Any:
        """The next line of the answer."""
        while b"\n" not in self._kept:
            self._kept += await self._piece()
        line, _, self._kept = self._kept.partition(b"\n")
        return json.loads(line)

    async def rest(self) -> bytes:
        return self._kept + await self._piece()

    async def is_cut_off(self) -> bool:
        try:
            return await self._reader.read(1) == b""
        except ConnectionError:
            return True

    async def _piece(self) -> bytes:
        """One chunk of the answer, behind its head."""
        size = await self._reader.readline()
        if size.startswith(b"HTTP/"):
            await self._reader.readuntil(b"\r\n\r\n")
            size = await self._reader.readline()
        content = await self._reader.readexactly(int(size, 16))
        await self._reader.readexactly(2)
        return content
