"""Every message that the ACS sends is valid by the schemas of the Broadband Forum (X-03, X-08, X-09, X-12, R-07).

The schemas are not ours to distribute: their folder is named by ACS_BRIDGE_XSD, or lies beside the repository.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from cwmp import messages as m
from cwmp.envelope import write
from tests.cwmp.strategies import KEYS, MESSAGES, NAMES, OBJECTS, STATUS, tuples, words

_REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("ACS_BRIDGE_XSD") or _REPOSITORY.parent / "shared" / "cwmp" / "xsd")

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the CWMP schemas are not here; set ACS_BRIDGE_XSD to the folder that holds cwmp-1-*.xsd",
)

LOCATIONS = {
    "http://schemas.xmlsoap.org/soap/envelope/": "soap-envelope.xsd",
    "http://schemas.xmlsoap.org/soap/encoding/": "soap-encoding.xsd",
    "http://www.broadband-forum.org/cwmp/cwmp-1-2.xsd": "cwmp-1-2.xsd",
    "http://www.broadband-forum.org/cwmp/cwmp-1-3.xsd": "cwmp-1-3.xsd",
}


class _Folder(etree.Resolver):
    """Finds in the folder what the schemas import by their public addresses."""

    def resolve(self, system_url, public_id, context):
        name = LOCATIONS.get(system_url)
        return self.resolve_filename(str(FOLDER / name), context) if name else None


def _schema(version):
    parser = etree.XMLParser()
    parser.resolvers.add(_Folder())
    return etree.XMLSchema(etree.parse(FOLDER / f"cwmp-{version}.xsd", parser))


# Messages with the values that the schema restricts taken from what it allows.
TIMES = st.sampled_from(["2026-03-01T10:00:00Z", "0001-01-01T00:00:00Z", "2026-03-01T10:00:00.5+01:00"])
TYPED = st.one_of(
    *(
        st.builds(m.ParameterValueStruct, NAMES, values, st.just(type))
        for type, values in {
            "xsd:string": words(),
            "xsd:boolean": st.sampled_from(["0", "1", "true", "false"]),
            "xsd:int": st.integers(-(2**31), 2**31 - 1).map(str),
            "xsd:unsignedInt": st.integers(0, 2**32 - 1).map(str),
            "xsd:long": st.integers(-(2**63), 2**63 - 1).map(str),
            "xsd:unsignedLong": st.integers(0, 2**64 - 1).map(str),
            "xsd:dateTime": TIMES,
            "xsd:hexBinary": st.binary(max_size=8).map(bytes.hex),
            "xsd:base64Binary": st.sampled_from(["", "aGk=", "aGVsbG8="]),
        }.items()
    )
)
FROM_ACS: dict[Any, Any] = {
    **{
        kind: MESSAGES[kind]
        for kind in (
            m.GetRPCMethods,
            m.GetParameterValues,
            m.GetParameterNames,
            m.InformResponse,
            m.TransferCompleteResponse,
            m.AutonomousTransferCompleteResponse,
            m.KickedResponse,
            m.RequestDownloadResponse,
            m.DUStateChangeCompleteResponse,
            m.AutonomousDUStateChangeCompleteResponse,
        )
    },
    m.SetParameterValues: st.builds(
        m.SetParameterValues,
        st.lists(TYPED, min_size=1, max_size=18, unique_by=lambda parameter: parameter.name).map(tuple),
        KEYS,
    ),
    m.AddObject: st.builds(m.AddObject, OBJECTS, KEYS),
    m.DeleteObject: st.builds(m.DeleteObject, OBJECTS, KEYS),
    m.GetRPCMethodsResponse: st.builds(m.GetRPCMethodsResponse, tuples(words(60, shortest=1), shortest=1)),
    m.Fault: st.builds(m.Fault, st.integers(8000, 8005), words()),
}
FROM_CPE: dict[Any, Any] = {
    m.Inform: st.builds(
        m.Inform,
        MESSAGES[m.Inform].map(lambda inform: inform.device_id),
        tuples(st.builds(m.EventStruct, st.sampled_from(["0 BOOTSTRAP", "2 PERIODIC", "M Download"]), KEYS)),
        tuples(TYPED),
        st.just(1),
        TIMES,
        st.integers(0, 9),
    ),
    m.TransferComplete: st.builds(
        m.TransferComplete, KEYS, st.sampled_from([0, 9001, 9010, 9012]), words(), TIMES, TIMES
    ),
    m.SetParameterValuesResponse: st.builds(m.SetParameterValuesResponse, STATUS.filter(lambda s: s is not None)),
    m.GetParameterValuesResponse: st.builds(m.GetParameterValuesResponse, tuples(TYPED)),
    m.GetParameterNamesResponse: MESSAGES[m.GetParameterNamesResponse],
    m.AddObjectResponse: st.builds(m.AddObjectResponse, st.integers(1, 2**32 - 1), st.integers(0, 1)),
    m.DeleteObjectResponse: st.builds(m.DeleteObjectResponse, st.integers(0, 1)),
    m.Fault: st.builds(
        m.Fault,
        st.integers(9000, 9008),
        words(),
        tuples(st.builds(m.ParameterFault, words(60), st.integers(9005, 9008), words())),
    ),
}
SINCE: dict[Any, int] = {m.AutonomousTransferCompleteResponse: 1, m.DUStateChangeCompleteResponse: 2}
SINCE[m.AutonomousDUStateChangeCompleteResponse] = 2


def _valid(schema, message, namespace):
    root = etree.fromstring(write(message, namespace=namespace, id="7"))
    header, body = root
    content = body[0]
    if isinstance(message, m.Fault):
        assert [part.tag for part in content] == ["faultcode", "faultstring", "detail"]
        content = content[2][0]
    for element in (header[0], content, root):
        schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(element))))


@pytest.mark.parametrize(
    ("minor", "kind", "messages"),
    [
        pytest.param(minor, kind, strategy, id=f"1.{minor}-{kind.__name__}-{side}")
        for minor in (0, 1, 2)
        for side, kinds in (("acs", FROM_ACS), ("cpe", FROM_CPE))
        for kind, strategy in kinds.items()
        if SINCE.get(kind, 0) <= minor
    ],
)
def test_a_message_is_valid(minor, kind, messages):
    schema = _schema(f"1-{minor}")

    @settings(max_examples=30)
    @given(messages)
    def check(message):
        _valid(schema, message, f"urn:dslforum-org:cwmp-1-{minor}")

    check()


def test_every_request_and_response_of_the_acs_is_tried():
    responses = {m.RESPONSE_TO[kind] for kind in (*m.CPE_REQUESTS, m.Inform) if kind is not m.UnknownRequest}
    assert set(FROM_ACS) == m.ACS_REQUESTS | responses | {m.Fault}


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1-0", {"hold_requests": True}),
        ("1-3", {"session_timeout": 60}),
        ("1-4", {"use_version": "1.4"}),
        ("1-4", {"supported_versions": ("1.0", "1.4")}),
    ],
)
def test_each_header_is_valid(version, headers):
    namespace = "urn:dslforum-org:cwmp-1-0" if version == "1-0" else "urn:dslforum-org:cwmp-1-2"
    root = etree.fromstring(write(m.InformResponse(), namespace=namespace, **headers))
    [header] = root[0]
    _schema(version).assertValid(etree.ElementTree(etree.fromstring(etree.tostring(header))))


def test_the_fault_of_versions_is_valid():
    _valid(_schema("1-4"), m.Fault(8006, "ACS version incompatible with CPE"), "urn:dslforum-org:cwmp-1-2")


def test_a_wrong_message_is_not_valid():
    body = write(m.InformResponse(), namespace="urn:dslforum-org:cwmp-1-0").replace(b"MaxEnvelopes", b"MaxEnvelope")
    content = etree.fromstring(body)[0][0]
    assert not _schema("1-0").validate(etree.ElementTree(etree.fromstring(etree.tostring(content))))
