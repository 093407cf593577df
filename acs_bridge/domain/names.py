"""Codes, lines of service and names as people and BSSs write them.

A text is taken in Unicode NFC, without blanks around it, otherwise as written: case and leading zeros are kept. Two
codes are the same when their keys are, and keys do not know case. Refused are

* in all of them: control characters (also tabs and line ends inside), line and paragraph separators, halves of
  surrogate pairs, U+FFFE and U+FFFF: XML, through which a code may have to travel, would change or cannot carry them;
* in codes and lines of service also the characters that change the direction of writing, and those that are zero wide
  and mean nothing in any script: two codes that look alike must not be two subscribers. Names may have them, in Arabic
  or Hebrew they belong there; whoever shows a name isolates it.

Nothing here knows whether a code is taken, and no text is changed beyond NFC and trimming.
"""

import re
import unicodedata
from dataclasses import dataclass

from acs_bridge.errors import InvalidField

CODE_LENGTH = 64
NAME_LENGTH = 128

_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_NOWHERE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_NOT_IN_CODES = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)
_COMPOSITION = 4  # NFC makes one character of at most four

_OUI = re.compile("[0-9A-F]{6}", re.ASCII)
MAC_PATTERN = (
    r"[0-9a-f]{2}([:.-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"
    r"|(?=.*[a-f])(?:[0-9a-f]{12}|[0-9a-f]{4}([:.-])[0-9a-f]{4}\2[0-9a-f]{4}|[0-9a-f]{6}[:.-][0-9a-f]{6})"
)
"""What a whole text is that looks like a MAC address, without case; browsers read it as Python does."""
_MAC = re.compile(MAC_PATTERN, re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """A code or a name: as it is shown, and the key by which it is compared."""

    shown: str
    key: str


def subscriber_code(text: object) -> Text:
    """Take a subscriber's code, or say what is wrong with it."""
    return _take("code", text, CODE_LENGTH, codelike=True)


def line_of_service(text: object) -> Text:
    """Take a line of service, or say what is wrong with it."""
    return _take("line_of_service", text, CODE_LENGTH, codelike=True)


def subscriber_name(text: object) -> Text:
    """Take a subscriber's name, or say what is wrong with it."""
    return _take("name", text, NAME_LENGTH, codelike=False)


def oui(text: object) -> Text:
    """Take the OUI of a gateway, in upper case as TR-069 spells it (DeviceIdStruct), or say what is wrong with it."""
    given = text.strip(_BLANKS).upper() if isinstance(text, str) else ""
    if not _OUI.fullmatch(given):
        raise InvalidField("oui", "must be six hexadecimal digits, as in 00005E")
    return Text(given, given)


def looks_like_mac(text: str) -> bool:
    """Tell whether a line of service is probably the MAC address of a box, which is bad advice: boxes get swapped.

    Six pairs of hex digits between colons, hyphens or dots always are one. Twelve digits in one piece, in three fours
    or two sixes are one only with a letter among them: digits alone may be a telephone or an account number.
    """
    return _MAC.fullmatch(text) is not None


def _take(field: str, text: object, limit: int, *, codelike: bool) -> Text:
    if not isinstance(text, str):
        raise InvalidField(field, f"must be text of 1 to {limit} characters")
    text = text.strip(_BLANKS)
    if text.isascii() and text.isprintable() and 0 < len(text) <= limit:
        return Text(text, text.lower())  # what most are, and what everything below would make of it
    shown = _normal(text, limit)
    if not 0 < len(shown) <= limit:
        raise InvalidField(field, f"must have 1 to {limit} characters, not counting blanks around it")
    _refuse(_NOWHERE, field, shown, "control characters and the like are not allowed")
    if codelike:
        _refuse(_NOT_IN_CODES, field, shown, "invisible characters are not allowed")
    return Text(shown, _key(shown))


def _normal(text: str, limit: int) -> str:
    """Return NFC, without spending time on what is too long in any form."""
    return text if len(text) > limit * _COMPOSITION else unicodedata.normalize("NFC", text)


def _key(shown: str) -> str:
    """Return the key of a canonical caseless match (Unicode 3.13, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", shown).casefold())


def _refuse(characters: re.Pattern[str], field: str, shown: str, why: str) -> None:
    found = characters.search(shown)
    if found is not None:
        raise InvalidField(field, f"has U+{ord(found[0]):04X} at character {found.start() + 1}; {why}")
