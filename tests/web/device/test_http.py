"""HTTP, byte by byte: what real gateways put on the wire, and what they get back."""

import asyncio
import zlib
from collections.abc import Callable

import pytest

from acs_bridge.web.device.measures import DeviceMeasures
from cwmp.envelope import write
from cwmp.messages import (
    GetParameterValues,
    GetRPCMethods,
    GetRPCMethodsResponse,
    InformResponse,
    SetParameterValues,
    TransferComplete,
    TransferCompleteResponse,
)
from tests.web.device.conftest import Acs
from tests.web.device.wire import (
    NAMESPACE,
    PATIENCE,
    XML,
    Cpe,
    Header,
    answered,
    challenge_of,
    chunked,
    connected,
    packed,
)
from tests.web.device.wire import login as logged_in
from tests.web.device.wire import request as http

CHUNKED: Header = ("Transfer-Encoding", "chunked")
FORM: Header = ("Content-Type", "application/x-www-form-urlencoded")
EXPECT: Header = ("Expect", "100-continue")


def raw_deflate(text: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(text) + deflate.flush()


class TestAConnectionInSilence:
    @pytest.mark.parametrize("start", [b"", b"P", b"POST /acs HTTP/1.1\r\nX-Slow: "], ids=["none", "byte", "header"])
    async def test_on_which_nothing_is_ever_asked_is_closed(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch, start: bytes
    ) -> None:
        monkeypatch.setattr("acs_bridge.web.device.connection.FIRST_REQUEST_SECONDS", 0.2)
        async with connected(acs.port) as good:
            await challenge_of(good)
            async with connected(acs.port) as slow:
                await slow.send(start)
                assert await slow.is_closed()
            assert await Cpe().session(good) == []


class TestTheAcsUrl:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
    async def test_takes_posts_only_and_goes_on_listening(self, acs: Acs, method: str) -> None:  # T-01
        async with connected(acs.port) as wire:
            answer = await wire.ask(http(method=method), to_head=method == "HEAD")
            assert (answer.status, answer.get("allow")) == (405, "POST")
            assert answer.get("www-authenticate") is None
            assert await Cpe().session(wire) == []

    @pytest.mark.parametrize("target", ["/", "/acsx", "/acs/x", "/ACS", "/metrics", "/v1/devices"])
    async def test_is_the_only_one(self, acs: Acs, target: str) -> None:
        async with connected(acs.port) as wire:
            assert (await wire.ask(http(target=target))).status == 404

    @pytest.mark.parametrize("target", ["/acs", "/acs/", "/acs?x=1", "/acs/?x=1&y", "http://acs.example.net/acs"])
    async def test_may_be_spelled_in_other_ways_without_a_redirect(self, acs: Acs, target: str) -> None:  # T-29
        async with connected(acs.port) as wire:
            challenge = (await wire.ask(http(target=target))).get("www-authenticate") or ""
            answer = await wire.ask(http(Cpe().inform(), XML, answered(challenge, target=target), target=target))
            assert answer.message == InformResponse()

    async def test_in_full_is_the_same_as_its_path(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire), target="http://acs.example.net/acs")
            assert (await wire.post(Cpe().inform(), XML, authorization)).status == 200


