"""The element in the Body to a message. It refuses only what cannot be used: an Inform that does not say who speaks."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import NamedTuple, TypeAlias

from cwmp import messages as m
from cwmp.elements import (
    LOCAL_NAMES,
    Element,
    Notes,
    Text,
    codes_and_keys,
    device_id,
    events,
    fault_struct,
    flag,
    local_name,
    names_values_types,
    number,
    parameter_values,
    parts_and_texts_of,
    parts_of,
    strings,
    texts_in_small,
    texts_of,
    words,
)
from cwmp.limits import Limits

Reader: TypeAlias = Callable[[Element, Limits, Notes], m.Message]


class Sketch(NamedTuple):
    """Where what stands in a message of an ordinary session: its texts as they are, and how many of what there were."""

    texts: Mapping[str, Text]
    device: Mapping[str, Text] = {}
    events: Iterable[tuple[Text, Text]] = ()
    event_count: int = 0
    parameters: Iterable[tuple[Text, Text, str]] = ()
    parameter_count: int = 0
    told: tuple[m.ParameterValueStruct, ...] | None = None  # the parameters themselves, where they are known already

    def parameter_values(self, limits: Limits, notes: Notes) -> tuple[m.ParameterValueStruct, ...]:
        """Tell which parameters have which values."""
        if self.told is not None:
            return self.told
        return parameter_values(self.parameters, self.parameter_count, limits, notes)


_INFORM_TEXTS = ("MaxEnvelopes", "CurrentTime", "RetryCount")
_HIGHEST_INSTANCE = 2**32 - 1
_INTERNAL_ERROR = 9002  # what a fault counts as that does not say what it is
_PARAMETER_FAULT = "setparametervaluesfault"
_FAULT_CODE = re.compile(r"\b([89][0-9]{3})\b")
_FAULT_CODE_WINDOW = 64


# --- what the CPE asks ------------------------------------------------------------------------------------------------


def _inform(element: Element, limits: Limits, notes: Notes) -> m.Inform:
    return inform(sketch_inform(element, limits), limits, notes)


def _size(element: Element | None) -> int:
    return 0 if element is None else len(element)


def sketch_inform(element: Element, limits: Limits) -> Sketch:
    """Find the texts of an Inform."""
    parts, texts = parts_and_texts_of(element)
    device, happened, values = parts.get("DeviceId"), parts.get("Event"), parts.get("ParameterList")
    return Sketch(
        {name: texts.get(name) for name in _INFORM_TEXTS},
        {} if device is None else {LOCAL_NAMES[part.tag]: part.text for part in device},
        codes_and_keys(happened, limits),
        _size(happened),
        names_values_types(values, limits),
        _size(values),
    )


def inform(found: Sketch, limits: Limits, notes: Notes) -> m.Inform:
    """Tell what the texts of an Inform mean."""
    max_envelopes, retry_count = number(found.texts["MaxEnvelopes"]), number(found.texts["RetryCount"])
    return m.Inform(
        device_id({name: text.strip() if text else "" for name, text in found.device.items()}),
        events(found.events, found.event_count, limits, notes),
        found.parameter_values(limits, notes),
        1 if max_envelopes is None else max_envelopes,
        (found.texts["CurrentTime"] or "").strip()[: limits.text],
        retry_count or 0,
    )


def _transfer_complete(element: Element, limits: Limits, _notes: Notes) -> m.TransferComplete:
    texts = texts_of(element)
    code, text = fault_struct(parts_of(element).get("FaultStruct"), limits)
    return m.TransferComplete(
        texts.get("CommandKey", "")[: limits.text],
        code,
        text,
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
    )


def _autonomous_transfer_complete(element: Element, limits: Limits, _notes: Notes) -> m.AutonomousTransferComplete:
    texts = texts_of(element)
    code, text = fault_struct(parts_of(element).get("FaultStruct"), limits)
    return m.AutonomousTransferComplete(
        texts.get("AnnounceURL", "")[: limits.url],
        texts.get("TransferURL", "")[: limits.url],
        flag(texts.get("IsDownload")),
        texts.get("FileType", "")[: limits.text],
        number(texts.get("FileSize")) or 0,
        texts.get("TargetFileName", "")[: limits.text],
        code,
        text,
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
    )


def _kicked(element: Element, limits: Limits, _notes: Notes) -> m.Kicked:
    texts = texts_of(element)
    return m.Kicked(
        texts.get("Command", "")[: limits.text],
        texts.get("Referer", "")[: limits.text],
        texts.get("Arg", "")[: limits.text],
        texts.get("Next", "")[: limits.url],
    )


def _request_download(element: Element, limits: Limits, _notes: Notes) -> m.RequestDownload:
    structs = map(texts_of, islice(parts_of(element).get("FileTypeArg", ()), limits.events))
    return m.RequestDownload(
        texts_of(element).get("FileType", "")[: limits.text],
        tuple([m.Argument(s.get("Name", "")[: limits.text], s.get("Value", "")[: limits.text]) for s in structs]),
    )


def _operation_result(element: Element, limits: Limits) -> m.OperationResult:
    texts = texts_of(element)
    code, text = fault_struct(parts_of(element).get("Fault"), limits)
    return m.OperationResult(
        texts.get("UUID", "")[: limits.text],
        texts.get("DeploymentUnitRef", "")[: limits.text],
        texts.get("Version", "")[: limits.text],
        texts.get("CurrentState", "")[: limits.text],
        flag(texts.get("Resolved")),
        texts.get("ExecutionUnitRefList", "")[: limits.url],
        texts.get("StartTime", "")[: limits.text],
        texts.get("CompleteTime", "")[: limits.text],
        code,
        text,
        texts.get("OperationPerformed", "")[: limits.text],
    )


def _operation_results(element: Element, limits: Limits) -> tuple[m.OperationResult, ...]:
    results = (part for part in element if local_name(part.tag) == "Results")
    return tuple([_operation_result(part, limits) for part in islice(results, limits.events)])


def _du_state_change_complete(element: Element, limits: Limits, _notes: Notes) -> m.DUStateChangeComplete:
    command_key = texts_of(element).get("CommandKey", "")[: limits.text]
    return m.DUStateChangeComplete(_operation_results(element, limits), command_key)


def _autonomous_du_state_change_complete(
    element: Element, limits: Limits, _notes: Notes
) -> m.AutonomousDUStateChangeComplete:
    return m.AutonomousDUStateChangeComplete(_operation_results(element, limits))


# --- what the ACS asks ------------------------------------------------------------------------------------------------


def _set_parameter_values(element: Element, limits: Limits, notes: Notes) -> m.SetParameterValues:
    values = parts_of(element).get("ParameterList")
    parameters = parameter_values(names_values_types(values, limits), _size(values), limits, notes)
    return m.SetParameterValues(parameters, texts_of(element).get("ParameterKey", ""))


def _get_parameter_values(element: Element, limits: Limits, _notes: Notes) -> m.GetParameterValues:
    return m.GetParameterValues(strings(parts_of(element).get("ParameterNames"), limits))


def _get_parameter_names(element: Element, _limits: Limits, _notes: Notes) -> m.GetParameterNames:
    texts = texts_of(element)
    return m.GetParameterNames(texts.get("ParameterPath", ""), flag(texts.get("NextLevel")))


def _add_object(element: Element, _limits: Limits, _notes: Notes) -> m.AddObject:
    texts = texts_of(element)
    return m.AddObject(texts.get("ObjectName", ""), texts.get("ParameterKey", ""))


def _delete_object(element: Element, _limits: Limits, _notes: Notes) -> m.DeleteObject:
    texts = texts_of(element)
    return m.DeleteObject(texts.get("ObjectName", ""), texts.get("ParameterKey", ""))


# --- the answers ------------------------------------------------------------------------------------------------------


def _inform_response(element: Element, _limits: Limits, _notes: Notes) -> m.InformResponse:
    max_envelopes = number(texts_of(element).get("MaxEnvelopes"))
    return m.InformResponse(1 if max_envelopes is None else max_envelopes)


def _get_rpc_methods_response(element: Element, limits: Limits, _notes: Notes) -> m.GetRPCMethodsResponse:
    return m.GetRPCMethodsResponse(strings(parts_of(element).get("MethodList"), limits))


def _kicked_response(element: Element, limits: Limits, _notes: Notes) -> m.KickedResponse:
    return m.KickedResponse(texts_of(element).get("NextURL", "")[: limits.url])


def _set_parameter_values_response(element: Element, limits: Limits, notes: Notes) -> m.SetParameterValuesResponse:
    return set_parameter_values_response(sketch_status(element, limits), limits, notes)


def sketch_status(element: Element, _limits: Limits) -> Sketch:
    """Find the Status of a response."""
    return Sketch({"Status": parts_and_texts_of(element)[1].get("Status")})


def set_parameter_values_response(found: Sketch, _limits: Limits, _notes: Notes) -> m.SetParameterValuesResponse:
    """Tell what a Status means."""
    return m.SetParameterValuesResponse(number(found.texts["Status"]))


def _get_parameter_values_response(element: Element, limits: Limits, notes: Notes) -> m.GetParameterValuesResponse:
    return get_parameter_values_response(sketch_values(element, limits), limits, notes)


def sketch_values(element: Element, limits: Limits) -> Sketch:
    """Find the texts of a list of parameters."""
    values = parts_of(element).get("ParameterList")
    return Sketch({}, parameters=names_values_types(values, limits), parameter_count=_size(values))


def get_parameter_values_response(found: Sketch, limits: Limits, notes: Notes) -> m.GetParameterValuesResponse:
    """Tell what parameters a response has."""
    return m.GetParameterValuesResponse(found.parameter_values(limits, notes))


def _get_parameter_names_response(element: Element, limits: Limits, notes: Notes) -> m.GetParameterNamesResponse:
    structs = parts_of(element).get("ParameterList", ())
    found = []
    for struct in islice(structs, limits.parameters):
        texts = texts_of(struct)
        name = texts.get("Name", "")
        if name and len(name) <= limits.name:
            found.append(m.ParameterInfoStruct(name, flag(texts.get("Writable"))))
    if len(found) != len(structs):
        notes.append("parameters left out")
    return m.GetParameterNamesResponse(tuple(found))


def _add_object_response(element: Element, _limits: Limits, _notes: Notes) -> m.AddObjectResponse:
    texts = texts_of(element)
    instance = number(texts.get("InstanceNumber")) or None
    # nothing that is no instance number may end up in a path.
    usable = instance if instance is not None and instance <= _HIGHEST_INSTANCE else None
    return m.AddObjectResponse(usable, number(texts.get("Status")))


def _delete_object_response(element: Element, _limits: Limits, _notes: Notes) -> m.DeleteObjectResponse:
    return m.DeleteObjectResponse(number(texts_of(element).get("Status")))


# --- faults -----------------------------------------------------------------------------------------------------------


def _fault(element: Element, limits: Limits, notes: Notes) -> m.Fault:
    """Find the CWMP fault wherever it hides and however it is spelled, and every parameter of it (X-14).

    SOAP's own code and string stand directly below the Fault, in small letters.
    """
    code: int | None = None
    text = ""
    parameters: list[m.ParameterFault] = []
    for part in element.iter():
        name, parent = local_name(part.tag), part.getparent()
        kind = name.lower()
        if kind == _PARAMETER_FAULT:
            parameters.append(_parameter_fault(part, limits))
        elif kind == "detail" and parent is not element:
            notes.append("detail inside faultstring")
        elif parent is None or (parent is element and name.islower()) or _is_of_a_parameter(parent):
            continue
        elif kind == "faultcode" and code is None:
            code = _code(part.text)
        elif kind == "faultstring" and not text:
            text = words(part.text or "", limits)
    found = tuple(parameters[: limits.parameters])
    return m.Fault(code, text, found) if code else _plain_fault(texts_in_small(element), found, text, limits)


def _is_of_a_parameter(parent: Element) -> bool:
    return local_name(parent.tag).lower() == _PARAMETER_FAULT


def _code(text: str | None) -> int | None:
    """Give the code that a text is, or has in it among other words."""
    code = number(text)
    if code is not None:
        return code
    found = _FAULT_CODE.search(text[:_FAULT_CODE_WINDOW]) if text else None
    return int(found[1]) if found else None


def _parameter_fault(element: Element, limits: Limits) -> m.ParameterFault:
    texts = texts_in_small(element)
    return m.ParameterFault(
        words(texts.get("parametername", ""), limits),
        _code(texts.get("faultcode")) or _INTERNAL_ERROR,
        words(texts.get("faultstring", ""), limits),
    )


def _plain_fault(texts: dict[str, str], parameters: tuple[m.ParameterFault, ...], text: str, limits: Limits) -> m.Fault:
    """Read a fault of SOAP without a CWMP code in it; some write the code where SOAP has its own."""
    text = text or words(texts.get("faultstring", ""), limits)
    return m.Fault(_code(texts.get("faultcode")) or _INTERNAL_ERROR, text, parameters)


# --- all of them ------------------------------------------------------------------------------------------------------


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


SKETCHES: dict[str, Callable[[Element, Limits], Sketch]] = {
    "Inform": sketch_inform,
    "SetParameterValuesResponse": sketch_status,
    "GetParameterValuesResponse": sketch_values,
}


def unknown_message(name: str, limits: Limits) -> m.Message:
    """Give what a message is whose name nobody knows."""
    name = name[: limits.text]
    return m.UnknownResponse(name) if name.endswith("Response") else m.UnknownRequest(name)
