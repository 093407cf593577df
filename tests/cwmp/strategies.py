"""Hypothesis strategies for every message that either side writes."""

from typing import Any

from hypothesis import strategies as st

from cwmp import messages as m
from cwmp.types import XSD_TYPES

NAMESPACES = st.sampled_from([f"urn:dslforum-org:cwmp-1-{minor}" for minor in range(5)])

# What XML can carry; a carriage return needs a reference, and is therefore well worth drawing.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
CONTROLS = st.sampled_from("\t\n\r")


def values():
    return st.text(CHARACTERS | CONTROLS, max_size=60)


def words(longest=32, shortest=0):
    """Texts that survive the trimming and the scrubbing of what is meant for people."""
    printable = st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ")
    texts = st.text(printable, min_size=shortest, max_size=longest)
    return texts.map(str.strip).filter(lambda text: len(text) >= shortest)


NAMES = words(60, shortest=1)
NUMBERS = st.integers(0, 2**32 - 1)
STATUS = st.none() | st.integers(0, 1)
KEYS = words(32)
PARAMETERS = st.builds(m.ParameterValueStruct, NAMES, values(), st.sampled_from(sorted(XSD_TYPES)))
OBJECTS = words(60).map("{}.".format)


def tuples(of, shortest=0, longest=6):
    return st.lists(of, min_size=shortest, max_size=longest).map(tuple)


DEVICE_IDS = st.builds(
    m.DeviceId, words(64), st.from_regex(r"[0-9A-F]{6}", fullmatch=True), words(64), words(64, shortest=1)
)
EVENTS = st.builds(m.EventStruct, words(64, shortest=1), words(32))
INFORMS = st.builds(m.Inform, DEVICE_IDS, tuples(EVENTS), tuples(PARAMETERS), NUMBERS, words(32), NUMBERS)
RESULTS = st.builds(
    m.OperationResult, words(36), words(), words(), words(), st.booleans(), words(), words(), words(), NUMBERS, words()
)
AUTONOMOUS_RESULTS = st.builds(
    m.OperationResult,
    words(36),
    words(),
    words(),
    words(),
    st.booleans(),
    words(),
    words(),
    words(),
    NUMBERS,
    words(),
    words(),
)
PARAMETER_FAULTS = st.builds(m.ParameterFault, words(60), st.integers(9000, 9899), words())

MESSAGES: dict[Any, Any] = {
    m.Inform: INFORMS,
    m.TransferComplete: st.builds(m.TransferComplete, KEYS, NUMBERS, words(), words(), words()),
    m.AutonomousTransferComplete: st.builds(
        m.AutonomousTransferComplete,
        words(),
        words(),
        st.booleans(),
        words(),
        NUMBERS,
        words(),
        NUMBERS,
        words(),
        words(),
        words(),
    ),
    m.Kicked: st.builds(m.Kicked, words(), words(), words(), words()),
    m.RequestDownload: st.builds(m.RequestDownload, words(), tuples(st.builds(m.Argument, words(), words()))),
    m.DUStateChangeComplete: st.builds(m.DUStateChangeComplete, tuples(RESULTS), KEYS),
    m.AutonomousDUStateChangeComplete: st.builds(m.AutonomousDUStateChangeComplete, tuples(AUTONOMOUS_RESULTS)),
    m.GetRPCMethods: st.just(m.GetRPCMethods()),
    m.SetParameterValues: st.builds(
        m.SetParameterValues,
        st.lists(PARAMETERS, min_size=1, max_size=6, unique_by=lambda parameter: parameter.name).map(tuple),
        KEYS,
    ),
    m.GetParameterValues: st.builds(m.GetParameterValues, tuples(words(60), shortest=1)),
    m.GetParameterNames: st.builds(m.GetParameterNames, OBJECTS, st.booleans()),
    m.AddObject: st.builds(m.AddObject, OBJECTS, KEYS),
    m.DeleteObject: st.builds(m.DeleteObject, OBJECTS, KEYS),
    m.InformResponse: st.builds(m.InformResponse, NUMBERS),
    m.GetRPCMethodsResponse: st.builds(m.GetRPCMethodsResponse, tuples(words(60))),
    m.TransferCompleteResponse: st.just(m.TransferCompleteResponse()),
    m.AutonomousTransferCompleteResponse: st.just(m.AutonomousTransferCompleteResponse()),
    m.KickedResponse: st.builds(m.KickedResponse, words()),
    m.RequestDownloadResponse: st.just(m.RequestDownloadResponse()),
    m.DUStateChangeCompleteResponse: st.just(m.DUStateChangeCompleteResponse()),
    m.AutonomousDUStateChangeCompleteResponse: st.just(m.AutonomousDUStateChangeCompleteResponse()),
    m.SetParameterValuesResponse: st.builds(m.SetParameterValuesResponse, STATUS),
    m.GetParameterValuesResponse: st.builds(m.GetParameterValuesResponse, tuples(PARAMETERS)),
    m.GetParameterNamesResponse: st.builds(
        m.GetParameterNamesResponse, tuples(st.builds(m.ParameterInfoStruct, NAMES, st.booleans()))
    ),
    m.AddObjectResponse: st.builds(m.AddObjectResponse, st.none() | st.integers(1, 2**32 - 1), STATUS),
    m.DeleteObjectResponse: st.builds(m.DeleteObjectResponse, STATUS),
    m.Fault: st.builds(m.Fault, st.integers(8000, 9899), words(), tuples(PARAMETER_FAULTS)),
}
ANY_MESSAGE = st.one_of(*MESSAGES.values())