class TestAMessage:
    @pytest.mark.parametrize("trailer", ["", "X-Checksum: 1\r\n"])
    @pytest.mark.parametrize("extension", ["", ';name="value"'])
    async def test_may_come_in_chunks_of_one_byte(self, acs: Acs, extension: str, trailer: str) -> None:  # T-09
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            head = http(b"", XML, authorization, CHUNKED, length=None)
            answer = await wire.ask(head + chunked(Cpe().inform(), extension=extension, trailer=trailer))
            assert answer.message == InformResponse()

    async def test_may_come_in_segments_of_one_byte(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.ask(http(Cpe().inform(), XML, authorization), piece=1)
            assert answer.message == InformResponse()

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/xml",
            "text/xml; charset=utf-8",
            "text/xml;charset='UTF-8'",
            'text/xml; charset="utf-8"; action=""',
            "application/xml",
            "application/soap+xml; charset=utf-8",
            "text/plain",
            "",
            None,
        ],
    )
    async def test_may_be_of_any_type_that_is_not_clearly_wrong(self, acs: Acs, content_type: str | None) -> None:
        headers = [] if content_type is None else [("Content-Type", content_type)]  # T-13
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe().inform(), *headers, answered(await challenge_of(wire)))
            assert answer.message == InformResponse()

    @pytest.mark.parametrize(
        "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"]
    )
    async def test_of_a_wrong_type_is_refused_and_never_taken_for_an_empty_one(
        self, acs: Acs, content_type: str
    ) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:  # T-13
            await cpe.open(wire)
            answer = await wire.post(b"a=b", ("Content-Type", content_type), *cpe.headers())
            assert (answer.status, await wire.is_closed()) == (415, True)
        async with connected(acs.port) as wire:
            headers = ("Content-Type", content_type), CHUNKED, *cpe.headers()
            answer = await wire.ask(http(b"", *headers, length=None) + chunked(b"a=b"))
            assert (answer.status, await wire.is_closed()) == (415, True)

    async def test_may_be_announced_by_an_empty_one_of_the_type_of_a_form(self, acs: Acs) -> None:
        """T-11, T-13: how libcurl fetches a challenge, before it sends a message."""
        async with connected(acs.port) as wire:
            challenged = await wire.post(b"", FORM)
            assert challenged.status == 401
            shown = answered(challenged.get("www-authenticate") or "")
            assert (await wire.post(Cpe().inform(), XML, shown)).message == InformResponse()

    @pytest.mark.parametrize("action", ["", '""', "urn:dslforum-org:cwmp-1-2#Inform", None])
    async def test_does_not_depend_on_its_soapaction(self, acs: Acs, action: str | None) -> None:  # T-12
        headers = [] if action is None else [("SOAPAction", action)]
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe().inform(), XML, *headers, answered(await challenge_of(wire)))
            assert answer.message == InformResponse()

    @pytest.mark.parametrize(
        ("head", "declared", "codec"),
        [("utf-8", "", "utf-8"), ("iso-8859-1", "", "latin-1"), (None, "ISO-8859-1", "latin-1"), (None, "", "utf-8")],
    )
    async def test_is_decoded_by_http_then_by_its_declaration_then_as_utf_8(
        self, acs: Acs, head: str | None, declared: str, codec: str
    ) -> None:  # T-14
        text = Cpe().inform().decode().replace("<Manufacturer>Example<", "<Manufacturer>Société<")
        declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
        content_type = "text/xml" if head is None else f"text/xml; charset={head}"
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            await wire.post((declaration + text).encode(codec), ("Content-Type", content_type), authorization)
        assert await acs.database.fetchval("select manufacturer from gateway") == "Société"

    async def test_in_an_unknown_charset_is_refused(self, acs: Acs) -> None:  # T-14
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(Cpe().inform(), ("Content-Type", "text/xml; charset=klingon"), authorization)
            assert answer.status == 400

    async def test_of_http_1_0_closes_its_connection_and_the_cookie_goes_on(self, acs: Acs) -> None:  # T-20
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await logged_in(acs.port)

        async def post(body: bytes, *headers: Header) -> object:
            async with connected(acs.port) as wire:
                answer = await wire.ask(http(body, *headers, authorize(), *cpe.headers(), version="HTTP/1.0"))
                assert await wire.is_closed()
                assert answer.get("transfer-encoding") is None
                return answer

        answer = await post(cpe.inform(), XML)
        cpe.cookie = answer.cookie  # type: ignore[attr-defined]
        answer = await post(b"")
        while answer.status == 200:  # type: ignore[attr-defined]
            body = write(cpe.carried_out(answer.message), namespace=NAMESPACE, id=answer.id)  # type: ignore[attr-defined]
            answer = await post(body, XML)
        assert await acs.state(write_id) == "verified"

    async def test_of_http_1_0_may_keep_its_connection(self, acs: Acs) -> None:  # T-20
        async with connected(acs.port) as wire:
            for _ in range(2):
                answer = await wire.ask(http(b"", ("Connection", "keep-alive"), version="HTTP/1.0"))
                assert answer.status == 401


