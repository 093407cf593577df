"""Bad input over SOAP: a fault that names what is wrong, and nothing changes."""

import asyncio
import gzip
import io
import logging
import os
import zlib

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.errors import Unavailable
from acs_bridge.web.operator.soap.vocabulary import ENVELOPE_12, INSTANCE, NAMESPACE
from tests.web.operator.soap.conftest import envelope

GOOD = "<a:CreateSubscriber><a:Name>Ann</a:Name><a:Code>C-1</a:Code></a:CreateSubscriber>"
BOMB = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'
)
DOCTYPE = '<!DOCTYPE x SYSTEM "file:///etc/passwd">'
WAITED_SECONDS = 20
LINE = "<a:LineOfService>L</a:LineOfService>"
BOX = "<a:Gateway><a:Oui>0</a:Oui><a:SerialNumber>S</a:SerialNumber></a:Gateway>"


def subscriber(name="<a:Name>Ann</a:Name>", code="<a:Code>C-1</a:Code>"):
    return f"<a:CreateSubscriber>{name}{code}</a:CreateSubscriber>"


@pytest.fixture
async def nothing_changed(operator, intake):
    yield
    assert (await intake.get("/v1/subscribers")).json["items"] == []
    assert (await intake.get("/v1/devices")).json["items"] == []


pytestmark = pytest.mark.usefixtures("nothing_changed")


class TestFields:
    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (subscriber(code=""), {"Code": "is required"}),
            (subscriber(name="", code=""), {"Name": "is required"}),
            (subscriber(code="<a:Code/>"), {"Code": "at least 1 character"}),
            (subscriber(code="<a:Code> \n </a:Code>"), {"Code": "at least 1 character"}),
            (subscriber(code=f"<a:Code>{'x' * 65}</a:Code>"), {"Code": "at most 64 characters"}),
            (subscriber(name=f"<a:Name>{'x' * 129}</a:Name>"), {"Name": "at most 128 characters"}),
            (subscriber(name="<a:Name/>", code="<a:Code/>"), {"Name": "at least 1", "Code": "at least 1"}),
            (subscriber(code="<a:Code>a&#x85;b</a:Code>"), {"Code": "not allowed"}),
            (subscriber(code="<a:Code>a\tb</a:Code>"), {"Code": "U+0009"}),
            (subscriber(code="<a:Code>a\u202eb</a:Code>"), {"Code": "U+202E"}),
            (subscriber(code="<Code>C-1</Code>"), {"Code": "is not expected here; Code is"}),
            (subscriber(code="<a:Code>1</a:Code><a:Code>2</a:Code>"), {"Code": "is not expected here"}),
            (subscriber("<a:Code>C-1</a:Code>", "<a:Name>Ann</a:Name>"), {"Code": "is not expected here; Name is"}),
            (subscriber(code="<a:Code x='1'>C-1</a:Code>"), {"Code": "does not fit"}),
            (
                f'<a:EndAssociation xmlns:i="{INSTANCE}"><a:LineOfService i:nil="true"/></a:EndAssociation>',
                {"LineOfService": "must not be nil"},
            ),
            (
                "<a:Provision><a:Subscriber><a:Name>A</a:Name></a:Subscriber></a:Provision>",
                {"Subscriber.Code": "is required", "LineOfService": "is required"},
            ),
            (
                f"<a:SwapGateway>{LINE}{BOX}<a:ReplaceExisting>perhaps</a:ReplaceExisting></a:SwapGateway>",
                {"ReplaceExisting": "must be true or false"},
            ),
            ("<a:EndAssociation/>", {"EndAssociation": "one of AssociationId, LineOfService is required"}),
            ("<a:GetProvisioningStatus><a:RequestId>7</a:RequestId></a:GetProvisioningStatus>", {"RequestId": "form"}),
        ],
    )
    async def test_one_that_cannot_be_taken_is_named_with_its_limit(self, bss, body, fields):
        refused = await bss.ask(body)
        assert (refused.status, refused.faultcode, refused.code) == (500, "soap:Client", "InvalidInput")
        found = refused.fields
        assert {name: words in found.get(name, "") for name, words in fields.items()} == dict.fromkeys(fields, True), (
            found
        )

    async def test_its_value_is_not_repeated(self, bss):
        refused = await bss.ask(subscriber(code=f"<a:Code>{'secret' * 20}</a:Code>"))
        assert "secret" not in refused.reply.text

    async def test_what_the_gateway_of_a_line_could_not_take_is_said_as_v1_says_it(self, operator, bss):
        from acs_bridge.store.gateways import Identity

        await operator.office.inform(Identity("00236A", "S-1", "SR400"))
        box = "<a:Oui>00236A</a:Oui><a:ProductClass>SR400</a:ProductClass><a:SerialNumber>S-1</a:SerialNumber>"
        refused = await bss.ask(
            "<a:Provision><a:Subscriber><a:Name>A</a:Name><a:Code>C</a:Code></a:Subscriber>"
            f"<a:LineOfService>{'L' * 64}</a:LineOfService><a:Gateway>{box}</a:Gateway></a:Provision>"
        )
        assert (refused.code, refused.fields.keys()) == ("InvalidInput", {"LineOfService"})


