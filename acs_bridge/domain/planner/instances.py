"""The life of a write that goes into an instance of a table, such as a bulk data profile.

It lists the instances and looks at what the gateway can do; takes the instance that is ours, or one that is free, and
only where there is none adds one; surveys it, adds the rows that are missing, and writes all values at once. AddObject
is not idempotent: while it is not known what became of one, the instances are listed before another is asked for.
What was added is taken away again when the values are refused. To clear is the same way, with DeleteObject at its end.

Everything that is remembered stands in `Plan.memory`; each request can be made again out of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from acs_bridge.domain.ids import tag
from acs_bridge.domain.planner import values
from acs_bridge.domain.planner.places import (
    aliases_in,
    at,
    free_in,
    look_names,
    numbers_in,
    ours_in,
    path_of,
    place_of,
    request_of,
    room_in,
    row_in,
    rows_of,
    stem_of,
    to_be_removed,
)
from acs_bridge.domain.planner.values import next_tag
from acs_bridge.domain.planner.words import STATUS_DEFERRED, Answer, Asked, Memory, Move, OpenWrite, Place, Plan, Wanted
from acs_bridge.domain.profile.instance import PLACEHOLDER
from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from cwmp import faults
from cwmp.messages import (
    AddObjectResponse,
    DeleteObjectResponse,
    Fault,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
)

_FULL: Final = frozenset((9004, 9027))  # of an AddObject: the table has no room
_GONE: Final = 9005  # of a DeleteObject: there is nothing to remove (TR-069 A.3.2.7)
_ALIASES: Final = "the gateway does not tell the instances of {} by their numbers"
_ENDS: Final = (WriteEvent.REFUSED, WriteEvent.EXHAUSTED)
_BUSY: Final = (Asked.LIST, Asked.LOOK, Asked.ADD, Asked.SURVEY, Asked.ADD_ROW, Asked.DELETE)


def resumes(write: OpenWrite, wanted: Wanted) -> bool:
    """Whether what is remembered is of this kind of write: the profile may have become another one meanwhile."""
    memory, asked = write.plan.memory, write.plan.asked
    if wanted.place is None:
        return memory is None or asked not in _BUSY
    return memory is not None and (asked in _BUSY or bool(memory.instance)) and len(memory.rows) <= len(rows_of(wanted))


def begin(write: OpenWrite, wanted: Wanted) -> Move:
    """The first request in a session: everything is looked at anew, unless the values are only to be read back."""
    memory = write.plan.memory or Memory()
    if write.state is WriteState.QUEUED:
        return _ask(
            write, wanted, Asked.LIST, replace(memory, whole=False, gone=False, ends=None), WriteEvent.DISPATCHED
        )
    if not memory.instance and not memory.gone:
        return Move(plan=Plan(unreadable=True))  # it was written by another profile: only its ParameterKey may prove it
    return _ask(write, wanted, Asked.LIST if memory.gone else Asked.READ, memory, None)


def repeat(write: OpenWrite, wanted: Wanted, *, counts: bool) -> Move:
    """The outstanding request once more, unchanged."""
    memory = write.plan.memory or Memory()
    request = request_of(write.plan.asked or Asked.LIST, wanted, memory, tag(write.id, write.step))
    return Move(request=request, plan=write.plan._replace(repeated=write.plan.repeated or counts), again=True)


def answered(write: OpenWrite, wanted: Wanted, answer: Answer, *, last_attempt: bool, in_force: bool) -> Move:
    """What the gateway's answer makes of this write, and what is asked next."""
    memory, asked = write.plan.memory or Memory(), write.plan.asked
    if asked in (Asked.SET, Asked.READ):
        concrete = at(wanted, memory)
        move = values.answered(write, concrete, answer, last_attempt=last_attempt, in_force=in_force)
        return _cleaning(write, wanted, move)
    step = _STEPS[asked or Asked.LIST]
    return step(_Turn(write, wanted, memory, place_of(wanted), last_attempt, in_force), answer)


def _ask(
    write: OpenWrite, wanted: Wanted, asked: Asked, memory: Memory, event: WriteEvent | None = WriteEvent.ADVANCED
) -> Move:
    if asked in (Asked.SET, Asked.ADD, Asked.ADD_ROW, Asked.DELETE):
        memory = replace(memory, written=asked is Asked.SET)
    return Move(event, request_of(asked, wanted, memory, next_tag(write)), Plan(asked=asked, memory=memory))


# --- what follows an answer -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Turn:
    """What an answer is an answer to."""

    write: OpenWrite
    wanted: Wanted
    memory: Memory
    place: Place
    last_attempt: bool
    in_force: bool

    def ask(self, asked: Asked, memory: Memory) -> Move:
        return _ask(self.write, self.wanted, asked, memory)

    def refuse(self, reason: str) -> Move:
        """The gateway cannot: said before anything is written, or after what was added is gone again."""
        return self.cleaning(Move(WriteEvent.REFUSED, fault=Fault(0, reason)), self.memory)

    def failed(self, fault: Fault) -> Move:
        return self.cleaning(values.failed(self.write, fault, last_attempt=self.last_attempt), self.memory)

    def cleaning(self, move: Move, memory: Memory) -> Move:
        return _cleaning(self.write, self.wanted, move._replace(plan=move.plan._replace(memory=memory)))


