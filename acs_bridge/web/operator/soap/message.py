"""Bytes to the one element that asks for something: decoded, measured, parsed and held to the rules of an envelope.

Nothing is guessed at and nothing is repaired: a BSS is told what is wrong. A document type declaration is refused
before any parser sees it, whatever the charset (SOAP 1.1, 3); what the document says about where its schema lies is
dropped, because the validator would go there.
"""

import re
import threading
from typing import Final

from lxml import etree

from acs_bridge.web.operator.soap.refusals import (
    HeaderNotUnderstood,
    MessageRefused,
    NotThatVersion,
    UnreadableMessage,
)
from acs_bridge.web.operator.soap.vocabulary import ENVELOPE, ENVELOPE_12, INSTANCE, NEXT_ACTOR

DEEPEST: Final = 64
MOST_ELEMENTS: Final = 10_000
_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
"""What a body begins with, and the codec that reads it (XML 1.0, appendix F)."""

_CODECS: Final = {
    "utf-8": "utf-8-sig",
    "us-ascii": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
}
_DECLARATION = re.compile(r"\s*<\?xml\b[^>]*?\?>")
_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.:-]*)["']""")
_DECLARATION_BYTES: Final = 256
_HINTS: Final = (f"{{{INSTANCE}}}schemaLocation", f"{{{INSTANCE}}}noNamespaceSchemaLocation")


class _Thread(threading.local):
    """A parser for each thread: lxml locks a parser while it parses, and a big message is read beside the others."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )


_thread = _Thread()


def read(body: bytes, charset: str | None) -> etree._Element:
    """Give the envelope of a message; `charset` is what HTTP says about it."""
    text = _decoded(body, charset)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UnreadableMessage("a SOAP message must not have a document type declaration")
    if text.count("<") > 2 * MOST_ELEMENTS:
        raise UnreadableMessage(f"a message has at most {MOST_ELEMENTS} elements")
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), _thread.parser)
    except etree.XMLSyntaxError as error:
        raise UnreadableMessage(f"the body is no well-formed XML: {_place(error)}") from None
    _measure(root)
    return root


def _decoded(body: bytes, charset: str | None) -> str:
    if not body.strip():
        raise UnreadableMessage("there is no body: a SOAP 1.1 envelope is needed")
    codec = _codec(body, charset)
    try:
        return body.decode(codec)
    except UnicodeError:
        raise UnreadableMessage(f"the body is not in the charset that it claims ({codec})") from None


def _codec(body: bytes, charset: str | None) -> str:
    """Follow the byte order mark, then HTTP's charset, then the XML declaration, else UTF-8 (RFC 7303, 3)."""
    for mark, codec in _MARKS.items():
        if body.startswith(mark):
            return codec
    if charset is None:
        declared = _DECLARED.match(body[:_DECLARATION_BYTES].lstrip())
        charset = declared[1].decode("ascii") if declared else "utf-8"
    known = _CODECS.get(charset.lower())
    if known is None or known.startswith("utf-16"):  # without a mark, and it does not look like it
        raise UnreadableMessage("the body is in a charset that is not known here: send UTF-8")
    return known


def _place(error: etree.XMLSyntaxError) -> str:
    """Say where, and not what: the parser quotes the message."""
    line, column = error.position
    return f"line {line}, column {column}"


def _measure(root: etree._Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise UnreadableMessage(f"the message is nested more than {DEEPEST} levels deep")
        for hint in _HINTS:
            element.attrib.pop(hint, None)


def asked(envelope: etree._Element) -> etree._Element:
    """Give the element that asks for something, out of an envelope that is one (SOAP 1.1, 4)."""
    if envelope.tag != f"{{{ENVELOPE}}}Envelope":
        if etree.QName(envelope).localname == "Envelope":
            raise NotThatVersion(
                "this service speaks SOAP 1.1, not 1.2"
                if etree.QName(envelope).namespace == ENVELOPE_12
                else "the envelope is in a namespace that is not SOAP 1.1's"
            )
        raise MessageRefused("the body is XML, but no SOAP envelope")
    parts = list(envelope)
    header = parts.pop(0) if parts and parts[0].tag == f"{{{ENVELOPE}}}Header" else None
    if [part.tag for part in parts] != [f"{{{ENVELOPE}}}Body"]:
        raise MessageRefused("an envelope has one Body, a Header before it at most, and nothing else")
    _refuse_headers(header)
    if len(parts[0]) != 1:
        raise MessageRefused(f"the Body must ask for one operation; this one asks for {len(parts[0]) or 'none'}")
    return parts[0][0]


def _refuse_headers(header: etree._Element | None) -> None:
    """Refuse every header that must be understood here, as none is (SOAP 1.1, 4.2.3)."""
    for entry in () if header is None else header:
        is_for_us = entry.get(f"{{{ENVELOPE}}}actor", NEXT_ACTOR) in {"", NEXT_ACTOR}
        if is_for_us and entry.get(f"{{{ENVELOPE}}}mustUnderstand", "0").strip() not in {"0", "false"}:
            raise HeaderNotUnderstood(f"the header {etree.QName(entry).localname} must be understood, and is not")
