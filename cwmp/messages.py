"""Every message of CWMP that either side says, as a frozen value, and who says what.

A message knows its arguments and nothing else: not its envelope, not its ID, not whether it may be said now.
"""

from dataclasses import dataclass
from typing import TypeAlias, get_args

from cwmp.requests import (
    ROOTS,
    AddObject,
    AutonomousDUStateChangeComplete,
    AutonomousTransferComplete,
    DeleteObject,
    DUStateChangeComplete,
    GetParameterNames,
    GetParameterValues,
    GetRPCMethods,
    Inform,
    Kicked,
    RequestDownload,
    SetParameterValues,
    TransferComplete,
    UnknownRequest,
)
from cwmp.responses import (
    AddObjectResponse,
    AutonomousDUStateChangeCompleteResponse,
    AutonomousTransferCompleteResponse,
    DeleteObjectResponse,
    DUStateChangeCompleteResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethodsResponse,
    InformResponse,
    KickedResponse,
    RequestDownloadResponse,
    SetParameterValuesResponse,
    TransferCompleteResponse,
    UnknownResponse,
)
from cwmp.structs import (
    Argument,
    DeviceId,
    EventStruct,
    OperationResult,
    ParameterFault,
    ParameterInfoStruct,
    ParameterValueStruct,
)


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
