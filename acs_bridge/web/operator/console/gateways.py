"""Gateways: those that have informed, and the inbox of those that nobody has given to a line, or let in.

With a `line` in the address a gateway is one click from it: out of the list, by the end of the serial number on its
label, or whichever comes next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import InvalidInput, NotFound
from acs_bridge.services.queue.writes import Writes
from acs_bridge.services.records.devices import Devices
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.store.devices import DeviceRow
from acs_bridge.store.gateways import GatewayFilter
from acs_bridge.web.operator.console.lists import Addresses, List, listed
from acs_bridge.web.operator.console.registry import Entry, Outcome, Page, View, Visit
from acs_bridge.web.operator.models.records import GatewayAnswer

PATH: Final = "/gateways"
LENGTH: Final = 20
FEW: Final = 5
"""How many lines are offered at a time."""
INBOX: Final = "inbox"
KINDS: Final[Mapping[str, GatewayFilter]] = {
    INBOX: GatewayFilter(unclaimed=True),
    "unapproved": GatewayFilter(approved=False),
    "quarantined": GatewayFilter(quarantined=True),
    "all": GatewayFilter(),
    "stock": GatewayFilter(informed=False),
}
"""The lists among which one chooses."""


class GatewaysPage:
    """The boxes."""

    def __init__(self, gateways: Gateways, devices: Devices, writes: Writes, clock: Clock) -> None:
        self._gateways = gateways
        self._devices = devices
        self._clock = clock
        self._approval_needed = writes.approval_needed

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (Page(PATH, "gateways.title", self.show, entry=Entry("navigation.gateways")),)

    async def show(self, visit: Visit) -> Outcome:
        """Show one of the lists, and for Admins the line that a gateway is for."""
        kinds = [kind for kind in KINDS if kind != "unapproved" or self._approval_needed]
        kind = visit.query.get("show", INBOX)
        kind = kind if kind in kinds else INBOX
        shown = {
            "here": Addresses(PATH, visit.query),
            "kinds": kinds,
            "kind": kind,
            "gateways": await self._list(visit.query, KINDS[kind]),
            "line": await self._line(visit),
            "lines": await listed(visit.query, "line", self._devices.page, FEW) if visit.is_admin else None,
            "approval_needed": self._approval_needed,
        }
        return View("gateways.html", shown)

    async def _list(self, query: Mapping[str, str], wanted: GatewayFilter) -> List:
        found = await listed(query, "gateway", lambda ask: self._gateways.page(ask, wanted), LENGTH)
        now = self._clock()
        return replace(found, items=[GatewayAnswer.of(row, now) for row in found.items])

    async def _line(self, visit: Visit) -> DeviceRow | None:
        name = visit.query.get("line")
        if not name or not visit.is_admin:
            return None
        try:
            return await self._devices.find(name)
        except (NotFound, InvalidInput):
            return None
