"""Bytes to an envelope and back: one message with its header in its namespace.

Reading goes by local names under any prefix; writing gives the CPE its own namespace and ID back. An envelope knows
nothing of the session it belongs to.
"""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

from cwmp.document import parse
from cwmp.elements import LOCAL_NAMES, TRUE, Element, Notes, Text, local_name, number
from cwmp.errors import (
    INCOMPATIBLE_VERSION,
    NEWEST_NAMESPACE,
    LocalProtocolError,
    MalformedMessage,
    RemoteProtocolError,
)
from cwmp.limits import DEFAULT, Limits
from cwmp.messages import EmptyPost, Message
from cwmp.reader import READERS, SKETCHES, unknown_message
from cwmp.repair import UNDECLARED
from cwmp.shapes import Found, Shapes
from cwmp.vocabulary import Vocabulary
from cwmp.writer import body_of, escaped

SOAP_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
FIRST_NAMESPACE = "urn:dslforum-org:cwmp-1-0"

_ANY_CWMP = "urn:dslforum-org:cwmp-"
_FAMILY = re.compile(r"urn:dslforum-org:cwmp-1-[0-9]{1,2}")
_AROUND_URI = " \t\r\n/"
_SOAP_1_2 = "http://www.w3.org/"
_ENVELOPE = f"{{{SOAP_ENVELOPE}}}Envelope"
# The common namespaces by what stands before the name in a tag of theirs, less the brace that closes it.
_COMMON = {f"{{{uri}": uri for uri in (f"urn:dslforum-org:cwmp-1-{minor}" for minor in range(5))}


class Header(NamedTuple):
    """What travels beside the message. `not_understood` names headers that demand to be understood and are not."""

    id: str | None = None
    session_timeout: int | None = None
    supported_versions: tuple[str, ...] = ()
    use_version: str | None = None
    hold_requests: bool | None = None
    not_understood: tuple[str, ...] = ()


class Envelope(NamedTuple):
    """A message, the namespace it came in, and what had to be mended to read it. Without an envelope: no namespace."""

    namespace: str
    header: Header
    message: Message
    repairs: tuple[str, ...] = ()


_vocabulary = Vocabulary(random.random)

_NO_HEADER = Header()
_EMPTY = Envelope("", _NO_HEADER, EmptyPost())
_BLANK = Envelope("", _NO_HEADER, EmptyPost(), ("blanks for an empty body",))


def read(body: bytes, *, charset: str | None = None, limits: Limits = DEFAULT) -> Envelope:
    """Read one HTTP body. `charset` is what HTTP said. Raises RemoteProtocolError and nothing else."""
    if not body or body.isspace():
        return _BLANK if body else _EMPTY
    if limits is DEFAULT and (known := _known(body, charset)) is not None:
        return known
    if len(body) <= limits.body and _vocabulary.is_strange(body):
        with ThreadPoolExecutor(1, "strange-message") as thread:
            return thread.submit(_read, body, charset, limits).result()
    return _read(body, charset, limits)


def _read(body: bytes, charset: str | None, limits: Limits) -> Envelope:
    root, repairs = parse(body, charset, limits)
    notes = list(repairs)
    heading, content = _sections(root)
    header = _NO_HEADER if heading is None else _header(heading, notes, limits)
    if len(content) != 1:
        raise _not_one_message(content, header, heading)
    element = content[0]
    start, _, name = element.tag.rpartition("}")
    namespace = _COMMON.get(start)
    try:
        namespace = namespace or _namespace(element, name, heading)
        reader = READERS.get(name)
        message = unknown_message(name, limits) if reader is None else reader(element, limits, notes)
    except RemoteProtocolError as error:
        error.method, error.request_id, error.namespace = name, header.id, namespace or NEWEST_NAMESPACE
        raise
    return Envelope(namespace, header, message, tuple(notes))


