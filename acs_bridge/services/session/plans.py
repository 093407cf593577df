"""What one gateway would be sent, before it is sent: the requests in their order, without anything secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from acs_bridge.domain import planner
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.planner import Association, Foreseen, OpenWrite, Plan
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.domain.write import Purpose, WriteState
from acs_bridge.errors import NotFound
from acs_bridge.services.profiles.rendering import Rendering, Unfit
from acs_bridge.store import gateways, writes
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import GatewayRow
from acs_bridge.store.writes import Outlook

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class GatewayPlan:
    """What a gateway would be sent in its next session; one of the reasons says why it would not."""

    gateway_id: int
    profile: str | None
    purpose: Purpose | None = None  # None: no line with an association has this gateway
    write_id: UUID | None = None  # None: nothing is queued; this is what a write would send
    state: str | None = None
    blocked: str | None = None  # parked by its profile
    unfit: str | None = None  # cannot get it at all
    requests: Sequence[Foreseen] = ()
    hidden: frozenset[str] = frozenset()  # parameters of whose values nothing is shown


class Plans:
    """Looks ahead."""

    def __init__(self, database: Database, clock: Clock, rendering: Rendering) -> None:
        self._database = database
        self._clock = clock
        self._rendering = rendering

    async def of_gateway(self, gateway_id: int) -> GatewayPlan:
        """Say what a gateway would be sent. Nothing is changed by it, and no PHAN URL is in the answer."""
        row = await gateways.find(self._database, gateway_id)
        if row is None:
            raise NotFound("there is no such gateway")
        kind = _kind(row)
        profile = self._rendering.profile(kind)
        name = None if profile is None else profile.name
        outlook = await writes.outlook(self._database, gateway_id)
        if outlook is None:
            return GatewayPlan(gateway_id, name)
        write = self._write(outlook)
        rendered = self._rendering.render(kind if row.root else None, write)
        return GatewayPlan(
            gateway_id,
            name,
            write.purpose,
            outlook.write_id,
            outlook.state,
            self._rendering.blocked(kind, self._clock()),
            rendered.reason if isinstance(rendered, Unfit) else None,
            () if isinstance(rendered, Unfit) else planner.foresee(write, rendered.wanted),
            frozenset() if profile is None else profile.hidden,
        )

    def scrub(self, text: str) -> str:
        """Cut PHAN URLs down to what may be shown."""
        return self._rendering.scrub(text)

    def _write(self, outlook: Outlook) -> OpenWrite:
        """What stands open, or would, as a session would find it at its beginning."""
        return OpenWrite(
            id=outlook.write_id or _NOBODY,
            purpose=Purpose(outlook.purpose),
            state=WriteState.QUEUED,
            moves=0,
            attempts=0,
            step=0,
            plan=Plan(read_first=bool(outlook.plan.get("read_first"))),
            parameter_key=None,
            request_id=None,
            session_number=None,
            moved_at=self._clock(),
            generation=outlook.generation,
            association=Association(
                outlook.association_id,
                outlook.key_id,
                outlook.issued_at,
                outlook.line_of_service,
                outlook.subscriber_code,
            ),
        )


def _kind(row: GatewayRow) -> GatewayKind:
    return GatewayKind(row.root, row.oui, row.product_class, row.software_version)
