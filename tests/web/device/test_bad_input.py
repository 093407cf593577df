"""Bad input: answered at once, in bounded memory, and nobody else notices."""

import asyncio
import gzip
import re
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cwmp.messages import Fault, InformResponse, SetParameterValues, SoapFault
from tests.web.device.conftest import Acs
from tests.web.device.test_digest import everything
from tests.web.device.wire import NAMESPACE, XML, Answer, Authorize, Cpe, connected, login

MIB = 1 << 20
BILLION_LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
FILE = "file:///etc/hostname"


def envelope(content: str, header: str = "") -> str:
    return (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="{NAMESPACE}">'
        f"<s:Header>{header}</s:Header><s:Body>{content}</s:Body></s:Envelope>"
    )


def inform(device: str = "<OUI>00005E</OUI><SerialNumber>S9</SerialNumber>", rest: str = "") -> str:
    return f"<c:Inform><DeviceId>{device}</DeviceId>{rest}</c:Inform>"


def attributes(number: int) -> str:
    return " ".join(f'a{count}=""' for count in range(number))


# Made when they are sent, not while tests are collected.
BOMBS = {
    "entities": lambda: BILLION_LAUGHS + "]>" + envelope("&i;"),
    "an external entity": lambda: f'<!DOCTYPE l [<!ENTITY f SYSTEM "{FILE}">]>' + envelope(inform("<OUI>&f;</OUI>")),
    "a parameter entity": lambda: f'<!DOCTYPE l [<!ENTITY % f SYSTEM "{FILE}"> %f;]>' + envelope(inform()),
    "a DOCTYPE alone": lambda: "<!DOCTYPE a>" + envelope(inform()),
    "100k-deep nesting": lambda: envelope("<a>" * 100_000 + "</a>" * 100_000),
    "100k-deep nesting that never ends": lambda: envelope("")[:-30] + "<a>" * 100_000,
    "600k attributes": lambda: envelope(f"<c:Inform {attributes(600_000)}/>"),
    "1M elements": lambda: envelope(inform(rest="<ParameterList>" + "<a/>" * 1_000_000 + "</ParameterList>")),
    "8 MB of ampersands": lambda: envelope("&" * 8_000_000),
    "8 MB of control characters": lambda: envelope("\1" * 8_000_000),
    "a tag of 8 MB": lambda: envelope(f"<{'a' * 7_900_000}>"),
    "prefixes by the hundred thousand": lambda: envelope("".join(f"<p{number}:a>" for number in range(400_000))),
}
# These are no more than large: they may be taken, or refused, but must not stall anybody.
HEAVY = {
    "190k attributes": lambda: envelope(f"<c:X {attributes(190_000)}/>"),
    "190k elements": lambda: envelope(inform(rest="<ParameterList>" + "<a/>" * 190_000 + "</ParameterList>")),
    "a text of 7 MB": lambda: envelope(inform(rest=f"<CurrentTime>{'9' * 7_000_000}</CurrentTime>")),
}


@dataclass
class Neighbour:
    """A gateway by the book that has session after session while others misbehave, and how long it had to wait."""

    acs: Acs
    waits: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        done = asyncio.Event()
        task = asyncio.create_task(self._live(done))
        try:
            yield
        finally:
            done.set()
            await task

    async def _live(self, done: asyncio.Event) -> None:
        gateway = self.acs.gateway("S1")
        while True:
            begin = time.perf_counter()
            report = await gateway.session()
            self.waits.append(time.perf_counter() - begin)
            assert report.completed, report
            if done.is_set():
                return


async def shown(acs: Acs, authorize: Authorize, body: bytes, *headers: tuple[str, str]) -> Answer:
    async with connected(acs.port) as wire:
        return await wire.post(body, XML, authorize(), *headers)


