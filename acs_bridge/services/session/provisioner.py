"""What a CWMP session does: an Inform finds the write that waits for its gateway, and every answer moves that write on.

A worker that has not seen the session, or has been overtaken by another one, reads the write's row and goes on.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from acs_bridge.domain import planner
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import tag
from acs_bridge.domain.planner import KEYED, Answer, Memory, Move, OpenWrite, Plan
from acs_bridge.domain.principal import Principal
from acs_bridge.domain.retry import Retry
from acs_bridge.domain.write import RETRYABLE, SETTLED, WriteEvent, WriteState
from acs_bridge.services.profiles.rendering import Rendered, Rendering, Unfit
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.services.session.budget import Budget
from acs_bridge.services.session.former import FormerValues
from acs_bridge.services.session.informs import PARAMETER_KEY, Informs, kind_of, row_of
from acs_bridge.services.session.preparations import Preparations
from acs_bridge.services.session.quarantine import Quarantine
from acs_bridge.services.session.visit import NO_QUIRKS, Contact, Outgoing, Overtaken, Visit
from acs_bridge.store.sessions import Change, Examined, OpenedSession, Sessions, Standing
from cwmp.messages import Fault, Inform

_log = structlog.get_logger(__name__)

_ROUTINE: Final = frozenset(
    (WriteEvent.DISPATCHED, WriteEvent.ADVANCED, WriteEvent.ACCEPTED, WriteEvent.DEFERRED)
)  # the history keeps them; a line of the log for each would say the same at many times the price
_PROOFS: Final = {
    WriteEvent.READ_BACK_EQUAL: "read_back",
    WriteEvent.KEY_PROVES: "parameter_key",
    WriteEvent.LOGIN_PROVES: "login",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what."""

    lease: timedelta  # for the answer to a request, unless the gateway asks for longer (SessionTimeout)
    staged: timedelta  # for a value that the gateway took, to apply later


