"""Lists inside pages: a page of records, what was searched for in it, and the addresses that show more of it.

What is shown stands in the address of the page, so that it can be reloaded, bookmarked and fetched again to stay live.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from acs_bridge.errors import InvalidInput
from acs_bridge.services.pages import Ask, Page

LENGTH: Final = 10
"""How many records a list shows at a time."""


@dataclass(frozen=True, slots=True)
class List:
    """A list as it is shown."""

    items: Sequence[Any]
    search: str  # as it was typed
    next: str | None  # the cursor of what comes after it
    begun: bool  # these are the first ones
    problem: str | None = None  # what is wrong with what was asked for


async def listed(
    query: Mapping[str, str], name: str, turn: Callable[[Ask], Awaitable[Page[Any]]], length: int = LENGTH
) -> List:
    """Read the list that a page's query asks for by its name; what cannot be asked is said beside the search field."""
    search, cursor = query.get(f"{name}_search", ""), query.get(f"{name}_after") or None
    try:
        found = await turn(Ask(length, cursor, search))
    except InvalidInput as error:
        return List((), search, None, begun=True, problem="; ".join(each.message for each in error.errors))
    return List(found.items, search, found.next, begun=cursor is None)


def only(record: object) -> List:
    """Show one record alone."""
    return List((record,), "", None, begun=True)


class Addresses:
    """Addresses of the same page that show something else."""

    def __init__(self, path: str, query: Mapping[str, str]) -> None:
        """`query` is what it shows now."""
        self._path = path
        self._query = dict(query)

    def __call__(self, **changes: str | None) -> str:
        """Give the address with these parts of the query; None takes one out."""
        asked = {name: value for name, value in {**self._query, **changes}.items() if value}
        return f"{self._path}?{urlencode(asked)}" if asked else self._path
