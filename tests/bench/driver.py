"""The load: gateways reduced to the bytes that they send, so that the driver costs less than what it drives.

A session is one TCP connection. Against the daemon it is a real one: challenged, logged in, provisioned if there is
something to do. Against the floor the same number of POSTs of the same sizes go out, and nobody looks at the answers.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cwmp import digest

NAMESPACE: Final = "urn:dslforum-org:cwmp-1-2"
URL_PARAMETER: Final = "Device.X_ACSBRIDGE_HomeAnalytics.URL"

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_COOKIE: Final = re.compile(rb"(?i)\r\nset-cookie: *([^;\r]+)")
_CHALLENGE: Final = re.compile(rb"(?i)\r\nwww-authenticate: *([^\r]+)")
_ID: Final = re.compile(rb"<cwmp:ID[^>]*>([^<]*)</cwmp:ID>")
_KEY: Final = re.compile(rb"<ParameterKey>([^<]*)</ParameterKey>")
_VALUE: Final = re.compile(rb"<Value[^>]*>([^<]*)</Value>")

_KEYS: Final[dict[str, str]] = {}
"""The ParameterKey that each gateway shows; another one than the daemon wrote would be looked into."""

_FRAME: Final = (
    '<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="urn:dslforum-org:cwmp-1-2">'
    '<soap-env:Header><cwmp:ID soap-env:mustUnderstand="1">{id}</cwmp:ID></soap-env:Header>'
    "<soap-env:Body>{body}</soap-env:Body></soap-env:Envelope>"
)


def _parameter(name: str, value: str) -> str:
    return (
        f'<ParameterValueStruct><Name>{name}</Name><Value xsi:type="xsd:string">{value}</Value></ParameterValueStruct>'
    )


def inform(serial_number: str, parameter_key: str = "") -> bytes:
    """An Inform of ten parameters, as a gateway with TR-181 sends every day."""
    parameters = [
        ("Device.RootDataModelVersion", "2.15"),
        ("Device.DeviceInfo.HardwareVersion", "rev-C"),
        ("Device.DeviceInfo.SoftwareVersion", "5.1.0"),
        ("Device.DeviceInfo.ProvisioningCode", "TLCO.GRP2"),
        ("Device.ManagementServer.ParameterKey", parameter_key),
        ("Device.ManagementServer.ConnectionRequestURL", "http://192.0.2.20:7547/tr069"),
        ("Device.ManagementServer.AliasBasedAddressing", "0"),
        ("Device.DeviceInfo.ModelName", "Example 3000"),
        ("Device.DeviceInfo.UpTime", "86400"),
        ("Device.IP.Interface.1.IPv4Address.1.IPAddress", "192.0.2.20"),
    ]
    structs = "".join(_parameter(name, value) for name, value in parameters)
    body = (
        "<cwmp:Inform><DeviceId><Manufacturer>Example Networks</Manufacturer><OUI>00005E</OUI>"
        f"<ProductClass>BENCH</ProductClass><SerialNumber>{serial_number}</SerialNumber></DeviceId>"
        '<Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct><EventCode>2 PERIODIC</EventCode>'
        "<CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes>"
        "<CurrentTime>2026-11-22T09:30:00Z</CurrentTime><RetryCount>0</RetryCount>"
        f'<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[{len(parameters)}]">{structs}</ParameterList>'
        "</cwmp:Inform>"
    )
    return _FRAME.format(id="1", body=body).encode()


def set_response(id_: str) -> bytes:
    body = "<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>"
    return _FRAME.format(id=id_, body=body).encode()


def get_response(id_: str, value: str) -> bytes:
    body = (
        '<cwmp:GetParameterValuesResponse><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]">'
        f"{_parameter(URL_PARAMETER, value)}</ParameterList></cwmp:GetParameterValuesResponse>"
    )
    return _FRAME.format(id=id_, body=body).encode()


def request(body: bytes, *headers: str) -> bytes:
    lines = [
        "POST /acs HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: bench",
        *(['Content-Type: text/xml; charset="utf-8"', "SOAPAction: "] if body else []),
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(slots=True)
class Exchange:
    """One open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def post(self, content: bytes) -> tuple[int, bytes, bytes]:
        """Send a request; status, head and body of what comes back."""
        self.writer.write(content)
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = _STATUS.match(head)
        length = _LENGTH.search(head)
        body = await self.reader.readexactly(int(length[1])) if length else b""
        return int(status[1]) if status else 0, head, body


class BenchError(RuntimeError):
    """A session did not go as it has to: the figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    password: str

    def answer(self, head: bytes) -> str:
        """The Authorization header for the challenge in a 401."""
        challenge = _CHALLENGE.search(head)
        if challenge is None:
            raise BenchError("no challenge")
        parsed = digest.Challenge.parse(challenge[1].decode())
        if parsed is None:
            raise BenchError("no challenge of Digest")
        authorization = digest.answer(
            parsed, self.username, self.password, method="POST", uri="/acs", cnonce="c0ffee", count=1
        )
        return f"Authorization: {authorization.render()}"


async def daemon_session(exchange: Exchange, serial_number: str, login: Login, *, provisions: bool) -> int:
    """One real session; how many POSTs it took."""
    opening = inform(serial_number, _KEYS.get(serial_number, ""))
    status, head, _ = await exchange.post(request(opening))
    _expect(status, 401)
    status, head, _ = await exchange.post(request(opening, login.answer(head)))
    _expect(status, 200)
    cookie = _COOKIE.search(head)
    if cookie is None:
        raise BenchError("no cookie")
    with_cookie = f"Cookie: {cookie[1].decode()}"
    status, _, body = await exchange.post(request(b"", with_cookie))
    if not provisions:
        _expect(status, 204)  # also after the Inform was compared with what was verified
        return 3
    _expect(status, 200)
    value, _KEYS[serial_number] = _text(_VALUE, body), _text(_KEY, body)
    status, _, body = await exchange.post(request(set_response(_text(_ID, body)), with_cookie))
    _expect(status, 200)
    status, _, _ = await exchange.post(request(get_response(_text(_ID, body), value), with_cookie))
    _expect(status, 204)
    return 5


async def floor_session(exchange: Exchange, serial_number: str, *, provisions: bool) -> int:
    """As many POSTs of the same sizes, to somebody who does not care."""
    opening = inform(serial_number)
    login = "Authorization: " + "x" * 270
    cookie = "Cookie: cwmpsid=" + "0" * 68
    requests = [request(opening), request(opening, login), request(b"", cookie)]
    if provisions:
        requests += [request(set_response("x" * 24), cookie), request(get_response("x" * 24, "x" * 120), cookie)]
    for content in requests:
        await exchange.post(content)
    return len(requests)


async def drive(
    port: int,
    serial_numbers: Sequence[str],
    concurrency: int,
    session: Callable[[Exchange, str], Coroutine[Any, Any, int]],
) -> None:
    """One session for each serial number, so many at a time."""
    left = iter(serial_numbers)

    async def worker() -> None:
        for serial_number in left:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
            try:
                await session(Exchange(reader, writer), serial_number)
            finally:
                writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(worker())


def _text(pattern: re.Pattern[bytes], body: bytes) -> str:
    found = pattern.search(body)
    if found is None:
        raise BenchError(f"{pattern.pattern!r} is not in the answer")
    return found[1].decode()


def _expect(status: int, wanted: int) -> None:
    if status != wanted:
        raise BenchError(f"HTTP {status} where {wanted} was expected")
