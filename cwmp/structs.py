"""The structures that messages are made of: who speaks, what happened, which parameter has which value.

Texts are as they were on the wire; nothing here judges them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

# "14 HEARTBEAT" is the highest event so far; a longer number is no event's. A name may stand close behind ("1BOOT"):
# four letters or more, not all of them hexadecimal digits, so that no OUI is taken for one.
_EVENT_NUMBER = re.compile(r"\s*([0-9]{1,4})(?:(?!\S)|(?=[A-Za-z]{4})(?=[A-Fa-f]*[G-Zg-z]))")
_CODES_KEPT = 256  # there are some twenty, each spelled in a few ways


class DeviceId(NamedTuple):
    """What a gateway says it is (TR-069 A.3.3.1). A serial number alone does not tell two gateways apart."""

    manufacturer: str
    oui: str
    product_class: str
    serial_number: str


class EventStruct(NamedTuple):
    """One reason why the CPE opened the session."""

    code: str
    command_key: str = ""

    @property
    def number(self) -> int | None:
        """The event's number: `1` for "1 BOOT"; None for "M Reboot", vendor events and nonsense."""
        return _event_number(self.code)


@lru_cache(_CODES_KEPT)
def _event_number(code: str) -> int | None:
    digits = _EVENT_NUMBER.match(code)
    return int(digits[1]) if digits else None


class ParameterValueStruct(NamedTuple):
    """A parameter and its value as text; the type is always spelled with the prefix `xsd:`.

    A tuple, because a message has up to thousands of them, and a tuple is made in less than half the time.
    """

    name: str
    value: str
    type: str = "xsd:string"


parameter_value: Callable[[tuple[str, str, str]], ParameterValueStruct] = partial(tuple.__new__, ParameterValueStruct)
"""Make one of its three fields, without a call of Python: for who makes many."""


@dataclass(frozen=True, slots=True)
class ParameterInfoStruct:
    """A path that exists in the CPE's data model; objects end in a dot."""

    name: str
    writable: bool


@dataclass(frozen=True, slots=True)
class ParameterFault:
    """What was wrong with one parameter of a SetParameterValues."""

    name: str
    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A name and a value that go with a RequestDownload."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What became of one operation on a deployment unit; `operation` only where the CPE acted by itself."""

    uuid: str
    deployment_unit_ref: str = ""
    version: str = ""
    current_state: str = ""
    resolved: bool = False
    execution_unit_refs: str = ""
    start_time: str = ""
    complete_time: str = ""
    fault_code: int = 0
    fault_string: str = ""
    operation: str = ""
