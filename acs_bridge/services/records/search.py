"""One search box for everything: subscribers, lines and gateways, by code, name, line, serial number or MAC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acs_bridge.domain.search import sought
from acs_bridge.errors import InvalidField
from acs_bridge.store import search
from acs_bridge.store.database import Database
from acs_bridge.store.search import KINDS, Hit


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the best first; not `complete`: there is, or may be, more than that."""

    hits: Sequence[tuple[str, Hit]]
    complete: bool


class Search:
    """Finds records of every kind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, text: str, limit: int) -> Found:
        """Look for a text in everything; at most so many records."""
        try:
            wanted = sought(text)
        except InvalidField as error:
            raise InvalidField("q", error.message) from None
        if wanted is None:
            return Found([], complete=True)
        found, in_time = await search.search(self._database, wanted, limit + 1)
        chosen = _fair(found)
        best = sorted(chosen[:limit], key=lambda each: (each[1].place, KINDS.index(each[0])))
        return Found(best, complete=in_time and len(chosen) <= limit)


def _fair(found: Mapping[str, Sequence[Hit]]) -> list[tuple[str, Hit]]:
    """Put what is exactly what was typed first, then of each kind in turn, so that none crowds another one out."""
    turns = [
        ((hit.place > 0, turn, KINDS.index(kind)), (kind, hit))
        for kind, hits in found.items()
        for turn, hit in enumerate(hits)
    ]
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]
