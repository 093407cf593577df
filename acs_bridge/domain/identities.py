"""By which names a certificate names a gateway, and whether it names this one.

TR-069 names a gateway `OUI-serial` or `OUI-productclass-serial`; what is no letter, digit or underscore in a part is
percent-encoded from UTF-8, so that a hyphen always parts. Certificates that leave other characters as they are, are
understood too.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

_NAME: Final = re.compile(r"[0-9A-Fa-f]{6}(-[^-]+){1,2}")
_ESCAPED: Final = re.compile(r"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)
# One attribute of a subject as RFC 4514 writes it: what parts attributes stands escaped, or in quotes, in a value.
_ATTRIBUTE: Final = re.compile(
    r'\s*([A-Za-z][A-Za-z0-9-]*|[0-9.]+)\s*=\s*("(?:[^"\\]|\\.)*"|(?:[^,+;"\\]|\\.)*)', re.DOTALL
)
_COMMON_NAME: Final = frozenset({"cn", "2.5.4.3"})


def of_gateways(names: Iterable[str]) -> frozenset[str]:
    """Those of a certificate's names that can be a gateway's; a maker's or a model's name is none."""
    return frozenset(name.strip() for name in names if _NAME.fullmatch(name.strip()))


def in_subject(text: str) -> list[str]:
    """The common names of a subject as a proxy writes it (RFC 4514), or the text itself, where it is a name alone.

    Nothing of a subject that is not understood to its end: somebody may have chosen its words to be misread.
    """
    if "=" not in text:
        return [text]
    found: list[str] = []
    position = 0
    while attribute := _ATTRIBUTE.match(text, position):
        if attribute[1].lower() in _COMMON_NAME:
            found.append(_plain(attribute[2].strip()))
        position = attribute.end()
        if position == len(text):
            return found
        if text[position] not in ",+;":
            break
        position += 1
    return []


def _plain(value: str) -> str:
    if value.startswith('"'):
        value = value[1:-1]
    return _ESCAPED.sub(lambda found: found[2] or chr(int(found[1], 16)), value)


def name(identities: Iterable[str], oui: str, product_class: str, serial_number: str) -> bool:
    """Whether one of these names is this gateway's. Capitals do not count, as they do not in host names."""
    wanted = (_folded((oui, serial_number)), _folded((oui, product_class, serial_number)))
    return any(_folded(map(unquote, identity.split("-"))) in wanted for identity in identities)


def _folded(parts: Iterable[str]) -> list[str]:
    return [part.casefold() for part in parts]
