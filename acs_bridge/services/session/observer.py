"""Sessions of a daemon that observes: they are answered, each gateway is read once, and nothing is written into any.

What is read is what the profile of a gateway would write, in one request, once for each software version (and profile):
whether the parameters are there, and whether a PHAN URL of ours stands in them. Where the profile writes an instance of
a table, that is the whole table: the URL may stand in any of its instances. No value is kept.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id, tag
from acs_bridge.domain.phan import PhanUrlRefused, PhanUrls
from acs_bridge.domain.planner import Answer, Asked, OpenWrite, Plan
from acs_bridge.domain.profile import GatewayKind, Profile, ProfileUnfit
from acs_bridge.domain.write import Purpose, WriteState
from acs_bridge.services.profiles.reloading import specimen
from acs_bridge.services.profiles.rendering import Rendering
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.session.informs import Informs, kind_of, row_of
from acs_bridge.services.session.quarantine import Quarantine
from acs_bridge.services.session.visit import NO_QUIRKS, Contact, Outgoing, Visit
from acs_bridge.store import observations
from acs_bridge.store.database import Database
from acs_bridge.store.observations import Observed, Question, StandingQuestion
from acs_bridge.store.sessions import Examined
from cwmp.messages import (
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    Inform,
)

_log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 3
_NAMES_AT_ONCE: Final = 64
_STEP: Final = 1
_ANY_LINE: Final = "0" * 16  # what stands for the line of a gateway that has none
_NO_SUCH_NAME: Final = 9005  # TR-069 A.5.1


class Observer:
    """Takes the place of what provisions."""

    def __init__(  # noqa: PLR0913 - what the use case is made of, by name
        self,
        *,
        database: Database,
        informs: Informs,
        rendering: Rendering,
        quarantine: Quarantine,
        phan_urls: PhanUrls,
        binding: Binding,
        clock: Clock,
    ) -> None:
        """`rendering` says which profile a gateway has."""
        self._database = database
        self._informs = informs
        self._rendering = rendering
        self._quarantine = quarantine
        self._phan_urls = phan_urls
        self._binding = binding
        self._clock = clock

    async def open(self, inform: Inform, contact: Contact) -> Visit:
        """Begin a session: the gateway is up to date in the records. Raises Replayed."""
        kind = kind_of(inform)
        profile = self._rendering.profile(kind)
        row = row_of(inform, contact, kind, None if profile is None else profile.name)
        opened = await self._informs.take(row)
        if isinstance(opened, Examined):
            await self._quarantine.note(row, opened)
            owners = contact.principal.gateway_ids
            return Visit(gateway_id=owners[0] if owners else 0, session_number=0, work_due=False, known=True)
        if opened.entitled and opened.is_first and opened.write is None:
            await self._binding.bind_wanted(opened.gateway_id, self._clock())
        due = bool(opened.gateway_id) and self._question(kind) is not None
        return Visit(
            gateway_id=opened.gateway_id,
            session_number=opened.session_number,
            work_due=due,
            write=_to_ask() if due else None,
            kept_out=not opened.gateway_id,
            known=True,
            kind=kind,
            recorded=opened.recorded,
            quirks=NO_QUIRKS if profile is None else profile.quirks,
        )

    async def recall(self, visit: Visit) -> OpenWrite | None:
        """What is being asked in this session, read from the database unless this worker knows it."""
        if not visit.known:
            found = await observations.standing(self._database, visit.gateway_id, visit.session_number)
            visit.known = True
            visit.write = None
            if found is not None:
                visit.kind = GatewayKind(found.root, found.oui, found.product_class, found.software_version)
                visit.write = self._standing(visit, found)
        return visit.write

    def _standing(self, visit: Visit, found: StandingQuestion) -> OpenWrite | None:
        if self._question(visit.kind) is None:
            return None
        if found.id is None or found.request_id is None:
            return _to_ask()
        return _outstanding(visit, found.id, found.request_id)

    async def begin(self, visit: Visit) -> Outgoing | None:
        """The gateway has nothing more to say: it is read, if nobody has done that yet."""
        if visit.write is None or visit.kind is None:
            return None
        now = self._clock()
        profile, request = self._rendering.profile(visit.kind), self._question(visit.kind)
        if profile is None or request is None:
            return None
        id = new_id(now)
        question = Question(
            visit.gateway_id,
            visit.session_number,
            id,
            visit.kind.software_version,
            profile.name,
            tag(id, _STEP),
            now,
        )
        visit.write = None
        if not await observations.ask(self._database, question, _ATTEMPTS):
            return None
        visit.write = _outstanding(visit, id, question.request_id)
        return Outgoing(request, question.request_id)

    async def repeat(self, visit: Visit, *, counts: bool = True) -> Outgoing | None:
        """The outstanding request once more; where the gateway left it unanswered, it is let be."""
        write = visit.write
        request = None if visit.kind is None else self._question(visit.kind)
        if write is None or write.request_id is None or request is None or counts:
            return None
        return Outgoing(request, write.request_id)

    async def answer(self, visit: Visit, answer: Answer) -> Outgoing | None:
        """The gateway was read: keep what that means, and nothing of what it said. The session is over."""
        write, profile = visit.write, None if visit.kind is None else self._rendering.profile(visit.kind)
        if write is None or profile is None:
            return None
        observed = await self._observed(visit, profile, answer)
        await observations.answer(self._database, visit.gateway_id, write.id, observed, self._clock())
        _log.info("gateway_observed", gateway_id=visit.gateway_id, profile=profile.name, outcome=observed.outcome)
        visit.write = None
        return None

    async def lose(self, visit: Visit) -> None:
        """What the gateway said makes no sense: it is asked again in another session."""

    def _question(self, kind: GatewayKind | None) -> GetParameterValues | None:
        profile = None if kind is None else self._rendering.profile(kind)
        if profile is None or (profile.blocks and kind is not None and profile.block(kind, self._clock()) is not None):
            return None
        if profile.instance is not None:
            return GetParameterValues((profile.instance.table,))
        return GetParameterValues(tuple(parameter.name for parameter in profile.parameters)[:_NAMES_AT_ONCE])

    async def _observed(self, visit: Visit, profile: Profile, answer: Answer) -> Observed:
        if isinstance(answer, Fault):
            return _refused(answer)
        missing = _missing(profile, answer)
        if missing:
            return Observed("missing", missing)
        line = await observations.line_of(self._database, visit.gateway_id)
        try:
            profile.render(Purpose.PROVISION, specimen(self._phan_urls, line or _ANY_LINE, self._clock()))
        except ProfileUnfit as error:
            return Observed("too_short", str(error))
        return self._provisionable(answer)

    def _provisionable(self, answer: Answer) -> Observed:
        """It can get its URL, or has one already: whose is told without keeping it."""
        values = answer.parameters if isinstance(answer, GetParameterValuesResponse) else ()
        for parameter in values:
            with suppress(PhanUrlRefused):
                opened = self._phan_urls.open(parameter.value)
                return Observed(
                    "provisionable",
                    association_id=opened.claims.association_id,
                    generation=opened.claims.generation,
                    key_id=opened.key_id,
                )
        return Observed("provisionable")


def _to_ask() -> OpenWrite:
    """What the law of a session knows as something that waits to be asked; no such write exists anywhere."""
    return OpenWrite(
        id=UUID(int=0),
        purpose=Purpose.PROVISION,
        state=WriteState.QUEUED,
        moves=0,
        attempts=0,
        step=0,
        plan=Plan(),
        parameter_key=None,
        request_id=None,
        session_number=None,
        moved_at=datetime.min.replace(tzinfo=UTC),
        generation=0,
    )


def _outstanding(visit: Visit, id: UUID, request_id: str) -> OpenWrite:
    """What it knows as the request that is outstanding."""
    return _to_ask()._replace(
        id=id,
        state=WriteState.SENT,
        attempts=1,
        step=_STEP,
        plan=Plan(asked=Asked.READ),
        request_id=request_id,
        session_number=visit.session_number,
    )


def _missing(profile: Profile, answer: Answer) -> str:
    """Name what a gateway has not told of; nothing where it has told of everything."""
    if profile.instance is not None or not isinstance(answer, GetParameterValuesResponse):
        return ""  # the table is there: instances come with the write
    told = {parameter.name for parameter in answer.parameters}
    wanted = [parameter.name for parameter in profile.parameters][:_NAMES_AT_ONCE]
    return ", ".join(name for name in wanted if name not in told)


def _refused(fault: Fault) -> Observed:
    named = ", ".join(parameter.name for parameter in fault.parameters)
    if fault.code == _NO_SUCH_NAME or any(each.code == _NO_SUCH_NAME for each in fault.parameters):
        return Observed("missing", named or "one of the parameters of its profile")
    return Observed("refused", f"fault {fault.code}")
