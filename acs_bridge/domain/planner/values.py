"""The life of a write that is one SetParameterValues, with the looks before and after it."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.ids import tag
from acs_bridge.domain.planner.words import STATUS_DEFERRED, Answer, Asked, Memory, Move, OpenWrite, Plan, Wanted
from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from cwmp import faults
from cwmp.messages import Fault, GetParameterValuesResponse, ParameterValueStruct, SetParameterValuesResponse
from cwmp.types import STRING, XSD_TYPES

INVALID_TYPE: Final = 9006


def next_tag(write: OpenWrite) -> str:
    """The ParameterKey and cwmp:ID of the next request of this write."""
    return tag(write.id, write.step + 1)


def begin(write: OpenWrite, wanted: Wanted) -> Move:
    """The first request of this write in a session in which nothing of it is outstanding."""
    if write.state is WriteState.QUEUED:
        asked = Asked.READ if (write.plan.read_first or wanted.looks) and wanted.readable else Asked.SET
        return _ask(write, wanted, asked, WriteEvent.DISPATCHED)
    return _ask(write, wanted, Asked.READ, None)


def may_begin(write: OpenWrite, now: datetime, due_at: datetime, session_number: int) -> bool:
    """Whether this write has something to ask now in this session."""
    if write.request_id is not None or (write.plan.rests and write.session_number == session_number):
        return False
    if write.state is WriteState.QUEUED:
        return due_at <= now
    return write.state in (WriteState.APPLIED, WriteState.STAGED) and not write.plan.unreadable


def repeat(write: OpenWrite, wanted: Wanted, *, counts: bool) -> Move:
    """The outstanding request once more, unchanged. It `counts` where the gateway answered it with an empty POST."""
    key = tag(write.id, write.step)
    request = _typed(wanted, write.plan.memory).set(key) if write.plan.asked is Asked.SET else wanted.read()
    return Move(request=request, plan=write.plan._replace(repeated=write.plan.repeated or counts), again=True)


def answered(write: OpenWrite, wanted: Wanted, answer: Answer, *, last_attempt: bool, in_force: bool) -> Move:
    """What the gateway's answer to the outstanding request makes of this write.

    `last_attempt`: a failure now is the end of it. `in_force`: a value that the gateway had put off must be there by
    now (it has booted since, or the time for it is over).
    """
    if write.plan.asked is Asked.SET:
        return _set_answered(write, wanted, answer, last_attempt=last_attempt)
    if write.state in (WriteState.APPLIED, WriteState.STAGED):
        return _read_back_answered(write, wanted, answer, last_attempt=last_attempt, in_force=in_force)
    return _looked_first(write, wanted, answer)


def lost(write: OpenWrite, reported_key: str | None, *, last_attempt: bool) -> Move:
    """What the ParameterKey of the next Inform says about a write whose session was lost (one hop)."""
    if write.state in (WriteState.APPLIED, WriteState.STAGED):
        return Move(plan=write.plan._replace(asked=None, repeated=False))
    proves = write.plan.memory is None or write.plan.memory.written
    if proves and write.parameter_key is not None and reported_key == write.parameter_key:
        return Move(WriteEvent.KEY_MATCHES, plan=Plan(unreadable=write.purpose is Purpose.CREDENTIALS))
    if last_attempt:
        return Move(WriteEvent.EXHAUSTED, fault=Fault(0, "the session ended without an answer, too many times"))
    if reported_key is None:
        return Move(WriteEvent.KEY_ABSENT, plan=Plan(read_first=True))
    if write.names(reported_key):
        return Move(WriteEvent.KEY_OF_AN_EARLIER_STEP)
    return Move(WriteEvent.KEY_DIFFERS)


def proven(write: OpenWrite, reported_key: str | None, *, in_force: bool) -> bool:
    """Whether a later Inform proves a write whose value cannot be read back; credentials are proven by a login only.

    A value that the gateway put off (Status 1) is proven only once it must be in force.
    """
    if write.purpose is Purpose.CREDENTIALS:
        return False
    settled = write.state is WriteState.APPLIED or (write.state is WriteState.STAGED and in_force)
    return (
        settled
        and write.plan.unreadable
        and write.request_id is None
        and write.parameter_key is not None
        and reported_key == write.parameter_key
    )


_PAIR_OF: Final = {
    Kind.BOOTSTRAP: PairKind.BOOTSTRAP,
    Kind.OWN: PairKind.OWN,
    Kind.IMPORTED: PairKind.IMPORTED,
}


def logged_in(write: OpenWrite, principal: Principal) -> bool:
    """Whether a login is the proof of a write of credentials: it was made with what the write carries."""
    shown = _PAIR_OF.get(principal.kind)
    return (
        write.pair is not None
        and shown is write.pair
        and (shown is not PairKind.OWN or principal.generation == write.generation)
    )


def not_used(write: OpenWrite, principal: Principal, *, last_attempt: bool, in_force: bool) -> Move | None:
    """What it means that a gateway took credentials and logs in with others, once they must be in force."""
    if write.pair is None or principal.kind not in _PAIR_OF:
        return None
    if write.request_id is not None or write.state not in (WriteState.APPLIED, WriteState.STAGED) or not in_force:
        return None
    fault = Fault(0, "the gateway took the credentials, but goes on logging in with others")
    if last_attempt:
        return Move(WriteEvent.EXHAUSTED, fault=fault)
    return Move(WriteEvent.LOGIN_DIFFERS, later=True, fault=fault)


def may_follow(write: OpenWrite, session_number: int) -> bool:
    """Whether credentials may be written after what became of the line's write in this session.

    Not where only a ParameterKey will prove that write, and no Inform has carried it yet: theirs would replace it.
    """
    return not write.plan.unreadable or (
        write.state is not WriteState.STAGED and write.session_number != session_number
    )


def _ask(
    write: OpenWrite, wanted: Wanted, asked: Asked, event: WriteEvent | None, memory: Memory | None = None
) -> Move:
    plan = write.plan
    memory = memory or plan.memory
    request = _typed(wanted, memory).set(next_tag(write)) if asked is Asked.SET else wanted.read()
    return Move(event, request, Plan(asked, plan.read_first, plan.unreadable, memory=memory))


def _typed(wanted: Wanted, memory: Memory | None) -> Wanted:
    return wanted if memory is None or not memory.types else wanted.typed(memory.types)


def _set_answered(write: OpenWrite, wanted: Wanted, answer: Answer, *, last_attempt: bool) -> Move:
    if isinstance(answer, Fault):
        return _asked_for_types(write, wanted, answer) or failed(write, answer, last_attempt=last_attempt)
    status = answer.status if isinstance(answer, SetParameterValuesResponse) else None
    if status == STATUS_DEFERRED or wanted.late:
        # The old value may be read until the session is over: look in a later one.
        return Move(WriteEvent.DEFERRED, plan=Plan(unreadable=not wanted.readable, rests=True))
    if not wanted.readable:
        return Move(WriteEvent.ACCEPTED, plan=Plan(unreadable=True))
    # Any other Status, or none, is success too, and looked at: gateways say OK and do not store.
    return _ask(write, wanted, Asked.READ, WriteEvent.ACCEPTED)


def _read_back_answered(
    write: OpenWrite, wanted: Wanted, answer: Answer, *, last_attempt: bool, in_force: bool
) -> Move:
    if not isinstance(answer, GetParameterValuesResponse):
        return Move(plan=Plan(unreadable=True))
    if wanted.equals(answer.parameters):
        return Move(WriteEvent.READ_BACK_EQUAL)
    if write.state is WriteState.STAGED and not in_force:
        return Move(plan=Plan(rests=True))
    fault = Fault(0, "the gateway took the value, but reads back another one")
    if last_attempt:
        return Move(WriteEvent.EXHAUSTED, fault=fault)
    return Move(WriteEvent.READ_BACK_DIFFERS, later=True, fault=fault)


def _asked_for_types(write: OpenWrite, wanted: Wanted, fault: Fault) -> Move | None:
    """A gateway that refuses a type is asked for its own, once."""
    memory = write.plan.memory or Memory()
    if memory.asked_types or not wanted.readable:
        return None
    if INVALID_TYPE not in {fault.code, *(parameter.code for parameter in fault.parameters)}:
        return None
    return _ask(write, wanted, Asked.READ, WriteEvent.ADVANCED, replace(memory, asked_types=True))


def _looked_first(write: OpenWrite, wanted: Wanted, answer: Answer) -> Move:
    if not isinstance(answer, GetParameterValuesResponse):
        return _ask(write, wanted, Asked.SET, WriteEvent.ADVANCED)
    if wanted.equals(answer.parameters):
        return _ask(write, wanted, Asked.READ, WriteEvent.ACCEPTED)  # it was written, and nobody told us
    memory = write.plan.memory or Memory()
    types = own_types(wanted, answer, insist=memory.asked_types)
    learned = write.plan.memory if not types else replace(memory, types=types)
    move = _ask(write, wanted, Asked.SET, WriteEvent.ADVANCED, learned)
    # What was there before the first attempt is what can be brought back, not what an attempt has left.
    first = wanted.looks and not memory.former and not memory.asked_types
    return move._replace(former=former_values(wanted, answer)) if first else move


def own_types(wanted: Wanted, answer: GetParameterValuesResponse, *, insist: bool) -> tuple[tuple[str, str], ...]:
    """The types that the gateway says its parameters have, where the profile says others.

    An answer in which everything is text may come from a gateway that does not tell types: it is believed only where
    the gateway has refused ours (`insist`).
    """
    if not insist and all(parameter.type == STRING for parameter in answer.parameters):
        return ()
    found = {parameter.name: parameter.type for parameter in answer.parameters if parameter.type in XSD_TYPES}
    return tuple(
        (parameter.name, found[parameter.name])
        for parameter in wanted.parameters
        if found.get(parameter.name, parameter.type) != parameter.type
    )


def former_values(wanted: Wanted, answer: GetParameterValuesResponse) -> tuple[ParameterValueStruct, ...]:
    """What the wanted parameters hold; not of those that show nothing."""
    names = {parameter.name for parameter in wanted.parameters} - wanted.hidden
    return tuple(parameter for parameter in answer.parameters if parameter.name in names)


def failed(write: OpenWrite, fault: Fault, *, last_attempt: bool) -> Move:
    """What a fault makes of a write: it is tried again, or it is not."""
    if faults.is_permanent(fault, write.attempts):
        return Move(WriteEvent.REFUSED, fault=fault)
    if last_attempt or faults.is_spent(fault, write.attempts):
        return Move(WriteEvent.EXHAUSTED, fault=fault)
    return Move(WriteEvent.FALTERED, fault=fault, later=True)
