"""The element in the Body to a message: by local names, in any order, whatever counts and types claim.

It refuses only what cannot be used: an Inform that does not say who speaks (R-01). What goes beyond the soft limits is
cut or left out, and noted. All texts but the values of parameters lose the blanks around them.
"""

import re
from collections.abc import Callable
from itertools import islice
from typing import TypeAlias

from cwmp import messages as m
from cwmp.document import Element
from cwmp.errors import RemoteProtocolError
from cwmp.limits import Limits
from cwmp.types import STRING, XSD_TYPES, type_name

Notes: TypeAlias = list[str]
Reader: TypeAlias = Callable[[Element, Limits, Notes], m.Message]

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

_LONGEST_NUMBER = 20
_LONGEST_SERIAL = 64
_LONGEST_CODE = 64
_HIGHEST_INSTANCE = 2**32 - 1
_TRUE = frozenset({"1", "true", "TRUE", "True"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_INTERNAL_ERROR = 9002  # what a fault counts as that does not say what it is
_SOAP_FAULT_CODE = re.compile(r"\b([89]\d{3})\b")


def local_name(element: Element) -> str:
    """Give the name of an element without its namespace."""
    tag: str = element.tag  # type: ignore[assignment]  # other kinds of tags belong to comments, which are not kept
    return tag.rpartition("}")[2] if "}" in tag else tag


def _texts(element: Element) -> dict[str, str]:
    return {local_name(part): (part.text or "").strip() for part in element}


def _parts(element: Element) -> dict[str, Element]:
    return {local_name(part): part for part in element}


def number(text: str | None) -> int | None:
    """Give the number that a text is, if it is a plain one."""
    digits = text.strip() if text else ""
    return int(digits) if len(digits) <= _LONGEST_NUMBER and digits.isascii() and digits.isdigit() else None


def words(text: str, limits: Limits) -> str:
    """Make a text from an untrusted device fit for people's eyes: no control characters, not too long (F-02)."""
    return _CONTROLS.sub(" ", text).strip()[: limits.text]


# --- structures ----------------------------------------------------------------------------------------------


def _device_id(element: Element | None) -> m.DeviceId:
    texts = _texts(element) if element is not None else {}
    oui, serial = texts.get("OUI", ""), texts.get("SerialNumber", "")
    if not oui or not serial:
        raise RemoteProtocolError("the Inform has no OUI or no SerialNumber")
    if len(serial) > _LONGEST_SERIAL:
        raise RemoteProtocolError(f"the SerialNumber has more than {_LONGEST_SERIAL} characters")
    return m.DeviceId(
        texts.get("Manufacturer", "")[:_LONGEST_SERIAL],
        oui.upper()[:_LONGEST_SERIAL],
        texts.get("ProductClass", "")[:_LONGEST_SERIAL],
        serial,
    )


def _events(element: Element | None, limits: Limits, notes: Notes) -> tuple[m.EventStruct, ...]:
    if element is None:
        return ()
    events = []
    for struct in islice(element, limits.events):
        texts = _texts(struct)
        code = texts.get("EventCode", "")
        if code:
            events.append(m.EventStruct(code[:_LONGEST_CODE], texts.get("CommandKey", "")[: limits.text]))
    if len(element) > limits.events:
        notes.append("events left out")
    return tuple(events)


def _value_type(value: Element) -> str:
    declared = value.get(XSI_TYPE)
    if declared is None:
        # The schema instance of 1999, or a prefix that nobody declared.
        names = (text for name, text in value.items() if str(name).rpartition("}")[2] == "type")
        declared = next(names, STRING)
    return declared if declared in XSD_TYPES else type_name(declared)


def _value(element: Element) -> tuple[str, str]:
    return element.text or "", _value_type(element)


def _parameter_values(element: Element | None, limits: Limits, notes: Notes) -> tuple[m.ParameterValueStruct, ...]:
    """Read a list of parameters; one without a usable name is left out."""
    if element is None:
        return ()
    # Where every structure has one name and one value, two walks in C find them all without a look at the structures.
    names = [name.text or "" for name in element.iter("{*}Name")]
    values = [_value(value) for value in element.iter("{*}Value")]
    if not len(names) == len(values) == len(element) <= limits.parameters:
        names, values = _one_by_one(element, limits)
    found = []
    for padded, (value, kind) in zip(names, values, strict=True):
        name = padded.strip()
        if name and len(name) <= limits.name:
            found.append(m.ParameterValueStruct(name, value, kind))
    if len(element) != len(found):
        notes.append("parameters left out")
    return tuple(found)


def _one_by_one(element: Element, limits: Limits) -> tuple[list[str], list[tuple[str, str]]]:
    names, values = [], []
    for struct in islice(element, limits.parameters):
        parts = _parts(struct)
        if "Name" in parts:
            names.append(parts["Name"].text or "")
            values.append(_value(parts["Value"]) if "Value" in parts else ("", STRING))
    return names, values


def _strings(element: Element | None, limits: Limits) -> tuple[str, ...]:
    if element is None:
        return ()
    return tuple([(part.text or "").strip()[: limits.name] for part in islice(element, limits.parameters)])


def _flag(text: str | None) -> bool:
    return text is not None and text.strip() in _TRUE


def _fault_struct(element: Element | None, limits: Limits) -> tuple[int, str]:
    texts = _texts(element) if element is not None else {}
    return number(texts.get("FaultCode")) or 0, words(texts.get("FaultString", ""), limits)


# --- what the CPE asks ---------------------------------------------------------------------------------------


def _inform(element: Element, limits: Limits, notes: Notes) -> m.Inform:
    parts = _parts(element)
    texts = {name: part.text for name, part in parts.items()}
    retry_count = number(texts.get("RetryCount"))
    max_envelopes = number(texts.get("MaxEnvelopes"))
    return m.Inform(
        _device_id(parts.get("DeviceId")),
        _events(parts.get("Event"), limits, notes),
        _parameter_values(parts.get("ParameterList"), limits, notes),
        1 if max_envelopes is None else max_envelopes,
        (texts.get("CurrentTime") or "").strip()[: limits.text],
        retry_count or 0,
    )


def _transfer_complete(element: Element, limits: Limits, _notes: Notes) -> m.TransferComplete:
    texts = _texts(element)
    code, text = _fault_struct(_parts(element).get("FaultStruct"), limits)
    return m.TransferComplete(
        texts.get("CommandKey", "")[: limits.text],
        code,
        text,
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
    )


def _autonomous_transfer_complete(element: Element, limits: Limits, _notes: Notes) -> m.AutonomousTransferComplete:
    texts = _texts(element)
    code, text = _fault_struct(_parts(element).get("FaultStruct"), limits)
    return m.AutonomousTransferComplete(
        texts.get("AnnounceURL", "")[: limits.url],
        texts.get("TransferURL", "")[: limits.url],
        _flag(texts.get("IsDownload")),
        texts.get("FileType", "")[: limits.text],
        number(texts.get("FileSize")) or 0,
        texts.get("TargetFileName", "")[: limits.text],
        code,
        text,
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
    )


def _kicked(element: Element, limits: Limits, _notes: Notes) -> m.Kicked:
    texts = _texts(element)
    return m.Kicked(
        texts.get("Command", "")[: limits.text],
        texts.get("Referer", "")[: limits.text],
        texts.get("Arg", "")[: limits.text],
        texts.get("Next", "")[: limits.url],
    )


def _request_download(element: Element, limits: Limits, _notes: Notes) -> m.RequestDownload:
    parts = _parts(element)
    structs = map(_texts, islice(parts.get("FileTypeArg", ()), limits.events))
    return m.RequestDownload(
        _texts(element).get("FileType", "")[: limits.text],
        tuple([m.Argument(s.get("Name", "")[: limits.text], s.get("Value", "")[: limits.text]) for s in structs]),
    )


def _operation_result(element: Element, limits: Limits) -> m.OperationResult:
    texts = _texts(element)
    code, text = _fault_struct(_parts(element).get("Fault"), limits)
    return m.OperationResult(
        texts.get("UUID", "")[: limits.text],
        texts.get("DeploymentUnitRef", "")[: limits.text],
        texts.get("Version", "")[: limits.text],
        texts.get("CurrentState", "")[: limits.text],
        _flag(texts.get("Resolved")),
        texts.get("ExecutionUnitRefList", "")[: limits.url],
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
        code,
        text,
        texts.get("OperationPerformed", "")[: limits.text],
    )


def _operation_results(element: Element, limits: Limits) -> tuple[m.OperationResult, ...]:
    results = (part for part in element if local_name(part) == "Results")
    return tuple([_operation_result(part, limits) for part in islice(results, limits.events)])


def _du_state_change_complete(element: Element, limits: Limits, _notes: Notes) -> m.DUStateChangeComplete:
    command_key = _texts(element).get("CommandKey", "")[: limits.text]
    return m.DUStateChangeComplete(_operation_results(element, limits), command_key)


def _autonomous_du_state_change_complete(
    element: Element, limits: Limits, _notes: Notes
) -> m.AutonomousDUStateChangeComplete:
    return m.AutonomousDUStateChangeComplete(_operation_results(element, limits))


# --- what the ACS asks ---------------------------------------------------------------------------------------


def _set_parameter_values(element: Element, limits: Limits, notes: Notes) -> m.SetParameterValues:
    parameters = _parameter_values(_parts(element).get("ParameterList"), limits, notes)
    return m.SetParameterValues(parameters, _texts(element).get("ParameterKey", ""))


def _get_parameter_values(element: Element, limits: Limits, _notes: Notes) -> m.GetParameterValues:
    return m.GetParameterValues(_strings(_parts(element).get("ParameterNames"), limits))


def _get_parameter_names(element: Element, _limits: Limits, _notes: Notes) -> m.GetParameterNames:
    texts = _texts(element)
    return m.GetParameterNames(texts.get("ParameterPath", ""), _flag(texts.get("NextLevel")))


def _add_object(element: Element, _limits: Limits, _notes: Notes) -> m.AddObject:
    texts = _texts(element)
    return m.AddObject(texts.get("ObjectName", ""), texts.get("ParameterKey", ""))


def _delete_object(element: Element, _limits: Limits, _notes: Notes) -> m.DeleteObject:
    texts = _texts(element)
    return m.DeleteObject(texts.get("ObjectName", ""), texts.get("ParameterKey", ""))


# --- the answers ---------------------------------------------------------------------------------------------


def _inform_response(element: Element, _limits: Limits, _notes: Notes) -> m.InformResponse:
    max_envelopes = number(_texts(element).get("MaxEnvelopes"))
    return m.InformResponse(1 if max_envelopes is None else max_envelopes)


def _get_rpc_methods_response(element: Element, limits: Limits, _notes: Notes) -> m.GetRPCMethodsResponse:
    return m.GetRPCMethodsResponse(_strings(_parts(element).get("MethodList"), limits))


def _kicked_response(element: Element, limits: Limits, _notes: Notes) -> m.KickedResponse:
    return m.KickedResponse(_texts(element).get("NextURL", "")[: limits.url])


def _set_parameter_values_response(element: Element, _limits: Limits, _notes: Notes) -> m.SetParameterValuesResponse:
    return m.SetParameterValuesResponse(number(_texts(element).get("Status")))


def _get_parameter_values_response(element: Element, limits: Limits, notes: Notes) -> m.GetParameterValuesResponse:
    return m.GetParameterValuesResponse(_parameter_values(_parts(element).get("ParameterList"), limits, notes))


def _get_parameter_names_response(element: Element, limits: Limits, notes: Notes) -> m.GetParameterNamesResponse:
    structs = _parts(element).get("ParameterList", ())
    found = []
    for struct in islice(structs, limits.parameters):
        texts = _texts(struct)
        name = texts.get("Name", "")
        if name and len(name) <= limits.name:
            found.append(m.ParameterInfoStruct(name, _flag(texts.get("Writable"))))
    if len(found) != len(structs):
        notes.append("parameters left out")
    return m.GetParameterNamesResponse(tuple(found))


def _add_object_response(element: Element, _limits: Limits, _notes: Notes) -> m.AddObjectResponse:
    texts = _texts(element)
    instance = number(texts.get("InstanceNumber")) or None
    # nothing that is no instance number may end up in a path.
    usable = instance if instance is not None and instance <= _HIGHEST_INSTANCE else None
    return m.AddObjectResponse(usable, number(texts.get("Status")))


def _delete_object_response(element: Element, _limits: Limits, _notes: Notes) -> m.DeleteObjectResponse:
    return m.DeleteObjectResponse(number(_texts(element).get("Status")))


# --- faults --------------------------------------------------------------------------------------------------


def _fault(element: Element, limits: Limits, notes: Notes) -> m.Fault:
    """Find the CWMP fault wherever it hides, and every parameter of it (X-14)."""
    code: int | None = None
    text = ""
    parameters: list[m.ParameterFault] = []
    for part in element.iter():
        name = local_name(part)
        if name == "SetParameterValuesFault":
            parameters.append(_parameter_fault(part, limits))
        elif name == "detail" and part.getparent() is not element:
            notes.append("detail inside faultstring")
        elif name == "FaultCode" and code is None and not _of_a_parameter(part):
            code = number(part.text)
        elif name == "FaultString" and not text and not _of_a_parameter(part):
            text = words(part.text or "", limits)
        if len(parameters) > limits.parameters:
            break
    if code is None:
        return _plain_fault(_texts(element), tuple(parameters), text, limits)
    return m.Fault(code, text, tuple(parameters))


def _of_a_parameter(part: Element) -> bool:
    parent = part.getparent()
    return parent is not None and local_name(parent) == "SetParameterValuesFault"


def _parameter_fault(element: Element, limits: Limits) -> m.ParameterFault:
    texts = _texts(element)
    code = number(texts.get("FaultCode"))
    return m.ParameterFault(
        words(texts.get("ParameterName", ""), limits),
        _INTERNAL_ERROR if code is None else code,
        words(texts.get("FaultString", ""), limits),
    )


def _plain_fault(texts: dict[str, str], parameters: tuple[m.ParameterFault, ...], text: str, limits: Limits) -> m.Fault:
    """Read a fault of SOAP without a CWMP code in it; some write the code where SOAP has its own."""
    code = _SOAP_FAULT_CODE.search(texts.get("faultcode", "")[:_LONGEST_CODE])
    return m.Fault(
        int(code[1]) if code else _INTERNAL_ERROR, text or words(texts.get("faultstring", ""), limits), parameters
    )


def _bare(message: m.Message) -> Reader:
    """Read an element that says everything by its name."""

    def read(_element: Element, _limits: Limits, _notes: Notes) -> m.Message:
        return message

    return read


READERS: dict[str, Reader] = {
    "Inform": _inform,
    "TransferComplete": _transfer_complete,
    "AutonomousTransferComplete": _autonomous_transfer_complete,
    "Kicked": _kicked,
    "RequestDownload": _request_download,
    "DUStateChangeComplete": _du_state_change_complete,
    "AutonomousDUStateChangeComplete": _autonomous_du_state_change_complete,
    "GetRPCMethods": _bare(m.GetRPCMethods()),
    "SetParameterValues": _set_parameter_values,
    "GetParameterValues": _get_parameter_values,
    "GetParameterNames": _get_parameter_names,
    "AddObject": _add_object,
    "DeleteObject": _delete_object,
    "InformResponse": _inform_response,
    "GetRPCMethodsResponse": _get_rpc_methods_response,
    "TransferCompleteResponse": _bare(m.TransferCompleteResponse()),
    "AutonomousTransferCompleteResponse": _bare(m.AutonomousTransferCompleteResponse()),
    "KickedResponse": _kicked_response,
    "RequestDownloadResponse": _bare(m.RequestDownloadResponse()),
    "DUStateChangeCompleteResponse": _bare(m.DUStateChangeCompleteResponse()),
    "AutonomousDUStateChangeCompleteResponse": _bare(m.AutonomousDUStateChangeCompleteResponse()),
    "SetParameterValuesResponse": _set_parameter_values_response,
    "GetParameterValuesResponse": _get_parameter_values_response,
    "GetParameterNamesResponse": _get_parameter_names_response,
    "AddObjectResponse": _add_object_response,
    "DeleteObjectResponse": _delete_object_response,
    "Fault": _fault,
}


def read_message(name: str, element: Element, limits: Limits, notes: Notes) -> m.Message:
    """Read the message that is called `name`, also where nobody knows it."""
    reader = READERS.get(name)
    if reader is not None:
        return reader(element, limits, notes)
    name = name[: limits.text]
    return m.UnknownResponse(name) if name.endswith("Response") else m.UnknownRequest(name)
