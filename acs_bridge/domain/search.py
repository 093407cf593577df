"""What somebody means who types into the one search box: words, without case, and without what stands between digits.

A code, a line, a serial number and a MAC address are typed with separators, without them, and in part. All of these are
left out here and in the database's indexes (`search.sql`), so that `00:00:5e:12` finds `00005E123456`.
"""

import re
from dataclasses import dataclass
from typing import Final

from acs_bridge.domain import names
from acs_bridge.domain.names import Text

SEPARATORS: Final = "-:._/,'\N{RIGHT SINGLE QUOTATION MARK}"
LEAST_INDEXED: Final = 3
"""Trigrams: shorter words are found at the beginning of a record, and among the newest ones."""
MOST_WORDS: Final = 8
_HEX: Final = re.compile("[0-9a-f]{1,4}", re.ASCII)
_LEAVE_OUT: Final = str.maketrans(
    {**dict.fromkeys(SEPARATORS), "\N{GREEK SMALL LETTER FINAL SIGMA}": "\N{GREEK SMALL LETTER SIGMA}"}
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched: the whole text as codes are compared and as it was typed, and its words, the longest first."""

    text: Text
    words: tuple[str, ...]

    @property
    def is_indexed(self) -> bool:
        """Whether the index of the database knows its longest word."""
        return len(self.words[0]) >= LEAST_INDEXED


def sought(typed: object) -> Sought | None:
    """Read a query; None when nothing is left of it, InvalidField when it can be no part of anything."""
    text = names.subscriber_name(typed)
    words = [word for part in text.shown.lower().split() if (word := part.translate(_LEAVE_OUT))]
    if len(words) > 1 and all(_HEX.fullmatch(word) for word in words):
        words = ["".join(words)]  # digits in groups, as people read a MAC address out
    distinct = sorted(dict.fromkeys(words[:MOST_WORDS]), key=len, reverse=True)
    return Sought(text, tuple(distinct)) if distinct else None
