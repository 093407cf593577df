import pytest

from cwmp.envelope import Envelope, Header
from cwmp.errors import MalformedMessage, RemoteProtocolError
from cwmp.limits import Limits
from cwmp.messages import (
    AddObjectResponse,
    EmptyPost,
    EventStruct,
    Fault,
    GetRPCMethods,
    ParameterFault,
    UnknownRequest,
    UnknownResponse,
)
from tests.cwmp.samples import INFORM, NAMESPACE, envelope, inform_bytes, inform_with, read


class TestEmptyPost:
    def test_no_bytes_are_an_empty_post(self):
        """T-11"""
        assert read(b"") == Envelope("", Header(), EmptyPost())

    @pytest.mark.parametrize("body", [b" ", b"\r\n", b"\n\t \n"])
    def test_blanks_are_an_empty_post_and_are_noted(self, body):
        """T-11"""
        assert read(body).message == EmptyPost()
        assert read(body).repairs == ("blanks for an empty body",)

    @pytest.mark.parametrize("body", [b"\0", b"OK", b"<html></html>", b"name=value"])
    def test_noise_is_never_an_empty_post(self, body):
        """S-27, T-13"""
        with pytest.raises(MalformedMessage) as caught:
            read(body)
        assert not caught.value.answerable


class TestNamespace:
    @pytest.mark.parametrize("minor", [0, 1, 2, 3, 4, 5, 10])
    def test_every_namespace_of_the_family_is_kept(self, minor):
        """V-03, V-04"""
        namespace = f"urn:dslforum-org:cwmp-1-{minor}"
        assert read(envelope("<c:GetRPCMethods/>", namespace=namespace)).namespace == namespace

    def test_a_namespace_may_be_declared_on_the_message_itself(self):
        """V-01"""
        body = envelope("<GetRPCMethods xmlns='urn:dslforum-org:cwmp-1-1'/>")
        assert read(body).namespace == "urn:dslforum-org:cwmp-1-1"

    def test_a_message_in_no_namespace_speaks_what_is_declared_around_it(self):
        assert read(envelope("<GetRPCMethods/>")).namespace == NAMESPACE

    def test_another_cwmp_is_incompatible(self):
        """V-10"""
        with pytest.raises(RemoteProtocolError) as caught:
            read(envelope("<c:Inform/>", "<c:ID>7</c:ID>", namespace="urn:dslforum-org:cwmp-9-9"))
        error = caught.value
        assert (error.fault, error.method, error.request_id, error.answerable) == (8006, "Inform", "7", True)
        assert error.namespace == NAMESPACE

    def test_digits_of_other_scripts_name_no_version(self):
        with pytest.raises(RemoteProtocolError):
            read(envelope("<c:Inform/>", namespace="urn:dslforum-org:cwmp-1-\u0663"))

    def test_a_foreign_namespace_is_malformed(self):
        """V-10"""
        with pytest.raises(MalformedMessage) as caught:
            read(envelope("<c:Inform/>", namespace="urn:foo"))
        assert (caught.value.fault, caught.value.namespace) == (8003, NAMESPACE)

    @pytest.mark.parametrize("body", [b"<Envelope/>", b"<a><Body/></a>", b"<Envelope><Header/></Envelope>"])
    def test_an_envelope_without_a_body_is_malformed(self, body):
        """S-27"""
        with pytest.raises(MalformedMessage):
            read(body)

    def test_soap_1_2_is_malformed(self):
        """X-01"""
        body = envelope("<c:GetRPCMethods/>").replace(
            b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
        )
        with pytest.raises(MalformedMessage):
            read(body)


