"""The hot path: what a CWMP session reads and writes, one statement for each message that changes something.

Every statement names the gateway and its session number: the newest Inform wins, and what an older session still has
to say finds no row.
"""

import json
from collections.abc import Awaitable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.planner import Asked, Association, Memory, OpenWrite, Plan
from acs_bridge.domain.principal import ANYBODY, Kind, Principal
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.domain.write import Cause, Purpose, WriteEvent, WriteState
from acs_bridge.store import statements
from acs_bridge.store.batching import Batcher
from acs_bridge.store.database import Database, Row

_SQL: Final = statements.load("sessions")
_as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class InformRow(NamedTuple):
    """What an Inform leaves in its gateway's row; in the order of the type `inform_row`."""

    serial_number: str
    oui: str
    product_class: str
    manufacturer: str
    hardware_version: str
    software_version: str
    root: str
    provisioning_code: str | None  # None: its Inform did not say
    parameter_key: str | None
    connection_request_url: str
    cwmp_namespace: str
    profile: str | None
    address: str
    events: tuple[str, ...]
    booted: bool
    periodic: bool
    believed: bool  # its credentials entitle it to this identity without an approval
    exposed: bool = False  # it is neither inside TLS nor from a management network
    login: int | None = None  # what may serve one Inform only, in 64 bits
    again: bool = False  # it was taken before, and is the same session
    parked: bool = False  # its profile blocks it: nothing is handed out
    check_before: datetime | None = None  # a value that was last read before this time is to be read again
    changed: bool = False  # it says itself that it holds another value
    face: int = 0  # a hash of what it shows of itself, in 63 bits
    tagged: bool = False  # a ParameterKey that we wrote is in it
    principal: Principal = ANYBODY  # as whom it has logged in: three columns

    @property
    def identity(self) -> tuple[str, str, str]:
        """The gateway's key, in the order of its index."""
        return self[:3]


_KINDS: Final = {kind: kind.name.lower() for kind in Kind}


class Standing(NamedTuple):
    """A write that stands open for a gateway, when it is due, and whether something holds it back."""

    write: OpenWrite
    due_at: datetime
    held_back: bool  # by a brake, or by the rate


class OpenedSession(NamedTuple):
    """What the database says to an Inform."""

    gateway_id: int  # 0: it was kept out of the inbox, or is a replay
    session_number: int
    entitled: bool
    booted_at: datetime | None
    write: OpenWrite | None
    due_at: datetime | None
    held_back: bool  # by a brake, the rate, or the gateway's budget of the day
    replayed: bool = False  # its login has served an Inform before: nothing was opened, and nothing changed
    behind: Standing | None = None  # credentials, where both stand open: a line's write is first
    unmanaged: bool = False  # it may have credentials of its own, and never was to have any
    recorded: bool = False  # somebody wants to know what is said in it
    spent_until: datetime | None = None  # it has had its writes of the day: none goes out before
    drift: Cause | None = None  # it shows that it may have lost what it was given
    cloned: bool = False  # two boxes show this DeviceId: they get nothing

    @property
    def is_first(self) -> bool:
        """Whether the gateway has never informed before."""
        return self.session_number == 1


class FoundWrite(NamedTuple):
    """The write that a session under way stands at, and what renders it."""

    write: OpenWrite
    kind: GatewayKind
    booted_at: datetime | None
    due_at: datetime
    braked: bool
    behind: Standing | None = None


class Examined(NamedTuple):
    """The gateway that an Inform without an answer named: None is nobody's. `admitted`: by now it may come in."""

    gateway_id: int | None
    admitted: bool


class Change(NamedTuple):
    """The columns that change with a move; in the order of the type `move_row`."""

    attempts: int
    step: int
    parameter_key: str | None
    request_id: str | None
    lease_until: datetime | None
    due_at: datetime | None  # at once
    proof: str | None
    profile: str | None
    code: str | None  # the ProvisioningCode that its profile writes beside the value
    plan: Plan
    fault: dict[str, Any] | None


_MoveRow: TypeAlias = tuple[object, ...]  # in the order of the type `move_row`; the gateway is first