class Provisioner:
    """Drives writes through sessions."""

    def __init__(  # noqa: PLR0913 - what the use case is made of, by name
        self,
        *,
        sessions: Sessions,
        informs: Informs,
        rendering: Rendering,
        former: FormerValues,
        credentials: GatewayCredentials,
        quarantine: Quarantine,
        retry: Retry,
        patience: Patience,
        preparations: Preparations,
        know_key: Callable[[str], Awaitable[bool]],
        budget: Budget,
        clock: Clock,
        random: Callable[[], float],
        on_move: Callable[[WriteEvent], None],
    ) -> None:
        """`know_key` says whether there is a key for PHAN URLs, also one that was made while this process runs."""
        self._sessions = sessions
        self._informs = informs
        self._rendering = rendering
        self._former = former
        self._credentials = credentials
        self._quarantine = quarantine
        self._retry = retry
        self._patience = patience
        self._preparations = preparations
        self._know_key = know_key
        self._budget = budget
        self._clock = clock
        self._random = random
        self._on_move = on_move

    async def open(self, inform: Inform, contact: Contact) -> Visit:
        """Begin a session: the gateway is up to date in the records, and a lost session's write is settled.

        Raises Replayed.
        """
        kind = kind_of(inform)
        profile = self._rendering.profile(kind)
        parked = profile is not None and bool(profile.blocks) and profile.block(kind, self._clock()) is not None
        signs = self._preparations.signs(inform, profile)
        row = row_of(inform, contact, kind, None if profile is None else profile.name, signs, parked=parked)
        opened = await self._informs.take(row)
        if isinstance(opened, OpenedSession) and await self._preparations.prepare(opened, inform):
            # Something waits for it since. Taken once more, so that brakes and rate decide about that too.
            opened = await self._informs.take(row._replace(booted=False, periodic=False, login=None, again=True))
        if isinstance(opened, Examined):
            await self._quarantine.note(row, opened)
            owners = contact.principal.gateway_ids
            return Visit(gateway_id=owners[0] if owners else 0, session_number=0, work_due=False, known=True)
        if opened.cloned:
            await self._quarantine.note_clone(row, opened.gateway_id)
        visit = Visit(
            gateway_id=opened.gateway_id,
            session_number=opened.session_number,
            work_due=False,
            kept_out=not opened.gateway_id,
            known=True,
            kind=kind,
            booted_at=opened.booted_at,
            write=opened.write,
            due_at=opened.due_at,
            held_back=opened.held_back,
            behind=opened.behind,
            recorded=opened.recorded,
            quirks=NO_QUIRKS if profile is None else profile.quirks,
            heard=(contact.principal, inform.value(PARAMETER_KEY)),
        )
        if opened.write is not None:
            await self._resume(visit, contact.principal, inform.value(PARAMETER_KEY))
            if opened.spent_until is not None and opened.write.state is WriteState.QUEUED:
                self._budget.held(opened.gateway_id, opened.write.id, opened.spent_until)
        visit.work_due = visit.work_due and not contact.exposed
        return visit

    async def begin(self, visit: Visit) -> Outgoing | None:
        """The gateway has nothing more to say (an empty POST): what it is asked, if anything. Raises Overtaken."""
        outgoing = None if visit.write is None else await self._begin(visit, visit.write)
        return await self._begin_next(visit) if outgoing is None else outgoing

    async def repeat(self, visit: Visit, *, counts: bool = True) -> Outgoing | None:
        """The outstanding request once more. It `counts` where the gateway left it unanswered. Raises Overtaken."""
        write = visit.write
        if write is None or write.request_id is None:
            return None
        wanted = visit.wanted_for(write) or await self._render(visit, write)
        if isinstance(wanted, Unfit) or not planner.resumes(write, wanted.wanted):
            await self._stop(visit, write)
            return None
        return await self._carry_out(visit, write, planner.repeat(write, wanted.wanted, counts=counts), wanted.profile)

    async def answer(self, visit: Visit, answer: Answer) -> Outgoing | None:
        """The gateway answered the outstanding request: what that makes of the write, and what is asked next.

        Raises Overtaken.
        """
        outgoing = None if visit.write is None else await self._answer(visit, visit.write, answer)
        return await self._begin_next(visit) if outgoing is None else outgoing

    async def recall(self, visit: Visit) -> OpenWrite | None:
        """The write at which this session stands, read from the database unless this worker knows it."""
        if not visit.known:
            found = await self._sessions.find_open_write(visit.gateway_id, visit.session_number, self._clock())
            visit.known = True
            visit.write = None if found is None else found.write
            if found is not None:
                visit.kind, visit.booted_at = found.kind, found.booted_at
                parked = self._rendering.blocked(found.kind, self._clock()) is not None
                visit.due_at, visit.held_back, visit.behind = found.due_at, found.braked or parked, found.behind
                await self._settle_late(visit)
        if visit.behind is not None:
            self._turn(visit, visit.behind)
        return visit.write

    async def lose(self, visit: Visit) -> None:
        """What the gateway said makes no sense: whether its write was applied is in doubt until its next Inform."""
        write = visit.write
        if write is not None and write.state is WriteState.SENT:
            with suppress(Overtaken):
                await self._carry_out(visit, write, Move(WriteEvent.SESSION_LOST, plan=write.plan), None)

    # --- the steps of it ------------------------------------------------------------------------------------------

    async def _resume(self, visit: Visit, principal: Principal, reported_key: str | None) -> None:
        """Settle what a lost session left behind, and say whether there is something to ask in this one."""
        if visit.behind is not None:
            aside = replace(visit, behind=None)
            aside.turn_to(visit.behind)
            await self._settle(aside, principal, reported_key)
            visit.known, visit.behind = aside.known, aside.standing
        await self._settle(visit, principal, reported_key)
        if visit.behind is not None:
            self._turn(visit, visit.behind)
        visit.work_due = not visit.known or self._may_begin(visit)

    async def _settle(self, visit: Visit, principal: Principal, reported_key: str | None) -> None:
        write = visit.write
        if write is None or (write.state is WriteState.QUEUED and write.pair is None):
            return
        last_attempt, in_force = self._retry.exhausted(write.attempts), self._in_force(visit, write)
        move: Move | None = None
        if planner.logged_in(write, principal):
            move = Move(WriteEvent.LOGIN_PROVES)
        elif write.request_id is not None:
            move = planner.lost(write, reported_key, last_attempt=last_attempt)
        elif planner.proven(write, reported_key, in_force=in_force):
            move = Move(WriteEvent.KEY_PROVES)
        else:
            move = planner.not_used(write, principal, last_attempt=last_attempt, in_force=in_force)
        with suppress(Overtaken):  # the empty POST looks again
            if move is not None:
                await self._carry_out(visit, write, move, None)

    async def _settle_late(self, visit: Visit) -> None:
        """Settle a request that an earlier session sent while this one's Inform was being taken.

        The Inform's statement saw the write as it was before, and nobody else would look before the lease is over.
        """
        write = visit.write
        if visit.heard is None or write is None or write.request_id is None:
            return
        if write.session_number != visit.session_number:
            await self._settle(visit, *visit.heard)

    def _turn(self, visit: Visit, behind: Standing) -> bool:
        """Give credentials their turn where the line's write has nothing to ask: never are two requests outstanding."""
        write, next_write = visit.write, behind.write
        under_way = next_write.request_id is not None and next_write.session_number == visit.session_number
        if write is not None and not under_way:
            if write.request_id is not None or self._may_begin(visit):
                return False
            if not planner.may_follow(write, visit.session_number):
                return False
        visit.turn_to(behind)
        return True

    async def _begin_next(self, visit: Visit) -> Outgoing | None:
        """The line's write has nothing more to ask in this session: credentials may."""
        if visit.behind is None or not self._turn(visit, visit.behind):
            return None
        return await self.begin(visit)

    def _may_begin(self, visit: Visit) -> bool:
        write = visit.write
        if write is None or visit.due_at is None:
            return False
        held_back = visit.held_back and write.state is WriteState.QUEUED
        return not held_back and planner.may_begin(write, self._clock(), visit.due_at, visit.session_number)

    async def _begin(self, visit: Visit, write: OpenWrite) -> Outgoing | None:
        if not self._may_begin(visit):
            return None
        wanted = visit.wanted_for(write) or await self._render(visit, write)
        if not isinstance(wanted, Unfit):
            return await self._carry_out(visit, write, planner.begin(write, wanted.wanted), wanted.profile)
        if write.state is WriteState.QUEUED and not wanted.for_now:
            await self._carry_out(visit, write, Move(WriteEvent.UNFIT, fault=Fault(0, wanted.reason)), None)
        return None

    async def _answer(self, visit: Visit, write: OpenWrite, answer: Answer) -> Outgoing | None:
        wanted = visit.wanted_for(write) or await self._render(visit, write)
        if isinstance(wanted, Unfit) or not planner.resumes(write, wanted.wanted):
            await self._stop(visit, write)
            return None
        move = planner.answered(
            write,
            wanted.wanted,
            answer,
            last_attempt=self._retry.exhausted(write.attempts),
            in_force=write.state is WriteState.STAGED and self._in_force(visit, write),
        )
        return await self._carry_out(visit, write, move, wanted.profile)

    async def _stop(self, visit: Visit, write: OpenWrite) -> None:
        """The profiles have changed under a request that is outstanding: look at it anew at the next Inform."""
        if write.state is WriteState.SENT:
            await self._carry_out(visit, write, Move(WriteEvent.SESSION_LOST, plan=write.plan), None)
        else:
            await self._carry_out(visit, write, Move(), None)

    def _in_force(self, visit: Visit, write: OpenWrite) -> bool:
        """Whether what its gateway took must be there by now, also where it put that off."""
        booted = visit.booted_at is not None and visit.booted_at > write.moved_at
        return booted or self._clock() - write.moved_at >= self._patience.staged

    async def _render(self, visit: Visit, write: OpenWrite) -> Rendered | Unfit:
        """Once in a session, which goes on with what it began with, also when the profiles change meanwhile."""
        if write.association is not None:
            await self._know_key(write.association.key_id)
        rendered = (
            self._rendering.render(visit.kind, write)
            if write.pair is None
            else await self._credentials.render(visit.gateway_id, visit.kind, write)
        )
        visit.wanted = rendered if isinstance(rendered, Rendered) else None
        return rendered

    async def _carry_out(self, visit: Visit, write: OpenWrite, move: Move, profile: str | None) -> Outgoing | None:
        """Store a move before its request leaves."""
        now = self._clock()
        change = self._change(visit, write, move, profile, now)
        moved = (
            await self._sessions.move(visit.gateway_id, visit.session_number, write, move.event, change, now)
            if move.event is not None
            else await self._sessions.hold(visit.gateway_id, visit.session_number, write, change)
        )
        if moved is None:
            visit.known = False
            raise Overtaken
        if move.event is not None:
            self._on_move(move.event)
            if move.event not in _ROUTINE:
                self._tell(visit, write, move, moved)
        visit.due_at = change.due_at or now
        visit.write = None if moved in SETTLED else _changed(write, moved, move, change, visit, now)
        if move.request is None or change.request_id is None:
            return None
        return Outgoing(move.request, change.request_id)

    def _tell(self, visit: Visit, write: OpenWrite, move: Move, moved: WriteState) -> None:
        """One line for what settles a write or sets it back, loud where a person will have to look."""
        tell = _log.warning if moved in RETRYABLE else _log.info
        tell(
            "write_moved",
            write_id=str(write.id),
            line_of_service=None if write.association is None else write.association.line_of_service,
            gateway_id=visit.gateway_id,
            move=move.event,
            state=moved,
            fault=None if move.fault is None else move.fault.code or "ours",
        )

    def _change(self, visit: Visit, write: OpenWrite, move: Move, profile: str | None, now: datetime) -> Change:
        request, event = move.request, move.event
        step = write.step if request is None or move.again else write.step + 1
        request_id = None
        if request is not None:
            request_id = tag(write.id, step)
        elif event is WriteEvent.SESSION_LOST:
            request_id = write.request_id  # its answer may still come
        wanted = visit.wanted
        return Change(
            attempts=write.attempts + 1 if event is WriteEvent.DISPATCHED else write.attempts,
            step=step,
            parameter_key=request.parameter_key if isinstance(request, KEYED) else write.parameter_key,
            request_id=request_id,
            lease_until=None if request is None else now + max(self._patience.lease, visit.timeout),
            due_at=now + self._retry.delay(write.attempts, self._random) if move.later else None,
            proof=None if event is None else _PROOFS.get(event),
            profile=profile,
            code=None if wanted is None else wanted.code,
            plan=move.plan if write.plan.memory is None and move.former is None else self._kept_in_mind(write, move),
            fault=None if move.fault is None else self._kept(move.fault, wanted),
        )

    def _kept_in_mind(self, write: OpenWrite, move: Move) -> Plan:
        """What outlasts this move: what was remembered, unless it says anew, and what the gateway held before us."""
        memory = move.plan.memory or write.plan.memory or Memory()
        if move.former is not None:
            memory = replace(memory, former=self._former.seal(write.id, move.former))
        return move.plan._replace(memory=memory)

    def _kept(self, fault: Fault, wanted: Rendered | None) -> dict[str, Any]:
        """A fault as the write keeps it: `code` is null where the gateway sent none and the words are ours."""

        def scrub(text: str) -> str:
            for secret in wanted.secrets if wanted is not None else ():
                text = text.replace(secret, "…")
            return self._rendering.scrub(text)

        return {
            "code": fault.code or None,
            "text": scrub(fault.text),
            "parameters": [
                {"name": scrub(parameter.name), "code": parameter.code, "text": scrub(parameter.text)}
                for parameter in fault.parameters
            ],
        }


def _changed(write: OpenWrite, state: WriteState, move: Move, change: Change, visit: Visit, now: datetime) -> OpenWrite:
    """The row as it stands after a move."""
    moves, moved_at = (write.moves, write.moved_at) if move.event is None else (write.moves + 1, now)
    return OpenWrite(
        write.id,
        write.purpose,
        state,
        moves,
        change.attempts,
        change.step,
        change.plan,
        change.parameter_key,
        change.request_id,
        visit.session_number,
        moved_at,
        write.generation,
        write.association,
        write.pair,
    )