class TestBody:
    @pytest.mark.parametrize("content", ["", "<c:GetRPCMethods/><c:GetRPCMethods/>"])
    def test_a_body_has_exactly_one_message(self, content):
        """X-01, S-03"""
        with pytest.raises(MalformedMessage) as caught:
            read(envelope(content, "<c:ID>7</c:ID>"))
        assert caught.value.answerable is bool(content)
        assert (caught.value.request_id, caught.value.namespace) == ("7", NAMESPACE)

    def test_two_bodies_are_malformed(self):
        with pytest.raises(MalformedMessage):
            read(envelope("<c:GetRPCMethods/></s:Body><s:Body>"))

    def test_two_envelopes_are_malformed(self):
        """S-03"""
        with pytest.raises(MalformedMessage):
            read(inform_bytes() * 2)

    def test_a_multi_reference_body_is_malformed(self):
        """X-19"""
        with pytest.raises(MalformedMessage):
            read(envelope('<c:Inform href="#1"/><multiRef id="1"/>'))

    @pytest.mark.parametrize(
        ("name", "message"),
        [("X_ACME_Hello", UnknownRequest("X_ACME_Hello")), ("RebootResponse", UnknownResponse("RebootResponse"))],
    )
    def test_an_unknown_name_tells_a_request_from_a_response(self, name, message):
        """X-11"""
        assert read(envelope(f"<c:{name}><A/></c:{name}>")).message == message


class TestId:
    @pytest.mark.parametrize("text", ["0", " 12 ", "inform", "x" * 300, "a&amp;b", "007", "çé"])
    def test_an_id_is_kept_verbatim(self, text):
        """X-04"""
        assert read(envelope("<c:GetRPCMethods/>", f"<c:ID>{text}</c:ID>")).header.id == text.replace("&amp;", "&")

    @pytest.mark.parametrize("header", ["", "<c:ID/>", "<c:ID>\n  </c:ID>"])
    def test_without_an_id_there_is_none(self, header):
        """X-05"""
        assert read(envelope("<c:GetRPCMethods/>", header)).header.id is None

    def test_an_endless_id_is_not_echoed(self):
        found = read(envelope("<c:GetRPCMethods/>", f"<c:ID>{'x' * 2000}</c:ID>"))
        assert (found.header.id, found.repairs) == (None, ("ID too long",))


class TestHeader:
    def test_what_must_be_understood_and_is_not_is_listed(self):
        """X-10"""
        header = (
            '<c:ID>1</c:ID><v:Foo xmlns:v="urn:v" s:mustUnderstand="1"/><v:Bar xmlns:v="urn:v" s:mustUnderstand="0"/>'
        )
        found = read(envelope("<c:GetRPCMethods/>", header))
        assert (found.header.id, found.header.not_understood) == ("1", ("Foo",))

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("120", 120), (" 5\n", 5), ("0", 0), ("4294967295", 4294967295), ("abc", None), ("-1", None)],
    )
    def test_a_session_timeout_is_never_a_fault(self, text, seconds):
        """V-08"""
        header = f"<c:SessionTimeout>{text}</c:SessionTimeout>"
        assert read(envelope("<c:GetRPCMethods/>", header)).header.session_timeout == seconds

    def test_the_name_of_the_session_timeout_is_exact(self):
        """V-08"""
        header = "<c:sessionTimeout>120</c:sessionTimeout>"
        assert read(envelope("<c:GetRPCMethods/>", header)).header.session_timeout is None

    def test_headers_of_the_acs_are_read_and_do_no_harm(self):
        """V-09"""
        header = (
            '<c:HoldRequests s:mustUnderstand="1"> 1 </c:HoldRequests>'
            '<c:UseCWMPVersion s:mustUnderstand="1">1.4</c:UseCWMPVersion>'
        )
        found = read(envelope("<c:GetRPCMethods/>", header))
        assert found == Envelope(NAMESPACE, Header(use_version="1.4", hold_requests=True), GetRPCMethods())