class TestMessages:
    @pytest.mark.parametrize(
        ("body", "status", "code", "words"),
        [
            (b"", 400, "InvalidMessage", "no body"),
            (b"  \n ", 400, "InvalidMessage", "no body"),
            (b"<html><body><p>x</body></html>", 400, "InvalidMessage", "well-formed"),
            (b"<html><body/></html>", 500, "InvalidMessage", "no SOAP envelope"),
            (b'{"name": "Ann", "code": "C-1"}', 400, "InvalidMessage", "well-formed"),
            (b"\xff\xfe\xfa", 400, "InvalidMessage", "charset"),
            (b"\0" * 100, 400, "InvalidMessage", "well-formed"),
            (envelope(GOOD)[:-5].encode(), 400, "InvalidMessage", "well-formed"),
            (envelope(GOOD).encode() + b"<x/>", 400, "InvalidMessage", "well-formed"),
            (envelope(GOOD).replace("Ann", "a\x01b").encode(), 400, "InvalidMessage", "well-formed"),
            (envelope(GOOD).replace("Ann", "&nbsp;").encode(), 400, "InvalidMessage", "well-formed"),
            (envelope(GOOD).replace("Ann", "\ufffe").encode(), 400, "InvalidMessage", "well-formed"),
            (envelope(""), 500, "InvalidMessage", "asks for none"),
            (envelope(GOOD + GOOD), 500, "InvalidMessage", "asks for 2"),
            (envelope(GOOD).replace("s:Body", "s:Bdoy"), 500, "InvalidMessage", "one Body"),
            (envelope(GOOD).replace("</s:Envelope>", "<s:Body/></s:Envelope>"), 500, "InvalidMessage", "one Body"),
            (envelope(GOOD, namespace=ENVELOPE_12), 500, "VersionMismatch", "not 1.2"),
            (envelope(GOOD, namespace="urn:x"), 500, "VersionMismatch", "not SOAP 1.1's"),
            (envelope(GOOD).replace(NAMESPACE, "urn:x"), 500, "UnknownOperation", "CreateSubscriber in this namespace"),
            (envelope("<CreateSubscriber/>"), 500, "UnknownOperation", "is no operation"),
            (envelope("<a:DropEverything/>"), 500, "UnknownOperation", "DropEverything"),
            (envelope("<a:CreateSubscriberResponse/>"), 500, "UnknownOperation", "is no operation"),
            (envelope("<s:Fault/>"), 500, "UnknownOperation", "Fault"),
        ],
    )
    async def test_what_is_no_request_gets_a_fault(self, bss, body, status, code, words):
        refused = await bss.send(body)
        assert (refused.status, refused.code) == (status, code), refused.reply.text
        assert words in refused.detail
        assert refused.faultcode == ("soap:VersionMismatch" if code == "VersionMismatch" else "soap:Client")

    @pytest.mark.parametrize("doctype", [DOCTYPE, BOMB])
    @pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
    @pytest.mark.parametrize("said", [True, False])
    async def test_a_document_type_is_refused_in_every_charset(self, bss, doctype, charset, said):
        body = doctype + envelope(GOOD).replace("Ann", "&b;")
        more = {"Content_Type": f"text/xml; charset={charset.removesuffix('-le').removesuffix('-be')}"} if said else {}
        refused = await bss.send(body.encode(charset), **({"Content_Type": "text/xml"} | more))
        assert (refused.status, "document type" in refused.detail) == (400, True), refused.reply.text

    @pytest.mark.parametrize("charset", ["utf-7", "idna", "ebcdic-cp-us", "zip", "x" * 200, "utf-16"])
    async def test_a_charset_that_is_not_known_or_not_true_is_refused(self, bss, charset):
        refused = await bss.send(envelope(GOOD), Content_Type=f"text/xml; charset={charset}")
        assert (refused.status, "charset" in refused.detail) == (400, True)

    async def test_a_message_of_two_mebibytes_is_413(self, bss):
        refused = await bss.send(io.BytesIO(subscriber(name=f"<a:Name>{'x' * (2 << 20)}</a:Name>").encode()))
        assert (refused.status, refused.code, refused.detail) == (413, "TooLarge", "a body has at most 1 MiB")

    @pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
    async def test_a_compressed_message_of_two_mebibytes_is_413(self, bss, compress):
        coding = "gzip" if compress is gzip.compress else "deflate"
        refused = await bss.send(compress(envelope("x" * (2 << 20)).encode()), Content_Encoding=coding)
        assert (refused.status, refused.code) == (413, "TooLarge")

    async def test_what_does_not_inflate_is_400(self, bss):
        assert (await bss.send(b"\x1f\x8b" + b"\0" * 100, Content_Encoding="gzip")).status == 400

    @pytest.mark.parametrize(("depth", "code"), [(100, "InvalidMessage"), (63, "InvalidMessage"), (61, "InvalidInput")])
    async def test_a_message_has_at_most_64_levels(self, bss, depth, code):
        refused = await bss.ask(f"<a:CreateSubscriber>{'<a:x>' * depth}{'</a:x>' * depth}</a:CreateSubscriber>")
        assert refused.code == code
        assert ("64 levels" in refused.detail) == (code == "InvalidMessage")

    async def test_a_message_of_very_many_elements_or_very_many_levels_is_refused(self, bss):
        for body in ("<a:x/>" * 50_000, "<a:x>" * 1000 + "</a:x>" * 1000):
            assert (await bss.ask(body)).status == 400

    async def test_large_messages_are_read_beside_the_others(self, bss):
        many = "<a:x y='1'/>" * 9000
        large = f"<a:CreateSubscriber>{many}</a:CreateSubscriber>"
        refused = await asyncio.gather(*(bss.ask(large) for _ in range(4)), bss.ask(subscriber(code="")))
        assert [each.code for each in refused] == ["InvalidInput"] * 5

    async def test_the_validator_does_not_go_where_a_message_says_its_schema_lies(self, bss, tmp_path):
        """Nobody writes into the pipe: who opened it to read would wait for ever."""
        os.mkfifo(tmp_path / "pipe")
        hint = f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x file://{tmp_path}/pipe"'
        body = f'<a:CreateSubscriber {hint}><x xmlns="urn:x"/></a:CreateSubscriber>'
        refused = await asyncio.wait_for(bss.ask(body), WAITED_SECONDS)
        assert refused.code == "InvalidInput"

    @pytest.mark.parametrize("must", ["1", "true"])
    async def test_a_header_that_must_be_understood_is_refused(self, bss, must):
        header = f'<s:Header><w:Security xmlns:w="urn:w" s:mustUnderstand="{must}"/></s:Header>'
        refused = await bss.send(envelope(GOOD, header=header))
        assert (refused.status, refused.faultcode) == (500, "soap:MustUnderstand")
        assert "Security" in refused.detail


