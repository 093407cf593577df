"""What support may see of the messages of a session: their structure and names, and of values those on a list.

Pure functions: bytes in, lines of text out. A value is shown where its place is on the list *and* it looks like what
belongs there; of every other one its length. So a URL or a password is not shown wherever a gateway puts it: in a
fault's words, in a parameter's name, in an element that nobody knows, or in a message that is broken. Of HTTP only some
headers are shown, never Authorization, a cookie or a URL.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from acs_bridge.domain.ids import read_tag
from cwmp.document import parse
from cwmp.elements import Element, local_name
from cwmp.errors import RemoteProtocolError
from cwmp.faults import ACS_FAULTS, CPE_FAULTS
from cwmp.limits import DEFAULT
from cwmp.reader import READERS

LARGEST: Final = 64 * 1024  # bytes of a message whose structure is shown
MOST_LINES: Final = 400  # of one message


class Direction(StrEnum):
    """Who speaks."""

    RECEIVED = "received"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Entry:
    """One HTTP request or response, as it is kept. `at` is text: nothing is done with it but showing it."""

    at: str
    session: int
    direction: Direction
    status: int | None  # of a response
    size: int  # bytes of the body
    headers: Mapping[str, str]
    message: str | None  # what it is, where that is known
    note: str | None  # what had to be mended to read it, or why it was refused: our words
    body: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The same in the terms of JSON."""
        return {**asdict(self), "headers": dict(self.headers), "body": list(self.body)}


def headers(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of these headers those that are no secret."""
    return {
        name.title(): value if _HEADER.fullmatch(value) and "://" not in value else _hidden(value)
        for name, value in given
        if name.lower() in _HEADERS
    }


@dataclass(frozen=True, slots=True)
class Shown:
    """A message's name, the lines that show it, and the names of what had to be mended to read it."""

    name: str | None
    lines: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


NOTHING: Final = Shown(None)


def shown(content: bytes, charset: str | None = None) -> Shown:
    """What may be seen of one message."""
    if not content or content.isspace():
        return Shown("EmptyPost")
    if len(content) > LARGEST:
        return Shown(None, (f"‹{len(content)} bytes: too many to be shown›",))
    try:
        root, repairs = parse(content, charset, DEFAULT)
    except RemoteProtocolError:
        return Shown(None, tuple(_cut(_scraps(content))))
    return Shown(_name(root), tuple(_cut(_lines(root, "", 0))), repairs)


def as_text(entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries (as JSON) for somebody who reads them."""
    return "\n\n".join("\n".join(_told(entry)) for entry in entries)


def _told(entry: Mapping[str, Any]) -> Iterator[str]:
    arrow = ">>>" if entry["direction"] == Direction.RECEIVED else "<<<"
    what = f"HTTP {entry['status']}" if entry["status"] is not None else "POST"
    name = f", {entry['message']}" if entry["message"] else ""
    yield f"{arrow} {entry['at']} session {entry['session']}: {what}, {entry['size']} bytes{name}"
    if entry["note"]:
        yield f"    ({entry['note']})"
    yield from (f"    {name}: {value}" for name, value in entry["headers"].items())
    yield from (f"    | {line}" for line in entry["body"])


def moment(at: datetime) -> str:
    """A time to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- the lists --------------------------------------------------------------------------------------------------------

_HEADERS: Final = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "retry-after",
        "server",
        "soapaction",
        "transfer-encoding",
        "user-agent",
    }
)
_HEADER: Final = re.compile(r"[ -~]{0,128}")

_NUMBER: Final = re.compile(r"[0-9]{1,5}")
_FLAG: Final = re.compile(r"0|1|true|false", re.IGNORECASE)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]{0,24}")
_WORDS: Final = re.compile(r"(?!.*://)[\w .,:;()/+#&'-]{1,64}")
_VERSIONS: Final = re.compile(r"1\.[0-9](?:[,\s]+1\.[0-9])*")
_EVENT: Final = re.compile(r"[0-9]{1,4}[ A-Za-z]{0,40}|[MX] [\w ]{1,40}")
_FAULT: Final = re.compile(r"(?:[\w-]{1,16}:)?(?:Client|Server|VersionMismatch|MustUnderstand)")
_STANDARD: Final = (*CPE_FAULTS.values(), *ACS_FAULTS.values())
_STANDARD_WORDS: Final = frozenset({"cwmp fault", *(fault.name.lower() for fault in _STANDARD)})