class TestInform:
    @pytest.mark.parametrize(
        "device",
        [
            "",
            "<OUI>00005E</OUI>",
            "<SerialNumber>S</SerialNumber>",
            "<OUI> </OUI><SerialNumber>S</SerialNumber>",
            "<OUI>00005E</OUI><SerialNumber/>",
            f"<OUI>00005E</OUI><SerialNumber>{'9' * 65}</SerialNumber>",
        ],
    )
    def test_an_inform_that_does_not_say_who_speaks_is_refused(self, device):
        """R-01"""
        with pytest.raises(RemoteProtocolError) as caught:
            read(inform_with(device, header="<c:ID>7</c:ID>"))
        error = caught.value
        assert (error.fault, error.method, error.request_id, error.answerable) == (8003, "Inform", "7", True)

    def test_a_refusal_is_answered_in_the_namespace_of_the_cpe(self):
        """V-04"""
        with pytest.raises(RemoteProtocolError) as caught:
            read(envelope("<c:Inform/>", namespace="urn:dslforum-org:cwmp-1-0"))
        assert caught.value.namespace == "urn:dslforum-org:cwmp-1-0"

    def test_an_inform_without_a_device_id_is_refused(self):
        with pytest.raises(RemoteProtocolError):
            read(envelope("<c:Inform/>"))

    @pytest.mark.parametrize("text", ["", "<b>", "a/../b", "%0a"])
    def test_any_product_class_is_taken_as_it_is(self, text):
        """R-02"""
        escaped = text.replace("<", "&lt;")
        device = f"<OUI>3c9066</OUI><ProductClass>{escaped}</ProductClass><SerialNumber>S</SerialNumber>"
        found = read(inform_with(device)).message.device_id
        assert (found.oui, found.product_class) == ("3C9066", text)

    def test_sixty_four_events_are_taken_and_no_more(self):
        """R-01"""
        events = "<EventStruct><EventCode>2 PERIODIC</EventCode></EventStruct>"
        assert len(read(inform_with(rest=f"<Event>{events * 64}</Event>")).message.events) == 64
        found = read(inform_with(rest=f"<Event>{events * 65}</Event>"))
        assert (len(found.message.events), found.repairs) == (64, ("events left out",))

    @pytest.mark.parametrize(
        "count", ['enc="[0008]"', 'arrayType="c:EventStruct[]"', "", 'arrayType="c:EventStruct[99]"']
    )
    def test_counts_do_not_count(self, count):
        """X-08"""
        rest = f"<Event {count}><EventStruct><EventCode>1 BOOT</EventCode></EventStruct></Event>"
        assert read(inform_with(rest=rest)).message.events == (EventStruct("1 BOOT"),)

    def test_parameters_beyond_the_limit_are_left_out(self):
        found = read(inform_bytes(), limits=Limits(parameters=3))
        assert found.message.parameters == INFORM.parameters[:3]
        assert found.repairs == ("parameters left out",)

    def test_a_parameter_with_a_name_that_is_too_long_is_left_out(self):
        names = ("Device.A", "Device." + "x" * 250, "Device.B")
        structs = "".join(
            f"<ParameterValueStruct><Name>{name}</Name><Value>1</Value></ParameterValueStruct>" for name in names
        )
        found = read(inform_with(rest=f"<ParameterList>{structs}</ParameterList>"))
        assert [parameter.name for parameter in found.message.parameters] == ["Device.A", "Device.B"]
        assert found.repairs == ("parameters left out",)

    def test_values_and_names_that_do_not_pair_up_stay_with_their_own(self):
        structs = (
            "<ParameterValueStruct><Name>Device.A</Name></ParameterValueStruct>"
            "<ParameterValueStruct><Name>Device.B</Name><Value>b<Name>inner</Name></Value></ParameterValueStruct>"
        )
        found = read(inform_with(rest=f"<ParameterList>{structs}</ParameterList>")).message
        assert [(parameter.name, parameter.value) for parameter in found.parameters] == [
            ("Device.A", ""),
            ("Device.B", "b"),
        ]

    @pytest.mark.parametrize(
        ("spelled", "type"),
        [
            ("xsd:boolean", "xsd:boolean"),
            ("xs:unsignedInt", "xsd:unsignedInt"),
            ("xsd:string(256)", "xsd:string"),
            ("string", "xsd:string"),
            ("SOAP-ENC:base64", "xsd:base64Binary"),
            ("soap-enc:base64", "xsd:base64Binary"),
            ("xsd:datetime", "xsd:dateTime"),
            ("nobody:knows", "xsd:string"),
            ("", "xsd:string"),
        ],
    )
    def test_types_come_in_many_spellings(self, spelled, type):
        """X-09, D-04"""
        struct = (
            f'<ParameterValueStruct><Name>Device.A</Name><Value xsi:type="{spelled}">1</Value></ParameterValueStruct>'
        )
        found = read(inform_with(rest=f"<ParameterList>{struct}</ParameterList>")).message
        assert found.parameters[0].type == type

    @pytest.mark.parametrize(
        ("attributes", "type"),
        [
            ('xsi:type="xsd:int" enc="xsd:boolean"', "xsd:int"),
            ('enc="xsd:boolean" xsi:type="xsd:int"', "xsd:int"),
            ('type="xsd:boolean" xsi:type="xsd:int"', "xsd:int"),
            ('enc="1" type="xsd:int"', "xsd:int"),
            ('enc="1"', "xsd:string"),
        ],
    )
    def test_other_attributes_do_not_hide_the_type(self, attributes, type):
        """X-09"""
        struct = f"<ParameterValueStruct><Name>Device.A</Name><Value {attributes}>1</Value></ParameterValueStruct>"
        found = read(inform_with(rest=f"<ParameterList>{struct}</ParameterList>")).message
        assert found.parameters[0].type == type


