"""Provisioning by hand: a subscriber, a device, and the two of them together, in any order and on any day.

What is chosen stands in the address: `subscriber` and `device` are in the panels, and with `…_only` alone in their
lists.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from acs_bridge.domain.names import MAC_PATTERN
from acs_bridge.domain.write import WriteState
from acs_bridge.errors import InvalidInput, NotFound
from acs_bridge.services.queue.writes import SeenWrite, Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.devices import MAC_WARNING, Devices, warnings
from acs_bridge.services.records.subscribers import Subscribers
from acs_bridge.store.associations import AssociationRow
from acs_bridge.store.devices import DeviceRow
from acs_bridge.store.subscribers import SubscriberRow
from acs_bridge.web.operator.console.lists import Addresses, List, listed, only
from acs_bridge.web.operator.console.registry import ADMIN_MENU, ADMINS, Entry, Outcome, Page, View, Visit
from acs_bridge.web.operator.models.faults import FaultAnswer
from acs_bridge.web.operator.tables import GATEWAY, REQUIRED

T = TypeVar("T")

PATH: Final = "/provisioning"
STEPS: Final = ("queued", "sent", "applied", "verified")
"""The way of a write that meets nothing."""
_REACHED: Final = {
    WriteState.QUEUED: 0,
    WriteState.SENT: 1,
    WriteState.IN_DOUBT: 1,
    WriteState.APPLIED: 2,
    WriteState.STAGED: 2,
    WriteState.VERIFIED: 3,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an association has come."""

    association: AssociationRow
    write: SeenWrite | None

    @property
    def reached(self) -> int | None:
        """Which of `STEPS` its write has reached; None: it has left the way."""
        return None if self.write is None else _REACHED.get(WriteState(self.write.row.state))

    @property
    def fault(self) -> FaultAnswer | None:
        """What went wrong last, in our words and the gateway's."""
        fault = None if self.write is None else self.write.row.fault
        return None if fault is None else FaultAnswer.model_validate(fault)


class ProvisioningPage:
    """The manual's three steps."""

    def __init__(self, subscribers: Subscribers, devices: Devices, associations: Associations, writes: Writes) -> None:
        self._subscribers = subscribers
        self._devices = devices
        self._associations = associations
        self._writes = writes

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        entry = Entry("navigation.provisioning", ADMIN_MENU)
        return (Page(PATH, "provisioning.title", self.show, ADMINS, entry),)

    async def show(self, visit: Visit) -> Outcome:
        """Show the panels, their lists, and what becomes of the two that are chosen."""
        subscriber = await _chosen(self._subscribers.find, visit.query.get("subscriber"))
        device = await _chosen(self._devices.find, visit.query.get("device"))
        shown = {
            "here": Addresses(PATH, visit.query),
            "subscriber": subscriber,
            "device": device,
            "subscribers": await self._list(visit.query, "subscriber", subscriber, self._subscribers.page),
            "devices": await self._list(visit.query, "device", device, self._devices.page),
            "progress": await self._progress(device),
            "steps": STEPS,
            "warnings": warnings,
            "mac_warning": MAC_WARNING,
            "mac_pattern": MAC_PATTERN,
            "columns": (REQUIRED, GATEWAY),
        }
        return View("provisioning.html", shown)

    async def _list(
        self, query: Mapping[str, str], name: str, chosen: SubscriberRow | DeviceRow | None, turn: Callable[..., Any]
    ) -> List:
        if chosen is not None and query.get(f"{name}_only"):
            return only(chosen)
        return await listed(query, name, turn)

    async def _progress(self, device: DeviceRow | None) -> Progress | None:
        if device is None or device.association_id is None:
            return None
        association = await self._associations.find(device.association_id)
        write = None if association.write_id is None else await self._writes.find(association.write_id)
        return Progress(association, write)


async def _chosen(find: Callable[[str], Awaitable[T]], name: str | None) -> T | None:
    """Look up what is chosen; None when nothing is, or it is gone."""
    if not name:
        return None
    try:
        return await find(name)
    except (NotFound, InvalidInput):
        return None