def _known(body: bytes, charset: str | None) -> Envelope | None:
    """Read a message of a shape that was seen before."""
    notes: Notes = []
    found = _shapes.read(body, charset, notes)
    if found is None:
        return None
    namespace, texts, message = found
    return Envelope(namespace, _header_of(texts, (), notes, DEFAULT) if texts else _NO_HEADER, message, tuple(notes))


def _find(body: bytes) -> Found | None:
    """Find the texts of a message of an ordinary session; its names are remembered by the parser like any others."""
    if _vocabulary.is_strange(body):
        return None
    root, repairs = parse(body, None, DEFAULT)
    heading, content = _sections(root)
    if repairs or len(content) != 1:
        return None
    element = content[0]
    name = local_name(element.tag)
    sketch = SKETCHES.get(name)
    header, not_understood = ({}, ()) if heading is None else _header_texts(heading, DEFAULT)
    if sketch is None or not_understood:
        return None
    return Found(_namespace(element, name, heading), name, header, sketch(element, DEFAULT))


_shapes = Shapes(_find)


def _sections(root: Element) -> tuple[Element | None, Element]:
    if root.tag != _ENVELOPE:
        _check_envelope(root.tag)
    heading = body = None
    for part in root:
        name = LOCAL_NAMES[part.tag]
        if name == "Header" and (heading is None or not len(heading)):
            heading = part
        elif name == "Body":
            if body is not None:
                raise MalformedMessage("the envelope has two bodies")
            body = part
    if body is None:
        raise MalformedMessage("the envelope has no body")
    return heading, body


def _check_envelope(tag: str) -> None:
    if local_name(tag) != "Envelope":
        raise MalformedMessage("the message is no SOAP envelope")
    if tag.startswith("{" + _SOAP_1_2):
        raise MalformedMessage("the message is not in SOAP 1.1")


def _not_one_message(body: Element, header: Header, heading: Element | None) -> MalformedMessage:
    method = local_name(body[0].tag) if len(body) else None
    return MalformedMessage(
        f"the body has {len(body)} messages in it",
        method=method,
        request_id=header.id,
        namespace=_in_scope(body, heading) or NEWEST_NAMESPACE,
    )


# --- the namespace -------------------------------------------------------------------------------------------


def _namespace(element: Element, name: str, heading: Element | None) -> str:
    """Give the namespace that the CPE speaks: the message's own, else any of the family that is in scope."""
    own = _namespace_of(element)
    if _FAMILY.fullmatch(own):
        return own
    if own.startswith(_ANY_CWMP):
        raise RemoteProtocolError("the CPE speaks a CWMP that is not known here", fault=INCOMPATIBLE_VERSION)
    in_scope = _in_scope(element, heading)
    if own in ("", _namespace_of(element.getparent())) or own.startswith(UNDECLARED):
        return in_scope or FIRST_NAMESPACE  # in no namespace, or in SOAP's, however that is spelled here
    if in_scope and name not in READERS:
        return in_scope  # a vendor's own request, in the vendor's namespace
    raise MalformedMessage("the message is in a namespace that is not CWMP's")


def _namespace_of(element: Element | None) -> str:
    uri = "" if element is None or element.tag[0] != "{" else element.tag[1:].rpartition("}")[0]
    return uri.strip(_AROUND_URI).lower()


def _in_scope(element: Element, heading: Element | None) -> str | None:
    uri: str
    for uri in element.nsmap.values():
        if _FAMILY.fullmatch(uri):
            return uri
    for part in (*(heading if heading is not None else ()), *element.iter()):
        uri = part.tag[1:].partition("}")[0]
        if _FAMILY.fullmatch(uri):
            return uri
    return None


# --- the header ----------------------------------------------------------------------------------------------


def _header(element: Element, notes: Notes, limits: Limits) -> Header:
    return _header_of(*_header_texts(element, limits), notes, limits)


def _header_texts(element: Element, limits: Limits) -> tuple[dict[str, Text], tuple[str, ...]]:
    """Find the texts of the headers that are known, and the names of those that should be and are not."""
    texts: dict[str, Text] = {}
    not_understood: list[str] = []
    for part in element:
        name = LOCAL_NAMES[part.tag]
        if name in _HEADERS:
            texts[name] = part.text
        elif _must_be_understood(part):
            not_understood.append(name[: limits.text])
    return texts, tuple(not_understood[: limits.events])


