"""The fault codes of TR-069 A.5 as data: their names, whether trying again helps, and what an operator does about them.

`permanent` is meant for a write (SetParameterValues and what prepares it): the same request would fail the same way.
How often and when something transient is tried again is not decided here.
"""

from dataclasses import dataclass

from cwmp.messages import Fault

INVALID_ARGUMENTS = 9003


@dataclass(frozen=True, slots=True)
class FaultCode:
    """One code: its name in the standard, and a sentence for whoever has to deal with it."""

    code: int
    name: str
    permanent: bool
    advice: str


_TRANSFER = "This belongs to file transfers and says nothing about a write; it is tried again."
_UNIT = "This belongs to software modules and says nothing about a write; look at the gateway's firmware."

_CPE = (
    FaultCode(9000, "Method not supported", permanent=True, advice="This firmware cannot do it; try after an upgrade."),
    FaultCode(9001, "Request denied", permanent=False, advice="The gateway gave no reason; it is tried again later."),
    FaultCode(
        9002, "Internal error", permanent=False, advice="Something failed inside the gateway; it is tried again."
    ),
    FaultCode(
        INVALID_ARGUMENTS,
        "Invalid arguments",
        permanent=True,
        advice="The parameters listed with the fault say what is wrong; without a list, compare the profile with the"
        " gateway's data model.",
    ),
    FaultCode(
        9004, "Resources exceeded", permanent=False, advice="The gateway has no room for it now; it is tried again."
    ),
    FaultCode(
        9005,
        "Invalid parameter name",
        permanent=True,
        advice="The gateway has no such parameter; correct the name in the profile or pick another profile.",
    ),
    FaultCode(
        9006,
        "Invalid parameter type",
        permanent=True,
        advice="The gateway expects another type; correct the type in the profile.",
    ),
    FaultCode(
        9007,
        "Invalid parameter value",
        permanent=True,
        advice="The gateway does not take this value: it may be too long, or of a kind that it does not allow.",
    ),
    FaultCode(
        9008,
        "Attempt to set a non-writable parameter",
        permanent=True,
        advice="The gateway does not let anybody write this parameter; pick another one in the profile.",
    ),
    FaultCode(
        9009,
        "Notification request rejected",
        permanent=True,
        advice="The gateway does not report changes of this parameter; writing it is not affected.",
    ),
    FaultCode(9010, "File transfer failure", permanent=False, advice=_TRANSFER),
    FaultCode(9011, "Upload failure", permanent=False, advice=_TRANSFER),
    FaultCode(9012, "File transfer server authentication failure", permanent=False, advice=_TRANSFER),
    FaultCode(9013, "Unsupported protocol for file transfer", permanent=False, advice=_TRANSFER),
    FaultCode(9014, "File transfer failure: unable to join multicast group", permanent=False, advice=_TRANSFER),
    FaultCode(9015, "File transfer failure: unable to contact file server", permanent=False, advice=_TRANSFER),
    FaultCode(9016, "File transfer failure: unable to access file", permanent=False, advice=_TRANSFER),
    FaultCode(9017, "File transfer failure: unable to complete download", permanent=False, advice=_TRANSFER),
    FaultCode(9018, "File transfer failure: file corrupted", permanent=False, advice=_TRANSFER),
    FaultCode(9019, "File transfer failure: file authentication failure", permanent=False, advice=_TRANSFER),
    FaultCode(
        9020,
        "File transfer failure: unable to complete download within time windows",
        permanent=False,
        advice=_TRANSFER,
    ),
    FaultCode(
        9021, "Cancelation of file transfer not permitted in current transfer state", permanent=False, advice=_TRANSFER
    ),
    FaultCode(9022, "Invalid UUID format", permanent=True, advice=_UNIT),
    FaultCode(9023, "Unknown execution environment", permanent=True, advice=_UNIT),
    FaultCode(9024, "Disabled execution environment", permanent=True, advice=_UNIT),
    FaultCode(9025, "Deployment unit to execution environment mismatch", permanent=True, advice=_UNIT),
    FaultCode(9026, "Duplicate deployment unit", permanent=True, advice=_UNIT),
    FaultCode(
        9027,
        "System resources exceeded",
        permanent=False,
        advice="The gateway has no room for it now; it is tried again.",
    ),
    FaultCode(9028, "Unknown deployment unit", permanent=True, advice=_UNIT),
    FaultCode(9029, "Invalid deployment unit state", permanent=True, advice=_UNIT),
    FaultCode(9030, "Invalid deployment unit update: downgrade not permitted", permanent=True, advice=_UNIT),
    FaultCode(9031, "Invalid deployment unit update: version not specified", permanent=True, advice=_UNIT),
    FaultCode(9032, "Invalid deployment unit update: version already exists", permanent=True, advice=_UNIT),
)

_ACS = (
    FaultCode(8000, "Method not supported", permanent=True, advice="The gateway asked for something unknown here."),
    FaultCode(8001, "Request denied", permanent=True, advice="The gateway is not who its credentials say it is."),
    FaultCode(8002, "Internal error", permanent=False, advice="This daemon failed; its log says where."),
    FaultCode(8003, "Invalid arguments", permanent=True, advice="The gateway sent a message that cannot be used."),
    FaultCode(8004, "Resources exceeded", permanent=False, advice="The gateway sent more than is taken in."),
    FaultCode(8005, "Retry request", permanent=False, advice="The gateway was asked to send its request again."),
    FaultCode(8006, "ACS version incompatible with CPE", permanent=True, advice="There is no common version of CWMP."),
)

CPE_FAULTS: dict[int, FaultCode] = {fault.code: fault for fault in _CPE}
ACS_FAULTS: dict[int, FaultCode] = {fault.code: fault for fault in _ACS}

_VENDOR_CODES = range(9800, 9900)


def fault_code(code: int) -> FaultCode:
    """Look a code up; what the standard does not name is transient."""
    known = CPE_FAULTS.get(code) or ACS_FAULTS.get(code)
    if known is not None:
        return known
    if code in _VENDOR_CODES:
        advice = "Only the gateway's vendor knows what this means; it is tried again a few times."
        return FaultCode(code, "Vendor fault", permanent=False, advice=advice)
    advice = "The standard does not know this code; it is tried again a few times."
    return FaultCode(code, "Unknown fault", permanent=False, advice=advice)


def is_permanent(fault: Fault) -> bool:
    """Tell whether the same request would fail again: for 9003 that is for its parameters to say."""
    if fault.code == INVALID_ARGUMENTS and fault.parameters:
        return any(fault_code(parameter.code).permanent for parameter in fault.parameters)
    return fault_code(fault.code).permanent
