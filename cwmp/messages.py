"""Every message of CWMP that either side says, as a frozen value.

A message knows its arguments and nothing else: not its envelope, not its ID, not whether it may be said now.
The arguments stand in the order of the schema.
"""

from dataclasses import dataclass
from typing import TypeAlias, get_args

from cwmp.structs import (
    Argument,
    DeviceId,
    EventStruct,
    OperationResult,
    ParameterFault,
    ParameterInfoStruct,
    ParameterValueStruct,
)

ROOTS = ("Device.", "InternetGatewayDevice.")

# --- what the CPE asks ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inform:
    """The CPE opens a session (A.3.3.1)."""

    device_id: DeviceId
    events: tuple[EventStruct, ...]
    parameters: tuple[ParameterValueStruct, ...]
    max_envelopes: int = 1
    current_time: str = ""
    retry_count: int = 0

    @property
    def root(self) -> str:
        """The root of the CPE's data model, or nothing where no parameter tells."""
        for parameter in self.parameters:
            if parameter.name.startswith(ROOTS):
                return parameter.name.partition(".")[0] + "."
        return ""

    def value(self, suffix: str) -> str | None:
        """Give the value announced for `suffix` below the root, without blanks around it; None where there is none."""
        names = (ROOTS[0] + suffix, ROOTS[1] + suffix)
        for parameter in self.parameters:
            if parameter.name in names:
                return parameter.value.strip()
        return None


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


# --- the answers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InformResponse:
    """The session is open."""

    max_envelopes: int = 1


@dataclass(frozen=True, slots=True)
class GetRPCMethodsResponse:
    """The names of the requests that the answering side understands."""

    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TransferCompleteResponse:
    """Taken note of."""


@dataclass(frozen=True, slots=True)
class AutonomousTransferCompleteResponse:
    """Taken note of."""


@dataclass(frozen=True, slots=True)
class KickedResponse:
    """Where the web browser is sent next."""

    next_url: str = ""


@dataclass(frozen=True, slots=True)
class RequestDownloadResponse:
    """Taken note of; promises nothing."""


@dataclass(frozen=True, slots=True)
class DUStateChangeCompleteResponse:
    """Taken note of."""


@dataclass(frozen=True, slots=True)
class AutonomousDUStateChangeCompleteResponse:
    """Taken note of."""


@dataclass(frozen=True, slots=True)
class SetParameterValuesResponse:
    """The CPE took every value: 0 applied, 1 applied later, None where it did not say."""

    status: int | None


@dataclass(frozen=True, slots=True)
class GetParameterValuesResponse:
    """The values that the CPE has; it may leave out, add and reorder."""

    parameters: tuple[ParameterValueStruct, ...]


@dataclass(frozen=True, slots=True)
class GetParameterNamesResponse:
    """What exists, and what can be written."""

    parameters: tuple[ParameterInfoStruct, ...]


@dataclass(frozen=True, slots=True)
class AddObjectResponse:
    """The number of the new instance; None where the CPE gave none that can be one."""

    instance_number: int | None
    status: int | None


@dataclass(frozen=True, slots=True)
class DeleteObjectResponse:
    """The instance is gone: 0 now, 1 later."""

    status: int | None


@dataclass(frozen=True, slots=True)
class UnknownResponse:
    """An answer to something that this package never asks."""

    name: str


# --- the rest ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """A request failed. The code is 9xxx from a CPE and 8xxx from an ACS (A.5)."""

    code: int
    text: str = ""
    parameters: tuple[ParameterFault, ...] = ()


@dataclass(frozen=True, slots=True)
class SoapFault:
    """A fault of SOAP itself, without a CWMP code: `MustUnderstand` or `VersionMismatch`. Written; read as a Fault."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class EmptyPost:
    """No envelope at all: "I have nothing to say" from the CPE, "we are done" (HTTP 204) from the ACS."""


# --- who says what -------------------------------------------------------------------------------------------

CpeRequest: TypeAlias = (
    GetRPCMethods
    | TransferComplete
    | AutonomousTransferComplete
    | Kicked
    | RequestDownload
    | DUStateChangeComplete
    | AutonomousDUStateChangeComplete
    | UnknownRequest
)
AcsRequest: TypeAlias = (
    GetRPCMethods | SetParameterValues | GetParameterValues | GetParameterNames | AddObject | DeleteObject
)
Response: TypeAlias = (
    InformResponse
    | GetRPCMethodsResponse
    | TransferCompleteResponse
    | AutonomousTransferCompleteResponse
    | KickedResponse
    | RequestDownloadResponse
    | DUStateChangeCompleteResponse
    | AutonomousDUStateChangeCompleteResponse
    | SetParameterValuesResponse
    | GetParameterValuesResponse
    | GetParameterNamesResponse
    | AddObjectResponse
    | DeleteObjectResponse
    | UnknownResponse
)
Message: TypeAlias = Inform | CpeRequest | AcsRequest | Response | Fault | SoapFault | EmptyPost

CPE_REQUESTS: frozenset[type[Message]] = frozenset(get_args(CpeRequest))
ACS_REQUESTS: frozenset[type[Message]] = frozenset(get_args(AcsRequest))
RESPONSES: frozenset[type[Message]] = frozenset(get_args(Response))

# Which answer belongs to which request.
RESPONSE_TO: dict[type[Message], type[Message]] = {
    Inform: InformResponse,
    GetRPCMethods: GetRPCMethodsResponse,
    TransferComplete: TransferCompleteResponse,
    AutonomousTransferComplete: AutonomousTransferCompleteResponse,
    Kicked: KickedResponse,
    RequestDownload: RequestDownloadResponse,
    DUStateChangeComplete: DUStateChangeCompleteResponse,
    AutonomousDUStateChangeComplete: AutonomousDUStateChangeCompleteResponse,
    SetParameterValues: SetParameterValuesResponse,
    GetParameterValues: GetParameterValuesResponse,
    GetParameterNames: GetParameterNamesResponse,
    AddObject: AddObjectResponse,
    DeleteObject: DeleteObjectResponse,
}


def rpc_name(message: Message) -> str:
    """Give the name of a message as it stands on the wire and in a log line."""
    return message.name if isinstance(message, UnknownRequest | UnknownResponse) else type(message).__name__


__all__ = [
    "ACS_REQUESTS",
    "CPE_REQUESTS",
    "RESPONSES",
    "RESPONSE_TO",
    "ROOTS",
    "AcsRequest",
    "AddObject",
    "AddObjectResponse",
    "Argument",
    "AutonomousDUStateChangeComplete",
    "AutonomousDUStateChangeCompleteResponse",
    "AutonomousTransferComplete",
    "AutonomousTransferCompleteResponse",
    "CpeRequest",
    "DUStateChangeComplete",
    "DUStateChangeCompleteResponse",
    "DeleteObject",
    "DeleteObjectResponse",
    "DeviceId",
    "EmptyPost",
    "EventStruct",
    "Fault",
    "GetParameterNames",
    "GetParameterNamesResponse",
    "GetParameterValues",
    "GetParameterValuesResponse",
    "GetRPCMethods",
    "GetRPCMethodsResponse",
    "Inform",
    "InformResponse",
    "Kicked",
    "KickedResponse",
    "Message",
    "OperationResult",
    "ParameterFault",
    "ParameterInfoStruct",
    "ParameterValueStruct",
    "RequestDownload",
    "RequestDownloadResponse",
    "Response",
    "SetParameterValues",
    "SetParameterValuesResponse",
    "SoapFault",
    "TransferComplete",
    "TransferCompleteResponse",
    "UnknownRequest",
    "UnknownResponse",
    "rpc_name",
]
