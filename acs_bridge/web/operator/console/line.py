"""One line of service: everything that is known of it, and what may be done with it, on one page."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from acs_bridge.domain.write import CANCELLABLE, RETRYABLE, WriteState
from acs_bridge.errors import NotFound
from acs_bridge.services.pages import Ask
from acs_bridge.services.queue.writes import SeenWrite, WriteQuestion, Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.devices import Devices, warnings
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.services.session.transcripts import Standing, Transcripts
from acs_bridge.store.associations import AssociationRow, Moment
from acs_bridge.store.devices import DeviceRow
from acs_bridge.store.gateways import GatewayRow
from acs_bridge.web.operator.console.audit import said
from acs_bridge.web.operator.console.registry import Outcome, Page, View, Visit
from acs_bridge.web.operator.models.faults import FaultAnswer

PATH: Final = "/lines/{line_of_service}"
WRITES_SHOWN: Final = 10
MOMENTS_SHOWN: Final = 100
MOMENTS_READ: Final = 500
PAGES_READ: Final = 20
FORMER_SHOWN: Final = 10


class LinePage:
    """The page of a line."""

    def __init__(
        self,
        devices: Devices,
        associations: Associations,
        gateways: Gateways,
        writes: Writes,
        transcripts: Transcripts,
    ) -> None:
        self._devices = devices
        self._associations = associations
        self._gateways = gateways
        self._writes = writes
        self._transcripts = transcripts

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (Page(PATH, "line.title", self.show),)

    async def show(self, visit: Visit) -> Outcome:
        """Show it."""
        device = await self._devices.find(visit.path["line_of_service"])
        line = device.line_of_service
        writes, associations, gateway, namesakes, transcript = await asyncio.gather(
            self._writes.page(Ask(WRITES_SHOWN), WriteQuestion(line_of_service=line)),
            self._associations.page(Ask(FORMER_SHOWN), line_of_service=line),
            self._gateway(device),
            self._namesakes(device),
            self._transcript(device, visit),
        )
        shown = _chosen(associations.items, visit.query.get("association"))
        moments, total = ([], 0) if shown is None else await self._story(shown.id)
        facts = {
            "device": device,
            "advice": warnings(line),
            "writes": writes.items,
            "association": next((each for each in associations.items if each.ended_at is None), None),
            "former": [each for each in associations.items if each.ended_at is not None],
            "shown": shown,
            "moments": moments,
            "moments_left_out": total - len(moments),
            "gateway": gateway,
            "namesakes": namesakes,
            "transcript": transcript,
            "next_inform_at": None if gateway is None else self._gateways.next_inform(gateway),
            "now_waits": next((each for each in writes.items if each.waiting.waiting_for), None),
            "said": said,
            "meaning": _meaning,
            "fault": _fault,
            "may_retry": lambda seen: WriteState(seen.row.state) in RETRYABLE,
            "may_cancel": lambda seen: WriteState(seen.row.state) in CANCELLABLE,
        }
        return View("line.html", facts, title=line)

    async def _gateway(self, device: DeviceRow) -> GatewayRow | None:
        return None if device.gateway_id is None else await self._gateways.find(device.gateway_id)

    async def _namesakes(self, device: DeviceRow) -> Sequence[GatewayRow]:
        return () if device.gateway_id is None else await self._gateways.namesakes(device.gateway_id)

    async def _transcript(self, device: DeviceRow, visit: Visit) -> Standing | None:
        return await self._transcripts.standing(device.gateway_id) if visit.is_admin and device.gateway_id else None

    async def _story(self, association_id: UUID) -> tuple[list[Moment], int]:
        """The newest moments of an association, newest first, and how many there are."""
        moments: list[Moment] = []
        cursor, total = None, 0
        for _ in range(PAGES_READ):
            page = await self._associations.timeline(association_id, Ask(MOMENTS_READ, cursor))
            total += len(page.items)
            moments = [*moments, *page.items][-MOMENTS_SHOWN:]
            cursor = page.next
            if cursor is None:
                break
        return moments[::-1], total


def _chosen(associations: Sequence[AssociationRow], wanted: str | None) -> AssociationRow | None:
    """Choose whose story is told: the one that was asked for, else the newest."""
    if wanted is None:
        return next(iter(associations), None)
    for each in associations:
        if str(each.id) == wanted:
            return each
    raise NotFound("this line has no such association")


def _meaning(seen: SeenWrite) -> str | None:
    """Say what went wrong with a write, in plain words."""
    return None if seen.row.fault is None else _fault(seen.row.fault)


def _fault(fault: dict[str, object]) -> str:
    answer = FaultAnswer.model_validate(fault)
    parts = [answer.meaning, *(f"{each.name}: {each.meaning}" for each in answer.parameters)]
    return "; ".join(parts)
