"""`/v1/search`: one box for everything."""

from http import HTTPStatus

from acs_bridge.services.records.search import Search
from acs_bridge.web.operator.models.base import NoBody
from acs_bridge.web.operator.models.search import SearchAnswer, SearchQuery
from acs_bridge.web.operator.registry import READERS, Answer, AnyRoute, Call, Route


class SearchRoutes:
    """Searching over HTTP."""

    def __init__(self, search: Search) -> None:
        self._search = search

    def table(self) -> tuple[AnyRoute, ...]:
        """Say what is served."""
        return (
            Route(
                "GET",
                "/v1/search",
                self.find,
                "Find subscribers, lines and gateways by code, name, line, serial number or MAC address",
                READERS,
                {HTTPStatus.OK: SearchAnswer},
                query=SearchQuery,
            ),
        )

    async def find(self, call: Call[SearchQuery, NoBody]) -> Answer:
        """Find them."""
        return Answer(SearchAnswer.of(await self._search.find(call.query.q, call.query.limit)))