class TestABomb:
    @pytest.mark.parametrize("name", BOMBS)
    async def test_is_refused_while_others_are_served(self, acs: Acs, name: str) -> None:  # SEC-01, SEC-02
        write_id = await acs.provision("S1")
        authorize, body = await login(acs.port), BOMBS[name]().encode()
        neighbour = Neighbour(acs)
        async with neighbour.beside():
            answer = await shown(acs, authorize, body)
        assert answer.status in (200, 400, 413)
        if answer.status == 200:
            assert isinstance(answer.message, Fault)
            assert answer.message.code in (8003, 8004)
        assert await acs.state(write_id) == "verified"
        assert max(neighbour.waits) < 1.5
        assert await acs.database.fetchval("select count(*) from gateway") == 1

    @pytest.mark.parametrize("name", HEAVY)
    async def test_that_is_only_heavy_stalls_nobody(self, acs: Acs, name: str) -> None:  # SEC-02
        authorize, body = await login(acs.port), HEAVY[name]().encode()
        neighbour = Neighbour(acs)
        async with neighbour.beside():
            assert (await shown(acs, authorize, body)).status in (200, 400)
        assert max(neighbour.waits) < 1.5

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    async def test_is_found_in_any_charset(self, acs: Acs, encoding: str) -> None:  # SEC-01
        authorize = await login(acs.port)
        answer = await shown(acs, authorize, BOMBS["an external entity"]().encode(encoding))
        assert answer.status in (200, 400)
        assert b"Fault" in answer.body or answer.status == 400
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    @pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from /proc")
    async def test_takes_bounded_memory(self, acs: Acs) -> None:  # SEC-02, SEC-04
        authorize = await login(acs.port)
        bodies = [bomb().encode() for bomb in BOMBS.values()]
        bombs = [gzip.compress(b" " * (256 * MIB), 1), zlib.compress(b"\0" * (256 * MIB), 1)]
        coding = ("Content-Encoding", "gzip")
        begin = memory_from_now_on()
        for bomb in bombs:
            assert (await shown(acs, authorize, bomb, coding)).status == 413
        assert peak_of_memory() - begin < 64 * MIB
        await asyncio.gather(*(shown(acs, authorize, body) for body in bodies))
        assert peak_of_memory() - begin < 300 * MIB

    async def test_of_compression_costs_nothing_before_the_login(self, acs: Acs) -> None:  # SEC-04
        bomb = gzip.compress(b" " * (64 * MIB))
        async with connected(acs.port) as wire:
            begin = time.perf_counter()
            assert (await wire.post(bomb, XML, ("Content-Encoding", "gzip"))).status == 401
            assert time.perf_counter() - begin < 0.5
            assert (await wire.post(b"x", XML, ("Content-Encoding", "gzip"))).status == 401