class TestExpect100Continue:
    async def test_is_answered_before_the_body_is_sent(self, acs: Acs) -> None:  # T-10
        async with connected(acs.port) as wire:
            body = Cpe().inform()
            authorization = answered(await challenge_of(wire))
            await wire.send(http(b"", XML, authorization, EXPECT, length=str(len(body))))
            assert (await wire.answer()).status == 100
            assert (await wire.ask(body)).message == InformResponse()

    async def test_is_answered_also_where_a_401_follows(self, acs: Acs) -> None:  # T-10
        async with connected(acs.port) as wire:
            body = Cpe().inform()
            await wire.send(http(b"", XML, EXPECT, length=str(len(body))))
            assert (await wire.answer()).status == 100
            challenged = await wire.ask(body)
            assert challenged.status == 401
            authorization = answered(challenged.get("www-authenticate") or "")
            assert (await wire.post(body, XML, authorization)).status == 200

    async def test_of_a_body_that_is_too_large_is_answered_with_413_at_once(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            await wire.send(http(b"", XML, EXPECT, length=str(9 << 20)))
            assert (await wire.answer()).status == 413

    async def test_of_http_1_0_is_overlooked(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            assert (await wire.ask(http(b"x", EXPECT, version="HTTP/1.0"))).status == 401


class TestAnEmptyPost:
    @pytest.mark.parametrize(
        "form",
        [
            lambda *h: http(b"", *h),
            lambda *h: http(b"", *h, length=None),
            lambda *h: http(b"", *h, CHUNKED, length=None) + chunked(b""),
            lambda *h: http(b"", *h, CHUNKED, length=None) + chunked(b"", trailer="X-T: 1\r\n"),
            lambda *h: http(b"", *h, XML, ("SOAPAction", "")),
            lambda *h: http(b"", *h, ("Content-Encoding", "gzip")),
            lambda *h: http(b"", *h, XML, ("Content-Encoding", "deflate"), CHUNKED, length=None) + chunked(b""),
            lambda *h: http(b" \r\n\t\n", *h),
            lambda *h: http(packed(b""), *h, ("Content-Encoding", "gzip")),
            lambda *h: http(b"", *h, FORM),
            lambda *h: http(b"", *h, FORM, length=None),
            lambda *h: http(b"", *h, FORM, CHUNKED, length=None) + chunked(b""),
        ],
        ids=[
            "length 0",
            "no length",
            "last chunk only",
            "last chunk and a trailer",
            "with the headers of a message",
            "announced as gzip",
            "announced as deflate in chunks",
            "blanks",
            "gzip of nothing",
            "a form, as libcurl says unless told otherwise",
            "a form without a length",
            "a form in chunks",
        ],
    )
    async def test_of_every_form_gives_the_acs_its_turn(self, acs: Acs, form: Callable[..., bytes]) -> None:  # T-11
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            answer = await wire.ask(form(*cpe.headers()))
            assert isinstance(answer.message, SetParameterValues)


class TestACoding:
    @pytest.mark.parametrize(
        ("name", "compress"),
        [
            ("gzip", packed),
            ("x-gzip", packed),
            ("GZIP", packed),
            ("deflate", zlib.compress),
            ("deflate", raw_deflate),
            ("identity", bytes),
        ],
    )
    async def test_that_gateways_use_is_taken(self, acs: Acs, name: str, compress: Callable[[bytes], bytes]) -> None:
        async with connected(acs.port) as wire:  # T-23
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(compress(Cpe().inform()), XML, ("Content-Encoding", name), authorization)
            assert answer.message == InformResponse()
            assert answer.get("content-encoding") is None

    async def test_that_an_answer_could_have_is_not_used(self, acs: Acs) -> None:  # T-23
        async with connected(acs.port) as wire:
            headers = ("Accept-Encoding", "gzip, deflate"), answered(await challenge_of(wire))
            answer = await wire.post(Cpe().inform(), XML, *headers)
            assert answer.get("content-encoding") is None
            assert answer.message == InformResponse()

    @pytest.mark.parametrize("name", ["br", "zstd", "compress", "gzip, gzip"])
    async def test_that_is_not_known_is_415_before_anything_else(self, acs: Acs, name: str) -> None:  # T-24
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(Cpe().inform(), XML, ("Content-Encoding", name), authorization)
            assert answer.status == 415
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    @pytest.mark.parametrize("body", [b"no gzip", packed(b"<a/>" * 100)[:-12]], ids=["false", "cut off"])
    async def test_that_is_broken_is_400(self, acs: Acs, body: bytes) -> None:
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(body, XML, ("Content-Encoding", "gzip"), authorization)
            assert answer.status == 400


class TestALimit:
    async def test_of_256_kib_holds_before_the_login(self, acs: Acs) -> None:  # SEC-05
        async with connected(acs.port) as wire:
            assert (await wire.post(b"x" * (256 << 10))).status == 401
            assert (await wire.post(b"x" * ((256 << 10) + 1))).status == 413
            assert await wire.is_closed()

    async def test_of_256_kib_holds_before_the_login_without_a_length_too(self, acs: Acs) -> None:  # SEC-05
        async with connected(acs.port) as wire:
            body = chunked(b"x" * ((256 << 10) + 1), size=1 << 16)
            assert (await wire.ask(http(b"", CHUNKED, length=None) + body)).status == 413
            assert await wire.is_closed()

    async def test_of_8_mib_holds_after_it(self, acs: Acs) -> None:  # T-27
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            blanks = await wire.post(b" " * (8 << 20), *cpe.headers())
            assert blanks.status == 204
            assert (await wire.post(b" " * ((8 << 20) + 1), *cpe.headers())).status == 413
            assert await wire.is_closed()

    async def test_lets_an_inform_with_hundreds_of_parameters_through(self, acs: Acs) -> None:  # T-27
        more = "".join(
            f"<ParameterValueStruct><Name>Device.X.{number}.{'n' * 60}</Name><Value>{'v' * 60}</Value>"
            "</ParameterValueStruct>"
            for number in range(300)
        )
        body = Cpe().inform().replace(b"</ParameterList>", f"{more}</ParameterList>".encode())
        assert len(body) > 33 << 10
        async with connected(acs.port) as wire:
            assert (await wire.post(body, XML, answered(await challenge_of(wire)))).status == 200

    async def test_lets_a_read_of_every_parameter_through(self, acs: Acs) -> None:  # T-27
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            asked = await cpe.obey(wire, await cpe.empty(wire))
            assert isinstance(asked.message, GetParameterValues)
            cpe.values |= {f"Device.X.{number}": "v" * 100 for number in range(30_000)}
            read = GetParameterValues((*cpe.values, *asked.message.names))
            body = write(cpe.carried_out(read), namespace=NAMESPACE, id=asked.id)
            assert 6_000_000 < len(body) < 8 << 20
            assert (await wire.post(body, XML, *cpe.headers())).status == 204
        assert await acs.state(write_id) == "verified"

    @pytest.mark.parametrize("compress", [packed, zlib.compress, raw_deflate])
    async def test_holds_for_what_a_body_becomes_once_inflated(
        self, acs: Acs, compress: Callable[[bytes], bytes]
    ) -> None:  # SEC-04
        coding = ("Content-Encoding", "gzip" if compress is packed else "deflate")
        async with connected(acs.port) as wire:
            authorization = answered(await challenge_of(wire))
            answer = await wire.post(compress(b" " * ((8 << 20) + 1)), XML, coding, authorization)
            assert answer.status == 413

    async def test_of_time_ends_a_body_that_does_not_arrive(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # SEC-05
        monkeypatch.setattr("acs_bridge.web.device.body.PROGRESS_SECONDS", 0.05)
        async with connected(acs.port) as wire:
            await wire.send(http(b"", XML, length="100"))
            assert (await wire.answer()).status == 408

    async def test_of_the_headers_holds(self, acs: Acs, capsys: pytest.CaptureFixture[str]) -> None:  # SEC-05
        async with connected(acs.port) as wire:
            answer = await wire.post(b"", ("X-Long", "planted" * 10_000))
            assert (answer.status, await wire.is_closed()) == (400, True)


class TestBytesThatAreNoHttp:
    @pytest.mark.parametrize(
        "data",
        [
            b"\x16\x03\x01\x02\x00\x01\x00planted\r\n\r\n",
            b"POST /acs HTTP/1.1\r\nAuthorization: Digest plan\0ted\r\n\r\n",
            b"POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: planted\r\n\r\n",
            b"POST /acs HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ],
        ids=["TLS", "NUL", "length", "length and chunks"],
    )
    async def test_are_400_and_are_not_quoted_in_the_log(
        self, acs: Acs, data: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:  # SEC-06
        async with connected(acs.port) as wire:
            assert (await wire.ask(data)).status == 400
            assert await wire.is_closed()
        said = "".join([*capfd.readouterr(), caplog.text])
        assert "planted" not in said
        assert "plan" not in said

    async def test_in_chunks_are_400_too(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            await wire.send(http(b"", CHUNKED, length=None) + b"zz\r\nabc\r\n")
            assert (await wire.answer()).status == 400


class TestAnAnswer:
    async def test_with_an_envelope_says_its_type_and_its_length(self, acs: Acs) -> None:  # T-15, T-16, T-19
        async with connected(acs.port) as wire:
            answer = await Cpe().open(wire)
        assert answer.get("content-type") == 'text/xml; charset="utf-8"'
        assert answer.get("content-length") == str(len(answer.body))
        assert answer.get("transfer-encoding") is None
        assert answer.get("connection") is None
        assert not answer.body.startswith(b"<?xml")

    async def test_that_ends_a_session_is_204_without_a_body_or_its_headers(self, acs: Acs) -> None:  # T-17
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            for _ in range(2):
                answer = await cpe.empty(wire)
                assert answer.status == 204
                for name in ("content-type", "transfer-encoding", "set-cookie", "connection"):
                    assert answer.get(name) is None

    async def test_to_an_inform_sets_the_only_cookie_of_the_session(self, acs: Acs) -> None:  # T-04, T-05, T-06
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            (cookie,) = (await cpe.open(wire)).every("set-cookie")
            name, _, rest = cookie.partition("=")
            value, _, path = rest.partition("; ")
            assert (name, path) == ("cwmpsid", "Path=/")
            assert len(value) == 82
            assert set(value) <= set("0123456789abcdef")
            answer = await cpe.say(wire, GetRPCMethods(), "1")
            assert answer.get("set-cookie") is None
            answer = await cpe.empty(wire)
            while answer.status == 200:
                assert answer.get("set-cookie") is None
                answer = await cpe.obey(wire, answer)
            assert answer.get("set-cookie") is None

    async def test_that_is_401_has_a_length_and_keeps_the_connection(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe().inform(), XML)
            assert (answer.status, answer.get("content-length"), answer.get("connection")) == (401, "0", None)
            assert answer.get("set-cookie") is None
            assert (await wire.post(Cpe().inform(), XML, answered(answer.get("www-authenticate") or ""))).status == 200


class TestTheCookie:
    @pytest.mark.parametrize(
        "form",
        [
            "{}",
            '$Version="1"; {quoted}; $Path="/"',
            "$Version=0; {}; $Path=/; $Domain=acs.example.net",
            "{quoted}",
            "other=1; {}",
            "other=1, {}",
            "{}, other=1",
            "{}; Path=/",
            "theme=a b,c; broken; =x; {};",
            "cwmpsid = {value}",
            "cwmpsid={old}; {}",
            "{}; cwmpsid={old}",
            "xcwmpsid={old}; {}",
        ],
    )
    async def test_is_found_in_every_syntax(self, acs: Acs, form: str) -> None:  # T-07
        await acs.provision()
        cpe, authorize = Cpe(), await logged_in(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        value = cpe.cookie.partition("=")[2]
        header = form.format(cpe.cookie, quoted=f'cwmpsid="{value}"', value=value, old="0" * 68)
        async with connected(acs.port) as wire:
            answer = await wire.post(b"", ("Cookie", header), authorize())
            assert isinstance(answer.message, SetParameterValues)

    async def test_is_found_in_several_headers(self, acs: Acs) -> None:  # T-07
        await acs.provision()
        cpe, authorize = Cpe(), await logged_in(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        async with connected(acs.port) as wire:
            answer = await wire.post(b"", ("Cookie", "a=b"), ("Cookie", cpe.cookie), ("Cookie", "c=d"), authorize())
            assert isinstance(answer.message, SetParameterValues)

    async def test_of_the_newest_session_counts_where_a_gateway_keeps_old_ones(self, acs: Acs) -> None:
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.session(wire)
            old = cpe.cookie
            await acs.provision()
            await cpe.open(wire)
            cpe.cookie = f"{old}; {cpe.cookie}"
            assert isinstance((await cpe.empty(wire)).message, SetParameterValues)


class TestAConnection:
    async def test_stays_open_over_a_session_with_many_messages(self, acs: Acs) -> None:  # T-02, S-05, S-15
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            for number in range(20):
                asked = GetRPCMethods() if number % 2 else TransferComplete(str(number))
                answer = await cpe.say(wire, asked, f"t-{number}")
                assert isinstance(answer.message, GetRPCMethodsResponse | TransferCompleteResponse)
                assert (answer.id, answer.get("connection")) == (f"t-{number}", None)
            served = await cpe.finish(wire, await cpe.empty(wire))
            assert len(served) == 2
            assert (await cpe.empty(wire)).status == 204
        assert await acs.state(write_id) == "verified"

    async def test_may_carry_two_gateways_in_turn(self, acs: Acs) -> None:  # T-03
        writes = [await acs.provision("S1", "LOS-1", "C-1"), await acs.provision("S2", "LOS-2", "C-2")]
        first, second = Cpe("S1"), Cpe("S2")
        async with connected(acs.port) as wire:
            await first.open(wire)
            await second.open(wire)
            asked = [await first.empty(wire), await second.empty(wire)]
            while asked[0].status == 200:
                asked = [await first.obey(wire, asked[0]), await second.obey(wire, asked[1])]
            assert [answer.status for answer in asked] == [204, 204]
        assert [await acs.state(write_id) for write_id in writes] == ["verified", "verified"]
        urls = [await acs.url_of(write_id) for write_id in writes]
        assert [urls[0] in first.values.values(), urls[1] in second.values.values()] == [True, True]

    async def test_may_end_after_every_post(self, acs: Acs) -> None:  # T-03, A-11
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await logged_in(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
        asked = None
        for _ in range(3):
            async with connected(acs.port) as wire:
                before = await acs.write(write_id)
                body = b"" if asked is None else write(cpe.carried_out(asked.message), namespace=NAMESPACE, id=asked.id)
                assert (await wire.post(body, XML, *cpe.headers())).status == 401
                assert await acs.write(write_id) == before
                asked = await wire.post(body, XML, *cpe.headers(), authorize())
        assert asked is not None
        assert asked.status == 204
        assert await acs.state(write_id) == "verified"

    async def test_stands_for_a_gateway_without_cookies(self, acs: Acs) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            cpe.cookie = ""
            assert len(await cpe.finish(wire, await cpe.empty(wire))) == 2
        assert await acs.state(write_id) == "verified"

    async def test_stands_for_nobody_once_two_gateways_have_informed_on_it(self, acs: Acs) -> None:  # T-08
        writes = [await acs.provision("S1", "LOS-1", "C-1"), await acs.provision("S2", "LOS-2", "C-2")]
        async with connected(acs.port) as wire:
            await Cpe("S1").open(wire)
            await Cpe("S2").open(wire)
            assert (await wire.post()).status == 204
            await Cpe("S1").open(wire)
            assert (await wire.post()).status == 204
        assert [await acs.state(write_id) for write_id in writes] == ["queued", "queued"]

    @pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "x-real-ip", "Via"])
    async def test_stands_for_nobody_where_a_proxy_speaks(self, acs: Acs, name: str) -> None:
        write_id = await acs.provision()
        async with connected(acs.port) as wire:
            await Cpe().open(wire)
            assert (await wire.post(b"", (name, "192.0.2.7"))).status == 204
        assert await acs.state(write_id) == "queued"

    async def test_stands_for_nobody_once_its_gateway_has_returned_a_cookie(self, acs: Acs) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await cpe.say(wire, GetRPCMethods(), "1")
            assert (await wire.post()).status == 204
            assert (await cpe.empty(wire)).status == 200

    @pytest.mark.parametrize("cookie", ["cwmpsid=" + "0" * 68, "cwmpsid=abc", "cwmpsid=x; a=b"])
    async def test_stands_for_nobody_who_shows_a_cookie_of_somebody_else(self, acs: Acs, cookie: str) -> None:  # T-08
        write_id = await acs.provision()
        async with connected(acs.port) as wire:
            await Cpe().open(wire)
            assert (await wire.post(b"", ("Cookie", cookie))).status == 204
        assert await acs.state(write_id) == "queued"

    @pytest.mark.parametrize("how", ["content-length", "chunked", "expect"])
    async def test_that_is_lost_in_the_middle_of_a_body_is_no_error_of_ours(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, how: str
    ) -> None:  # SEC-05
        answered = asyncio.Queue[int]()
        monkeypatch.setattr(DeviceMeasures, "answered", lambda _, status: answered.put_nowait(status))
        heads = {
            "content-length": http(b"<cut", XML, length="100"),
            "chunked": http(b"", XML, CHUNKED, length=None) + b"64\r\n<cut",
            "expect": http(b"", XML, EXPECT, length="100"),
        }
        async with connected(acs.port) as wire:
            await wire.send(heads[how])
        async with asyncio.timeout(PATIENCE):
            assert await answered.get() == 400
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []

    async def test_that_its_gateway_has_half_closed_still_brings_the_answer(self, acs: Acs) -> None:
        await acs.provision()
        cpe, authorize = Cpe(), await logged_in(acs.port)
        async with connected(acs.port) as wire:
            await wire.send(http(cpe.inform(), XML, authorize()))
            wire.send_no_more()
            answer = await wire.answer()
            assert isinstance(answer.message, InformResponse)
            assert await wire.is_closed()

    @pytest.mark.parametrize("sent", [b"", b"POST /acs HT", http(b"<cut", XML, length="100")])
    async def test_that_is_half_closed_ends_where_nothing_whole_has_come(self, acs: Acs, sent: bytes) -> None:
        async with connected(acs.port) as wire:
            await wire.send(sent)
            wire.send_no_more()
            assert await wire.is_closed()

    async def test_that_pipelines_is_served_in_order(self, acs: Acs) -> None:  # T-21
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            await wire.send(2 * http(b"", *cpe.headers()))
            first, second = await wire.answer(), await wire.answer()
            assert first.id == second.id
            assert first.body == second.body
