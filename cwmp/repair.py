"""Repairs of text that is nearly XML, each after what some gateway really sends.

Each repair is linear in the text and is only tried when the text could not be parsed as it stands. None of them closes
an element or completes a message: what was cut off stays cut off.
"""

import re
from collections.abc import Callable

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|amp|lt|gt|quot|apos);)?")
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_ROOT = re.compile(r"<[A-Za-z_][\w.:-]*")
_ROOT_TAG = re.compile(r"<[A-Za-z_][^<>]*")
_USED_PREFIX = re.compile(r"""</?([A-Za-z_][\w.-]*):|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*["']""")
_DECLARED_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_MOST_PREFIXES = 32
_MOST_REPLACEMENTS = 100_000  # a text with more to mend than this is no message

UNDECLARED = "urn:undeclared-prefix:"
"""Prefixes that nobody declared are bound to namespaces below this one."""


def repair(text: str, done: list[str]) -> str:
    """Repair what can be, naming in `done` each thing that was."""
    for name, function in _REPAIRS:
        repaired = function(text)
        if repaired != text:
            done.append(name)
            text = repaired
    return text


def _without_leading(text: str) -> str:
    return text.lstrip("\ufeff\0 \t\r\n")


def _without_illegal_characters(text: str) -> str:
    return _ILLEGAL.sub("", text, count=_MOST_REPLACEMENTS)


def _with_ampersands_escaped(text: str) -> str:
    if _CDATA not in text:
        return _escaped(text)
    first, *sections = text.split(_CDATA)
    return _CDATA.join([_escaped(first), *map(_after_cdata_start, sections)])


def _after_cdata_start(section: str) -> str:
    inside, end, outside = section.partition(_CDATA_END)
    return inside + end + _escaped(outside)


def _escaped(text: str) -> str:
    return _AMPERSAND.sub(_reference, text, count=_MOST_REPLACEMENTS)


def _reference(match: re.Match[str]) -> str:
    """Keep a reference that is one, drop one to a character that XML forbids, escape a bare ampersand."""
    name = match[1]
    if name is None:
        return "&amp;"
    if name[0] != "#":
        return match[0]
    point = int(f"0{name[1:]}", 16) if name[1] == "x" else int(name[1:])
    legal = point <= 0x10FFFF and not _ILLEGAL.match(chr(point))  # noqa: PLR2004 - the last code point there is
    return match[0] if legal else ""


def _with_prefixes_declared(text: str) -> str:
    """Declare on the root every prefix that is used and not declared there."""
    root = _ROOT.search(text)
    tag = _ROOT_TAG.search(text)
    if root is None or tag is None:
        return text
    used = {prefix for pair in _USED_PREFIX.findall(text) for prefix in pair}
    missing = sorted(used - {"", "xml", "xmlns", *_DECLARED_PREFIX.findall(tag[0])})[:_MOST_PREFIXES]
    declarations = "".join(f' xmlns:{prefix}="{UNDECLARED}{prefix}"' for prefix in missing)
    return text[: root.end()] + declarations + text[root.end() :]


_REPAIRS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("text before the first element", _without_leading),
    ("illegal characters", _without_illegal_characters),
    ("bare ampersands", _with_ampersands_escaped),
    ("undeclared prefixes", _with_prefixes_declared),
)
