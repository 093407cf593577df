"""Requests that are not quite HTTP: what is meant is taken, what could mean two things is refused."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.web.device import heads
from cwmp.messages import InformResponse
from tests.web.device.conftest import Acs
from tests.web.device.wire import XML, Answer, Cpe, Wire, answered, challenge_of, chunked, connected
from tests.web.device.wire import request as http

NO_HTTP = b"this is no HTTP"


def sent_as(*lines: str, ends: str = "\r\n") -> bytes:
    """A request, line by line; {length} is its body's, {authorization} the answer to a challenge."""
    return ends.join([*lines, "", ""]).encode("latin-1")


async def asked(wire: Wire, head: bytes, *, piece: int | None = None, behind: bytes = b"") -> Answer:
    """An Inform with this head."""
    body = Cpe().inform()
    _, authorization = answered(await challenge_of(wire))
    head = head.replace(b"{length}", str(len(body)).encode()).replace(b"{authorization}", authorization.encode())
    return await wire.ask(head + body + behind, piece=piece)


POST = "POST /acs HTTP/1.1"
HOST = "Host: acs.example.net"
LENGTH = "Content-Length: {length}"
LOGIN = "Authorization: {authorization}"


class TestAHead:
    @pytest.mark.parametrize("piece", [None, 1], ids=["at once", "byte by byte"])
    @pytest.mark.parametrize(
        "head",
        [
            sent_as(POST, HOST, LENGTH, LOGIN, ends="\n"),
            sent_as(POST, HOST, LENGTH, LOGIN)[:-2] + b"\n",
            sent_as(POST, LENGTH, LOGIN),
            sent_as(POST, HOST, LENGTH, LOGIN.replace(", ", ",\r\n ")),
            sent_as(POST, HOST, "X-Folded: a,", "\tb", LENGTH, LOGIN),
            sent_as(POST, HOST, "SOAPAction : ", LENGTH, LOGIN),
            sent_as(POST, HOST, "SOAP Action: x", LENGTH, LOGIN),
            sent_as(POST, HOST, "SOAPAction", LENGTH, LOGIN),
            sent_as(POST, HOST, "X/Vendor(1): x", LENGTH, LOGIN),
            sent_as(POST, HOST, "X-\xe9: x", LENGTH, LOGIN),
            sent_as(POST, HOST, "Content-Type: text/xml", 'Content-Type: text/xml; charset="utf-8"', LENGTH, LOGIN),
            sent_as(POST, HOST, "User-Agent: a", "User-Agent: b", HOST, LENGTH, LENGTH, LOGIN),
            sent_as(POST, HOST, "Transfer-Encoding: identity", LENGTH, LOGIN),
            sent_as("post /acs http/1.1 ", HOST, LENGTH, LOGIN),
            sent_as("POST  /acs  HTTP/1.1", HOST, LENGTH, LOGIN),
            b"\r\n\r\n" + sent_as(POST, HOST, LENGTH, LOGIN),
        ],
        ids=[
            "lines end with LF",
            "ends with LF",
            "no Host",
            "folded Authorization",
            "folded with a tab",
            "blank before the colon",
            "blank in a name",
            "no colon",
            "no name",
            "Latin-1 in a name",
            "two types",
            "twice",
            "identity",
            "small letters",
            "blanks in the first line",
            "empty lines before it",
        ],
    )
    async def test_that_can_mean_one_thing_only_is_taken(self, acs: Acs, head: bytes, piece: int | None) -> None:
        async with connected(acs.port) as wire:
            answer = await asked(wire, head, piece=piece)
            assert answer.message == InformResponse()
            assert answer.get("connection") is None
            assert await Cpe().session(wire) == []

    @pytest.mark.parametrize(
        "head",
        [
            sent_as(POST, HOST, LENGTH, "Transfer-Encoding: chunked", LOGIN),
            sent_as(POST, HOST, "Transfer-Encoding : chunked", LENGTH, LOGIN),
            sent_as(POST, HOST, "Transfer Encoding: chunked", LENGTH, LOGIN),
            sent_as(POST, HOST, "\x0bTransfer-Encoding: chunked", LENGTH, LOGIN),
            sent_as(POST, HOST, "Content-Length : {length}", LOGIN),
            sent_as(POST, HOST, LENGTH, "Content-Length: 3", LOGIN),
            sent_as(POST, HOST, "Content-Length: {length}, {length}", LOGIN),
            sent_as(POST, HOST, "Content-Length: +{length}", LOGIN),
            sent_as(POST, HOST, "Content-Length: -1", LOGIN),
            sent_as(POST, HOST, "Content-Length:", LOGIN),
            sent_as(POST, HOST, "Content-Length: 0x10", LOGIN),
            sent_as(POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: identity", LOGIN),
            sent_as(POST, HOST, "Host: other.example.net", LENGTH, LOGIN),
            sent_as(POST, HOST, LENGTH, "X: a\x00b", LOGIN),
            sent_as(POST, HOST, LENGTH, "X: a\rContent-Length: 3", LOGIN),
            sent_as("POST /acs HTTP/1.2", HOST, LENGTH, LOGIN),
            sent_as("POST /a cs HTTP/1.1", HOST, LENGTH, LOGIN),
        ],
    )
    async def test_that_could_mean_two_things_is_400(self, acs: Acs, head: bytes) -> None:  # SEC-05
        async with connected(acs.port) as wire:
            answer = await asked(wire, head)
            assert (answer.status, answer.body, answer.get("server")) == (400, NO_HTTP, "acs-bridge")
            assert await wire.is_closed()
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    async def test_may_have_a_header_of_many_kilobytes(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(Cpe().inform(), XML, authorization, ("Cookie", "a=" + "b" * 15_000))
            assert answer.message == InformResponse()

    @pytest.mark.parametrize("piece", [None, 4000])
    async def test_is_bounded_as_a_whole(self, acs: Acs, piece: int | None) -> None:  # SEC-05
        headers = [(f"X-{number}", "x" * 5000) for number in range(20)]
        async with connected(acs.port) as wire:
            with_headers = http(b"", *headers)
            try:
                answer = await wire.ask(with_headers, piece=piece)
            except ConnectionError:
                return  # it was closed while we went on sending
            assert (answer.status, answer.body) == (400, NO_HTTP)
            assert await wire.is_closed()

    async def test_that_is_never_mended_to_the_end_is_bounded_too(self, acs: Acs) -> None:  # SEC-05
        async with connected(acs.port) as wire:
            assert (await wire.ask(b"POST /acs HTTP/1.1\n" + b"X: 1\n" * 10_000)).status == 400
            assert await wire.is_closed()

    async def test_may_be_in_any_case(self, acs: Acs) -> None:
        head = sent_as(POST, "hOST: acs", "CONTENT-LENGTH: {length}", "aUTHORIZATION: {authorization}")
        async with connected(acs.port) as wire:
            assert (await asked(wire, head)).message == InformResponse()

    async def test_may_offer_trailers_and_ask_for_the_end_of_the_connection(self, acs: Acs) -> None:
        head = sent_as(POST, HOST, "TE: deflate,gzip;q=0.3", "Connection: TE, close", LENGTH, LOGIN)
        async with connected(acs.port) as wire:
            answer = await asked(wire, head)
            assert (answer.message, answer.get("connection")) == (InformResponse(), "close")
            assert await wire.is_closed()

    async def test_may_offer_another_protocol_which_is_overlooked(self, acs: Acs) -> None:
        head = sent_as(POST, HOST, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", LENGTH, LOGIN)
        async with connected(acs.port) as wire:
            assert (await asked(wire, head)).message == InformResponse()
            assert await Cpe().session(wire) == []


class TestWhatStandsBehindAMessage:
    @pytest.mark.parametrize("behind", [b"\0", b"\r\n", b"\n", b"\r\n\r\n", b" "])
    async def test_belongs_to_none(self, acs: Acs, behind: bytes) -> None:
        async with connected(acs.port) as wire:
            answer = await asked(wire, sent_as(POST, HOST, LENGTH, LOGIN), behind=behind)
            assert answer.message == InformResponse()
            await wire.send(behind)
            assert await Cpe().session(wire) == []


class TestAnAnswer:
    async def test_comes_in_one_piece_and_does_not_say_what_we_are_made_of(self, acs: Acs) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", acs.port)
        for body in (b"", b"x" * 10):
            writer.write(http(body))
            piece = await reader.read(65_536)
            head, _, rest = piece.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 401 ")
            assert b"Server: acs-bridge\r\n" in head + b"\r\n"
            assert b"aiohttp" not in piece
            assert b"Content-Length: 0" in head
            assert rest == b""
        writer.close()

    async def test_of_a_whole_session_names_no_software(self, acs: Acs) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            answers = [await cpe.open(wire), await cpe.empty(wire)]
            while answers[-1].status == 200:
                answers.append(await cpe.obey(wire, answers[-1]))
            answers += [await wire.ask(http(method="GET")), await wire.post(b"", ("Content-Encoding", "br"))]
        assert [answer.status for answer in answers] == [200, 200, 200, 204, 405, 415]
        assert {answer.get("server") for answer in answers} == {"acs-bridge"}
        assert [answer.get("content-length") is None for answer in answers] == [False] * 3 + [True] + [False] * 2

    async def test_to_chunks_with_every_kind_of_extension_is_the_same(self, acs: Acs) -> None:  # T-09
        for extension in (";a", ";a=b", ';a="b;c"', ";a=b;c", ""):
            async with connected(acs.port) as wire:
                authorization = answered(await challenge_of(wire))
                head = http(b"", XML, authorization, ("Transfer-Encoding", "Chunked"), length=None)
                body = chunked(Cpe().inform(), size=100, extension=extension, trailer="A: b\r\nC: d\r\n")
                assert (await wire.ask(head + body)).message == InformResponse()


class TestMending:
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"POST /acs HTTP/1.1",
                    b"Host: a",
                    b"Content-Length: 3",
                    b"\r",
                    b"\n",
                    b"\r\n",
                    b"Transfer-Encoding: chunked",
                    b" ",
                    b"\t",
                    b":",
                    b"\0",
                    b"x",
                    b"\xff",
                ]
            )
        )
    )
    def test_gives_one_request_without_ambiguity_or_nothing(self, parts: list[bytes]) -> None:
        head = b"".join(parts) + b"\r\n\r\n"
        found = heads.mended(head[: heads.end_of(head)])
        if found is not None:
            assert found.partition(b"\r\n")[0].endswith(b"POST /acs HTTP/1.1")
            assert found.endswith(b"\r\n\r\n")
            assert b"\n" not in found.replace(b"\r\n", b"")
            lower = found.lower()
            assert lower.count(b"\r\ncontent-length:") + lower.count(b"\r\ntransfer-encoding:") <= 1
            assert heads.mended(found) is None

    @given(st.binary(max_size=200))
    def test_takes_any_bytes(self, data: bytes) -> None:
        found = heads.mended(data)
        assert found is None or found != data
