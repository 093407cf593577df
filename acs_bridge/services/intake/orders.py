"""What a provisioning request asks for, and what becomes of it once it is known what it meets. Pure rules, no IO.

They hold for one request as for one line of a million: whoever takes requests looks first (`store.requests`,
`store.bulk`), and decides here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from acs_bridge.domain.names import Text, line_of_service
from acs_bridge.errors import AcsBridgeError, Conflict
from acs_bridge.services.records.lines import ambiguous
from acs_bridge.store.gateways import Identity
from acs_bridge.store.requests import Seen


@dataclass(frozen=True, slots=True)
class Order:
    """What a provisioning request asks for."""

    code: Text
    name: str
    line: Text
    gateway: Identity | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a request got. `created` is false when the same request was accepted before."""

    id: UUID
    association_id: UUID
    write_id: UUID
    state: str
    created: bool


Outcome: TypeAlias = Receipt | AcsBridgeError
"""What one request among many got: its receipt, or what stood in its way."""


def refuse(order: Order, seen: Seen) -> None:
    """Raise for what stands in a request's way. A known code with another name is never replaced."""
    if seen.subscriber_id is not None and seen.subscriber_name != order.name:
        raise Conflict(f"subscriber code {order.code.shown} is known with another name: {seen.subscriber_name}")
    if order.gateway is not None and seen.fitting > 1 and not _has_named(order.gateway, seen):
        raise ambiguous(order.gateway)
    if order.replace:
        return
    if seen.holder_id is not None and seen.holder_id != seen.subscriber_id:
        raise Conflict(
            f"line of service {seen.line_of_service} is associated with subscriber {seen.holder_code}: "
            '"replace" moves it, or end that association first'
        )
    if order.gateway is not None:
        _refuse_gateway(order.gateway, seen)


def _refuse_gateway(gateway: Identity, seen: Seen) -> None:
    for other in (seen.other_line, seen.waiting_line):
        if other is not None and other != seen.line_of_service:
            raise Conflict(f'gateway {gateway} is on line of service {other}: "replace" moves it')
    has_other = seen.gateway_id is not None and not _has_named(gateway, seen)
    waits_for_other = seen.wanted_serial is not None and not _waits_for_named(gateway, seen)
    if has_other or waits_for_other:
        present = Identity(
            seen.oui or seen.wanted_oui or "", seen.serial_number or seen.wanted_serial or "", seen.product_class
        )
        raise Conflict(f'line of service {seen.line_of_service} has gateway {present}: "replace" swaps it')


def accepted(order: Order, seen: Seen) -> Receipt | None:
    """Give the answer of the same request, when it was accepted before and what it asked for still stands."""
    if seen.request_id is None or seen.association_id is None or seen.write_id is None:
        return None
    if seen.holder_id != seen.subscriber_id or not _stands(order.gateway, seen):
        return None
    return Receipt(seen.request_id, seen.association_id, seen.write_id, seen.write_state or "", created=False)


def is_new(seen: Seen) -> bool:
    """Tell whether the line, and whatever its gateway brings with it, is new to the records."""
    return seen.device_id is None and not seen.busy and seen.other_line is None and seen.waiting_line is None


def touched(order: Order, seen: Seen) -> Iterator[tuple[str, ...]]:
    """Name every line and every gateway whose records this order may change, or whose change may change its answer."""
    yield ("line", order.line.key)
    for shown in (seen.other_line, seen.waiting_line):
        if shown is not None:
            yield ("line", line_of_service(shown).key)
    if order.gateway is not None:
        yield ("gateway", order.gateway.oui, order.gateway.serial_number)
    if seen.oui is not None and seen.serial_number is not None:
        yield ("gateway", seen.oui, seen.serial_number)
    if seen.wanted_oui is not None and seen.wanted_serial is not None:
        yield ("gateway", seen.wanted_oui, seen.wanted_serial)


def _stands(gateway: Identity | None, seen: Seen) -> bool:
    return gateway is None or _has_named(gateway, seen) or _waits_for_named(gateway, seen)


def _has_named(gateway: Identity, seen: Seen) -> bool:
    same_box = (seen.oui, seen.serial_number) == (gateway.oui, gateway.serial_number)
    return same_box and gateway.product_class in (None, seen.product_class)


def _waits_for_named(gateway: Identity, seen: Seen) -> bool:
    return (seen.wanted_oui, seen.wanted_serial) == (gateway.oui, gateway.serial_number)
