"""Bytes to an XML tree: hardened, in the right charset, and repaired where that is what it takes.

Refuses DOCTYPE in any charset, entities other than XML's five, charsets it does not know, and everything that would
cost more memory than the limits allow. It never goes to the network and never guesses at a message that was cut off.
"""

import re
import threading
from typing import NoReturn

from lxml import etree

from cwmp.elements import Element
from cwmp.errors import NEWEST_NAMESPACE, RESOURCES_EXCEEDED, MalformedMessage, TooLarge
from cwmp.limits import Limits
from cwmp.repair import repair

# Below this size the number of bytes bounds everything else well enough.
_SMALL_BODY = 64 * 1024
# How far we look for the ID and the method of a message that cannot be parsed.
_RECOVERY_WINDOW = 64 * 1024
_DECLARATION_WINDOW = 256

UTF_8 = "utf-8"
_FALLBACK = "latin-1"
# By a body's first two bytes; no text that could be a message begins like this without the mark.
_BYTE_ORDER_MARKS = {
    b"\xef\xbb": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
# Names of charsets in lower case and the codecs that read them. ASCII is read as UTF-8, which contains it. The list is
# closed: Python has codecs that are no charsets, and looking an unknown one up would remember it for ever.
_CODECS = {
    "utf-8": UTF_8,
    "utf8": UTF_8,
    "us-ascii": UTF_8,
    "ascii": UTF_8,
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "iso_8859-1": "latin-1",
    "iso88591": "latin-1",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "iso-8859-2": "iso8859-2",
    "windows-1250": "cp1250",
    "iso-8859-5": "iso8859-5",
    "windows-1251": "cp1251",
    "iso-8859-9": "iso8859-9",
    "iso-8859-15": "iso8859-15",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "shift_jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
}

_DECLARED_ENCODING = re.compile(rb"""encoding\s*=\s*["']\s*([\w.:-]+)""")
# An ID that can be echoed as it stands: without references and without what XML does not allow.
_ID = re.compile(r"<(?:[\w.-]+:)?ID\b[^<>]*>([^<>&\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]{1,256})<")
_METHOD = re.compile(r"<(?:[\w.-]+:)?Body\b[^<>]*>\s*<(?:[\w.-]+:)?([\w.-]{1,64})[\s/>]")
_NAMESPACE = re.compile(r"""["'](urn:dslforum-org:cwmp-1-[0-9]{1,2})["']""")


class _Thread(threading.local):
    """A parser for each thread: lxml locks a parser while it parses, and one big body must not stall everybody."""

    def __init__(self) -> None:
        # The encoding overrides the document's own: what was searched for a DOCTYPE is what is parsed.
        self.parser = etree.XMLParser(
            encoding=UTF_8,
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            collect_ids=False,
        )


_thread = _Thread()


def parse(body: bytes, charset: str | None, limits: Limits) -> tuple[Element, tuple[str, ...]]:
    """Give the root element and the names of the repairs that it took to get there."""
    if len(body) > _SMALL_BODY or len(body) > limits.body:
        _refuse_excess(body, limits)
    codec = _codec_of(body, charset)
    try:
        return _parsed(body if codec == UTF_8 and body[:1] == b"<" else body.decode(codec).encode().lstrip()), ()
    except UnicodeError:
        return _repaired(body, codec)
    except etree.XMLSyntaxError:
        return _repaired(body, codec)


def _refuse_excess(body: bytes, limits: Limits) -> None:
    """Refuse by counting bytes, before a tree of a hundred times the size exists."""
    if len(body) > limits.body:
        raise TooLarge(f"the message has more than {limits.body} bytes", fault=RESOURCES_EXCEEDED)
    if body.count(b"<") > 2 * limits.elements:
        raise TooLarge(f"the message has more than {limits.elements} elements", fault=RESOURCES_EXCEEDED)
    if body.count(b'"') + body.count(b"'") > 2 * limits.attributes:
        raise TooLarge(f"the message has more than {limits.attributes} attributes", fault=RESOURCES_EXCEEDED)


def _codec_of(body: bytes, charset: str | None) -> str:
    """Follow HTTP's charset, then a byte order mark, then the XML declaration, else UTF-8 (RFC 7303 in lenient)."""
    if charset is not None:
        codec = _CODECS.get(charset) or _known(charset)
        return "utf-8-sig" if codec == UTF_8 and body[:1] == b"\xef" else codec
    if body[:5] == b"<?xml":
        declared = _DECLARED_ENCODING.search(body[: body.find(b"?>", 0, _DECLARATION_WINDOW)])
        codec = UTF_8 if declared is None else _known(declared[1].decode("ascii", "replace"))
        return UTF_8 if codec.startswith("utf-16") else codec  # a declaration that we could read is not in UTF-16
    return _BYTE_ORDER_MARKS.get(body[:2], UTF_8)


def _known(charset: str) -> str:
    codec = _CODECS.get(charset.strip("\"' \t").lower())
    if codec is None:
        raise MalformedMessage("the message is in a charset that is not known here")
    return codec


def _parsed(source: bytes) -> Element:
    # Most messages have no exclamation mark at all, and one byte is searched for ten times faster than two.
    if b"!" in source and (b"<!DOCTYPE" in source or b"<!ENTITY" in source):
        raise MalformedMessage("the message has a document type declaration")
    root: Element = etree.fromstring(source, _thread.parser)  # type: ignore[assignment]  # see Element
    return root


def _repaired(body: bytes, codec: str) -> tuple[Element, tuple[str, ...]]:
    """Parse once more what a real gateway may have meant; what is still broken then is refused."""
    text, repairs = _decoded(body, codec)
    text = repair(text, repairs)
    if not repairs:
        _refuse(text)
    try:
        return _parsed(text.encode()), tuple(repairs)
    except etree.XMLSyntaxError:
        _refuse(text)


def _decoded(body: bytes, codec: str) -> tuple[str, list[str]]:
    for candidate in (codec, UTF_8):
        try:
            return body.decode(candidate), [] if candidate == codec else [f"read as {candidate}"]
        except UnicodeError:
            continue
    return body.decode(_FALLBACK), [f"read as {_FALLBACK}"]


def _refuse(text: str) -> NoReturn:
    """Say what could still be made out, so that a request can be answered with a Fault (S-27)."""
    window = text[:_RECOVERY_WINDOW]
    request_id, method, namespace = _ID.search(window), _METHOD.search(window), _NAMESPACE.search(window)
    raise MalformedMessage(
        "the message is not well-formed XML",
        method=method and method[1],
        request_id=request_id and request_id[1].strip(),
        namespace=namespace[1] if namespace else NEWEST_NAMESPACE,
    ) from None
