"""The fault codes of TR-069 A.5 as data: their names, whether trying again helps, and what an operator reads.

`permanent` is meant for a write (SetParameterValues and what prepares it): the same request would fail the same way.
When something transient is tried again is not decided here.
"""

from dataclasses import dataclass

from cwmp.messages import Fault

INVALID_ARGUMENTS = 9003
_ATTEMPTS_WITHOUT_A_LIST = 2  # of a 9003 that does not say what is wrong: some gateways send it when they are busy


@dataclass(frozen=True, slots=True)
class FaultCode:
    """One code: its name in the standard, and a sentence for whoever has to deal with it.

    `attempts` is after how many of them a write is given up although the fault is transient; None: as often as the
    settings say.
    """

    code: int
    name: str
    permanent: bool
    meaning: str
    attempts: int | None = None

    @property
    def is_standard(self) -> bool:
        """Whether the standard names it; of others the gateway's own words may say more."""
        return self.code in CPE_FAULTS or self.code in ACS_FAULTS


_TRANSFER = "This belongs to file transfers and says nothing about a write."
_UNIT = "This belongs to software modules and says nothing about a write; look at the gateway's firmware."

_CPE = (
    FaultCode(
        9000, "Method not supported", permanent=True, meaning="This firmware cannot do it; try after an upgrade."
    ),
    FaultCode(9001, "Request denied", permanent=False, meaning="The gateway refused, without a reason.", attempts=3),
    FaultCode(9002, "Internal error", permanent=False, meaning="Something failed inside the gateway."),
    FaultCode(
        INVALID_ARGUMENTS,
        "Invalid arguments",
        permanent=True,
        meaning="The parameters listed with the fault say what is wrong; without a list, compare the profile with the"
        " gateway's data model.",
    ),
    FaultCode(9004, "Resources exceeded", permanent=False, meaning="The gateway has no room for it now."),
    FaultCode(
        9005,
        "Invalid parameter name",
        permanent=True,
        meaning="The gateway has no such parameter; correct the name in the profile or pick another profile.",
    ),
    FaultCode(
        9006,
        "Invalid parameter type",
        permanent=True,
        meaning="The gateway expects another type; correct the type in the profile.",
    ),
    FaultCode(
        9007,
        "Invalid parameter value",
        permanent=True,
        meaning="The gateway does not take this value: it may be too long, or of a kind that it does not allow.",
    ),
    FaultCode(
        9008,
        "Attempt to set a non-writable parameter",
        permanent=True,
        meaning="The gateway does not let anybody write this parameter; pick another one in the profile.",
    ),
    FaultCode(
        9009,
        "Notification request rejected",
        permanent=True,
        meaning="The gateway does not report changes of this parameter; writing it is not affected.",
    ),
    FaultCode(9010, "File transfer failure", permanent=False, meaning=_TRANSFER),
    FaultCode(9011, "Upload failure", permanent=False, meaning=_TRANSFER),
    FaultCode(9012, "File transfer server authentication failure", permanent=False, meaning=_TRANSFER),
    FaultCode(9013, "Unsupported protocol for file transfer", permanent=False, meaning=_TRANSFER),
    FaultCode(9014, "File transfer failure: unable to join multicast group", permanent=False, meaning=_TRANSFER),
    FaultCode(9015, "File transfer failure: unable to contact file server", permanent=False, meaning=_TRANSFER),
    FaultCode(9016, "File transfer failure: unable to access file", permanent=False, meaning=_TRANSFER),
    FaultCode(9017, "File transfer failure: unable to complete download", permanent=False, meaning=_TRANSFER),
    FaultCode(9018, "File transfer failure: file corrupted", permanent=False, meaning=_TRANSFER),
    FaultCode(9019, "File transfer failure: file authentication failure", permanent=False, meaning=_TRANSFER),
    FaultCode(
        9020,
        "File transfer failure: unable to complete download within time windows",
        permanent=False,
        meaning=_TRANSFER,
    ),
    FaultCode(
        9021, "Cancelation of file transfer not permitted in current transfer state", permanent=False, meaning=_TRANSFER
    ),
    FaultCode(9022, "Invalid UUID format", permanent=True, meaning=_UNIT),
    FaultCode(9023, "Unknown execution environment", permanent=True, meaning=_UNIT),
    FaultCode(9024, "Disabled execution environment", permanent=True, meaning=_UNIT),
    FaultCode(9025, "Deployment unit to execution environment mismatch", permanent=True, meaning=_UNIT),
    FaultCode(9026, "Duplicate deployment unit", permanent=True, meaning=_UNIT),
    FaultCode(
        9027,
        "System resources exceeded",
        permanent=False,
        meaning="The gateway has no room for it now.",
    ),
    FaultCode(9028, "Unknown deployment unit", permanent=True, meaning=_UNIT),
    FaultCode(9029, "Invalid deployment unit state", permanent=True, meaning=_UNIT),
    FaultCode(9030, "Invalid deployment unit update: downgrade not permitted", permanent=True, meaning=_UNIT),
    FaultCode(9031, "Invalid deployment unit update: version not specified", permanent=True, meaning=_UNIT),
    FaultCode(9032, "Invalid deployment unit update: version already exists", permanent=True, meaning=_UNIT),
)

_ACS = (
    FaultCode(8000, "Method not supported", permanent=True, meaning="The gateway asked for something unknown here."),
    FaultCode(8001, "Request denied", permanent=True, meaning="The gateway is not who its credentials say it is."),
    FaultCode(8002, "Internal error", permanent=False, meaning="This daemon failed; its log says where."),
    FaultCode(8003, "Invalid arguments", permanent=True, meaning="The gateway sent a message that cannot be used."),
    FaultCode(8004, "Resources exceeded", permanent=False, meaning="The gateway sent more than is taken in."),
    FaultCode(8005, "Retry request", permanent=False, meaning="The gateway was asked to send its request again."),
    FaultCode(8006, "ACS version incompatible with CPE", permanent=True, meaning="There is no common version of CWMP."),
)

CPE_FAULTS: dict[int, FaultCode] = {fault.code: fault for fault in _CPE}
ACS_FAULTS: dict[int, FaultCode] = {fault.code: fault for fault in _ACS}

_VENDOR_CODES = (range(9800, 9900), range(8800, 8900))
_FEW_ATTEMPTS = 3


def fault_code(code: int) -> FaultCode:
    """Look a code up; what the standard does not name is transient, for a few attempts."""
    known = CPE_FAULTS.get(code) or ACS_FAULTS.get(code)
    if known is not None:
        return known
    if any(code in codes for codes in _VENDOR_CODES):
        name, meaning = "Vendor fault", "Only the gateway's vendor knows what this means."
    else:
        name, meaning = "Unknown fault", "The standard does not know this code."
    return FaultCode(code, name, permanent=False, meaning=meaning, attempts=_FEW_ATTEMPTS)


def is_permanent(fault: Fault, attempts: int) -> bool:
    """Tell whether the same request would fail again, after so many attempts.

    For 9003 that is for its parameters to say; without any, once more is tried.
    """
    if fault.code != INVALID_ARGUMENTS:
        return fault_code(fault.code).permanent
    if not fault.parameters:
        return attempts >= _ATTEMPTS_WITHOUT_A_LIST
    return any(fault_code(parameter.code).permanent for parameter in fault.parameters)


def is_spent(fault: Fault, attempts: int) -> bool:
    """Tell whether a transient fault has been met with as many attempts as it is worth, however many are allowed."""
    most = fault_code(fault.code).attempts
    return most is not None and attempts >= most
