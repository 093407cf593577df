"""What the CPE asks, what the ACS asks, and what both do: each request of CWMP as a frozen value.

The arguments stand in the order of the schema.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from cwmp.structs import Argument, DeviceId, EventStruct, OperationResult, ParameterValueStruct

ROOTS = ("Device.", "InternetGatewayDevice.")
_MOST_NAMES = 2048

# --- what the CPE asks ---------------------------------------------------------------------------------------


T = TypeVar("T")


class _Remembered(Generic[T]):
    """What a value is looked through for once; functools' own takes a lock each time, and costs three times as much."""

    def __init__(self, look: Callable[[Any], T]) -> None:
        self._look = look
        self._name = look.__name__
        self.__doc__ = look.__doc__

    def __get__(self, value: Any, _: object) -> T:  # noqa: ANN401 - whatever it belongs to
        found = value.__dict__[self._name] = self._look(value)
        return found


class _BelowRoot(dict[str, str]):
    """Names without their root, which is the same for nearly all; nothing for one that has none of ours."""

    def __missing__(self, name: str) -> str:
        below = name.partition(".")[2] if name.startswith(ROOTS) else ""
        if len(self) >= _MOST_NAMES:
            self.clear()  # made-up names fill it up, and must not keep out those of honest gateways
        self[name] = below
        return below


_BELOW_ROOT = _BelowRoot()


class _Inform(NamedTuple):
    device_id: DeviceId
    events: tuple[EventStruct, ...]
    parameters: tuple[ParameterValueStruct, ...]
    max_envelopes: int = 1
    current_time: str = ""
    retry_count: int = 0


class Inform(_Inform):
    """The CPE opens a session (A.3.3.1). It has no slots, so that it can remember what it was looked through for."""

    @_Remembered
    def _announced(self) -> dict[str, str]:
        """The values by their names below the root; the first of a name counts."""
        return {_BELOW_ROOT[name]: value for name, value, _ in reversed(self.parameters)}

    @_Remembered
    def event_numbers(self) -> frozenset[int | None]:
        """The numbers of its events; None stands for those that have none."""
        return frozenset([event.number for event in self.events])

    @property
    def root(self) -> str:
        """The root of the CPE's data model, or nothing where no parameter tells."""
        for name, _, _ in self.parameters:
            if name.startswith(ROOTS):
                return name.partition(".")[0] + "."
        return ""

    def value(self, suffix: str) -> str | None:
        """Give the value announced for `suffix` below the root, without blanks around it; None where there is none."""
        value = self._announced.get(suffix)
        return None if value is None else value.strip()


@dataclass(frozen=True, slots=True)
class TransferComplete:
    """A download or upload that was asked for has ended; fault code 0 is success (A.3.3.2)."""

    command_key: str
    fault_code: int = 0
    fault_string: str = ""
    start_time: str = ""
    complete_time: str = ""


@dataclass(frozen=True, slots=True)
class AutonomousTransferComplete:
    """A transfer that nobody asked for here has ended (A.3.3.3)."""

    announce_url: str
    transfer_url: str
    is_download: bool
    file_type: str
    file_size: int = 0
    target_file_name: str = ""
    fault_code: int = 0
    fault_string: str = ""
    start_time: str = ""
    complete_time: str = ""


@dataclass(frozen=True, slots=True)
class Kicked:
    """Somebody was sent to the ACS by a web page of the CPE; deprecated (A.4.2.1)."""

    command: str = ""
    referer: str = ""
    arg: str = ""
    next: str = ""


@dataclass(frozen=True, slots=True)
class RequestDownload:
    """The CPE would like to be told to download something (A.4.2.2)."""

    file_type: str
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class DUStateChangeComplete:
    """Operations on deployment units that were asked for have ended (A.4.2.3)."""

    results: tuple[OperationResult, ...]
    command_key: str = ""


@dataclass(frozen=True, slots=True)
class AutonomousDUStateChangeComplete:
    """Operations on deployment units that nobody asked for here have ended (A.4.2.4)."""

    results: tuple[OperationResult, ...]


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """A request that this package does not know; answered with Fault 8000."""

    name: str


# --- what both ask -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetRPCMethods:
    """Which requests do you understand? (A.3.1.1)."""


# --- what the ACS asks ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetParameterValues:
    """Write all of these or none of them (A.3.2.1)."""

    parameters: tuple[ParameterValueStruct, ...]
    parameter_key: str


@dataclass(frozen=True, slots=True)
class GetParameterValues:
    """Read parameters by name, or everything below a path that ends in a dot (A.3.2.2)."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetParameterNames:
    """List what exists at or below a path (A.3.2.3)."""

    path: str
    next_level: bool


@dataclass(frozen=True, slots=True)
class AddObject:
    """Make a new instance; saying it twice makes two (A.3.2.6)."""

    object_name: str
    parameter_key: str


@dataclass(frozen=True, slots=True)
class DeleteObject:
    """Remove an instance and all that lies below it (A.3.2.7)."""

    object_name: str
    parameter_key: str