def _header_of(texts: dict[str, Text], not_understood: tuple[str, ...], notes: Notes, limits: Limits) -> Header:
    request_id = _id(texts["ID"] or "", notes, limits) if "ID" in texts else None
    if len(texts) <= 1 and not not_understood and (not texts or "ID" in texts):
        return Header(request_id)
    return Header(
        request_id,
        number(texts.get("SessionTimeout")),
        _versions(texts.get("SupportedCWMPVersions") or ""),
        (texts["UseCWMPVersion"] or "").strip()[: limits.text] if "UseCWMPVersion" in texts else None,
        (texts["HoldRequests"] or "").strip() in TRUE if "HoldRequests" in texts else None,
        not_understood,
    )


# NoMoreRequests is deprecated; a CPE of 2004 may still demand that it is understood.
_HEADERS = frozenset(
    {"ID", "SessionTimeout", "SupportedCWMPVersions", "UseCWMPVersion", "HoldRequests", "NoMoreRequests"}
)


def _id(text: str, notes: Notes, limits: Limits) -> str | None:
    """Take the ID as it stands (X-04); blanks with line breaks in them are a printer's, not the CPE's."""
    if len(text) > limits.id:
        notes.append("ID too long")
        return None
    return (text.strip() if "\n" in text else text) or None


def _versions(text: str) -> tuple[str, ...]:
    return tuple([version for version in map(str.strip, text.split(",")) if version])


def _must_be_understood(element: Element) -> bool:
    return any(local_name(key) == "mustUnderstand" and text.strip() in TRUE for key, text in element.items())


# --- writing -------------------------------------------------------------------------------------------------


def write(  # noqa: PLR0913 - one keyword for each header that CWMP has
    message: Message,
    *,
    namespace: str,
    id: str | None = None,
    use_version: str | None = None,
    hold_requests: bool | None = None,
    session_timeout: int | None = None,
    supported_versions: tuple[str, ...] = (),
) -> bytes:
    """Write one HTTP body, of ASCII alone; an EmptyPost is no bytes at all. Raises LocalProtocolError."""
    if isinstance(message, EmptyPost):
        return b""
    start = _frame(namespace)
    header = "" if id is None else f'<cwmp:ID soap-env:mustUnderstand="1">{escaped(id)}</cwmp:ID>'
    if use_version is not None:
        header += f'<cwmp:UseCWMPVersion soap-env:mustUnderstand="1">{escaped(use_version)}</cwmp:UseCWMPVersion>'
    if hold_requests is not None:
        # S-12: CPEs read it with atoi, which takes "true" for 0.
        header += f'<cwmp:HoldRequests soap-env:mustUnderstand="1">{hold_requests:d}</cwmp:HoldRequests>'
    if session_timeout is not None:
        header += f'<cwmp:SessionTimeout soap-env:mustUnderstand="0">{session_timeout}</cwmp:SessionTimeout>'
    if supported_versions:
        versions = escaped(",".join(supported_versions))
        header += f'<cwmp:SupportedCWMPVersions soap-env:mustUnderstand="0">{versions}</cwmp:SupportedCWMPVersions>'
    if header:
        header = f"<soap-env:Header>{header}</soap-env:Header>"
    return f"{start}{header}<soap-env:Body>{body_of(message)}</soap-env:Body></soap-env:Envelope>".encode("ascii")


@lru_cache(maxsize=128)
def _frame(namespace: str) -> str:
    """Open the envelope with all five prefixes on it: some CPEs look for them all in one place (X-02)."""
    if not _FAMILY.fullmatch(namespace):
        raise LocalProtocolError("an envelope is written in a namespace of CWMP only")
    return (
        f'<soap-env:Envelope xmlns:soap-env="{SOAP_ENVELOPE}"'
        ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:cwmp="{namespace}">'
    )
