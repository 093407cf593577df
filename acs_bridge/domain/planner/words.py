"""The words in which the planner is spoken of: an open write, what is wanted of its gateway, and a move."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.ids import read_tag
from acs_bridge.domain.profile.instance import InstanceRule
from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from cwmp import values
from cwmp.messages import (
    AddObject,
    AddObjectResponse,
    DeleteObject,
    DeleteObjectResponse,
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
)

Request = SetParameterValues | GetParameterValues | GetParameterNames | AddObject | DeleteObject
Answer = (
    SetParameterValuesResponse
    | GetParameterValuesResponse
    | GetParameterNamesResponse
    | AddObjectResponse
    | DeleteObjectResponse
    | Fault
)
ANSWERS: Final = (
    SetParameterValuesResponse,
    GetParameterValuesResponse,
    GetParameterNamesResponse,
    AddObjectResponse,
    DeleteObjectResponse,
    Fault,
)
KEYED: Final = (SetParameterValues, AddObject, DeleteObject)
"""Requests that leave a ParameterKey in the gateway."""

STATUS_DEFERRED: Final = 1  # TR-069 A.3.2.1: validated and committed, applied later


class Asked(StrEnum):
    """The kind of request that is outstanding."""

    SET = "set"
    READ = "read"
    # of writes into an instance of a table only:
    LIST = "list"  # which instances there are
    LOOK = "look"  # what the gateway can do, and whose the instances are
    ADD = "add"
    SURVEY = "survey"  # everything in our instance
    ADD_ROW = "add_row"
    DELETE = "delete"


ANSWER_TO: Final = {
    Asked.SET: SetParameterValuesResponse,
    Asked.READ: GetParameterValuesResponse,
    Asked.LIST: GetParameterNamesResponse,
    Asked.LOOK: GetParameterValuesResponse,
    Asked.ADD: AddObjectResponse,
    Asked.SURVEY: GetParameterValuesResponse,
    Asked.ADD_ROW: AddObjectResponse,
    Asked.DELETE: DeleteObjectResponse,
}


@dataclass(frozen=True, slots=True)
class Memory:
    """What the gateway has said that outlasts the next move; most writes need none of it."""

    former: str = ""  # the values before the write, sealed
    undoes: str = ""  # the write of which they are, where this one brings them back
    types: tuple[tuple[str, str], ...] = ()  # where the gateway says another one than the profile
    asked_types: bool = False  # it refused a type, and was asked for its own
    # of an instance of a table:
    listed: tuple[int, ...] = ()  # those that there were
    adding: bool = False  # one was asked for after that, and it is not known which it became
    fresh: tuple[int, ...] = ()  # those that came since
    whole: bool = False  # it does not tell singly what it is asked by name
    instance: int = 0  # ours; 0: not known
    added: bool = False  # by us
    rows: tuple[int, ...] = ()  # the numbers of the rows; 0: not there yet
    rows_added: tuple[int, ...] = ()  # by us, as places in `rows`
    written: bool = True  # the last ParameterKey went with the values, and not with an object
    gone: bool = False  # the instance was removed
    ends: WriteEvent | None = None  # how this ends, once what was added has been taken away again


class Plan(NamedTuple):
    """What is remembered of a write between two messages, beside its state."""

    asked: Asked | None = None
    read_first: bool = False  # the outcome of an earlier session is unknown: look before writing
    unreadable: bool = False  # the gateway refused to read the value back
    repeated: bool = False  # the outstanding request was sent a second time
    rests: bool = False  # put off by the gateway: nothing more is asked in this session
    memory: Memory | None = None  # None: nothing of the kind


class Association(NamedTuple):
    """What a write for a line carries a PHAN URL of."""

    id: UUID
    key_id: str
    issued_at: datetime
    line_of_service: str
    subscriber_code: str


class OpenWrite(NamedTuple):
    """An unsettled write as a session sees it: its row, and what it speaks for: an association, or a pair."""

    id: UUID
    purpose: Purpose
    state: WriteState
    moves: int
    attempts: int
    step: int
    plan: Plan
    parameter_key: str | None
    request_id: str | None
    session_number: int | None
    moved_at: datetime
    generation: int  # of the PHAN URL, or of the gateway's own pair
    association: Association | None = None
    pair: PairKind | None = None  # credentials: which ones

    def names(self, text: str | None) -> bool:
        """Whether a ParameterKey or cwmp:ID names this write, at whatever step."""
        named = read_tag(text) if text else None
        return named is not None and named[0] == self.id


class Move(NamedTuple):
    """What becomes of a write."""

    event: WriteEvent | None = None
    request: Request | None = None
    plan: Plan = Plan()
    fault: Fault | None = None
    later: bool = False  # back in the queue, but not at once
    again: bool = False  # the request is the outstanding one, unchanged
    former: tuple[ParameterValueStruct, ...] | None = None  # what the gateway held before: to be kept, sealed


@dataclass(frozen=True, slots=True)
class Mark:
    """By what an instance is known to be ours."""

    name: str  # of the parameter, below the instance
    text: str
    begins: bool  # a URL of ours begins with it; otherwise it is the whole value

    def fits(self, value: str) -> bool:
        """Tell whether a value is ours."""
        value = value.strip()
        return bool(self.text) and (value.startswith(self.text) if self.begins else value == self.text)


@dataclass(frozen=True, slots=True)
class Place:
    """The instance of a table that the values belong into."""

    rule: InstanceRule
    marks: tuple[Mark, ...]
    removes: bool = False  # what we added there is to go, and of what we did not add the values


class Wanted(NamedTuple):
    """What the gateway shall hold, and whether it lets us look: some families cannot, and a password is never shown."""

    parameters: tuple[ParameterValueStruct, ...]
    readable: bool = True
    hidden: frozenset[str] = frozenset()  # of these parameters, read as nothing whatever they hold
    late: bool = False  # values show only after the session or a boot, though the gateway says that they hold
    looks: bool = False  # what was there is read before it is written
    place: Place | None = None  # `{i}` in the names stands for its number

    def set(self, parameter_key: str) -> SetParameterValues:
        """Every parameter in one SetParameterValues: it is atomic (TR-069 A.3.2.1)."""
        return SetParameterValues(self.parameters, parameter_key)

    def read(self) -> GetParameterValues:
        """The same parameters, read back."""
        return GetParameterValues(tuple([each.name for each in self.parameters if each.name not in self.hidden]))

    def equals(self, reported: Sequence[ParameterValueStruct]) -> bool:
        """Whether the gateway reports every wanted value; what it adds or reorders does not matter."""
        found = {parameter.name: parameter.value for parameter in reported}
        return all(
            (parameter.name in found and values.equal(parameter.value, found[parameter.name], parameter.type))
            or parameter.name in self.hidden
            for parameter in self.parameters
        )

    def typed(self, types: Iterable[tuple[str, str]]) -> "Wanted":
        """The same, with the types that the gateway has itself."""
        known = dict(types)
        return self._replace(
            parameters=tuple(each._replace(type=known.get(each.name, each.type)) for each in self.parameters)
        )