class Sessions:
    """The sessions' statements."""

    def __init__(
        self,
        database: Database,
        *,
        writes_per_minute: int | None = None,
        writes_per_day: int | None = None,
        manage: bool = False,
    ) -> None:
        """`writes_per_minute` is the ceiling where no operator has set another one; `manage` lets credentials out.

        `writes_per_day` is the budget of each gateway.
        """
        self._database = database
        self._writes_per_day = writes_per_day
        self._manage = manage
        self._writes_per_minute = writes_per_minute
        self._moves: Batcher[_MoveRow, WriteState | None] = Batcher(self._move_together, itemgetter(0))

    async def take_informs(self, rows: Sequence[InformRow], now: datetime) -> list[OpenedSession | None]:
        """Bring the gateways' rows up to date, each raised to its next session; in the order of `rows`.

        None stands where a gateway was kept out, or another worker registered it at this moment: `examine` tells.
        Every gateway may occur once only; sort the rows by identity, so that workers cannot deadlock.
        """
        batch = [_columns(row) for row in rows]
        found: list[OpenedSession | None] = [None] * len(rows)
        records = await self._database.fetch(
            _SQL.take_informs, batch, now, self._writes_per_minute, self._manage, self._writes_per_day
        )
        for record in records:
            place = record["place"] - 1
            former, session = found[place], _opened(record)
            found[place] = session if former is None else _together(former, session)
        return found

    async def examine(self, row: InformRow, now: datetime) -> Examined:
        """Why `take_informs` had no answer for an Inform."""
        principal = row.principal
        record = await self._database.fetchrow(
            _SQL.examine, *row.identity, _KINDS[principal.kind], list(principal.gateway_ids), principal.generation, now
        )
        if record is None:
            return Examined(None, admitted=not principal.gateway_ids)
        return Examined(record["id"], record["admitted"])

    async def find_open_write(self, gateway_id: int, session_number: int, now: datetime) -> FoundWrite | None:
        """The write at which a session stands that this worker has not seen, if that session is the newest."""
        records = await self._database.fetch(
            _SQL.find_open_writes, gateway_id, session_number, self._manage, self._writes_per_day, now
        )
        if not records:
            return None
        record, *behind = sorted(records, key=lambda record: record["purpose"] == Purpose.CREDENTIALS)
        kind = GatewayKind(record["root"], record["oui"], record["product_class"], record["software_version"])
        return FoundWrite(
            _open_write(record),
            kind,
            record["booted_at"],
            record["due_at"],
            record["braked"],
            Standing(_open_write(behind[0]), behind[0]["due_at"], behind[0]["braked"]) if behind else None,
        )

    def move(
        self, gateway_id: int, session_number: int, write: OpenWrite, event: WriteEvent, change: Change, now: datetime
    ) -> Awaitable[WriteState | None]:
        """Move a write by one event of its law; None when somebody else has moved it, or a newer session runs."""
        row = (gateway_id, session_number, write.id, write.moves, event, now, *change[:-2])
        return self._moves.add((*row, _plan_text(change.plan), change.fault and _as_json(change.fault)))

    async def _move_together(self, rows: Sequence[_MoveRow]) -> list[WriteState | None]:
        moved: list[WriteState | None] = [None] * len(rows)
        for place, state in await self._database.fetch(_SQL.move_writes, rows):
            moved[place - 1] = _STATES[state]
        return moved

    async def hold(self, gateway_id: int, session_number: int, write: OpenWrite, change: Change) -> WriteState | None:
        """Renew, or let go of, the outstanding request of a write that does not move by it; None as with `move`."""
        state = await self._database.fetchval(
            _SQL.hold_write,
            gateway_id,
            session_number,
            write.id,
            write.moves,
            change.step,
            _plan_text(change.plan),
            change.request_id,
            change.lease_until,
            write.request_id,
        )
        return None if state is None else _STATES[state]

    async def expire_leases(self, now: datetime, limit: int) -> int:
        """Let go of requests that nobody answered in time; how many there were."""
        return len(await self._database.fetch(_SQL.expire_leases, now, limit))

    async def forget_logins(self, before: datetime) -> None:
        """Forget the logins that served an Inform before this time."""
        await self._database.execute(_SQL.forget_logins, before)


