"""Habits that change the bytes and not the message: whatever is said is read as the same."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cwmp.document import parse
from cwmp.envelope import read, write
from cwmp.errors import MalformedMessage
from cwmp.limits import DEFAULT
from cwmp.messages import Fault
from tests.cwmp.samples import INFORM, NAMESPACE, envelope, inform_bytes
from tests.cwmp.strategies import ANY_MESSAGE

Habit = Callable[[bytes], bytes]

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
XSI = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def between_tags(filler: bytes) -> Habit:
    """Between two elements, and not where an element is empty: there it would be its text."""
    return lambda body: re.sub(rb"(</[^>]+>|/>)(?=<)", rb"\g<1>" + filler.replace(b"\\", b"\\\\"), body)


def renamed(old: bytes, new: bytes) -> Habit:
    return lambda body: re.sub(rb"(</?|[ \n]|xmlns:)" + old + rb"(?=[:=])", rb"\g<1>" + new, body)


# What costs a repair, and what does not.
HARMLESS: dict[str, Habit] = {
    "declared": lambda body: DECLARATION + body,
    "declared on its own line": lambda body: DECLARATION + b"\r\n\r\n" + body,
    "declared in single quotes": lambda body: DECLARATION.replace(b'"', b"'") + body,
    "byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "UTF-16": lambda body: body.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda body: body.decode().encode("utf-16-be"),
    "line breaks around": lambda body: b"\r\n\n" + body + b"\r\n",
    "line breaks between": between_tags(b"\r\n\t "),
    "comments": between_tags(b"<!-- > -->"),
    "instructions": between_tags(b"<?note <a> ?>"),
    "another SOAP prefix": renamed(b"soap-env", b"SOAP-ENV"),
    "another CWMP prefix": renamed(b"cwmp", b"ns1"),
    "another SOAP": lambda body: body.replace(b"schemas.xmlsoap.org/soap/envelope/", b"schemas.xmlsoap.org/soap/env"),
    "schemas of 1999": lambda body: body.replace(b"/2001/XMLSchema", b"/1999/XMLSchema"),
    "no counts": lambda body: re.sub(rb' soap-enc:arrayType="[^"]*"', b"", body),
    "wrong counts": lambda body: re.sub(rb"\[[0-9]+\](?=\">)", b"[0008]", body),
    "blanks in end tags": lambda body: re.sub(rb"</([A-Za-z:-]+)>", rb"</\1 >", body),
}
MENDED: dict[str, Habit] = {
    "zeros behind": lambda body: body + b"\0" * 9,
    "noise behind": lambda body: body + b"\n\x1a--boundary--\xff",
    "noise before": lambda body: b"\0\0\x01" + body,
    "control characters between": between_tags(b"\x02\x0b"),
    "an ampersand": lambda body: body.replace(b"<soap-env:Body>", b'<soap-env:Body a="&">'),
    "an undeclared prefix": lambda body: body.replace(XSI, b""),
    "an undeclared prefix of an attribute": lambda body: body.replace(b"<soap-env:Body>", b'<soap-env:Body a:b="1">'),
    "no quotes": lambda body: body.replace(b'mustUnderstand="1"', b"mustUnderstand=1"),
    "an attribute twice": lambda body: body.replace(b"<soap-env:Body>", b'<soap-env:Body a="1" a="2">'),
    "an attribute without a value": lambda body: body.replace(b"<soap-env:Body>", b"<soap-env:Body a>"),
    "a prefix for nothing": lambda body: body.replace(b"<soap-env:Body>", b'<soap-env:Body xmlns:a="">'),
    "a namespace with a blank": lambda body: body.replace(b'/envelope/"', b'/envelope/ "'),
    "a comment that is none": between_tags(b"<!-- a -- b -->"),
    "a less-than sign between": between_tags(b" < "),
    "declared twice": lambda body: DECLARATION * 2 + body,
    "declared in large letters": lambda body: DECLARATION.upper() + body,
    "declared and not closed": lambda body: DECLARATION.replace(b"?>", b">") + body,
    "a comment before the declaration": lambda body: b"<!-- a -->" + DECLARATION + body,
}


@pytest.mark.parametrize("name", sorted(HARMLESS))
@settings(max_examples=20)
@given(ANY_MESSAGE)
def test_a_habit_does_not_change_what_a_message_says(name, message):
    """X-06, X-07, X-08, T-14"""
    found = read(HARMLESS[name](write(message, namespace=NAMESPACE, id="17")))
    assert (found.message, found.header.id, found.namespace) == (message, "17", NAMESPACE)
    assert found.repairs == ()


@pytest.mark.parametrize("name", sorted(MENDED))
@settings(max_examples=20)
@given(ANY_MESSAGE)
def test_a_bad_habit_is_mended_and_noted(name, message):
    """X-16"""
    body = write(message, namespace=NAMESPACE, id="17")
    found = read(MENDED[name](body))
    assert (found.message, found.header.id, found.namespace) == (message, "17", NAMESPACE)
    assert found.repairs or MENDED[name](body) == body or isinstance(message, Fault) or b"xsi:type" not in body


@given(ANY_MESSAGE, st.lists(st.sampled_from(sorted(MENDED)), min_size=2, max_size=4, unique=True))
def test_bad_habits_come_together(message, names):
    """X-16"""
    body = write(message, namespace=NAMESPACE, id="17")
    for name in names:
        body = MENDED[name](body)
    found = read(body)
    assert (found.message, found.header.id) == (message, "17")


class TestTheLimitsOfRepair:
    """What looks like a repair and would be a guess."""

    @pytest.mark.parametrize(
        "broken",
        [
            lambda body: body * 2,
            lambda body: body + b"<",
            lambda body: body + b"<!-- cut off",
            lambda body: body[: body.rindex(b"</")],
            lambda body: body.replace(b"</soap-env:Envelope>", b"</SOAP-ENV:Envelope>"),
            lambda body: body.replace(b"<OUI>", b"< OUI>"),
            lambda body: body.replace(b"<OUI>", b"<OUI><br>"),
            lambda body: body.replace(b"</OUI>", b""),
            lambda body: b"x" * 2000 + body,
            lambda body: body + b"x" * 2000,
            lambda body: body.replace(b"<OUI>", b"<OUI><![CDATA["),
        ],
        ids=range(11),
    )
    def test_what_was_cut_off_or_run_together_stays_broken(self, broken):
        """S-03, S-27"""
        with pytest.raises(MalformedMessage) as caught:
            read(broken(inform_bytes(id="17")))
        assert caught.value.method in ("Inform", None)

    def test_a_broken_message_of_many_megabytes_is_refused_unrepaired(self):
        """SEC-02"""
        value = "x" * 1_100_000
        content = f"<c:X_A><A>{value}&{value}</A></c:X_A>"
        with pytest.raises(MalformedMessage) as caught:
            read(envelope(content, "<c:ID>7</c:ID>"))
        assert (caught.value.method, caught.value.request_id) == ("X_A", "7")

    def test_a_broken_message_of_less_than_one_is_repaired(self):
        content = f"<c:GetRPCMethods>{'x' * 500_000}&{'&amp;' * 1000}</c:GetRPCMethods>"
        assert read(envelope(content)).repairs == ("bare ampersands",)

    def test_cdata_is_left_alone(self):
        text = 'a & b < c <d e=f> <!-- -- --> &nbsp; x="'
        body = envelope(f"<c:X><A><![CDATA[{text}]]></A><B c=d>&</B></c:X>")
        root, repairs = parse(body, None, DEFAULT)
        assert root[0][0][0].text == text
        assert repairs == ("bare ampersands", "attributes")

    def test_an_inform_that_needs_no_repair_is_not_touched(self):
        assert read(inform_bytes()).message == INFORM
