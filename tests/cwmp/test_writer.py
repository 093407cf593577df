import re

import pytest
from hypothesis import given, settings

from cwmp.envelope import Header, write
from cwmp.errors import LocalProtocolError
from cwmp.messages import (
    AddObject,
    DeleteObject,
    EmptyPost,
    Fault,
    GetParameterNames,
    GetParameterValues,
    GetRPCMethods,
    InformResponse,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValues,
    SoapFault,
    UnknownRequest,
)
from tests.cwmp.samples import INFORM, NAMESPACE, read
from tests.cwmp.strategies import ANY_MESSAGE, MESSAGES, NAMESPACES

URL = "https://phan.example.net/r/?a=1&b=<x>\"'é\U0001f600"


def text_of(message, **headers):
    return write(message, **({"namespace": NAMESPACE} | headers)).decode("ascii")


def spv(*parameters, key="k-1"):
    return SetParameterValues(parameters or (ParameterValueStruct("Device.A", "1"),), key)


@given(ANY_MESSAGE, NAMESPACES)
def test_what_is_written_is_read_back_the_same(message, namespace):
    found = read(write(message, namespace=namespace, id="7"))
    assert (found.namespace, found.header, found.message, found.repairs) == (namespace, Header("7"), message, ())


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.__name__)
def test_each_message_is_read_back_the_same(kind):
    @settings(max_examples=50)
    @given(MESSAGES[kind])
    def check(message):
        assert read(write(message, namespace=NAMESPACE)).message == message

    check()


def test_headers_are_read_back_the_same():
    body = write(
        INFORM,
        namespace=NAMESPACE,
        id=" a<&>\"' ",
        use_version="1.4",
        hold_requests=False,
        session_timeout=120,
        supported_versions=("1.0", "1.4"),
    )
    assert read(body).header == Header(" a<&>\"' ", 120, ("1.0", "1.4"), "1.4", hold_requests=False)


