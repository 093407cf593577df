"""Messages in the style of many makers and stacks, each written by us after a description: whose habit it is, and what
has to come out."""

from typing import Any

import pytest

from cwmp.envelope import Envelope, Header, read
from cwmp.messages import (
    AddObjectResponse,
    DeviceId,
    EventStruct,
    Fault,
    GetParameterValuesResponse,
    GetRPCMethods,
    Inform,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValuesResponse,
    TransferComplete,
    UnknownRequest,
)
from tests.cwmp.samples import MESSAGES

VENDORS = MESSAGES / "vendors"


def envelope(version: int, id: str | None, message: Any, *repairs: str, **header: Any) -> Envelope:
    return Envelope(f"urn:dslforum-org:cwmp-1-{version}", Header(id, **header), message, repairs)


def inform(serial: str, product_class: str, *events: Any, values: Any = None, **rest: Any) -> Inform:
    device = DeviceId(rest.pop("manufacturer", "Example"), "00005E", product_class, serial)
    happened = tuple(EventStruct(*((event,) if isinstance(event, str) else event)) for event in events)
    return Inform(device, happened, parameters(values or {}), **rest)


def parameters(values: dict[str, Any]) -> tuple[ParameterValueStruct, ...]:
    return tuple(
        ParameterValueStruct(name, *((value,) if isinstance(value, str) else value)) for name, value in values.items()
    )


def read_values(**values: Any) -> GetParameterValuesResponse:
    return GetParameterValuesResponse(parameters({f"Device.{name}": value for name, value in values.items()}))


TIME = "2026-02-03T04:05:06"
IGD = "InternetGatewayDevice."

