"""Messages as gateways send them, each written by us after a description, and what they mean."""

import pytest

from cwmp.envelope import Envelope, Header, read
from cwmp.messages import (
    DeviceId,
    EventStruct,
    Fault,
    GetParameterValuesResponse,
    Inform,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValuesResponse,
    TransferComplete,
    UnknownRequest,
)
from tests.cwmp.samples import MESSAGES

CWMP = "urn:dslforum-org:cwmp-1-"

MEANINGS = {
    "inform-tr098": Envelope(
        CWMP + "0",
        Header("41"),
        Inform(
            DeviceId("Alpine Boxes", "00005E", "AB-98", "AB98-000017"),
            (EventStruct("0 BOOTSTRAP"), EventStruct("M Download", "firmware-7")),
            (
                ParameterValueStruct("InternetGatewayDevice.DeviceInfo.SoftwareVersion", "2.6.1"),
                ParameterValueStruct("InternetGatewayDevice.ManagementServer.ParameterKey", "key-1"),
                ParameterValueStruct("InternetGatewayDevice.ManagementServer.PeriodicInformEnable", "1", "xsd:boolean"),
            ),
            current_time="2026-03-01T10:00:00+01:00",
            retry_count=3,
        ),
    ),
    "inform-1-4": Envelope(  # any order, single quotes, another prefix, a lower-case OUI, an empty ProductClass
        CWMP + "2",
        Header("inform", 120, ("1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "x")),
        Inform(DeviceId("Polder Boxes", "3C9066", "", "PB/000 1"), (), (), 16, "0001-01-01T00:00:00Z"),
    ),
    "inform-no-header": Envelope(
        CWMP + "1", Header(), Inform(DeviceId("M", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ())
    ),
    "inform-no-namespace": Envelope(
        CWMP + "0",
        Header("77"),
        Inform(
            DeviceId("M", "00005E", "P", "S2"),
            (EventStruct("2 PERIODIC"),),
            (ParameterValueStruct("Device.ManagementServer.ParameterKey", ""),),
            current_time="11:54::14",
        ),
    ),
    "inform-padded": Envelope(  # and qualified children, the schemas of 1999, wrong counts
        CWMP + "0",
        Header("8801"),
        Inform(
            DeviceId("Fjord Boxes", "00005E", "FB-1", "FB1-42"),
            (EventStruct("4 VALUE CHANGE"),),
            (
                ParameterValueStruct(
                    "InternetGatewayDevice.DeviceInfo.UpTime", "\n      4711\n     ", "xsd:unsignedInt"
                ),
            ),
        ),
    ),
    "inform-decorated": Envelope(  # comments, instructions, CDATA, references, unknown elements and headers
        CWMP + "4",
        Header("a&b"),
        Inform(
            DeviceId("Decorated", "00005E", "", "D42"),
            (EventStruct("14 HEARTBEAT"),),
            (ParameterValueStruct("Device.X", " a < b & c "),),
        ),
    ),
    "inform-bare-ampersand": Envelope(
        CWMP + "0",
        Header("5"),
        Inform(
            DeviceId("Smith & Sons & Co", "00005E", "A&B;C", "S5"),
            (),
            (ParameterValueStruct("Device.A", "x & y & A\xa0"),),
        ),
        ("bare ampersands",),
    ),
    "spv-response-no-status": Envelope(CWMP + "0", Header("9"), SetParameterValuesResponse(None)),
    "gpv-response": Envelope(
        CWMP + "2",
        Header("ours-1"),
        GetParameterValuesResponse(
            (
                ParameterValueStruct("Device.A", "  a  "),
                ParameterValueStruct("Device.B", "aGk=", "xsd:base64Binary"),
                ParameterValueStruct("Device.C", ""),
                ParameterValueStruct("Device.D", ""),
                ParameterValueStruct(".E.", "true", "xsd:boolean"),
            )
        ),
        ("parameters left out",),
    ),
    "fault-three-parameters": Envelope(
        CWMP + "0",
        Header("w-1"),
        Fault(
            9003,
            "",
            (
                ParameterFault("Device.A", 9005, "no such name"),
                ParameterFault("Device.B", 9006),
                ParameterFault("Device.C", 9007, "too long"),
            ),
        ),
    ),
    "fault-detail-in-faultstring": Envelope(
        CWMP + "0", Header(), Fault(9005, "Invalid parameter name"), ("detail inside faultstring",)
    ),
    "fault-undeclared-prefix": Envelope(CWMP + "0", Header("12"), Fault(9002), ("undeclared prefixes",)),
    "fault-plain": Envelope(CWMP + "0", Header(), Fault(9002, "out of   luck")),
    "transfer-complete": Envelope(
        CWMP + "0",
        Header("2"),
        TransferComplete("firmware-7", 9010, "timed out", "0001-01-01T00:00:00Z", "2026-03-01T10:00:00.123456"),
    ),
    "vendor-request": Envelope(CWMP + "2", Header("v-3"), UnknownRequest("X_00005E_Hello")),
    "inform-bom-and-nul": Envelope(
        CWMP + "1",
        Header(),
        Inform(DeviceId("Société", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ()),
        ("text behind the message",),
    ),
    "inform-control-characters": Envelope(
        CWMP + "1",
        Header(),
        Inform(DeviceId("Société", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ()),
        ("illegal characters",),
    ),
    "inform-latin1-declared": Envelope(
        CWMP + "1", Header(), Inform(DeviceId("Société", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ())
    ),
    "inform-latin1-undeclared": Envelope(
        CWMP + "1",
        Header(),
        Inform(DeviceId("Société", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ()),
        ("read as latin-1",),
    ),
    "inform-utf16": Envelope(
        CWMP + "1", Header(), Inform(DeviceId("Société", "00005E", "P", "S1"), (EventStruct("1 Boot"),), ())
    ),
}


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_a_message_of_the_corpus_means_what_it_means(name):
    """X-06, X-07, X-14, X-16, T-14, V-01, R-01, R-02, R-14, E-02."""
    assert read((MESSAGES / f"{name}.xml").read_bytes()) == MEANINGS[name]


def test_every_message_of_the_corpus_is_tried():
    assert {path.stem for path in MESSAGES.glob("*.xml")} == set(MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_line_ends_make_no_difference(name):
    body = (MESSAGES / f"{name}.xml").read_bytes()
    if "utf16" not in name:
        assert read(body.replace(b"\n", b"\r\n")) == MEANINGS[name]
