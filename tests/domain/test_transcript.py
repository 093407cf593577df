"""What support sees of a message: its structure, and no secret, wherever a gateway puts one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain import transcript
from acs_bridge.domain.ids import new_id, tag
from acs_bridge.domain.transcript import Direction, Entry, as_text, headers, moment, shown
from cwmp.envelope import write
from cwmp.messages import (
    DeviceId,
    EventStruct,
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    Inform,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
    TransferComplete,
)

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
NAMESPACE = "urn:dslforum-org:cwmp-1-2"
URL = "https://phan.example.net/r/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
TOKEN = URL.rpartition("/")[2]
PASSWORD = "hunter-2-secret"
KEY = tag(new_id(NOW), 1)
PLACE = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
INFORM = Inform(
    DeviceId("Example Inc.", "00005E", "SimGW", "S-0001"),
    (EventStruct("2 PERIODIC"), EventStruct("M Download", PASSWORD), EventStruct("X 00005E Foo")),
    (
        ParameterValueStruct("Device.DeviceInfo.SoftwareVersion", "1.0.2-b7"),
        ParameterValueStruct("Device.ManagementServer.ParameterKey", KEY),
        ParameterValueStruct("Device.ManagementServer.ConnectionRequestURL", "http://192.0.2.1:7547/secret-path"),
        ParameterValueStruct("Device.ManagementServer.Password", PASSWORD),
        ParameterValueStruct(PLACE, URL),
    ),
    current_time="2026-03-14T12:00:00Z",
    retry_count=3,
)


def lines(content: bytes) -> list[str]:
    return list(shown(content).lines)


def written(message: Any, **more: Any) -> bytes:
    return write(message, namespace=NAMESPACE, **({"id": "1"} | more))


def has_secret(text: str) -> bool:
    return any(secret in text for secret in (TOKEN, TOKEN[:40], PASSWORD, "phan.example.net", "secret-path"))


def test_an_inform_is_shown_as_it_is_built_with_what_is_no_secret() -> None:
    said = shown(written(INFORM))
    assert said.name == "Inform"
    assert said.repairs == ()
    assert [line.strip() for line in said.lines] == [
        "Envelope",
        "Header",
        "ID: 1",
        "Body",
        "Inform",
        "DeviceId",
        "Manufacturer: Example Inc.",
        "OUI: 00005E",
        "ProductClass: SimGW",
        "SerialNumber: S-0001",
        "Event",
        "EventStruct",
        "EventCode: 2 PERIODIC",
        "CommandKey: ‹empty›",
        "EventStruct",
        "EventCode: M Download",
        f"CommandKey: ‹{len(PASSWORD)} characters›",
        "EventStruct",
        "EventCode: X 00005E Foo",
        "CommandKey: ‹empty›",
        "MaxEnvelopes: 1",
        "CurrentTime: 2026-03-14T12:00:00Z",
        "RetryCount: 3",
        "ParameterList",
        "Device.DeviceInfo.SoftwareVersion (string): 1.0.2-b7",
        f"Device.ManagementServer.ParameterKey (string): {KEY}",
        "Device.ManagementServer.ConnectionRequestURL (string): ‹33 characters›",
        f"Device.ManagementServer.Password (string): ‹{len(PASSWORD)} characters›",
        f"{PLACE} (string): ‹{len(URL)} characters›",
    ]


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        (
            SetParameterValues((ParameterValueStruct(PLACE, URL),), KEY),
            [f"{PLACE} (string): ‹{len(URL)} characters›", f"ParameterKey: {KEY}"],
        ),
        (SetParameterValuesResponse(1), ["Status: 1"]),
        (
            GetParameterValues((PLACE, "Device.ManagementServer.")),
            [f"string: {PLACE}", "string: Device.ManagementServer."],
        ),
        (
            GetParameterValuesResponse((ParameterValueStruct(PLACE, URL),)),
            [f"{PLACE} (string): ‹{len(URL)} characters›"],
        ),
        (
            Fault(9003, "Invalid arguments", (ParameterFault(PLACE, 9007, f"cannot be {URL}"),)),
            ["FaultCode: 9003", "FaultString: Invalid arguments", f"ParameterName: {PLACE}", "FaultCode: 9007"],
        ),
        (Fault(9002, f"no {PASSWORD}"), ["FaultCode: 9002", f"FaultString: ‹{len(PASSWORD) + 3} characters›"]),
        (TransferComplete(PASSWORD), [f"CommandKey: ‹{len(PASSWORD)} characters›"]),
    ],
    ids=lambda each: type(each).__name__,
)
def test_names_and_codes_are_shown_and_values_are_not(message: Any, seen: list[str]) -> None:
    told = [line.strip() for line in lines(written(message))]
    assert [line for line in told if line in seen] == seen
    assert not has_secret("\n".join(told))


PLACES = [
    "<Manufacturer>{}</Manufacturer>",
    "<cwmp:Inform>{}</cwmp:Inform>",
    "<cwmp:Inform><RetryCount>{}</RetryCount></cwmp:Inform>",
    "<cwmp:Inform><DeviceId><SerialNumber>{}</SerialNumber></DeviceId></cwmp:Inform>",
    "<cwmp:Inform><Event><EventStruct><EventCode>{}</EventCode></EventStruct></Event></cwmp:Inform>",
    "<cwmp:Inform><Event><EventStruct><EventCode>2 {}</EventCode></EventStruct></Event></cwmp:Inform>",
    "<cwmp:SetParameterValuesResponse><Status>{}</Status></cwmp:SetParameterValuesResponse>",
    "<cwmp:SetParameterValuesResponse><Status note='{}'>0</Status>{}</cwmp:SetParameterValuesResponse>",
    "<soap:Fault><faultcode>{}</faultcode><faultstring>{}</faultstring></soap:Fault>",
    "<soap:Fault><detail><cwmp:Fault><FaultCode>{}</FaultCode><FaultString>{}</FaultString></cwmp:Fault></detail></soap:Fault>",
    "<soap:Fault><detail><SetParameterValuesFault><ParameterName>{}</ParameterName></SetParameterValuesFault></detail></soap:Fault>",
    "<soap:Fault><detail>{}</detail></soap:Fault>",
    "<cwmp:X_00005E_Foo><Anything>{}</Anything></cwmp:X_00005E_Foo>",
    (
        "<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct><Name>{}</Name><Value type='{}'>"
        "1</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>"
    ),
    (
        "<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct>{}<Name>Device.DeviceInfo.SoftwareVersion"
        "</Name><Value>{}</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>"
    ),
    "<cwmp:GetParameterValuesResponse>&{}</cwmp:GetParameterValuesResponse>",
    "<cwmp:Inform><{}",
    "<![CDATA[{}]]>",
    "<!-- {} -->",
    "<?{}?>",
    "{}",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cut", [0, 12], ids=["whole", "cut off"])
def test_a_url_is_shown_nowhere_that_a_gateway_puts_it(place: str, cut: int) -> None:
    text = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-0">'
        f"<soap:Body>{place.replace('{}', URL)}</soap:Body></soap:Envelope>"
    )
    assert not has_secret("\n".join(lines(text.encode()[: len(text) - cut])))


@pytest.mark.parametrize(
    "content",
    [
        f"password={PASSWORD}&url={URL}".encode(),
        f"<{PASSWORD}>".encode(),
        f'<!DOCTYPE x [<!ENTITY a "{URL}">]><a>&a;</a>'.encode(),
        f"<Envelope><Body><{PASSWORD}/></Body></Envelope>".encode(),
        f"<Envelope><Body><Inform {PASSWORD}='{URL}'/></Body></Envelope>".encode(),
        f"<Envelope><Header><ID>{PASSWORD}</ID></Header><Body><Inform/></Body></Envelope>".encode(),
        f"<Envelope>{PASSWORD}<Body>{URL}<Inform>{PASSWORD}</Inform>{URL}</Body></Envelope>".encode(),
        b"\x00\x01\xff" + URL.encode(),
        ("﻿<a>" + URL).encode("utf-16"),
    ],
)
def test_what_is_no_message_is_shown_by_the_names_that_it_has(content: bytes) -> None:
    assert not has_secret("\n".join(lines(content)))


def test_a_message_that_breaks_off_is_shown_as_far_as_it_goes() -> None:
    content = written(INFORM)[:-60]
    told = lines(content)
    assert told[0] == f"‹{len(content)} bytes that are no XML›"
    assert told[1:6] == ["<Envelope>", "<Header>", "<ID>", "</ID>", "</Header>"]


def test_what_had_to_be_mended_is_named() -> None:
    said = shown(written(Fault(9002, "a & b")).replace(b"&amp;", b"&"))
    assert said.repairs
    assert said.name == "Fault"


def test_a_long_message_is_cut_and_a_large_one_is_not_shown() -> None:
    many = tuple(ParameterValueStruct(f"Device.P{number}", "1") for number in range(500))
    told = lines(written(GetParameterValuesResponse(many)))
    assert len(told) == transcript.MOST_LINES + 1
    assert told[-1].endswith("more lines›")
    large = written(GetParameterValuesResponse(many * 4))
    assert lines(large) == [f"‹{len(large)} bytes: too many to be shown›"]


def test_headers_are_shown_by_a_list() -> None:
    given = [
        ("Content-Type", "text/xml"),
        ("user-agent", "CPE/1.0"),
        ("SOAPAction", URL),
        ("Server", "x" * 200),
        ("Authorization", f'Digest response="{PASSWORD}"'),
        ("Proxy-Authorization", PASSWORD),
        ("Cookie", PASSWORD),
        ("Set-Cookie", PASSWORD),
        ("WWW-Authenticate", PASSWORD),
        ("Host", "phan.example.net"),
        ("Referer", URL),
        ("X-Anything", PASSWORD),
    ]
    assert headers(given) == {
        "Content-Type": "text/xml",
        "User-Agent": "CPE/1.0",
        "Soapaction": f"‹{len(URL)} characters›",
        "Server": "‹200 characters›",
    }


@given(st.binary(max_size=2000))
def test_any_bytes_are_shown_somehow(content: bytes) -> None:
    shown(content)


@given(st.text(alphabet="<>/ABCabc&;'\"= :[]!-?", max_size=200))
def test_any_scraps_of_xml_are_shown_somehow(text: str) -> None:
    shown(f"<Envelope><Body>{text}".encode())


def test_entries_read_well_as_text() -> None:
    said = Entry(
        moment(NOW),
        7,
        Direction.RECEIVED,
        None,
        12,
        {"User-Agent": "CPE/1.0"},
        "Inform",
        "mended: x",
        ("Envelope", "  Body"),
    )
    answer = Entry(moment(NOW), 7, Direction.SENT, 204, 0, {}, None, None)
    kept = json.loads(json.dumps([said.as_json(), answer.as_json()]))
    assert as_text(kept).splitlines() == [
        ">>> 2026-03-14T12:00:00.000Z session 7: POST, 12 bytes, Inform",
        "    (mended: x)",
        "    User-Agent: CPE/1.0",
        "    | Envelope",
        "    |   Body",
        "",
        "<<< 2026-03-14T12:00:00.000Z session 7: HTTP 204, 0 bytes",
    ]
