"""The answers to requests, each as a frozen value: those of the ACS first, then those of the CPE."""

from dataclasses import dataclass

from cwmp.structs import ParameterInfoStruct, ParameterValueStruct


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
