"""Writes as operators see them: what each one waits for, and the two moves that are theirs, retry and cancel."""

from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from acs_bridge.domain import names
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.domain.waiting import Facts, Rhythm, Waiting, waiting
from acs_bridge.domain.write import CANCELLABLE, RETRYABLE, Cause, Purpose, WriteState
from acs_bridge.errors import AcsBridgeError, Conflict, InvalidField, NotFound
from acs_bridge.services import fields, pages
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask, Page
from acs_bridge.services.records.lines import take
from acs_bridge.store import writes
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.writes import WriteContext, WriteFilter, WriteRow


@dataclass(frozen=True, slots=True)
class SeenWrite:
    """A write and what it waits for."""

    row: WriteRow
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class WriteQuestion:
    """Which writes somebody wants to see."""

    state: WriteState | None = None
    line_of_service: str | None = None
    subscriber_code: str | None = None
    batch_id: UUID | None = None
    gateway_id: int | None = None
    serial_number: str | None = None
    profile: str | None = None
    fault: str | None = None  # its code; of one without a code its text

    @property
    def is_anything(self) -> bool:
        """Tell whether it asks for less than every write."""
        return any(value is not None for value in astuple(self))

    def filter(self, among: frozenset[WriteState] | None = None) -> WriteFilter:
        """Ask the same in the words of the records, of writes that are in one of some states."""
        line, code = self.line_of_service, self.subscriber_code
        states = among if self.state is None else frozenset({self.state}) & (among or {self.state})
        return WriteFilter(
            states,
            None if line is None else names.line_of_service(line).key,
            None if code is None else fields.subscriber_code(code).key,
            self.batch_id,
            self.gateway_id,
            self.serial_number,
            self.profile,
            self.fault,
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of moving many writes, and the cursor of those that were not looked at yet."""

    moved: int
    refused: list[tuple[UUID, AcsBridgeError]]
    next: str | None


Blocked = Callable[[GatewayKind, datetime], str | None]
"""Why the profile of gateways like this one parks them."""

Step = Callable[[Executor, UUID, datetime, str | None], Awaitable[bool]]


class Writes:
    """The queue, write by write."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        approval_needed: bool,
        blocked: Blocked,
        writes_per_day: int | None = None,
    ) -> None:
        """`approval_needed`: a gateway that nobody approved gets nothing (`cpe_auth.bootstrap = "approve"`).

        `writes_per_day` is the budget of each gateway.
        """
        self._blocked = blocked
        self._writes_per_day = writes_per_day
        self._database = database
        self._clock = clock
        self.approval_needed = approval_needed

    async def find(self, write_id: UUID) -> SeenWrite:
        """Look one up."""
        row = await writes.find(self._database, write_id)
        if row is None:
            raise _unknown()
        return self._seen(row)

    async def page(self, ask: Ask, question: WriteQuestion) -> Page[SeenWrite]:
        """List them, newest first."""
        found = await self._found(ask, question.filter())
        return Page([self._seen(row) for row in found.items], found.next)

    async def retry(self, write_id: UUID, actor: Actor) -> SeenWrite:
        """Queue a write again that came to its end without success."""
        return await self._move(write_id, actor, "write_retried", writes.retry, _refuse_retry)

    async def cancel(self, write_id: UUID, actor: Actor) -> SeenWrite:
        """Take a write out of the queue."""
        return await self._move(write_id, actor, "write_cancelled", writes.cancel, _refuse_cancel)

    async def retry_all(self, ask: Ask, question: WriteQuestion, actor: Actor) -> Moved:
        """Queue again what can be, of the writes of one question: so many, from a cursor on."""
        return await self._move_all(ask, question, RETRYABLE, lambda each: self.retry(each, actor))

    async def cancel_all(self, ask: Ask, question: WriteQuestion, actor: Actor) -> Moved:
        """Take out of the queue what can be, in the same way."""
        return await self._move_all(ask, question, CANCELLABLE, lambda each: self.cancel(each, actor))

    async def _move_all(
        self,
        ask: Ask,
        question: WriteQuestion,
        among: frozenset[WriteState],
        move: Callable[[UUID], Awaitable[SeenWrite]],
    ) -> Moved:
        """Move each for itself, with the rules and the audit of a single one: a page of them holds nobody up."""
        if not question.is_anything:
            raise InvalidField("fault", "name what the writes have in common: a fault, a state, a batch, …")
        page = await self._found(ask, question.filter(among))
        refused: list[tuple[UUID, AcsBridgeError]] = []
        for row in page.items:
            try:
                await move(row.id)
            except (Conflict, NotFound) as error:
                refused.append((row.id, error))
        return Moved(len(page.items) - len(refused), refused, page.next)

    async def _found(self, ask: Ask, wanted: WriteFilter) -> Page[WriteRow]:
        return await pages.turn(
            ask,
            pages.uuid,
            lambda before, limit: writes.page(self._database, before, wanted, limit),
            lambda row: row.id,
        )

    async def _move(
        self, write_id: UUID, actor: Actor, action: str, step: Step, refuse: Callable[[WriteContext], None]
    ) -> SeenWrite:
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            found = await writes.context(connection, write_id)
            if found is None:
                raise _unknown()
            if found.line_key is not None:
                await take(connection, found.line_key, None)
                found = await writes.context(connection, write_id) or found
            refuse(found)
            if not await step(connection, write_id, change.now, change.by):
                raise Conflict("somebody else moved this write at this very moment: look again")
            deed = Deed(action, found.association_id, write_id, found.subscriber_id, found.device_id, found.gateway_id)
            await change.audit(connection, deed)

        await in_transaction(self._database, work)
        return await self.find(write_id)

    def _seen(self, row: WriteRow) -> SeenWrite:
        now = self._clock()
        facts = Facts(
            state=WriteState(row.state),
            due_at=row.due_at,
            lease_until=row.lease_until,
            fault=row.fault,
            has_gateway=row.gateway_id is not None,
            awaited_until=row.awaited_until,
            wanted_serial=row.wanted_serial,
            rhythm=Rhythm(row.last_inform_at, row.periodic_at, row.periodic_seconds),
            needs_approval=(
                self.approval_needed
                and row.last_inform_at is not None
                and row.approved_at is None
                and row.gateway_pair == "bootstrap"
            ),
            exposed=row.exposed,
            cloned=row.cloned,
            braked=row.braked,
            blocked=self._why_blocked(row, now),
            spent_until=self._spent_until(row, now),
            credentials=row.purpose == Purpose.CREDENTIALS,
            readable=not row.plan.get("unreadable"),
            moved_at=row.moved_at,
            last_ring=row.last_ring,
            cause=Cause(row.cause),
        )
        return SeenWrite(row, waiting(facts, now))

    def _why_blocked(self, row: WriteRow, now: datetime) -> str | None:
        waits = row.state == WriteState.QUEUED and row.purpose != Purpose.CREDENTIALS
        return self._blocked(row.kind, now) if waits and row.kind is not None else None

    def _spent_until(self, row: WriteRow, now: datetime) -> datetime | None:
        if self._writes_per_day is None or row.written_from is None or (row.written_count or 0) < self._writes_per_day:
            return None
        until = row.written_from + timedelta(days=1)
        return until if until > now else None


def _refuse_retry(found: WriteContext) -> None:
    if WriteState(found.state) not in RETRYABLE:
        raise Conflict(f"this write is {found.state}: only a write that is {_one_of(RETRYABLE)} can be retried")
    if found.purpose == Purpose.PROVISION and (found.association_ended or not found.current):
        raise Conflict("this write carries a PHAN URL that counts no more: a newer write or an end replaced it")

    if found.purpose == Purpose.CREDENTIALS and not found.current:
        raise Conflict("this write carries credentials that count no more: newer ones replaced them")


def _refuse_cancel(found: WriteContext) -> None:
    if WriteState(found.state) not in CANCELLABLE:
        raise Conflict(f"this write is {found.state}: only a write that is {_one_of(CANCELLABLE)} can be cancelled")


def _one_of(states: frozenset[WriteState]) -> str:
    *most, last = [state for state in WriteState if state in states]
    return f"{', '.join(most)} or {last}"


def _unknown() -> NotFound:
    return NotFound("there is no such write")