class TestBytes:
    def test_an_answer_begins_with_its_envelope_and_all_five_prefixes(self):
        """X-02: and without an XML declaration."""
        start, _, _ = text_of(InformResponse()).partition(">")
        assert start.startswith("<soap-env:Envelope ")
        assert re.findall(r'xmlns:([\w-]+)="([^"]+)"', start) == [
            ("soap-env", "http://schemas.xmlsoap.org/soap/envelope/"),
            ("soap-enc", "http://schemas.xmlsoap.org/soap/encoding/"),
            ("xsd", "http://www.w3.org/2001/XMLSchema"),
            ("xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ("cwmp", NAMESPACE),
        ]

    def test_an_inform_response_says_one_envelope(self):
        """S-02"""
        assert "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>" in text_of(InformResponse())

    def test_an_id_is_echoed_with_must_understand(self):
        """X-04"""
        assert '<cwmp:ID soap-env:mustUnderstand="1">0</cwmp:ID>' in text_of(InformResponse(), id="0")

    def test_without_an_id_there_is_none(self):
        """X-05, V-06"""
        assert "Header" not in text_of(InformResponse())

    def test_hold_requests_is_a_digit(self):
        """S-12"""
        assert '<cwmp:HoldRequests soap-env:mustUnderstand="1">1</cwmp:HoldRequests>' in text_of(
            InformResponse(), hold_requests=True
        )
        assert ">0</cwmp:HoldRequests>" in text_of(InformResponse(), hold_requests=False)

    def test_the_version_to_use_must_be_understood(self):
        """V-06"""
        assert '<cwmp:UseCWMPVersion soap-env:mustUnderstand="1">1.4</cwmp:UseCWMPVersion>' in text_of(
            InformResponse(), use_version="1.4"
        )

    @pytest.mark.parametrize("count", [1, 2, 18])
    def test_counts_are_exact_and_values_are_typed(self, count):
        """X-08, X-09"""
        parameters = [ParameterValueStruct(f"Device.A{n}", str(n), "xsd:unsignedInt") for n in range(count)]
        text = text_of(spv(*parameters))
        assert f'soap-enc:arrayType="cwmp:ParameterValueStruct[{count}]"' in text
        assert text.count('<Value xsi:type="xsd:unsignedInt">') == count

    def test_a_url_arrives_byte_for_byte(self):
        """X-15"""
        text = text_of(spv(ParameterValueStruct("Device.A", URL)))
        assert text.isascii()
        assert "&#233;" in text
        assert read(text.encode()).message.parameters[0].value == URL

    def test_an_empty_string_is_an_empty_element(self):
        """X-18, R-07"""
        text = text_of(spv(ParameterValueStruct("Device.A", ""), key=""))
        assert '<Value xsi:type="xsd:string"></Value>' in text
        assert "<ParameterKey></ParameterKey>" in text

    def test_nothing_is_added_between_tags_or_inside_them(self):
        """X-17"""
        text = text_of(INFORM, id="7")
        assert not re.search(r">\s|\s<", text)
        assert ">value 3<" in text

    @given(ANY_MESSAGE)
    def test_no_child_is_qualified(self, message):
        """X-03"""
        qualified = re.findall(r"<(?:cwmp|soap-env|soap-enc):(\w+)", text_of(message, id="7"))
        assert set(qualified) <= {"Envelope", "Header", "ID", "Body", "Fault", type(message).__name__}

    def test_next_level_is_a_digit(self):
        """R-15"""
        assert "<NextLevel>1</NextLevel>" in text_of(GetParameterNames("Device.", next_level=True))

    def test_a_fault_has_its_layout(self):
        """X-12"""
        message = Fault(8003, "no", (ParameterFault("Device.A", 9005, "x"),))
        assert (
            "<soap-env:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault>"
            "<FaultCode>8003</FaultCode><FaultString>no</FaultString>"
        ) in text_of(message)
        assert "<faultcode>Server</faultcode>" in text_of(Fault(8000, "Method not supported"))
        assert "<FaultCode>8005</FaultCode>" in text_of(Fault(8005))

    def test_a_header_that_is_not_understood_is_soaps_own_fault(self):
        """X-10"""
        text = text_of(SoapFault("MustUnderstand", "Foo"))
        assert "<faultcode>soap-env:MustUnderstand</faultcode><faultstring>Foo</faultstring></soap-env:Fault>" in text

    def test_an_empty_post_is_no_bytes(self):
        """T-17"""
        assert write(EmptyPost(), namespace="") == b""

    @pytest.mark.parametrize("minor", [0, 1, 2, 3, 4])
    def test_the_namespace_is_the_cpes(self, minor):
        """V-04"""
        namespace = f"urn:dslforum-org:cwmp-1-{minor}"
        assert f'xmlns:cwmp="{namespace}"' in text_of(Fault(8002), namespace=namespace)


class TestRefusals:
    @pytest.mark.parametrize(
        "message",
        [
            SetParameterValues((), ""),
            spv(ParameterValueStruct("Device.A", "1"), ParameterValueStruct("Device.A", "2")),
            spv(key="x" * 33),
            spv(ParameterValueStruct("Device." + "x" * 250, "1")),
            spv(ParameterValueStruct("Device.A", "1", "string")),
            spv(ParameterValueStruct("Device.A", "a\x02b")),
            spv(ParameterValueStruct("Device.A", "\ud800")),
            spv(ParameterValueStruct("Device.A", "\uffff")),
            GetParameterValues(()),
            GetParameterNames("Device.A", next_level=True),
            AddObject("Device.A", ""),
            DeleteObject("Device.A.1", ""),
            UnknownRequest("X"),
        ],
        ids=range(13),
    )
    def test_what_no_cpe_could_use_is_never_written(self, message):
        """R-07, R-09, R-15, R-18, R-20, X-15, D-06"""
        with pytest.raises(LocalProtocolError):
            write(message, namespace=NAMESPACE)

    @pytest.mark.parametrize("namespace", ["", "urn:foo", "urn:dslforum-org:cwmp-9-9", NAMESPACE + '" x="'])
    def test_no_other_namespace_is_ever_echoed(self, namespace):
        """V-10"""
        with pytest.raises(LocalProtocolError):
            write(GetRPCMethods(), namespace=namespace)