def _listed(turn: _Turn, answer: Answer) -> Move:
    if turn.memory.gone:
        return _is_gone(turn, answer)
    if isinstance(answer, Fault) and not faults.fault_code(answer.code).permanent:
        return turn.failed(answer)
    if not isinstance(answer, GetParameterNamesResponse):
        # Without this RPC, or without the table: what lies below is asked for as a whole, and tells.
        return turn.ask(Asked.LOOK, replace(turn.memory, whole=True))
    table, names = turn.place.rule.table, [each.name for each in answer.parameters]
    if aliases_in(table, names):
        return turn.refuse(_ALIASES.format(table))
    memory = _counted(turn.memory, numbers_in(table, names))
    if not look_names(turn.place, memory):
        return _chosen(turn, memory, {})
    return turn.ask(Asked.LOOK, memory)


def _counted(memory: Memory, numbers: tuple[int, ...]) -> Memory:
    """The instances that there are, and which came since one was asked for."""
    fresh = tuple(number for number in numbers if number not in memory.listed) if memory.adding else ()
    return replace(memory, listed=numbers, fresh=fresh, adding=False)


def _looked(turn: _Turn, answer: Answer) -> Move:
    memory, rule = turn.memory, turn.place.rule
    if not isinstance(answer, GetParameterValuesResponse):
        fault = answer if isinstance(answer, Fault) else Fault(0, "the gateway does not say what it can do")
        may_widen = not memory.whole and stem_of(look_names(turn.place, memory)).count(".") > 1
        if may_widen and faults.fault_code(fault.code).permanent:
            return turn.ask(Asked.LOOK, replace(memory, whole=True))
        return turn.failed(fault)
    found = {parameter.name: parameter.value for parameter in answer.parameters}
    if memory.whole and aliases_in(rule.table, found):
        return turn.refuse(_ALIASES.format(rule.table))
    if memory.whole:
        memory = _counted(memory, numbers_in(rule.table, found))
    if not turn.place.removes:
        for requirement in rule.requires:
            if PLACEHOLDER not in requirement.name and (reason := requirement.objection(found.get(requirement.name))):
                return turn.refuse(reason)
    return _chosen(turn, memory, found)


def _chosen(turn: _Turn, memory: Memory, found: Mapping[str, str]) -> Move:
    place = turn.place
    ours = ours_in(place, memory, found)
    if place.removes:
        return _clear(turn, replace(memory, instance=ours), added=memory.added and ours == memory.instance)
    if number := ours or free_in(place, memory, found):
        added = number in memory.fresh or (memory.added and number == memory.instance)
        return turn.ask(Asked.SURVEY, replace(memory, instance=number, added=added))
    room = room_in(place, found)
    if room is not None and len(memory.listed) >= room:
        return turn.refuse(
            f"the gateway has room for {room} instances of {place.rule.table}, and has {len(memory.listed)}"
        )
    return turn.ask(Asked.ADD, replace(memory, instance=0, added=False, adding=True))


def _added(turn: _Turn, answer: Answer) -> Move:
    if isinstance(answer, Fault):
        memory = replace(turn.memory, adding=False)
        if answer.code in _FULL:
            move = Move(WriteEvent.REFUSED, fault=answer)
        else:
            move = values.failed(turn.write, answer, last_attempt=turn.last_attempt)
        return turn.cleaning(move, memory)
    number = answer.instance_number if isinstance(answer, AddObjectResponse) else None
    if number is None:
        return turn.ask(Asked.LIST, turn.memory)  # it was added, but which is it?
    return turn.ask(Asked.SURVEY, replace(turn.memory, instance=number, added=True, adding=False))


def _surveyed(turn: _Turn, answer: Answer) -> Move:
    memory, place = turn.memory, turn.place
    if not isinstance(answer, GetParameterValuesResponse):
        return turn.failed(answer if isinstance(answer, Fault) else Fault(0, "the instance cannot be read"))
    found = {parameter.name: parameter.value for parameter in answer.parameters}
    for requirement in place.rule.requires:
        name = requirement.name.replace(PLACEHOLDER, str(memory.instance))
        if name != requirement.name and (reason := replace(requirement, name=name).objection(found.get(name))):
            return turn.refuse(reason)
    rows = tuple(row_in(path_of(place, memory) + row.table, row.known_by, row.mark, found) for row in place.rule.rows)
    rows = tuple(number if number not in rows[:at] else 0 for at, number in enumerate(rows))
    concrete = at(turn.wanted, replace(memory, rows=rows))
    memory = replace(memory, rows=rows, types=values.own_types(concrete, answer, insist=False))
    if concrete.equals(answer.parameters) and 0 not in rows and not concrete.hidden:
        return _ask(turn.write, turn.wanted, Asked.READ, memory, WriteEvent.ACCEPTED)  # it has all of it already
    move = _write_or_add_row(turn, memory)
    if memory.former or memory.added:
        return move
    return move._replace(former=values.former_values(concrete, answer))


