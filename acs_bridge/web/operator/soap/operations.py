"""The operations of `/soap/provisioning`: each calls the services that `/v1` calls, with its models and its roles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import NotFound
from acs_bridge.services.pages import Ask
from acs_bridge.store.associations import AssociationRow
from acs_bridge.web.operator.application import Services
from acs_bridge.web.operator.models.provisioning import AssociationAnswer, NewAssociation, NewRequest, RequestAnswer
from acs_bridge.web.operator.models.queue import WriteAnswer
from acs_bridge.web.operator.models.records import (
    DeviceAnswer,
    GatewayIdentity,
    NewDevice,
    NewSubscriber,
    SubscriberAnswer,
)
from acs_bridge.web.operator.problems import invalid
from acs_bridge.web.operator.registry import READERS, WRITERS
from acs_bridge.web.operator.soap import types
from acs_bridge.web.operator.soap.library import Boolean, Service, rpc
from acs_bridge.web.operator.soap.types import either, filled, maybe, one, plain

M = TypeVar("M", bound=BaseModel)
Given: TypeAlias = Any
"""A value of a class of `types`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and what for."""

    services: Services
    actor: Actor


def _operation(
    name: str, roles: frozenset[Role], takes: dict[str, Any], gives: dict[str, Any]
) -> Callable[[Callable[..., Any]], Any]:
    """Publish a function; its docstring is what the WSDL says."""
    decorate: Callable[[Callable[..., Any]], Any] = rpc(
        *takes.values(),
        _args=list(takes),
        _operation_name=name,
        _out_message_name=f"{name}Response",
        _returns=tuple(gives.values()),
        _out_variable_names=tuple(gives),
        _throws=(types.ProvisioningFault,),
        _udd={"roles": roles},
    )
    return decorate


class Provisioning(Service):
    """What a BSS may ask for. Every function gets spyne's context, whose `udc` is an `Asked`, and no `self`."""

    @_operation(
        "CreateSubscriber",
        WRITERS,
        {"Name": one(types.Name), "Code": one(types.Code)},
        {"Subscriber": one(types.Subscriber)},
    )
    async def create_subscriber(ctx: Any, name: str, code: str) -> tuple[Any, ...]:
        """Record a subscriber. A Code that is taken is a Conflict."""
        asked: Asked = ctx.udc
        new = _checked(NewSubscriber, name=name, code=code)
        row = await asked.services.subscribers.create(new.name, new.code, asked.actor)
        return (filled(types.Subscriber, SubscriberAnswer.model_validate(row)),)

    @_operation(
        "CreateDevice",
        WRITERS,
        {"LineOfService": one(types.LineOfService), "Gateway": maybe(types.GatewayIdentity)},
        {"Device": one(types.Device)},
    )
    async def create_device(ctx: Any, line_of_service: str, gateway: Given) -> tuple[Any, ...]:
        """Record a line of service, with its gateway when that is known. A line that is taken is a Conflict."""
        asked: Asked = ctx.udc
        new = _checked(NewDevice, line_of_service=line_of_service, gateway=gateway)
        identity = None if new.gateway is None else new.gateway.identity
        row = await asked.services.devices.create(new.line_of_service, identity, asked.actor)
        return (filled(types.Device, DeviceAnswer.of(row)),)

    @_operation(
        "Associate",
        WRITERS,
        {"SubscriberCode": one(types.Code), "LineOfService": one(types.LineOfService)},
        {"Association": one(types.Association), "Created": one(Boolean)},
    )
    async def associate(ctx: Any, subscriber_code: str, line_of_service: str) -> tuple[Any, ...]:
        """Associate a subscriber with a line, which queues a write to its gateway. Created is false the second time."""
        asked: Asked = ctx.udc
        new = _checked(NewAssociation, subscriber_code=subscriber_code, line_of_service=line_of_service)
        row, created = await asked.services.associations.create(new.subscriber_code, new.line_of_service, asked.actor)
        return _association(row), created

    @_operation(
        "Provision",
        WRITERS,
        {
            "Subscriber": one(types.NewSubscriber),
            "LineOfService": one(types.LineOfService),
            "Gateway": maybe(types.GatewayIdentity),
            "ReplaceExisting": maybe(Boolean),
        },
        {"Request": one(types.Receipt), "Created": one(Boolean)},
    )
    async def provision(
        ctx: Any,
        subscriber: Given,
        line_of_service: str,
        gateway: Given,
        replace_existing: bool | None,
    ) -> tuple[Any, ...]:
        """Make what is missing of subscriber, line and gateway, and associate: all of it or nothing.

        The same request again gives the same ids, and Created is false. ReplaceExisting moves a line or a gateway that
        somebody else has.
        """
        asked: Asked = ctx.udc
        new = _checked(
            NewRequest,
            subscriber=subscriber,
            line_of_service=line_of_service,
            gateway=gateway,
            replace=bool(replace_existing),
        )
        receipt = await asked.services.intake.provision(new.order, asked.actor)
        return filled(types.Receipt, RequestAnswer.of(receipt, new.line_of_service)), receipt.created

    @_operation(
        "SwapGateway",
        WRITERS,
        {
            "LineOfService": one(types.LineOfService),
            "Gateway": one(types.GatewayIdentity),
            "ReplaceExisting": maybe(Boolean),
        },
        {"Device": one(types.Device)},
    )
    async def swap_gateway(
        ctx: Any,
        line_of_service: str,
        gateway: Given,
        replace_existing: bool | None,
    ) -> tuple[Any, ...]:
        """Give a line its gateway, or another one after an RMA; line and association stay."""
        asked: Asked = ctx.udc
        new = _checked(NewDevice, line_of_service=line_of_service, gateway=gateway)
        identity, replace = cast("GatewayIdentity", new.gateway).identity, bool(replace_existing)
        row = await asked.services.devices.bind(new.line_of_service, identity, asked.actor, replace=replace)
        return (filled(types.Device, DeviceAnswer.of(row)),)

    @_operation(
        "EndAssociation",
        WRITERS,
        {"AssociationId": either(types.Uuid), "LineOfService": either(types.LineOfService)},
        {"Association": one(types.Association)},
    )
    async def end_association(
        ctx: Any,
        association_id: str | None,
        line_of_service: str | None,
    ) -> tuple[Any, ...]:
        """End an association, or that of a line; its gateway is cleared. Once it is over, nothing changes."""
        asked: Asked = ctx.udc
        found = await _found(asked.services, association_id, line_of_service)
        return (_association(await asked.services.associations.end(found.id, asked.actor)),)

    @_operation(
        "GetProvisioningStatus",
        READERS,
        {
            "RequestId": either(types.Uuid),
            "AssociationId": either(types.Uuid),
            "LineOfService": either(types.LineOfService),
        },
        {"Association": one(types.Association), "Write": maybe(types.Write)},
    )
    async def get_provisioning_status(
        ctx: Any,
        request_id: str | None,
        association_id: str | None,
        line_of_service: str | None,
    ) -> tuple[Any, ...]:
        """Show an association and a write: of a request its own, else the newest."""
        services: Services = ctx.udc.services
        if request_id is not None:
            request = await services.intake.find(UUID(request_id.strip()))
            found = await services.associations.find(request.association_id)
            return _association(found), await _write(services, request.write_id)
        found = await _found(services, association_id, line_of_service)
        return _association(found), await _write(services, found.write_id)


async def _found(services: Services, association_id: str | None, line_of_service: str | None) -> AssociationRow:
    """Find an association by its id, or that of a line: the active one, else the last that it had."""
    if association_id is not None:
        return await services.associations.find(UUID(association_id.strip()))
    for active in (True, None):
        page = await services.associations.page(Ask(1), active=active, line_of_service=line_of_service)
        if page.items:
            return page.items[0]
    device = await services.devices.find(line_of_service or "")
    raise NotFound(f"line of service {device.line_of_service} has no association")


async def _write(services: Services, write_id: UUID | None) -> Any:  # noqa: ANN401 -- what spyne makes
    return None if write_id is None else filled(types.Write, WriteAnswer.of(await services.writes.find(write_id)))


def _association(row: AssociationRow) -> Any:  # noqa: ANN401 -- what spyne makes
    return filled(types.Association, AssociationAnswer.of(row))


def _checked(model: type[M], **members: object) -> M:
    """Hold a request to the model that `/v1` holds it to."""
    try:
        return model.model_validate({name: plain(value) for name, value in members.items() if value is not None})
    except ValidationError as error:
        raise invalid(error) from None