def _columns(row: InformRow) -> tuple[object, ...]:
    principal = row.principal
    return (*row[:-1], _KINDS[principal.kind], principal.gateway_ids or None, principal.generation)


_STATES: Final = {state.value: state for state in WriteState}
_PURPOSES: Final = {purpose.value: purpose for purpose in Purpose}
_FRESH: Final = Plan()
_NOTHING: Final = Memory()
_PLANS_KEPT: Final = 256  # there are a few dozen without a memory


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Only what differs from a fresh plan is kept."""
    kept = {name: value for name, value in plan._asdict().items() if value != getattr(_FRESH, name)}
    if plan.memory is not None:
        names = plan.memory.__slots__
        kept["memory"] = {
            name: value for name in names if (value := getattr(plan.memory, name)) != getattr(_NOTHING, name)
        }
    return kept


def _plan_text(plan: Plan) -> str:
    return _simple_plan_text(plan) if plan.memory is None else _as_json(plan_as_json(plan))


@cache
def _simple_plan_text(plan: Plan) -> str:
    return _as_json(plan_as_json(plan))


def _memory(kept: dict[str, Any]) -> Memory:
    """Lists come back as lists."""
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    if types := known.get("types"):
        known["types"] = tuple((name, type) for name, type in types)
    if ends := known.get("ends"):
        known["ends"] = WriteEvent(ends)
    return Memory(**{name: value for name, value in known.items() if name in Memory.__slots__})


def _plan(text: str) -> Plan:
    return _simple_plan(text) if '"memory"' not in text else _read_plan(text)


def _read_plan(text: str) -> Plan:
    kept = json.loads(text)
    asked = kept.get("asked")
    return Plan(
        asked=None if asked is None else Asked(asked),
        read_first=kept.get("read_first", False),
        unreadable=kept.get("unreadable", False),
        repeated=kept.get("repeated", False),
        rests=kept.get("rests", False),
        memory=None if (memory := kept.get("memory")) is None else _memory(memory),
    )


_simple_plan: Final = lru_cache(_PLANS_KEPT)(_read_plan)


def _open_write(record: Row) -> OpenWrite:
    return OpenWrite(
        id=record["id"],
        purpose=_PURPOSES[record["purpose"]],
        state=_STATES[record["state"]],
        moves=record["moves"],
        attempts=record["attempts"],
        step=record["step"],
        plan=_plan(record["plan"]),
        parameter_key=record["parameter_key"],
        request_id=record["request_id"],
        session_number=record["write_session_number"],
        moved_at=record["moved_at"],
        generation=record["generation"],
        association=_association(record),
        pair=None if (pair := record["pair"]) is None else PairKind(pair),
    )


def _association(record: Row) -> Association | None:
    if (id := record["association_id"]) is None:
        return None
    return Association(
        id, record["key_id"], record["association_issued_at"], record["line_of_service"], record["subscriber_code"]
    )


def _opened(record: Row) -> OpenedSession:
    return OpenedSession(
        gateway_id=record["gateway_id"] or 0,
        session_number=record["session_number"] or 0,
        entitled=record["entitled"],
        booted_at=record["booted_at"],
        write=None if record["id"] is None else _open_write(record),
        due_at=record["due_at"],
        held_back=bool(record["braked"] or record["over_rate"] or record["spent_until"]),
        replayed=record["replayed"],
        unmanaged=bool(record["unmanaged"]),
        recorded=bool(record["recorded"]),
        spent_until=record["spent_until"],
        cloned=bool(record["cloned"]),
        drift=None if (drift := record["drift"]) is None else Cause(drift),
    )


def _together(one: OpenedSession, other: OpenedSession) -> OpenedSession:
    """A gateway for which two writes stand open: its line's is first."""
    first, second = (other, one) if one.write and one.write.purpose is Purpose.CREDENTIALS else (one, other)
    if second.write is None or second.due_at is None:
        return first
    return first._replace(behind=Standing(second.write, second.due_at, second.held_back))