def _row_added(turn: _Turn, answer: Answer) -> Move:
    memory = turn.memory
    if isinstance(answer, Fault):
        return turn.failed(answer)
    number = answer.instance_number if isinstance(answer, AddObjectResponse) else None
    if number is None:
        return turn.ask(Asked.SURVEY, memory)  # the row that came is blank
    place = memory.rows.index(0)
    rows = (*memory.rows[:place], number, *memory.rows[place + 1 :])
    return _write_or_add_row(turn, replace(memory, rows=rows, rows_added=(*memory.rows_added, place)))


def _write_or_add_row(turn: _Turn, memory: Memory) -> Move:
    return turn.ask(Asked.ADD_ROW if 0 in memory.rows else Asked.SET, memory)


# --- taking away ------------------------------------------------------------------------------------------------------


def _cleaning(write: OpenWrite, wanted: Wanted, move: Move) -> Move:
    """Where a write ends without success, what it had added is removed first; the end waits for that."""
    memory = move.plan.memory or write.plan.memory or Memory()
    ends = move.event in _ENDS and write.state in (WriteState.SENT, WriteState.IN_DOUBT)
    if not ends or write.purpose is not Purpose.PROVISION or not to_be_removed(place_of(wanted), memory):
        return move
    asked = _ask(write, wanted, Asked.DELETE, replace(memory, ends=move.event))
    return asked._replace(fault=move.fault)


def _removed(turn: _Turn, answer: Answer) -> Move:
    memory = turn.memory
    if memory.ends is not None:
        left = replace(memory, instance=0, added=False) if memory.added else _without_a_row(memory)
        if not memory.added and to_be_removed(turn.place, left):
            return turn.ask(Asked.DELETE, left)
        event, left = memory.ends, replace(left, ends=None, rows=(), rows_added=())
        return Move(event, plan=Plan(memory=left))
    gone = replace(memory, gone=True, added=False)
    if isinstance(answer, DeleteObjectResponse) and answer.status == STATUS_DEFERRED:
        return Move(WriteEvent.DEFERRED, plan=Plan(rests=True, memory=gone))
    if isinstance(answer, DeleteObjectResponse) or (isinstance(answer, Fault) and answer.code == _GONE):
        return _ask(turn.write, turn.wanted, Asked.LIST, gone, WriteEvent.ACCEPTED)
    fault = answer if isinstance(answer, Fault) else Fault(0, "the gateway does not remove the instance")
    if faults.fault_code(fault.code).permanent and turn.wanted.parameters:
        return turn.ask(Asked.SET, replace(memory, added=False))
    return turn.failed(fault)


def _without_a_row(memory: Memory) -> Memory:
    return replace(memory, rows_added=memory.rows_added[1:])


def _clear(turn: _Turn, memory: Memory, *, added: bool) -> Move:
    """Remove what we added, empty what we did not; where there is nothing of ours nothing is left to do."""
    if not memory.instance:
        return _ask(turn.write, turn.wanted, Asked.LIST, replace(memory, gone=True, added=False), WriteEvent.ACCEPTED)
    memory = replace(memory, added=added)
    if added or not turn.wanted.parameters:
        return turn.ask(Asked.DELETE, memory)
    return turn.ask(Asked.SET, memory)


def _is_gone(turn: _Turn, answer: Answer) -> Move:
    if isinstance(answer, Fault) and not faults.fault_code(answer.code).permanent:
        return Move(plan=Plan(rests=True, memory=turn.memory))
    names = (each.name for each in answer.parameters) if isinstance(answer, GetParameterNamesResponse) else ()
    if turn.memory.instance not in numbers_in(turn.place.rule.table, names):
        return Move(WriteEvent.READ_BACK_EQUAL, plan=Plan(memory=turn.memory))
    if turn.write.state is WriteState.STAGED and not turn.in_force:
        return Move(plan=Plan(rests=True, memory=turn.memory))
    fault = Fault(0, "the gateway took the removal, but still has the instance")
    if turn.last_attempt:
        return Move(WriteEvent.EXHAUSTED, fault=fault)
    memory = replace(turn.memory, gone=False, added=True)
    return Move(WriteEvent.READ_BACK_DIFFERS, plan=Plan(memory=memory), later=True, fault=fault)


_STEPS: Final[Mapping[Asked, Callable[[_Turn, Answer], Move]]] = {
    Asked.LIST: _listed,
    Asked.LOOK: _looked,
    Asked.ADD: _added,
    Asked.SURVEY: _surveyed,
    Asked.ADD_ROW: _row_added,
    Asked.DELETE: _removed,
}
