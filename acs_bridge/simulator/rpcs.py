"""What a gateway answers to each request of the ACS, out of its data model and its behaviour.

A pure step from request to answer, but for the data model that it changes; it knows no session. Requests are looked up
in one table, and what is not there is Fault 9000.
"""

from collections.abc import Callable
from typing import Any

from acs_bridge.simulator.behaviour import Applies, Behaviour
from acs_bridge.simulator.data_model import CpeFault, DataModel
from cwmp.faults import fault_code
from cwmp.messages import (
    AddObject,
    AddObjectResponse,
    DeleteObject,
    DeleteObjectResponse,
    EmptyPost,
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Message,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
    rpc_name,
)

METHOD_NOT_SUPPORTED = 9000
_APPLIED = 0

Serve = Callable[[DataModel, Behaviour, Any], Message]


def answer(model: DataModel, behaviour: Behaviour, request: Message) -> Message:
    """Carry out `request`, unless something speaks against it, and return the response or the Fault."""
    planned = behaviour.faults.get(rpc_name(request))
    if planned is not None:
        return planned
    serve = _SERVED.get(type(request))
    if serve is None:
        return _not_supported(behaviour)
    try:
        return serve(model, behaviour, request)
    except CpeFault as refusal:
        return refusal.fault


def _not_supported(behaviour: Behaviour) -> Message:
    if behaviour.unknown_is_empty:
        return EmptyPost()
    return Fault(METHOD_NOT_SUPPORTED, fault_code(METHOD_NOT_SUPPORTED).name)


def _set_parameter_values(model: DataModel, behaviour: Behaviour, request: SetParameterValues) -> Message:
    model.check_values(request.parameters, request.parameter_key, behaviour.parameter_faults)
    former_key = model.parameter_key
    if behaviour.forgets_values:
        model.parameter_key = request.parameter_key
    else:
        staged = behaviour.applies is not Applies.AT_ONCE
        model.set_values(request.parameters, request.parameter_key, staged=staged)
    if behaviour.forgets_key:
        model.parameter_key = former_key
    return SetParameterValuesResponse(behaviour.status)


def _get_parameter_values(model: DataModel, behaviour: Behaviour, request: GetParameterValues) -> Message:
    read = (value for value in model.get_values(request.names) if value.name not in behaviour.omits)
    return GetParameterValuesResponse(tuple(_as_shown(value, behaviour) for value in read))


def _as_shown(value: ParameterValueStruct, behaviour: Behaviour) -> ParameterValueStruct:
    return ParameterValueStruct(value.name, "", value.type) if value.name in behaviour.hides else value


def _get_parameter_names(model: DataModel, behaviour: Behaviour, request: GetParameterNames) -> Message:
    del behaviour
    return GetParameterNamesResponse(model.get_names(request.path, next_level=request.next_level))


def _add_object(model: DataModel, behaviour: Behaviour, request: AddObject) -> Message:
    del behaviour
    return AddObjectResponse(model.add_object(request.object_name, request.parameter_key), _APPLIED)


def _delete_object(model: DataModel, behaviour: Behaviour, request: DeleteObject) -> Message:
    del behaviour
    model.delete_object(request.object_name, request.parameter_key)
    return DeleteObjectResponse(_APPLIED)


def _get_rpc_methods(model: DataModel, behaviour: Behaviour, request: GetRPCMethods) -> Message:
    del model, behaviour, request
    return GetRPCMethodsResponse(tuple(kind.__name__ for kind in _SERVED))


_SERVED: dict[type[Message], Serve] = {
    GetRPCMethods: _get_rpc_methods,
    SetParameterValues: _set_parameter_values,
    GetParameterValues: _get_parameter_values,
    GetParameterNames: _get_parameter_names,
    AddObject: _add_object,
    DeleteObject: _delete_object,
}
