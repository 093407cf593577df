"""Bytes to an XML tree: hardened, in the right charset, and repaired where that is what it takes.

Refuses DOCTYPE in any charset, entities other than XML's five, charsets it does not know, and everything that would
cost more memory than the limits allow. It never goes to the network and never guesses at a message that was cut off.
"""

import codecs
import re
import threading
from contextlib import suppress

from lxml import etree

from cwmp.elements import Element
from cwmp.errors import NEWEST_NAMESPACE, RESOURCES_EXCEEDED, MalformedMessage, TooLarge
from cwmp.limits import Limits
from cwmp.repair import mend

# Below this size the number of bytes bounds everything else well enough.
_SMALL_BODY = 64 * 1024
# What is broken is repaired up to this size: the expressions that do it let no other thread run.
_MOST_REPAIRED = 1024 * 1024
# How far we look for the ID and the method of a message that cannot be parsed.
_RECOVERY_WINDOW = 64 * 1024
_DECLARATION_WINDOW = 256

UTF_8 = "utf-8"
_BLANKS = " \t\r\n\ufeff"
# By a body's first two bytes; no text that could be a message begins like this in another charset.
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
    name: codec
    for codec, names in {
        UTF_8: "utf-8 utf8 utf_8 unicode-1-1-utf-8 us-ascii ascii ansi_x3.4-1968 iso646-us iso-ir-6 646",
        "utf-16": "utf-16 utf16",
        "utf-16-le": "utf-16le utf-16-le",
        "utf-16-be": "utf-16be utf-16-be",
        "latin-1": "iso-8859-1 iso8859-1 iso_8859-1 iso_8859-1:1987 iso88591 latin1 latin-1 l1 cp819 ibm819",
        "cp1252": "windows-1252 cp1252 win-1252",
        "iso8859-2": "iso-8859-2 iso8859-2 latin2",
        "cp1250": "windows-1250 cp1250",
        "iso8859-5": "iso-8859-5 iso8859-5",
        "cp1251": "windows-1251 cp1251",
        "koi8-r": "koi8-r",
        "iso8859-7": "iso-8859-7 iso8859-7",
        "cp1253": "windows-1253 cp1253",
        "iso8859-9": "iso-8859-9 iso8859-9 latin5",
        "cp1254": "windows-1254 cp1254",
        "iso8859-15": "iso-8859-15 iso8859-15 latin-9 latin9",
        "cp437": "cp437 ibm437 437",
        "cp850": "cp850 ibm850 850",
        "gb18030": "gb2312 gbk gb18030 cp936 euc-cn",
        "big5": "big5",
        "shift_jis": "shift_jis shift-jis sjis",
        "euc_jp": "euc-jp",
        "euc_kr": "euc-kr",
    }.items()
    for name in names.split()
}
# Text that claims to be in one of these and is UTF-8 throughout, beyond ASCII, is in UTF-8: that is no accident.
_OFTEN_UTF_8 = frozenset({"latin-1", "cp1252", "iso8859-15"})
# What a lone byte means that is no UTF-8: Latin-1, or Windows' letters where Latin-1 has controls.
_WESTERN = "".join(
    bytes([byte]).decode("latin-1" if byte in b"\x81\x8d\x8f\x90\x9d" else "cp1252") for byte in range(256)
)
_WESTERN_BYTES = "cwmp-western-bytes"
_BEYOND_ASCII = bytes(range(128, 256))
_MOST_STRAY_BYTES = 4096  # that are looked at one by one: a call of Python for each

_DECLARED_ENCODING = re.compile(rb"""encoding\s*=\s*["']\s*([\w.:-]+)""")


def _in_western_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join([_WESTERN[byte] for byte in error.object[error.start : error.end]]), error.end


codecs.register_error(_WESTERN_BYTES, _in_western_bytes)

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
        if codec == UTF_8 and body[:1] == b"<":
            return _parsed(body), ()
        text, repairs = _decoded(body, codec)
        return _parsed(text.encode()), tuple(repairs)
    except (UnicodeError, etree.XMLSyntaxError):
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
    """Follow a byte order mark, then HTTP's charset, then the XML declaration, else UTF-8 (RFC 7303, leniently)."""
    marked = _BYTE_ORDER_MARKS.get(body[:2])
    if marked is not None:
        return marked
    if charset is not None:
        return _CODECS.get(charset) or _known(charset)
    head = body[:_DECLARATION_WINDOW].lstrip()
    if head[:5] != b"<?xml":
        return UTF_8
    declared = _DECLARED_ENCODING.search(head[: head.find(b"?>")])
    codec = UTF_8 if declared is None else _known(declared[1].decode("ascii", "replace"))
    return UTF_8 if codec.startswith("utf-16") else codec  # a declaration that we could read is not in UTF-16


def _known(charset: str) -> str:
    codec = _CODECS.get(charset.strip("\"' \t,;").lower())
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
    for firmly in (False, True) if len(text) <= _MOST_REPAIRED else ():
        text = mend(text, repairs, firmly=firmly)
        with suppress(UnicodeError, etree.XMLSyntaxError):
            return _parsed(text.encode()), tuple(repairs)
    raise _refusal(text) from None


def _decoded(body: bytes, codec: str) -> tuple[str, list[str]]:
    """Give the text in the charset that is named, else in UTF-8, else in UTF-8 with single bytes of Latin-1 in it."""
    candidates = (codec, UTF_8)
    if codec in _OFTEN_UTF_8 and not body.isascii():
        candidates = (UTF_8, codec)
    for candidate in candidates:
        with suppress(UnicodeError):
            return body.decode(candidate).lstrip(_BLANKS), [] if candidate == codec else [f"read as {candidate}"]
    few = len(body) - len(body.translate(None, _BEYOND_ASCII)) <= _MOST_STRAY_BYTES
    text = body.decode(UTF_8, _WESTERN_BYTES) if few else body.decode("latin-1")
    return text.lstrip(_BLANKS), ["read as latin-1"]


def _refusal(text: str) -> MalformedMessage:
    """Say what could still be made out, so that a request can be answered with a Fault (S-27)."""
    window = text[:_RECOVERY_WINDOW]
    request_id, method, namespace = _ID.search(window), _METHOD.search(window), _NAMESPACE.search(window)
    return MalformedMessage(
        "the message is not well-formed XML",
        method=method and method[1],
        request_id=request_id and request_id[1].strip(),
        namespace=namespace[1] if namespace else NEWEST_NAMESPACE,
    )
