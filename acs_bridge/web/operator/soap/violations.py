"""What the schema finds wrong with a request, as the errors in fields that `/v1` gives; values are not repeated."""

import re
from typing import Final

from lxml import etree

from acs_bridge.errors import InvalidField, InvalidInput

_LIMIT = re.compile(r"'(\d+)'\.?$")
_TYPE = re.compile(r"type '(?:\w+:|\{[^}]*\})?(\w+)'\.?$")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*) \)")
_STEP = re.compile(r"/([^/\[]+)(?:\[(\d+)\])?")
_TYPES: Final = {"boolean": "must be true or false"}
_FACETS: Final = {
    "SCHEMAV_CVC_MINLENGTH_VALID": "must have at least {limit} character",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "must have at most {limit} characters",
    "SCHEMAV_CVC_PATTERN_VALID": "has a character, or a form, that is not allowed",
    "SCHEMAV_CVC_ENUMERATION_VALID": "is none of the values that are allowed",
    "SCHEMAV_CVC_ELT_3_1": "must not be nil",
}


def violations(schema: etree.XMLSchema, asked: etree._Element) -> InvalidInput | None:
    """Hold a request to the schema; None when it fits."""
    if schema.validate(asked):
        return None
    found: dict[str, InvalidField] = {}
    for entry in schema.error_log:
        error = _error(entry, asked)
        found.setdefault(error.field, error)
    return InvalidInput(*found.values())


def _error(entry: etree._LogEntry, asked: etree._Element) -> InvalidField:
    element = _element(entry.path or "", asked)
    message = entry.message
    if entry.type_name == "SCHEMAV_ELEMENT_CONTENT":
        expected = _expected(message)
        if "Missing child" not in message:
            return InvalidField(_path(element, asked), _unexpected(expected))
        if len(expected) == 1:
            return InvalidField(_path(element, asked, expected[0]), "is required")
        return InvalidField(_path(element, asked), f"one of {', '.join(expected)} is required")
    if entry.type_name == "SCHEMAV_CVC_DATATYPE_VALID_1_2_1":
        named = _TYPE.search(message)
        words = _TYPES.get(named[1] if named else "", "is not of the type that it must be")
        return InvalidField(_path(element, asked), words)
    limit = _LIMIT.search(message)
    words = _FACETS.get(entry.type_name, "does not fit the schema")
    return InvalidField(_path(element, asked), words.format(limit=limit[1] if limit else "some"))


def _unexpected(expected: list[str]) -> str:
    return f"is not expected here; {' or '.join(expected)} is" if expected else "is not expected here"


def _expected(message: str) -> list[str]:
    found = _EXPECTED.search(message)
    return [name.rpartition("}")[2] for name in found[1].split(", ")] if found else []


def _element(path: str, asked: etree._Element) -> etree._Element:
    """Find what libxml2 means by a path such as /a:Provision/a:Gateway/*[2]; its root is what was asked."""
    element = asked
    for name, position in _STEP.findall(path)[1:]:
        named = [child for child in element if name in {"*", _written(child)}]
        if not 0 < int(position or 1) <= len(named):
            break
        element = named[int(position or 1) - 1]
    return element


def _written(element: etree._Element) -> str:
    """Give a name as it stands in the message."""
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _path(element: etree._Element, asked: etree._Element, *inside: str) -> str:
    """Name an element by those around it; the operation itself only where it is all there is."""
    around = [each for each in element.iterancestors() if asked in each.iterancestors()]
    names = [etree.QName(each).localname for each in [*reversed(around), element] if each is not asked]
    return ".".join([*names, *inside]) or etree.QName(asked).localname