_SHOWN: Final[Mapping[tuple[str, str], re.Pattern[str]]] = {
    ("Header", "SessionTimeout"): _NUMBER,
    ("Header", "HoldRequests"): _FLAG,
    ("Header", "NoMoreRequests"): _FLAG,
    ("Header", "SupportedCWMPVersions"): _VERSIONS,
    ("Header", "UseCWMPVersion"): _VERSIONS,
    ("DeviceId", "Manufacturer"): _WORDS,
    ("DeviceId", "OUI"): _WORDS,
    ("DeviceId", "ProductClass"): _WORDS,
    ("DeviceId", "SerialNumber"): _WORDS,
    ("EventStruct", "EventCode"): _EVENT,
    ("Inform", "MaxEnvelopes"): _NUMBER,
    ("Inform", "CurrentTime"): _TIME,
    ("Inform", "RetryCount"): _NUMBER,
    ("InformResponse", "MaxEnvelopes"): _NUMBER,
    ("SetParameterValuesResponse", "Status"): _NUMBER,
    ("AddObjectResponse", "Status"): _NUMBER,
    ("AddObjectResponse", "InstanceNumber"): _NUMBER,
    ("DeleteObjectResponse", "Status"): _NUMBER,
    ("GetParameterNames", "NextLevel"): _FLAG,
    ("ParameterInfoStruct", "Writable"): _FLAG,
    ("TransferComplete", "StartTime"): _TIME,
    ("TransferComplete", "CompleteTime"): _TIME,
    ("Fault", "faultcode"): _FAULT,
    ("Fault", "FaultCode"): _NUMBER,
    ("FaultStruct", "FaultCode"): _NUMBER,
    ("SetParameterValuesFault", "FaultCode"): _NUMBER,
}
_PARAMETERS: Final = frozenset(
    {
        "DeviceInfo.HardwareVersion",
        "DeviceInfo.SoftwareVersion",
        "DeviceInfo.SpecVersion",
        "DeviceInfo.ProvisioningCode",
        "DeviceSummary",
        "RootDataModelVersion",
        "ManagementServer.PeriodicInformEnable",
        "ManagementServer.PeriodicInformInterval",
    }
)
_KEYS: Final = frozenset({"ParameterKey", "CommandKey"})  # shown where they are ours
_NAMES: Final = frozenset({"Name", "ParameterName", "ParameterPath", "ObjectName", "string"})
_PATH: Final = re.compile(r"(InternetGatewayDevice|Device)(?:\.[A-Za-z0-9_-]{1,64})*\.?")

_ELEMENTS: Final = (
    frozenset(READERS)
    | frozenset(name for place in _SHOWN for name in place)
    | _KEYS
    | _NAMES
    | {
        "Body", "Envelope", "Event", "FaultString", "FaultStruct", "ID", "MethodList", "ParameterAttributeStruct",
        "ParameterInfoStruct", "ParameterList", "ParameterNames", "ParameterValueStruct", "Value", "detail",
        "faultactor", "faultstring",
    }
)  # fmt: skip
_OF_A_VENDOR: Final = re.compile(r"X_[0-9A-F]{6}_[A-Za-z]{1,32}")
_TYPE: Final = re.compile(
    r"(?:[A-Za-z-]{1,16}:)?(string|boolean|int|unsignedInt|long|unsignedLong|dateTime|base64Binary|base64|hexBinary)"
)
_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TAGS: Final = re.compile(rb"<(/?)(?:[\w.-]{1,32}:)?([A-Za-z]{1,48})(?=[\s/>]|$)")


# --- what is made of it -----------------------------------------------------------------------------------------------


def _hidden(text: str) -> str:
    return f"‹{len(text)} characters›" if text else "‹empty›"


def _cut(lines: Iterable[str]) -> Iterator[str]:
    every = iter(lines)
    yield from islice(every, MOST_LINES)
    left = sum(1 for _ in every)
    if left:
        yield f"‹{left} more lines›"


def _name(root: Element) -> str | None:
    bodies = (part for part in root if local_name(part.tag) == "Body")
    first = next((part for body in bodies for part in body), None)
    return None if first is None else _element(first)


def _element(element: Element) -> str:
    name = local_name(element.tag)
    return name if name in _ELEMENTS or _OF_A_VENDOR.fullmatch(name) else f"‹element of {len(name)} characters›"


def _lines(element: Element, parent: str, depth: int) -> Iterator[str]:
    indent, name = "  " * depth, local_name(element.tag)
    if name == "ParameterValueStruct":
        yield indent + _parameter(element)
        return
    text = (element.text or "").strip()
    if len(element):
        yield f"{indent}{_element(element)}" + (f" {_hidden(text)}" if text else "")
        for part in element:
            yield from _lines(part, name, depth + 1)
    else:
        yield f"{indent}{_element(element)}: {_value(parent, name, text)}"


def _value(parent: str, name: str, text: str) -> str:
    if name in _NAMES:
        return _path(text)
    if (name == "ID" and parent == "Header") or name in _KEYS:
        return text if read_tag(text) is not None or (name == "ID" and _NUMBER.fullmatch(text)) else _hidden(text)
    if name.lower() == "faultstring":
        return text if text.lower() in _STANDARD_WORDS else _hidden(text)
    pattern = _SHOWN.get((parent, name))
    return text if pattern is not None and pattern.fullmatch(text) else _hidden(text)


def _path(text: str) -> str:
    return text if _PATH.fullmatch(text) and len(text) <= DEFAULT.name else _hidden(text)


def _parameter(element: Element) -> str:
    """A parameter in one line: its name, its type, its value."""
    parts = {local_name(part.tag): part for part in element}
    name, value = parts.get("Name"), parts.get("Value")
    named = "" if name is None else (name.text or "").strip()
    if value is None:
        return f"{_path(named)}: ‹no value›"
    text = (value.text or "").strip()
    kind = _TYPE.fullmatch((value.get(_XSI_TYPE) or "").strip())
    shown = text if _is_shown(named, text) else _hidden(text)
    return f"{_path(named)}{f' ({kind[1]})' if kind else ''}: {shown}"


def _is_shown(name: str, text: str) -> bool:
    if not _PATH.fullmatch(name):
        return False
    below = name.partition(".")[2]
    if below == "ManagementServer.ParameterKey":
        return read_tag(text) is not None
    return below in _PARAMETERS and _WORDS.fullmatch(text) is not None


def _scraps(content: bytes) -> Iterator[str]:
    """Of what is no XML the tags that we know, in their order: they show where it breaks off."""
    yield f"‹{len(content)} bytes that are no XML›"
    for slash, name in _TAGS.findall(content):
        if (known := name.decode("ascii")) in _ELEMENTS:
            yield f"<{slash.decode()}{known}>"
