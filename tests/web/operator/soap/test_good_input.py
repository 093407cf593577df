"""Messages as foreign clients write them: every charset that XML is sent in, compressed, with headers and comments."""

import gzip
import zlib

import pytest

from tests.web.operator.soap.conftest import envelope

CREATE = "<a:CreateSubscriber><a:Name>Ann Ö</a:Name><a:Code>C-1</a:Code></a:CreateSubscriber>"
XML = '<?xml version="1.0" encoding="{}"?>\n'


async def taken(intake, answer):
    assert answer.status == 200, answer.reply.text
    return (await intake.get("/v1/subscribers/C-1")).json["name"] == "Ann Ö"


@pytest.mark.parametrize(
    ("charset", "declared", "said"),
    [
        ("utf-8", None, None),
        ("utf-8-sig", "UTF-8", None),
        ("utf-8", "utf-16", "utf-8"),
        ("utf-16", "UTF-16", None),
        ("utf-16", "UTF-16", "utf-16"),
        ("utf-16-le", "UTF-16", "utf-16le"),
        ("utf-16-be", "UTF-16", None),
        ("latin-1", "ISO-8859-1", None),
        ("latin-1", None, "iso-8859-1"),
        ("cp1252", "windows-1252", None),
        ("utf-8", "ISO-8859-1", '"UTF-8"'),
    ],
)
async def test_a_message_is_read_in_the_charset_that_it_is_in(bss, intake, charset, declared, said):
    body = (XML.format(declared) if declared else "") + envelope(CREATE)
    kind = f"text/xml; charset={said}" if said else "text/xml"
    assert await taken(intake, await bss.send(body.encode(charset), Content_Type=kind))


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_message_may_be_compressed(bss, intake, coding, compress):
    assert await taken(intake, await bss.send(compress(envelope(CREATE).encode()), Content_Encoding=coding))


@pytest.mark.parametrize(
    "header",
    [
        "<s:Header/>",
        '<s:Header><w:Security xmlns:w="urn:w" s:mustUnderstand="0"/></s:Header>',
        '<s:Header><w:Route xmlns:w="urn:w" s:mustUnderstand="1" s:actor="urn:somebody-else"/></s:Header>',
    ],
)
async def test_headers_that_are_not_for_us_are_overlooked(bss, intake, header):
    assert await taken(intake, await bss.send(envelope(CREATE, header=header)))


@pytest.mark.parametrize("action", ['"CreateSubscriber"', '""', "urn:whatever", '"Provision"'])
async def test_the_body_says_what_is_asked_for_and_not_the_soap_action(bss, intake, action):
    assert await taken(intake, await bss.send(envelope(CREATE), SOAPAction=action))


async def test_comments_and_instructions_and_spaces_between_elements_mean_nothing(bss, intake):
    body = envelope(f"\n  <!-- c -->{CREATE}<?pi?>\n").replace("<a:Code>", "\n<!-- c --><a:Code>")
    assert await taken(intake, await bss.send(body))


async def test_a_text_in_cdata_is_a_text(bss, intake):
    assert await taken(intake, await bss.ask(CREATE.replace("Ann Ö", "<![CDATA[Ann Ö]]>")))


async def test_a_hint_where_the_schema_lies_is_overlooked(bss, intake):
    hint = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x http://x.invalid/x.xsd"'
    assert await taken(intake, await bss.ask(CREATE.replace("<a:CreateSubscriber>", f"<a:CreateSubscriber {hint}>")))


async def test_names_are_taken_and_given_as_they_are_in_any_script(bss, intake):
    for number, name in enumerate(["Ann & <Bob>", "Анна", "עַנָּה", "アン 👩🏽‍🚀", "a\u00a0b"]):
        shown = name.replace("&", "&amp;").replace("<", "&lt;")
        made = await bss.ask(CREATE.replace("Ann Ö", shown).replace("C-1", f"C-{number}"))
        assert made.text("a:CreateSubscriberResponse/a:Subscriber/a:Name") == name
        assert (await intake.get(f"/v1/subscribers/C-{number}")).json["name"] == name
