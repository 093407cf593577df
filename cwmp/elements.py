"""Elements of a parsed message and the structures they hold: by local names, in any order, whatever counts claim.

All texts but the values of parameters lose the blanks around them. What goes beyond the soft limits is cut or left out,
and noted where it is more than a word.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol, TypeAlias

from cwmp.errors import RemoteProtocolError
from cwmp.limits import Limits
from cwmp.structs import DeviceId, EventStruct, ParameterValueStruct, parameter_value
from cwmp.types import STRING, XSD_TYPES, type_name

Notes: TypeAlias = list[str]
Text: TypeAlias = str | None  # as it stands in an element; None where there is none

TRUE = frozenset({"1", "true", "TRUE", "True"})

_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_DIGITS = frozenset("0123456789")
_LONGEST_NUMBER = 20
_LONGEST_SERIAL = 64
_LONGEST_CODE = 64
_LONGEST_TAG = 128
_MOST_TAGS = 2048
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Element(Protocol):
    """As much of lxml's element as is used here. Comments are not kept, so that each tag is a text."""

    @property
    def tag(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str | None: ...  # noqa: D102
    @property
    def nsmap(self) -> dict[str | None, str]: ...  # noqa: D102
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator["Element"]: ...
    def __getitem__(self, index: int, /) -> "Element": ...
    def get(self, key: str, /) -> str | None: ...  # noqa: D102
    def values(self) -> list[str]: ...  # noqa: D102
    def items(self) -> list[tuple[str, str]]: ...  # noqa: D102
    def iter(self, *tags: str) -> Iterator["Element"]: ...  # noqa: D102
    def getparent(self) -> "Element | None": ...  # noqa: D102


def local_name(tag: str) -> str:
    """Give a tag without its namespace."""
    return tag.rpartition("}")[2]


class _LocalNames(dict[str, str]):
    """The local names of tags that were seen before, for which a look-up needs no call of Python."""

    def __missing__(self, tag: str) -> str:
        name = local_name(tag)
        if len(tag) <= _LONGEST_TAG:
            if len(self) >= _MOST_TAGS:
                self.clear()  # made-up names fill it up, and must not keep out those of honest gateways
            self[tag] = name
        return name


LOCAL_NAMES = _LocalNames()


def texts_of(element: Element | None) -> dict[str, str]:
    """Give the texts of an element's children, by name."""
    texts: dict[str, str] = {}
    if element is not None:
        for part in element:
            text = part.text
            texts[LOCAL_NAMES[part.tag]] = text.strip() if text else ""
    return texts


def texts_in_small(element: Element | None) -> dict[str, str]:
    """Give the texts of an element's children by name in small letters, for what is spelled in many ways."""
    return {name.lower(): text for name, text in texts_of(element).items()}


def parts_of(element: Element) -> dict[str, Element]:
    """Give an element's children, by name."""
    return {LOCAL_NAMES[part.tag]: part for part in element}


def parts_and_texts_of(element: Element) -> tuple[dict[str, Element], dict[str, str | None]]:
    """Give an element's children and their texts as they stand, both by name."""
    parts: dict[str, Element] = {}
    texts: dict[str, str | None] = {}
    for part in element:
        name = LOCAL_NAMES[part.tag]
        parts[name] = part
        texts[name] = part.text
    return parts, texts


def number(text: str | None) -> int | None:
    """Give the number that a text is, if it is a plain one; most have one digit."""
    if text in _DIGITS:
        return int(text)
    digits = text.strip() if text else ""
    return int(digits) if len(digits) <= _LONGEST_NUMBER and digits.isascii() and digits.isdigit() else None


def flag(text: str | None) -> bool:
    """Give the boolean that a text is; what is none is false."""
    return text is not None and text.strip() in TRUE


def words(text: str, limits: Limits) -> str:
    """Make a text from an untrusted device fit for people's eyes: no control characters, not too long (F-02)."""
    return _CONTROLS.sub(" ", text).strip()[: limits.text]


def strings(element: Element | None, limits: Limits) -> tuple[str, ...]:
    """Read a list of words."""
    items = () if element is None else islice(element, limits.parameters)
    return tuple([(item.text or "").strip()[: limits.name] for item in items])


# --- structures -------------------------------------------------------------------------------------------------------


def device_id(texts: Mapping[str, str]) -> DeviceId:
    """Tell who speaks; without an OUI and a serial number nothing can be done for it (R-01, R-02)."""
    oui, serial = texts.get("OUI"), texts.get("SerialNumber")
    if not oui or not serial:
        small = {name.lower(): text for name, text in texts.items()}
        oui, serial = oui or small.get("oui") or small.get("manufactureroui"), serial or small.get("serialnumber")
    if not oui or not serial:
        raise RemoteProtocolError("the Inform has no OUI or no SerialNumber")
    if len(serial) > _LONGEST_SERIAL:
        raise RemoteProtocolError(f"the SerialNumber has more than {_LONGEST_SERIAL} characters")
    manufacturer, product_class = texts.get("Manufacturer", ""), texts.get("ProductClass", "")
    return DeviceId(
        manufacturer[:_LONGEST_SERIAL], oui.upper()[:_LONGEST_SERIAL], product_class[:_LONGEST_SERIAL], serial
    )


def codes_and_keys(element: Element | None, limits: Limits) -> list[tuple[Text, Text]]:
    """Find the code and the command key of each event."""
    found: list[tuple[Text, Text]] = []
    for struct in islice(element, limits.events) if element is not None else ():
        texts = {LOCAL_NAMES[part.tag]: part.text for part in struct}
        bare = "EventCode" not in texts and LOCAL_NAMES[struct.tag] == "EventCode"  # without a structure around it
        found.append((struct.text if bare else texts.get("EventCode"), texts.get("CommandKey")))
    return found


def events(found: Iterable[tuple[Text, Text]], count: int, limits: Limits, notes: Notes) -> tuple[EventStruct, ...]:
    """Tell why the CPE calls; a list without events is fine (some open a session for no reason that they tell).

    `count`: so many there were.
    """
    told = []
    for code, key in found:
        short = code.strip()[:_LONGEST_CODE] if code else ""
        if short:
            told.append(EventStruct(short, key.strip()[: limits.text] if key else ""))
    if count != len(told):
        notes.append("events left out")
    return tuple(told)


def names_values_types(element: Element | None, limits: Limits) -> list[tuple[Text, Text, str]]:
    """Find the name, the value and the type of each parameter."""
    found: list[tuple[Text, Text, str]] = []
    for name, value in _names_and_values(element, limits) if element is not None else ():
        if value is None:
            found.append((name.text, None, STRING))
            continue
        # A lone attribute that is spelled like a type is the type; to ask for it by name costs three times more.
        attributes = value.values()
        known = len(attributes) == 1 and attributes[0] in XSD_TYPES
        found.append((name.text, value.text, attributes[0] if known else _type_of(value)))
    return found


def parameter_values(
    found: Iterable[tuple[Text, Text, str]], count: int, limits: Limits, notes: Notes
) -> tuple[ParameterValueStruct, ...]:
    """Tell which parameters have which values; one without a usable name is left out. `count`: so many there were."""
    longest = limits.name
    told = [
        parameter_value((path, value or "", type_))
        for name, value, type_ in found
        if name and (path := name.strip()) and len(path) <= longest
    ]
    if count != len(told):
        notes.append("parameters left out")
    return tuple(told)


def usable_paths(names: Iterable[Text], limits: Limits) -> tuple[str, ...] | None:
    """Give names as `parameter_values` tells them; None where it would leave one out."""
    paths = tuple([name.strip() if name else "" for name in names])
    return paths if all(paths) and all(len(path) <= limits.name for path in paths) else None


def _names_and_values(element: Element, limits: Limits) -> Iterable[tuple[Element, Element | None]]:
    # Where every structure has one name and one value, two walks in C find them all without a look at the structures.
    names, values = list(element.iter("{*}Name")), list(element.iter("{*}Value"))
    if len(names) == len(values) == len(element) <= limits.parameters:
        return zip(names, values, strict=True)
    structs = map(parts_of, islice(element, limits.parameters))
    return [(parts["Name"], parts.get("Value")) for parts in structs if "Name" in parts]


def _type_of(value: Element) -> str:
    declared = value.get(_XSI_TYPE)
    if declared is None:
        # The schema instance of 1999, or a prefix that nobody declared.
        declared = next((text for key, text in value.items() if local_name(key) == "type"), STRING)
    return type_name(declared)


def fault_struct(element: Element | None, limits: Limits) -> tuple[int, str]:
    """Read how something ended that was not a request; 0 is success."""
    texts = texts_of(element)
    return number(texts.get("FaultCode")) or 0, words(texts.get("FaultString", ""), limits)
