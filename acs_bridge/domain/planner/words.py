"""The words in which the planner is spoken of: an open write, what is wanted of its gateway, and a move."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.ids import read_tag
from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from cwmp import values
from cwmp.messages import (
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
)

Request = SetParameterValues | GetParameterValues
Answer = SetParameterValuesResponse | GetParameterValuesResponse | Fault
ANSWERS: Final = (SetParameterValuesResponse, GetParameterValuesResponse, Fault)

STATUS_DEFERRED: Final = 1  # TR-069 A.3.2.1: validated and committed, applied later


class Asked(StrEnum):
    """The kind of request that is outstanding."""

    SET = "set"
    READ = "read"


ANSWER_TO: Final = {Asked.SET: SetParameterValuesResponse, Asked.READ: GetParameterValuesResponse}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is remembered of a write between two messages, beside its state."""

    asked: Asked | None = None
    read_first: bool = False  # the outcome of an earlier session is unknown: look before writing
    unreadable: bool = False  # the gateway refused to read the value back
    repeated: bool = False  # the outstanding request was sent a second time
    rests: bool = False  # put off by the gateway: nothing more is asked in this session


@dataclass(frozen=True, slots=True)
class Association:
    """What a write for a line carries a PHAN URL of."""

    id: UUID
    key_id: str
    issued_at: datetime
    line_of_service: str
    subscriber_code: str


@dataclass(frozen=True, slots=True)
class OpenWrite:
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


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of a write."""

    event: WriteEvent | None = None
    request: Request | None = None
    plan: Plan = field(default_factory=Plan)
    fault: Fault | None = None
    later: bool = False  # back in the queue, but not at once
    again: bool = False  # the request is the outstanding one, unchanged


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the gateway shall hold, and whether it lets us look: some families cannot, and a password is never shown."""

    parameters: tuple[ParameterValueStruct, ...]
    readable: bool = True

    def set(self, parameter_key: str) -> SetParameterValues:
        """Every parameter in one SetParameterValues: it is atomic (TR-069 A.3.2.1)."""
        return SetParameterValues(self.parameters, parameter_key)

    def read(self) -> GetParameterValues:
        """The same parameters, read back."""
        return GetParameterValues(tuple(parameter.name for parameter in self.parameters))

    def equals(self, reported: Sequence[ParameterValueStruct]) -> bool:
        """Whether the gateway reports every wanted value; what it adds or reorders does not matter."""
        found = {parameter.name: parameter.value for parameter in reported}
        return all(
            parameter.name in found and values.equal(parameter.value, found[parameter.name], parameter.type)
            for parameter in self.parameters
        )