class TestHttp:
    @pytest.mark.parametrize(
        "media_type", ["application/json", "text/html", "application/xml", "multipart/related", ""]
    )
    async def test_another_media_type_is_415(self, bss, media_type):
        refused = await bss.send(envelope(GOOD), Content_Type=media_type)
        assert (refused.status, refused.code) == (415, "InvalidMessage")
        assert "text/xml" in refused.detail

    async def test_the_media_type_of_soap_12_is_a_version_mismatch(self, bss):
        refused = await bss.send(envelope(GOOD, namespace=ENVELOPE_12), Content_Type="application/soap+xml")
        assert (refused.status, refused.faultcode) == (500, "soap:VersionMismatch")

    async def test_another_coding_is_415(self, bss):
        assert (await bss.send(envelope(GOOD), Content_Encoding="compress")).status == 415

    @pytest.mark.parametrize(("method", "query"), [("GET", ""), ("GET", "?xsd"), ("PUT", ""), ("DELETE", "?wsdl")])
    async def test_another_method_is_405_and_says_which_is_taken(self, operator, admin, method, query):
        refused = await admin(method, f"/soap/provisioning{query}")
        assert refused.status == 405, refused.text
        assert "POST" in refused.headers["Allow"]
        assert "ProvisioningFault" in refused.text

    async def test_a_caller_who_stops_in_the_middle_has_done_nothing(self, operator, bss):
        host, port = operator.base.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /soap/provisioning HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bss.token}\r\n"
        writer.write(f"{head}Content-Type: text/xml\r\nContent-Length: 1000\r\n\r\n{envelope(GOOD)}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await bss.ask(subscriber(code=""))).code == "InvalidInput"


class TestOurOwnErrors:
    async def test_a_mistake_of_ours_is_a_fault_without_a_word_about_it(self, operator, bss, monkeypatch, capsys):
        async def broken(*_: object, **__: object) -> None:
            raise RuntimeError("password hunter2")

        monkeypatch.setattr(operator.office.subscribers, "create", broken)
        refused = await bss.ask(GOOD)
        assert (refused.status, refused.faultcode, refused.code) == (500, "soap:Server", "ServerError")
        assert "hunter2" not in refused.reply.text
        assert "Traceback" not in refused.reply.text

    async def test_a_database_that_is_away_is_busy_and_says_when_to_come_back(self, operator, bss, monkeypatch):
        async def away(*_: object, **__: object) -> None:
            raise Unavailable("the database does not answer")

        monkeypatch.setattr(operator.office.subscribers, "create", away)
        refused = await bss.ask(GOOD)
        assert (refused.status, refused.faultcode, refused.code) == (500, "soap:Server", "Busy")
        assert refused.reply.headers["Retry-After"] == "5"

    async def test_no_logger_of_spyne_says_anything(self, bss, caplog, capfd):
        with caplog.at_level(logging.DEBUG):
            for body in (GOOD[:20], GOOD.replace("C-1", "x" * 65), "<a:x/>", "<a:EndAssociation/>"):
                await bss.ask(body)
        assert not [record for record in caplog.records if record.name.startswith("spyne")]
        logger = logging.getLogger("spyne.protocol.soap.soap11.invalid")
        assert not logger.isEnabledFor(logging.CRITICAL)
        assert capfd.readouterr().err == ""


async def test_a_role_that_may_not_is_told_before_its_request_is_looked_at(soap):
    assert (await soap.as_(Role.CSR).ask("<a:CreateSubscriber><a:x/></a:CreateSubscriber>")).code == "Forbidden"
