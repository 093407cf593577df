"""Values of parameters: what may be written, and when what is read back is what was written.

Values stay text: nothing here turns one into something that could not be turned back. Names of parameters and objects
are checked here as well.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, time, timedelta

from cwmp.errors import LocalProtocolError
from cwmp.messages import ROOTS
from cwmp.types import STRING, XSD_TYPES

LONGEST_PATH = 256

_BLANKS = " \t\r\n"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_RANGES = {
    "xsd:int": (-(2**31), 2**31 - 1),
    "xsd:unsignedInt": (0, 2**32 - 1),
    "xsd:long": (-(2**63), 2**63 - 1),
    "xsd:unsignedLong": (0, 2**64 - 1),
}
_BOOLEANS = {"0": False, "false": False, "1": True, "true": True}
_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,12}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))?"
)
_LONGEST_OFFSET = timedelta(hours=14)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
# An instance is a number or an alias in brackets; the templates of data models ({i}) are neither (R-07, D-07).
_SEGMENT = r"(?:[A-Za-z_][A-Za-z0-9_-]*|[1-9][0-9]{0,9}|\[[A-Za-z][A-Za-z0-9_.-]{0,63}\])"
_PARAMETER_PATH = re.compile(rf"(?:{_SEGMENT}\.)+[A-Za-z_][A-Za-z0-9_-]*")
_OBJECT_PATH = re.compile(rf"(?:{_SEGMENT}\.)+")


class InvalidValue(LocalProtocolError):
    """A value or a path cannot be written; it says why, not what."""


# --- what may be written ----------------------------------------------------------------------------------------------


def check(value: str, type: str) -> None:
    """Raise InvalidValue unless `value` is a literal of `type` that every CPE reads."""
    if type not in XSD_TYPES:
        raise InvalidValue(f"{type} is no type of CWMP")
    _CHECKS[type](value, type)


def _check_string(value: str, _type: str) -> None:
    if _ILLEGAL.search(value):
        raise InvalidValue("it has a character that XML does not allow")


def _check_boolean(value: str, _type: str) -> None:
    if value not in _BOOLEANS:
        raise InvalidValue("a boolean is 0, 1, false or true")


def _check_integer(value: str, type: str) -> None:
    lowest, highest = _RANGES[type]
    if not _INTEGER.fullmatch(value) or not lowest <= int(value) <= highest:
        raise InvalidValue(f"it is no whole number from {lowest} to {highest}")


def _check_date_time(value: str, _type: str) -> None:
    if _instant(value) is None:
        raise InvalidValue("a time is written like 2026-01-31T23:59:59Z")


def _check_base64(value: str, _type: str) -> None:
    if _octets(value) is None:
        raise InvalidValue("it is no base64")


def _check_hex(value: str, _type: str) -> None:
    if not _HEX.fullmatch(value):
        raise InvalidValue("it is no pairs of hexadecimal digits")


_CHECKS: dict[str, Callable[[str, str], None]] = {
    STRING: _check_string,
    "xsd:boolean": _check_boolean,
    **dict.fromkeys(_RANGES, _check_integer),
    "xsd:dateTime": _check_date_time,
    "xsd:base64Binary": _check_base64,
    "xsd:hexBinary": _check_hex,
}


# --- what was read back -----------------------------------------------------------------------------------------------


def equal(written: str, read: str, type: str) -> bool:
    """Tell whether a CPE that was told `written` and says `read` has the value.

    Blanks around a value do not count (some CPEs pad, some trim); all else of a string does, also in a URL.
    """
    if written == read:
        return True
    written, read = written.strip(_BLANKS), read.strip(_BLANKS)
    if written == read:
        return True
    meaning = _MEANINGS.get(type)
    if meaning is None:
        return False
    meant = meaning(written)
    return meant is not None and meant == meaning(read)


def _boolean(text: str) -> bool | None:
    return _BOOLEANS.get(text.lower())


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _instant(text: str) -> tuple[int, str] | None:
    """Give a time as seconds and a fraction; without a zone it is UTC (D-02).

    Not a datetime: the offset of a time in year 1 or 9999 would carry it out of range.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    try:
        moment = time(hour, minute, second)
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    if offset > _LONGEST_OFFSET:
        return None
    seconds = timedelta(days=days, hours=moment.hour, minutes=moment.minute, seconds=moment.second)
    seconds = seconds + offset if sign == "-" else seconds - offset
    return seconds // timedelta(seconds=1), (fraction or "").rstrip("0")


def _octets(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _hex_octets(text: str) -> bytes | None:
    return bytes.fromhex(text) if _HEX.fullmatch(text) else None


_MEANINGS: dict[str, Callable[[str], object]] = {
    "xsd:boolean": _boolean,
    **dict.fromkeys(_RANGES, _integer),
    "xsd:dateTime": _instant,
    "xsd:base64Binary": _octets,
    "xsd:hexBinary": _hex_octets,
}


# --- paths ------------------------------------------------------------------------------------------------------------


def parameter_path(path: str) -> None:
    """Raise InvalidValue unless `path` is the full name of one parameter (D-06)."""
    _check_path(path, _PARAMETER_PATH, "the name of a parameter has no empty part and no dot at its end")


def object_path(path: str) -> None:
    """Raise InvalidValue unless `path` names an object or the table of its instances: it ends in a dot (D-06)."""
    _check_path(path, _OBJECT_PATH, "the path of an object has no empty part and a dot at its end")


def _check_path(path: str, pattern: re.Pattern[str], rule: str) -> None:
    if not path.startswith(ROOTS):
        raise InvalidValue(f"a path begins with {ROOTS[0]} or {ROOTS[1]}")
    if len(path) > LONGEST_PATH:
        raise InvalidValue(f"a path has at most {LONGEST_PATH} characters")
    if not pattern.fullmatch(path):
        raise InvalidValue(rule)
