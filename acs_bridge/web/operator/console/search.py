"""What the search box of every page finds."""

from acs_bridge.errors import InvalidField
from acs_bridge.services.records.search import Found, Search
from acs_bridge.web.operator.console.places import line_path
from acs_bridge.web.operator.console.registry import Outcome, Page, Redirect, View, Visit

MOST = 50


class SearchPage:
    """One box for everything."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (Page("/search", "search.title", self.show),)

    async def show(self, visit: Visit) -> Outcome:
        """Show what was found; the one thing that is exactly what was typed is shown itself."""
        typed = visit.query.get("q", "").strip()
        found, refusal = Found([], complete=True), None
        if typed:
            try:
                found = await self._search.find(typed, MOST)
            except InvalidField as error:
                refusal = error.message
        line = _line_of(found)
        if line is not None:
            return Redirect(line_path(line))
        return View("search.html", {"typed": typed, "found": found, "refusal": refusal})


def _line_of(found: Found) -> str | None:
    """The line that the only hit is about, when it is exactly what was typed."""
    if len(found.hits) != 1 or found.hits[0][1].place:
        return None
    hit = found.hits[0][1]
    lines = [hit.line_of_service] if hit.line_of_service else hit.first_lines or []
    return lines[0] if len(lines) == 1 else None
