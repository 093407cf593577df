"""Repairs of text that is nearly XML, each after what some gateway really sends.

The gentle ones mend characters; the firm ones rewrite tags, and are only tried when the gentle ones did not do. Each is
linear in the text. None of them closes an element or completes a message: what was cut off stays cut off.
"""

import re
from collections.abc import Callable
from html.entities import name2codepoint

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_COMMENT, _COMMENT_END = "<!--", "-->"
_LESS_THAN = re.compile("<(?![A-Za-z_/!?\x80-\U0010ffff])")
# Neither crosses a "<", so that a text full of them is still looked at once.
_START_TAG = re.compile(r"""<([A-Za-z_][\w.:-]*+)(\s(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>/][^\s"'>]*+))?""")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?")
_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*["']1\.[0-9]["'](?:\s+encoding\s*=\s*["'][A-Za-z][\w.-]*["'])?"""
    r"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>\s*(?!(?i:<\?xml\s))""",
    re.ASCII,
)
_ROOT = re.compile(r"<[A-Za-z_][\w.:-]*")
_ROOT_TAG = re.compile(r"<[A-Za-z_][^<>]*")
_USED_PREFIX = re.compile(r"""</?([A-Za-z_][\w.-]*):|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*["']""")
_DECLARED_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_MOST_PREFIXES = 32
_MOST_REPLACEMENTS = 20_000  # a text with more to mend than this is no message
_MOST_DECLARATIONS = 4
_LONGEST_SCRAP = 1024  # of what is no XML before or after a message: rests of a buffer, lengths of chunks, boundaries

UNDECLARED = "urn:undeclared-prefix:"
"""Prefixes that nobody declared are bound to namespaces below this one."""


def mend(text: str, done: list[str], *, firmly: bool) -> str:
    """Repair what can be, naming in `done` each thing that was."""
    for name, function in _FIRM if firmly else _GENTLE:
        mended = function(text)
        if mended != text:
            if name not in done:
                done.append(name)
            text = mended
    return text


# --- gentle -----------------------------------------------------------------------------------------------------------


def _without_scraps_before(text: str) -> str:
    start = text.find("<")
    return text[start:] if 0 < start <= _LONGEST_SCRAP else text


def _without_scraps_behind(text: str) -> str:
    """Drop what follows the last end tag, unless there is markup in it: that would be another message."""
    end = text.find(">", text.rfind("</")) + 1
    scrap = text[end : end + _LONGEST_SCRAP]
    whole = end + len(scrap) == len(text)
    return text[:end] if end and whole and "<" not in scrap and scrap.strip() else text


def _without_illegal_characters(text: str) -> str:
    return _ILLEGAL.sub("", text, count=_MOST_REPLACEMENTS)


def _with_ampersands_escaped(text: str) -> str:
    return _outside_cdata(text, _escaped) if "&" in text else text


def _escaped(text: str) -> str:
    return _AMPERSAND.sub(_reference, text, count=_MOST_REPLACEMENTS)


def _reference(match: re.Match[str]) -> str:
    """Keep a reference that is one, resolve HTML's, drop one that XML forbids, escape a bare ampersand."""
    name = match[1]
    if name is None or name in _OF_XML:
        return match[0] if name else "&amp;"
    if name[0] != "#":
        return f"&#{name2codepoint[name]};" if name in name2codepoint else f"&amp;{name};"
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


# --- firm -------------------------------------------------------------------------------------------------------------


def _without_declaration(text: str) -> str:
    """Drop an XML declaration that is none; it says nothing any more, for the text is decoded."""
    if _DECLARATION.match(text):
        return text
    text = text.lstrip()
    for _ in range(_MOST_DECLARATIONS):
        if text[:5].lower() != "<?xml":
            break
        text = text[text.find(">") + 1 :].lstrip()
    return text


def _without_comments(text: str) -> str:
    return _outside_cdata(text, _uncommented) if _COMMENT in text else text


def _uncommented(text: str) -> str:
    first, *sections = text.split(_COMMENT)
    kept = [first]
    for section in sections:
        _, end, behind = section.partition(_COMMENT_END)
        kept.append(behind if end else _COMMENT + section)
    return "".join(kept)


def _with_markup_escaped(text: str) -> str:
    return _outside_cdata(text, lambda part: _LESS_THAN.sub("&lt;", part.replace(_CDATA_END, "]]&gt;")))


def _with_attributes_rewritten(text: str) -> str:
    return _outside_cdata(text, lambda part: _START_TAG.sub(_rewritten, part, count=_MOST_REPLACEMENTS))


def _rewritten(tag: re.Match[str]) -> str:
    """Write a start tag anew with those of its attributes that XML allows, the first of a name, all of them quoted."""
    kept: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(tag[2]):
        if not value or name in kept or not _ATTRIBUTE_NAME.fullmatch(name):
            continue
        quoted = value if value[0] in "\"'" else f'"{value.rstrip("/")}"'
        if name.startswith("xmlns"):
            quoted = f"{quoted[0]}{quoted[1:-1].strip()}{quoted[0]}"
            if quoted[1] == quoted[0] and name != "xmlns":
                continue  # a prefix cannot be bound to nothing
        kept[name] = quoted
    attributes = "".join(f" {name}={value}" for name, value in kept.items())
    return f"<{tag[1]}{attributes}{'/' if tag[2].endswith('/') else ''}>"


# --- all of them ------------------------------------------------------------------------------------------------------


def _outside_cdata(text: str, function: Callable[[str], str]) -> str:
    """Repair all but the CDATA sections, in which everything is allowed."""
    first, *sections = text.split(_CDATA)
    repaired = [function(first)]
    for section in sections:
        inside, end, outside = section.partition(_CDATA_END)
        repaired.append(inside + end + function(outside))
    return _CDATA.join(repaired)


_Repairs = tuple[tuple[str, Callable[[str], str]], ...]
_GENTLE: _Repairs = (
    ("text before the message", _without_scraps_before),
    ("text behind the message", _without_scraps_behind),
    ("illegal characters", _without_illegal_characters),
    ("bare ampersands", _with_ampersands_escaped),
    ("undeclared prefixes", _with_prefixes_declared),
)
_FIRM: _Repairs = (
    ("comments", _without_comments),
    ("XML declaration", _without_declaration),
    ("bare markup", _with_markup_escaped),
    ("attributes", _with_attributes_rewritten),
    ("undeclared prefixes", _with_prefixes_declared),
)
