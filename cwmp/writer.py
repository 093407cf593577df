"""A message to the text inside the Body: unqualified children in the schema's order, exact counts, every value typed.

Strict: what the schema or the other side's parser would choke on is our own mistake and raises LocalProtocolError.
No blanks are added inside or between elements, so that a value arrives as it was written (X-17).
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from cwmp import messages as m
from cwmp.errors import LocalProtocolError
from cwmp.types import XSD_TYPES

Writer: TypeAlias = Callable[[Any], str]

_PLAIN = re.compile(r"[ !-%'-;=?-~]*").fullmatch
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_KEY = 32
_LONGEST_NAME = 256
_CLIENT_FAULTS = frozenset({8003, 9003, 9005, 9006, 9007, 9008, 9021, 9022})


def escaped(text: str) -> str:
    """Escape a text for an element or an attribute; beyond ASCII as references, which every parser can read (X-15)."""
    if _PLAIN(text):
        return text
    if _ILLEGAL.search(text):
        raise LocalProtocolError("a text has a character that XML does not allow")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    # A parser would turn a carriage return into a line feed.
    return text.replace("\r", "&#13;").encode("ascii", "xmlcharrefreplace").decode("ascii")


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escaped(text)}</{name}>"


def _name(text: str) -> str:
    if len(text) > _LONGEST_NAME:
        raise LocalProtocolError(f"a name has more than {_LONGEST_NAME} characters")
    return f"<Name>{escaped(text)}</Name>"


def _key(text: str) -> str:
    if len(text) > _LONGEST_KEY:
        raise LocalProtocolError(f"a ParameterKey has more than {_LONGEST_KEY} characters")
    return f"<ParameterKey>{escaped(text)}</ParameterKey>"


def _array(name: str, item_type: str, items: list[str]) -> str:
    return f'<{name} soap-enc:arrayType="{item_type}[{len(items)}]">{"".join(items)}</{name}>'


def _strings(name: str, texts: tuple[str, ...]) -> str:
    return _array(name, "xsd:string", [f"<string>{escaped(text)}</string>" for text in texts])


def _status(status: int | None) -> str:
    return "" if status is None else f"<Status>{status}</Status>"


def _parameter_value(parameter: m.ParameterValueStruct) -> str:
    if parameter.type not in XSD_TYPES:
        raise LocalProtocolError(f"{parameter.type} is no type of CWMP")
    return (
        f"<ParameterValueStruct>{_name(parameter.name)}"
        f'<Value xsi:type="{parameter.type}">{escaped(parameter.value)}</Value></ParameterValueStruct>'
    )


def _parameter_values(parameters: tuple[m.ParameterValueStruct, ...]) -> str:
    return _array("ParameterList", "cwmp:ParameterValueStruct", [_parameter_value(p) for p in parameters])


# --- what the CPE asks ---------------------------------------------------------------------------------------


def _event(event: m.EventStruct) -> str:
    return f"<EventStruct>{_leaf('EventCode', event.code)}{_leaf('CommandKey', event.command_key)}</EventStruct>"


def _inform(message: m.Inform) -> str:
    device = message.device_id
    return "".join(
        (
            "<DeviceId>",
            _leaf("Manufacturer", device.manufacturer),
            _leaf("OUI", device.oui),
            _leaf("ProductClass", device.product_class),
            _leaf("SerialNumber", device.serial_number),
            "</DeviceId>",
            _array("Event", "cwmp:EventStruct", [_event(event) for event in message.events]),
            f"<MaxEnvelopes>{message.max_envelopes}</MaxEnvelopes>",
            _leaf("CurrentTime", message.current_time),
            f"<RetryCount>{message.retry_count}</RetryCount>",
            _parameter_values(message.parameters),
        )
    )


def _fault_struct(name: str, code: int, text: str) -> str:
    return f"<{name}><FaultCode>{code}</FaultCode>{_leaf('FaultString', text)}</{name}>"


def _transfer_complete(message: m.TransferComplete) -> str:
    return "".join(
        (
            _leaf("CommandKey", message.command_key),
            _fault_struct("FaultStruct", message.fault_code, message.fault_string),
            _leaf("StartTime", message.start_time),
            _leaf("CompleteTime", message.complete_time),
        )
    )


def _autonomous_transfer_complete(message: m.AutonomousTransferComplete) -> str:
    return "".join(
        (
            _leaf("AnnounceURL", message.announce_url),
            _leaf("TransferURL", message.transfer_url),
            f"<IsDownload>{message.is_download:d}</IsDownload>",
            _leaf("FileType", message.file_type),
            f"<FileSize>{message.file_size}</FileSize>",
            _leaf("TargetFileName", message.target_file_name),
            _fault_struct("FaultStruct", message.fault_code, message.fault_string),
            _leaf("StartTime", message.start_time),
            _leaf("CompleteTime", message.complete_time),
        )
    )


def _kicked(message: m.Kicked) -> str:
    return "".join(
        (
            _leaf("Command", message.command),
            _leaf("Referer", message.referer),
            _leaf("Arg", message.arg),
            _leaf("Next", message.next),
        )
    )


def _request_download(message: m.RequestDownload) -> str:
    arguments = [f"<ArgStruct>{_name(a.name)}{_leaf('Value', a.value)}</ArgStruct>" for a in message.arguments]
    return _leaf("FileType", message.file_type) + _array("FileTypeArg", "cwmp:ArgStruct", arguments)


def _operation_result(result: m.OperationResult) -> str:
    return "".join(
        (
            "<Results>",
            _leaf("UUID", result.uuid),
            _leaf("DeploymentUnitRef", result.deployment_unit_ref),
            _leaf("Version", result.version),
            _leaf("CurrentState", result.current_state),
            f"<Resolved>{result.resolved:d}</Resolved>",
            _leaf("ExecutionUnitRefList", result.execution_unit_refs),
            _leaf("StartTime", result.start_time),
            _leaf("CompleteTime", result.complete_time),
            _fault_struct("Fault", result.fault_code, result.fault_string),
            _leaf("OperationPerformed", result.operation) if result.operation else "",
            "</Results>",
        )
    )


def _du_state_change_complete(message: m.DUStateChangeComplete) -> str:
    return "".join(map(_operation_result, message.results)) + _leaf("CommandKey", message.command_key)


def _autonomous_du_state_change_complete(message: m.AutonomousDUStateChangeComplete) -> str:
    return "".join(map(_operation_result, message.results))


# --- what the ACS asks ---------------------------------------------------------------------------------------


def _set_parameter_values(message: m.SetParameterValues) -> str:
    names = {parameter.name for parameter in message.parameters}
    if not names or len(names) != len(message.parameters):
        raise LocalProtocolError("SetParameterValues needs parameters, each of them once")
    return _parameter_values(message.parameters) + _key(message.parameter_key)


def _get_parameter_values(message: m.GetParameterValues) -> str:
    if not message.names:
        raise LocalProtocolError("GetParameterValues needs a name")
    return _strings("ParameterNames", message.names)


def _get_parameter_names(message: m.GetParameterNames) -> str:
    if message.next_level and message.path and not message.path.endswith("."):
        raise LocalProtocolError("GetParameterNames lists the next level only of a path that ends in a dot")
    return f"{_leaf('ParameterPath', message.path)}<NextLevel>{message.next_level:d}</NextLevel>"


def _object(message: m.AddObject | m.DeleteObject) -> str:
    if not message.object_name.endswith("."):
        raise LocalProtocolError("the path of an object ends in a dot")
    return _leaf("ObjectName", message.object_name) + _key(message.parameter_key)


# --- the answers ---------------------------------------------------------------------------------------------


def _nothing(_message: m.Message) -> str:
    return ""


def _inform_response(message: m.InformResponse) -> str:
    return f"<MaxEnvelopes>{message.max_envelopes}</MaxEnvelopes>"


def _get_rpc_methods_response(message: m.GetRPCMethodsResponse) -> str:
    return _strings("MethodList", message.methods)


def _kicked_response(message: m.KickedResponse) -> str:
    return _leaf("NextURL", message.next_url)


def _status_only(message: m.SetParameterValuesResponse | m.DeleteObjectResponse) -> str:
    return _status(message.status)


def _get_parameter_values_response(message: m.GetParameterValuesResponse) -> str:
    return _parameter_values(message.parameters)


def _get_parameter_names_response(message: m.GetParameterNamesResponse) -> str:
    structs = [
        f"<ParameterInfoStruct>{_name(p.name)}<Writable>{p.writable:d}</Writable></ParameterInfoStruct>"
        for p in message.parameters
    ]
    return _array("ParameterList", "cwmp:ParameterInfoStruct", structs)


def _add_object_response(message: m.AddObjectResponse) -> str:
    number = message.instance_number
    return ("" if number is None else f"<InstanceNumber>{number}</InstanceNumber>") + _status(message.status)


WRITERS: dict[type[m.Message], Writer] = {
    m.Inform: _inform,
    m.TransferComplete: _transfer_complete,
    m.AutonomousTransferComplete: _autonomous_transfer_complete,
    m.Kicked: _kicked,
    m.RequestDownload: _request_download,
    m.DUStateChangeComplete: _du_state_change_complete,
    m.AutonomousDUStateChangeComplete: _autonomous_du_state_change_complete,
    m.GetRPCMethods: _nothing,
    m.SetParameterValues: _set_parameter_values,
    m.GetParameterValues: _get_parameter_values,
    m.GetParameterNames: _get_parameter_names,
    m.AddObject: _object,
    m.DeleteObject: _object,
    m.InformResponse: _inform_response,
    m.GetRPCMethodsResponse: _get_rpc_methods_response,
    m.TransferCompleteResponse: _nothing,
    m.AutonomousTransferCompleteResponse: _nothing,
    m.KickedResponse: _kicked_response,
    m.RequestDownloadResponse: _nothing,
    m.DUStateChangeCompleteResponse: _nothing,
    m.AutonomousDUStateChangeCompleteResponse: _nothing,
    m.SetParameterValuesResponse: _status_only,
    m.GetParameterValuesResponse: _get_parameter_values_response,
    m.GetParameterNamesResponse: _get_parameter_names_response,
    m.AddObjectResponse: _add_object_response,
    m.DeleteObjectResponse: _status_only,
}


# --- faults --------------------------------------------------------------------------------------------------


def _parameter_fault(fault: m.ParameterFault) -> str:
    return (
        f"<SetParameterValuesFault>{_leaf('ParameterName', fault.name)}<FaultCode>{fault.code}</FaultCode>"
        f"{_leaf('FaultString', fault.text)}</SetParameterValuesFault>"
    )


def _fault(message: m.Fault) -> str:
    # FaultCode bare and without attributes: some CPEs search the text for it.
    return (
        f"<soap-env:Fault><faultcode>{'Client' if message.code in _CLIENT_FAULTS else 'Server'}</faultcode>"
        f"<faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>{message.code}</FaultCode>"
        f"{_leaf('FaultString', message.text)}{''.join(map(_parameter_fault, message.parameters))}"
        "</cwmp:Fault></detail></soap-env:Fault>"
    )


def _soap_fault(message: m.SoapFault) -> str:
    return (
        f"<soap-env:Fault><faultcode>soap-env:{escaped(message.code)}</faultcode>"
        f"{_leaf('faultstring', message.text)}</soap-env:Fault>"
    )


def body_of(message: m.Message) -> str:
    """Give what stands inside the Body."""
    writer = WRITERS.get(type(message))
    if writer is not None:
        name = type(message).__name__
        return f"<cwmp:{name}>{writer(message)}</cwmp:{name}>"
    if isinstance(message, m.Fault):
        return _fault(message)
    if isinstance(message, m.SoapFault):
        return _soap_fault(message)
    raise LocalProtocolError(f"{m.rpc_name(message)} is never written in an envelope")
