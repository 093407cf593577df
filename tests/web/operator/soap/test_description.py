"""The WSDL and the schema: what the repository holds, what a daemon serves, and that messages are as they say."""

from pathlib import Path

import pytest
import xmlschema
from lxml import etree

from acs_bridge.web.operator.soap.interface import Interface
from acs_bridge.web.operator.soap.vocabulary import PATH
from tests.web.operator.conftest import PUBLIC_URL
from tests.web.operator.soap.conftest import SOAP

FOLDER = Path(__file__).resolve().parents[4] / "schemas" / "soap"
WSDL = {"w": "http://schemas.xmlsoap.org/wsdl/", "x": "http://schemas.xmlsoap.org/wsdl/soap/"}
OPERATIONS = [
    "CreateSubscriber",
    "CreateDevice",
    "Associate",
    "Provision",
    "SwapGateway",
    "EndAssociation",
    "GetProvisioningStatus",
]
PROVISION = (
    "<a:Provision><a:Subscriber><a:Name>Ann</a:Name><a:Code>C-1</a:Code></a:Subscriber>"
    "<a:LineOfService>00:11:22:33:44:55</a:LineOfService><a:Gateway><a:Oui>00236A</a:Oui>"
    "<a:SerialNumber>S-1</a:SerialNumber></a:Gateway></a:Provision>"
)
LINE = "<a:LineOfService>0011.2233.44FF</a:LineOfService>"
BOX = "<a:Gateway><a:Oui>00236A</a:Oui><a:SerialNumber>S-2</a:SerialNumber></a:Gateway>"


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.parse(FOLDER / "provisioning.xsd"))


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "made"),
        [
            ("provisioning.wsdl", lambda: Interface().wsdl(f"http://127.0.0.1:8080{PATH}")),
            ("provisioning.xsd", lambda: Interface().schema()),
        ],
    )
    def test_are_what_the_operations_make_of_them(self, name, made):
        assert (FOLDER / name).read_bytes() == made(), "make schemas"

    def test_the_schema_is_one_for_two_validators(self, schema):
        elements = set(xmlschema.XMLSchema10(FOLDER / "provisioning.xsd").elements)
        assert elements == {*OPERATIONS, *(f"{name}Response" for name in OPERATIONS), "ProvisioningFault"}

    def test_the_wsdl_holds_the_same_schema(self):
        (inside,) = etree.parse(FOLDER / "provisioning.wsdl").iterfind(".//{*}schema")
        alone = etree.parse(FOLDER / "provisioning.xsd").getroot()
        assert [dict(each.attrib) for each in inside.iter()] == [dict(each.attrib) for each in alone.iter()]

    def test_the_wsdl_is_document_literal_with_one_fault_for_every_operation(self):
        root = etree.parse(FOLDER / "provisioning.wsdl").getroot()
        bound = root.findall("w:binding/w:operation", WSDL)
        assert [each.get("name") for each in bound] == OPERATIONS
        assert {each.get("use") for each in root.iterfind("w:binding//x:body", WSDL)} == {"literal"}
        assert {each.get("style") for each in root.iterfind("w:binding//x:operation", WSDL)} == {"document"}
        assert len(root.findall("w:binding//x:fault", WSDL)) == len(OPERATIONS)

    def test_nothing_in_them_is_a_phan_url(self):
        for path in FOLDER.iterdir():
            assert "phan" not in path.read_text("utf-8").lower()


class TestServed:
    @pytest.mark.parametrize("query", ["wsdl", "WSDL"])
    async def test_the_wsdl_is_for_everybody_and_names_the_public_url_whatever_the_host(self, operator, query):
        reply = await operator.as_(None)("GET", f"{PATH}?{query}", headers={"Host": "evil.example"})
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        root = etree.fromstring(reply.text.encode())
        assert [each.get("location") for each in root.iterfind(".//x:address", WSDL)] == [f"{PUBLIC_URL}{PATH}"]
        assert "evil" not in reply.text

    async def test_without_the_query_there_is_nothing_to_see(self, operator):
        assert (await operator.as_(None)("GET", PATH)).status == 405


class TestMessages:
    async def test_every_answer_is_as_the_schema_says(self, bss, schema):
        made = await bss.ask(PROVISION)
        for body in (
            "<a:CreateSubscriber><a:Name>B</a:Name><a:Code>C-2</a:Code></a:CreateSubscriber>",
            f"<a:CreateDevice>{LINE}</a:CreateDevice>",
            f"<a:Associate><a:SubscriberCode>C-2</a:SubscriberCode>{LINE}</a:Associate>",
            f"<a:SwapGateway>{LINE}{BOX}</a:SwapGateway>",
            f"<a:GetProvisioningStatus>{LINE}</a:GetProvisioningStatus>",
            f"<a:EndAssociation>{LINE}</a:EndAssociation>",
        ):
            answer = await bss.ask(body)
            assert answer.status == 200, answer.reply.text
            schema.assertValid(answer.root.find("s:Body", SOAP)[0])
        schema.assertValid(made.root.find("s:Body", SOAP)[0])

    @pytest.mark.parametrize(
        "body",
        [
            "<a:x/>",
            "<a:CreateSubscriber/>",
            "<a:EndAssociation><a:LineOfService>x</a:LineOfService></a:EndAssociation>",
            "<a:CreateSubscriber><a:Name>\u202e</a:Name><a:Code>\u202e</a:Code></a:CreateSubscriber>",
        ],
    )
    async def test_every_detail_of_a_fault_is_as_the_schema_says(self, bss, schema, body):
        fault = await bss.ask(body)
        (detail,) = fault.root.find("s:Body/s:Fault/detail", SOAP)
        schema.assertValid(detail)

    async def test_no_answer_has_a_phan_url(self, admin, bss):
        made = await bss.ask(PROVISION)
        association = made.text("a:ProvisionResponse/a:Request/a:AssociationId")
        url = (await admin.post(f"/v1/associations/{association}/reveal")).json["phan_url"]
        shown = await bss.ask(
            f"<a:GetProvisioningStatus><a:AssociationId>{association}</a:AssociationId></a:GetProvisioningStatus>"
        )
        assert shown.status == 200
        assert url.rpartition("/")[2] not in made.reply.text + shown.reply.text