class TestFault:
    def test_a_fault_string_is_made_fit_for_a_log(self):
        """F-02"""
        text = "\x85bad&#13;&#10;\t" + "&lt;script>" + "x" * 1000
        detail = f"<detail><c:Fault><FaultCode>9002</FaultCode><FaultString>{text}</FaultString></c:Fault></detail>"
        found = read(envelope(f"<s:Fault>{detail}</s:Fault>")).message
        assert found.text.startswith("bad <script>x")
        assert len(found.text) == 256

    def test_a_code_in_the_place_of_soaps_is_found(self):
        body = envelope("<s:Fault><faultcode>Client.9005</faultcode><faultstring>no</faultstring></s:Fault>")
        assert read(body).message == Fault(9005, "no")

    def test_parameters_are_kept_without_a_code_of_the_whole(self):
        """X-14"""
        one = (
            "<SetParameterValuesFault><ParameterName>Device.A</ParameterName><FaultCode>9007</FaultCode>"
            "</SetParameterValuesFault>"
        )
        body = envelope(f"<s:Fault><detail><c:Fault>{one}</c:Fault></detail></s:Fault>")
        assert read(body).message == Fault(9002, "", (ParameterFault("Device.A", 9007),))


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 3 ", 3), ("4294967295", 4294967295), ("0", None), ("4294967296", None), ("", None), ("x", None)],
)
def test_only_an_instance_number_is_one(text, number):
    """R-18"""
    content = f"<InstanceNumber>{text}</InstanceNumber><Status>0</Status>"
    found = read(envelope(f"<c:AddObjectResponse>{content}</c:AddObjectResponse>")).message
    assert found == AddObjectResponse(number, 0)


@pytest.mark.parametrize(
    ("text", "status"), [("0", 0), ("1", 1), ("\n1\n", 1), ("", None), ("ok", None), ("9" * 5000, None)]
)
def test_a_status_that_is_none_is_none(text, status):
    """R-10"""
    body = envelope(f"<c:SetParameterValuesResponse><Status>{text}</Status></c:SetParameterValuesResponse>")
    assert read(body).message.status == status