def memory_from_now_on() -> int:
    """Forget the peak so far; what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_of_memory()


def peak_of_memory() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


class TestAMessage:
    @pytest.mark.parametrize(
        "body",
        [
            "no XML at all",
            "<a/>",
            envelope(inform())[:-30],
            envelope(""),
            envelope(inform() + inform()),
            envelope(inform()).replace("<s:Body>", "<s:Body/><s:Body>"),
            envelope(inform()) + envelope(inform()),
            envelope(inform()).replace(
                "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
            ),
            envelope(inform()).replace(NAMESPACE, "urn:example"),
            envelope("<c:SetParameterValuesResponse><Status>"),
            "\0" * 1000,
        ],
        ids=[
            "no XML",
            "no envelope",
            "cut off",
            "empty body",
            "two messages",
            "two bodies",
            "two envelopes",
            "SOAP 1.2",
            "not CWMP",
            "broken response",
            "zeros",
        ],
    )
    async def test_that_is_none_is_an_error_without_any_effect(self, acs: Acs, body: str) -> None:  # X-01, S-03, S-27
        await acs.provision("S1")
        authorize, before = await login(acs.port), await everything(acs)
        answer = await shown(acs, authorize, body.encode())
        assert answer.status in (200, 400)
        if answer.status == 200:  # a request that can be recognised hears why, with HTTP 200
            assert isinstance(answer.message, Fault)
            assert answer.message.code == 8003
        assert answer.get("set-cookie") is None
        assert await everything(acs) == before

    async def test_cut_off_in_an_inform_hears_8003_in_its_own_namespace(self, acs: Acs) -> None:
        body = envelope(inform(), "<c:ID>7</c:ID>").replace("cwmp-1-2", "cwmp-1-0")[:-30]
        answer = await shown(acs, await login(acs.port), body.encode())
        assert isinstance(answer.message, Fault)
        assert (answer.message.code, answer.id, answer.envelope.namespace) == (8003, "7", "urn:dslforum-org:cwmp-1-0")

    @pytest.mark.parametrize(("value", "understood"), [("1", False), ("true", False), ("0", True), ("", True)])
    async def test_with_a_header_that_must_be_understood_is_a_soap_fault(
        self, acs: Acs, value: str, understood: bool
    ) -> None:
        header = f'<v:Foo xmlns:v="urn:example" s:mustUnderstand="{value}">x</v:Foo><c:ID>1</c:ID>'
        answer = await shown(acs, await login(acs.port), envelope(inform(), header).encode())
        assert (answer.status, answer.id) == (200, "1")
        if understood:
            assert answer.message == InformResponse()
            return
        assert b"<faultcode>soap-env:MustUnderstand</faultcode>" in answer.body
        assert isinstance(answer.message, Fault | SoapFault)
        assert answer.get("set-cookie") is None
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    async def test_with_such_a_header_in_a_session_leaves_it_as_it_stands(self, acs: Acs) -> None:
        write_id = await acs.provision("S1")
        cpe = Cpe("S1")
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            header = '<v:Foo xmlns:v="urn:example" s:mustUnderstand="1"/>'
            body = envelope("<c:TransferComplete/>", header).encode()
            assert b"MustUnderstand" in (await wire.post(body, XML, *cpe.headers())).body
            asked = await cpe.empty(wire)
            assert isinstance(asked.message, SetParameterValues)
            await cpe.finish(wire, asked)
        assert await acs.state(write_id) == "verified"


class TestAnInform:
    @pytest.mark.parametrize(
        "device",
        [
            "",
            "<OUI>00005E</OUI>",
            "<OUI>00005E</OUI><SerialNumber/>",
            "<OUI>00005E</OUI><SerialNumber>  </SerialNumber>",
            "<SerialNumber>S9</SerialNumber>",
            f"<OUI>00005E</OUI><SerialNumber>{'9' * 65}</SerialNumber>",
        ],
    )
    async def test_that_does_not_say_who_speaks_is_8003(self, acs: Acs, device: str) -> None:
        answer = await shown(acs, await login(acs.port), envelope(inform(device), "<c:ID>1</c:ID>").encode())
        assert isinstance(answer.message, Fault)
        assert (answer.status, answer.message.code, answer.id) == (200, 8003, "1")
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    @pytest.mark.parametrize("versions", ["2.0", "2.0,3.1", "1.9"])
    async def test_without_a_common_version_is_8006(self, acs: Acs, versions: str) -> None:  # V-07
        header = f"<c:SupportedCWMPVersions>{versions}</c:SupportedCWMPVersions>"
        answer = await shown(acs, await login(acs.port), envelope(inform(), header).encode())
        assert isinstance(answer.message, Fault)
        assert (answer.status, answer.message.code) == (200, 8006)
        assert answer.get("set-cookie") is None
        assert await acs.database.fetchval("select count(*) from gateway") == 0

    async def test_of_another_cwmp_is_8006(self, acs: Acs) -> None:
        body = envelope(inform()).replace("cwmp-1-2", "cwmp-2-0").encode()
        answer = await shown(acs, await login(acs.port), body)
        assert isinstance(answer.message, Fault)
        assert answer.message.code == 8006

    async def test_of_many_words_leaves_few_of_them(self, acs: Acs) -> None:  # SEC-08, SEC-11
        names = [f"DeviceInfo.{name}" for name in ("SoftwareVersion", "HardwareVersion", "ProvisioningCode")]
        names += [f"ManagementServer.{name}" for name in ("ParameterKey", "ConnectionRequestURL")]
        word = "x" * 100_000
        values = "".join(
            f"<ParameterValueStruct><Name>Device.{name}</Name><Value>{word}</Value></ParameterValueStruct>"
            for name in names
        )
        events = f"<EventStruct><EventCode>{word[:10_000]}</EventCode></EventStruct>" * 200
        body = envelope(
            inform(
                f"<Manufacturer>{word}</Manufacturer><OUI>{word}</OUI><ProductClass>{word}</ProductClass>"
                "<SerialNumber>S9</SerialNumber>",
                f"<Event>{events}</Event><ParameterList>{values}</ParameterList>",
            )
        )
        authorize = await login(acs.port)
        for _ in range(2):
            assert (await shown(acs, authorize, body.encode())).status == 200
        (row,) = await acs.database.fetch("select pg_column_size(g.*) as size, g.* from gateway g")
        assert max(len(value) for value in row.values() if isinstance(value, str)) <= 256
        assert sum(map(len, row["events"])) <= 64 * 64

    @pytest.mark.parametrize(
        "text", ["a\nb", "a\r\nINJECTED=1", "%s{}", "<b>&amp;</b>", "';drop table gateway;--", "é\u2028z"]
    )
    async def test_with_odd_words_is_taken_as_it_is(
        self, acs: Acs, text: str, capfd: pytest.CaptureFixture[str]
    ) -> None:  # SEC-08
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
        device = f"<OUI>00005E</OUI><ProductClass>{escaped}</ProductClass><SerialNumber>{escaped}</SerialNumber>"
        answer = await shown(acs, await login(acs.port), envelope(inform(device)).encode())
        assert answer.message == InformResponse()
        assert await acs.database.fetchval("select serial_number from gateway") == text
        assert not any(line.startswith(("INJECTED", "b")) for line in capfd.readouterr().out.splitlines())


class TestOurOwnMistake:
    async def test_is_503_with_a_log_line_that_quotes_nothing(
        self, acs: Acs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async def planted(*_: Any) -> None:
            raise ValueError("planted in SERIAL-1")

        monkeypatch.setattr("acs_bridge.services.session.provisioner.Provisioner.open", planted)
        answer = await shown(acs, await login(acs.port), Cpe("SERIAL-1").inform())
        assert (answer.status, answer.get("connection")) == (503, "close")
        assert 30 <= int(answer.get("retry-after") or 0) <= 60
        said = capfd.readouterr().out
        assert "message_failed" in said
        assert "ValueError" in said
        assert "planted in" not in said
        assert "SERIAL-1" not in said