HABITS = {
    "adtran-zero-events": (
        "A DSL router of Adtran: no events, [0] and [0008] for sizes, no zone",
        envelope(
            0, "4", inform("A-434", "434X", values={IGD + "DeviceInfo.SoftwareVersion": "9.1"}, current_time=TIME)
        ),
    ),
    "c-buffer-with-nuls": (
        "Stacks in C that send their whole buffer",
        envelope(0, "88", SetParameterValuesResponse(0), "text behind the message"),
    ),
    "cavium-ip-address-as-serial": (
        "A small cell of Cavium: an address for a serial number, microseconds, padded values, 1970",
        envelope(
            0,
            "0-3",
            inform(
                "10.0.2.1",
                "Cell 1.0",
                "2 PERIODIC",
                values={"Device.DeviceSummary": "\n   Device:1.2[](Baseline:1)\n  "},
                current_time="1970-01-02T00:01:05.021239+00:00",
                retry_count=2,
            ),
        ),
    ),
    "chunk-size-left-in": (
        "Proxies that undo chunks and leave their sizes in",
        envelope(0, None, GetRPCMethods(), "text before the message", "text behind the message"),
    ),
    "comments-everywhere": (
        "Stacks whose messages are templates: comments, one of them illegal, instructions, CDATA, inside of texts",
        envelope(2, "77", read_values(A="12<&3>"), "comments"),
    ),
    "declaration-on-many-lines": (
        "Stacks that break lines wherever XML lets them; Latin-1, declared",
        envelope(0, "5", inform("M1", "", ("3 SCHEDULED", "clé"), manufacturer="Société Générale d'Exemple")),
    ),
    "declared-gb2312": (
        "Chinese home gateways: GB2312, NoMoreRequests that must be understood, many retries, the year 2011",
        envelope(
            0,
            "1",
            inform(
                "H1",
                "HG",
                "0 BOOTSTRAP",
                "1 BOOT",
                values={IGD + "ManagementServer.PeriodicInformEnable": ("true", "xsd:boolean")},
                manufacturer="示例公司",
                current_time="2011-01-01T00:00:41+08:00",
                retry_count=1485,
            ),
        ),
    ),
    "declared-latin-1-sent-utf-8": (
        "Stacks with a constant declaration in front of whatever the data model holds",
        envelope(0, "9", read_values(X="Zürich € Genève"), "read as utf-8"),
    ),
    "default-namespaces": (
        "Stacks built on .NET or a DOM: no prefix anywhere; a value before its name, one without; one without a name",
        envelope(
            1,
            "0042",
            inform(
                "SG1",
                "F@st",
                "10 AUTONOMOUS TRANSFER COMPLETE",
                ("M Download", "a"),
                ("M Download", "b"),
                values={"Device.A": "7", "Device.B": ""},
            ),
            "parameters left out",
        ),
    ),
    "duplicated-header": (
        "Stacks that begin the header anew for each entry; the first that says something counts",
        envelope(0, "11", GetRPCMethods()),
    ),
    "easycwmp-status-1": (
        "EasyCwmp: Status 1 for everything, tabs between elements",
        envelope(2, "w01HZX3K9Q4T7M2N5P8R6S1V0WB", SetParameterValuesResponse(1)),
    ),
    "fault-in-odd-case": (
        "Firmware of 2006: element names in whatever letters, types on codes, words behind a code",
        envelope(0, "6", Fault(9003, "Invalid Arguments", (ParameterFault("Device.A.", 9005),))),
    ),
    "fault-that-is-no-soap-fault": (
        "Simulators that forget the SOAP around a fault",
        envelope(0, "3", Fault(9002, "Internal error")),
    ),
    "fault-without-detail": (
        "Stacks whose SOAP library answers for them: no CWMP at all in it",
        envelope(0, None, Fault(9002, "Internal: out of <memory>")),
    ),
    "icwmpd-versions": (
        "icwmpd: a namespace by its amendment, a prefix for encodings in xsi:type, all the headers of 1.4",
        envelope(
            4,
            "1804289383",
            inform(
                "I1",
                "DG",
                ("M Reboot", "k1"),
                "1 BOOT",
                values={"Device.ManagementServer.ParameterKey": ""},
                current_time=TIME + "+01:00",
            ),
            session_timeout=60,
            supported_versions=("1.0", "1.1", "1.2", "1.3", "1.4"),
        ),
    ),
    "javascript-three-faults": (
        "Simulators in JavaScript: a fault for each parameter, all of them kept",
        envelope(
            0,
            "18d",
            Fault(
                9003,
                "Invalid arguments",
                (
                    ParameterFault("Device.A", 9005, "Invalid parameter name"),
                    ParameterFault("Device.B", 9008),
                    ParameterFault("Device.C", 9007, "too long"),
                ),
            ),
        ),
    ),
    "javascript-undefined": (
        "Simulators in JavaScript: undefined, null and NaN for what is not there, prefixes that nobody declared",
        envelope(
            0,
            "null",
            inform(
                "JS-1",
                "null",
                ("6 CONNECTION REQUEST", "[object Object]"),
                values={"Device.DeviceInfo.SoftwareVersion": "1.0"},
                manufacturer="undefined",
                current_time=TIME + ".789Z",
            ),
            "undeclared prefixes",
        ),
    ),
    "malformed-events": (
        "Many: events in small letters, without a key, with blanks, of a vendor; a time that is none; no retry count",
        envelope(
            1,
            "17",
            inform(
                "S 1/2-3.4",
                "X",
                "1 Boot",
                "4  value change",
                "X 00005E Something New",
                max_envelopes=0,
                current_time="11:54::14",
            ),
        ),
    ),
    "mangled-mark": (
        "Firmware whose templates were saved on Windows: the byte order mark as three letters, behind a line break",
        envelope(0, None, TransferComplete("k", complete_time="0001-01-01T00:00:00"), "text before the message"),
    ),
    "mikrotik-no-header": (
        "MikroTik: no SOAP header",
        envelope(
            2,
            None,
            inform(
                "0D1E/2F",
                "RB",
                "4 VALUE CHANGE",
                values={"Device.DeviceInfo.HardwareVersion": "v1.0"},
                current_time=TIME + "Z",
            ),
        ),
    ),
    "netcwmp-1999-schemas": (
        "netcwmp: the schemas of 1999",
        envelope(
            0,
            "1",
            inform(
                "N1",
                "CPE",
                "1 BOOT",
                values={IGD + "DeviceInfo.UpTime": ("12", "xsd:unsignedInt")},
                current_time=TIME,
            ),
        ),
    ),
    "netcwmp-detail-in-faultstring": (
        "netcwmp: the detail of a fault inside its faultstring",
        envelope(
            0,
            "w1",
            Fault(
                9003,
                "Invalid arguments",
                (ParameterFault("InternetGatewayDevice.X", 9005, "Invalid parameter name"),),
            ),
            "detail inside faultstring",
        ),
    ),
    "no-namespace": (
        "Home-made stacks: no namespace at all, so it is the first one",
        envelope(
            0,
            "0",
            inform("F1", "OpenBox", "2 PERIODIC", values={IGD + "DeviceInfo.SoftwareVersion": "r1"}),
        ),
    ),
    "orange-agent-qualified": (
        "Orange's agent: qualified children, a padded ID, a list of parameters where the Status should be",
        envelope(0, "881", SetParameterValuesResponse(None)),
    ),
    "padded-texts": (
        "Stacks that print trees: every text on a line of its own, the ID too",
        envelope(
            0,
            "P 0",
            inform(
                "CP0001",
                "TG 5",
                "2 PERIODIC",
                values={IGD + "DeviceInfo.ProvisioningCode": "\n      a b\n     "},
                max_envelopes=2,
                current_time="2011-01-01T00:00:00",
                retry_count=1,
            ),
        ),
    ),
    "printf-attributes": (
        "Stacks that print their XML: attributes without quotes, twice, run together, without values, with bad names",
        envelope(0, "31", read_values(A=("4", "xsd:int")), "XML declaration", "bare markup", "attributes"),
    ),
    "rdk-b-versions": (
        "RDK-B: versions beyond ours and noise among them, a long timeout, an OUI in small letters, a heartbeat",
        envelope(
            2,
            "5_1",
            inform("R1", "XB", "14 HEARTBEAT", current_time="0001-01-01T00:00:00Z"),
            session_timeout=300,
            supported_versions=("1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "2.0", "x"),
        ),
    ),
    "sized-types": (
        "Cable modems: types with a length and on names, HTML's references",
        envelope(
            0,
            "1",
            inform(
                "B1",
                "TG",
                "1 BOOT",
                values={"Device.DeviceInfo.HardwareVersion": "h\xa01"},
                current_time=TIME + "Z",
                retry_count=2,
            ),
            "bare ampersands",
        ),
    ),
    "smart-quotes-cp1252": (
        "Names typed on Windows among others that are in UTF-8",
        envelope(0, "8", read_values(A="“café” € 5 é"), "read as latin-1"),
    ),
    "undeclared-gbk": (
        "Optical terminals: GBK that nobody declared and control characters; a serial number in hex stays whole",
        envelope(
            0,
            "21",
            inform(
                "48575443A1B2C3D4",
                "¹âè",
                "0 BOOTSTRAP",
                values={IGD + "LANDevice.1.WLANConfiguration.1.SSID": "home[31m"},
            ),
            "read as latin-1",
            "illegal characters",
        ),
    ),
    "undeclared-latin-1": (
        "European DSL routers of the first years: Latin-1 without a word about it",
        envelope(0, "6", read_values(A="Bürgerstraße"), "read as latin-1"),
    ),
    "undeclared-prefix": (
        "Stacks whose fault is a text of its own, with another prefix than the rest",
        envelope(1, "44", Fault(9001, "Request denied"), "undeclared prefixes"),
    ),
    "unescaped-markup": (
        "Phones and adapters that put values into a template as they are",
        envelope(
            0,
            "2",
            read_values(U="http://x.example/?a=1&b=2&lt=3<&&", V="Café <3 & 5 < 6 ]]>"),
            "bare ampersands",
            "bare markup",
        ),
    ),
    "utf-16-without-mark": (
        "Stacks on Windows: UTF-16 without a byte order mark",
        envelope(0, None, AddObjectResponse(3, 0)),
    ),
    "vendor-request-and-header": (
        "Makers with requests and headers of their own, and HoldRequests, which is ours to say",
        envelope(1, "3", UnknownRequest("X_00005E_Hello"), hold_requests=False),
    ),
}


@pytest.mark.parametrize("name", sorted(HABITS))
def test_a_message_in_the_style_of_a_vendor_is_read_for_what_it_means(name):
    """X-04, X-06, X-07, X-08, X-14, X-16, X-18, T-14, V-01, V-03, V-09, R-01, R-02, R-03, R-14, E-02, E-03."""
    assert read((VENDORS / f"{name}.xml").read_bytes()) == HABITS[name][1]


def test_every_message_of_a_vendor_is_tried_and_says_whose_habit_it_is():
    assert {path.stem for path in VENDORS.iterdir()} == set(HABITS)
    assert all(whose for whose, _ in HABITS.values())
