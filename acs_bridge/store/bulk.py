"""Provisioning requests by the hundred: what they meet, and a few statements that accept all lines that are new.

Everything here runs in one transaction of its caller, in the order of this module. A unique violation means that
somebody else was quicker with one of the lines: look again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.names import Text
from acs_bridge.store.gateways import Identity
from acs_bridge.store.requests import Seen
from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL = load("bulk")


@dataclass(frozen=True, slots=True)
class Question:
    """What tells one request from another."""

    code: Text
    line: Text
    gateway: Identity | None


@dataclass(slots=True)
class BulkLine:
    """A request for a new line, with the ids of what is known; the others are filled in as their rows are made."""

    code: Text
    name: str
    line: Text
    gateway: Identity | None
    request_id: UUID
    association_id: UUID
    write_id: UUID
    subscriber_id: int | None
    gateway_id: int | None
    device_id: int | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """What all lines of one transaction have in common."""

    actor: Actor
    now: datetime
    batch_id: UUID
    key_id: str
    issued_at: datetime


async def claim(executor: Executor, boxes: Sequence[Identity]) -> None:
    """Decide alone about these boxes, until the transaction ends."""
    await executor.execute(_SQL.claim, [f"{box.oui} {box.serial_number}" for box in boxes])


async def look(executor: Executor, asked: Sequence[Question]) -> list[Seen]:
    """See everything that each of these requests meets."""
    gateways = [question.gateway for question in asked]
    rows = await executor.fetch(
        _SQL.look,
        [question.code.key for question in asked],
        [question.line.key for question in asked],
        [None if box is None else box.oui for box in gateways],
        [None if box is None else box.serial_number for box in gateways],
        [None if box is None else box.product_class for box in gateways],
    )
    return [Seen(*row) for row in rows]


async def accept_new(executor: Executor, lines: Sequence[BulkLine], lot: Lot) -> None:
    """Make new lines with all that belongs to them."""
    await _add_subscribers(executor, lines, lot.now)
    await _add_gateways(executor, lines, lot.now)
    await _add_devices(executor, lines, lot.now)
    boxes = [line.gateway for line in lines]
    await executor.execute(
        _SQL.add_associations,
        [line.request_id for line in lines],
        [line.association_id for line in lines],
        [line.write_id for line in lines],
        [line.subscriber_id for line in lines],
        [line.device_id for line in lines],
        [line.gateway_id for line in lines],
        [None if box is None else box.oui for box in boxes],
        [None if box is None else box.serial_number for box in boxes],
        [None if box is None else box.product_class for box in boxes],
        lot.key_id,
        lot.issued_at,
        lot.now,
        lot.actor.label,
        lot.batch_id,
        lot.actor.address,
    )


async def _add_subscribers(executor: Executor, lines: Sequence[BulkLine], now: datetime) -> None:
    new: dict[str, BulkLine] = {}
    for line in lines:
        if line.subscriber_id is None:
            new.setdefault(line.code.key, line)
    if not new:
        return
    ordered = [new[key] for key in sorted(new)]
    rows = await executor.fetch(
        _SQL.add_subscribers,
        [line.code.shown for line in ordered],
        [line.code.key for line in ordered],
        [line.name for line in ordered],
        now,
    )
    ids: dict[str, int] = {row["code_key"]: row["id"] for row in rows}
    for line in lines:
        if line.subscriber_id is None:
            line.subscriber_id = ids[line.code.key]


async def _add_gateways(executor: Executor, lines: Sequence[BulkLine], now: datetime) -> None:
    new = {
        (line.gateway.oui, line.gateway.serial_number): line
        for line in lines
        if line.gateway is not None and line.gateway_id is None and line.gateway.product_class is not None
    }
    if not new:
        return
    boxes = [line.gateway for _, line in sorted(new.items(), key=lambda item: item[0]) if line.gateway is not None]
    rows = await executor.fetch(
        _SQL.add_gateways,
        [box.oui for box in boxes],
        [box.serial_number for box in boxes],
        [box.product_class for box in boxes],
        now,
    )
    for oui, serial_number, id in rows:
        new[oui, serial_number].gateway_id = id


async def _add_devices(executor: Executor, lines: Sequence[BulkLine], now: datetime) -> None:
    new = {line.line.key: line for line in lines}
    ordered = [new[key] for key in sorted(new)]
    waited_for = [line.gateway if line.gateway_id is None else None for line in ordered]
    rows = await executor.fetch(
        _SQL.add_devices,
        [line.line.shown for line in ordered],
        [line.line.key for line in ordered],
        [line.gateway_id for line in ordered],
        [None if box is None else box.oui for box in waited_for],
        [None if box is None else box.serial_number for box in waited_for],
        now,
    )
    for key, id in rows:
        new[key].device_id = id


async def met(executor: Executor, wanted: Sequence[Identity]) -> list[int]:
    """Find the boxes, of those that lines have just begun to wait for, that are there and have no line."""
    rows = await executor.fetch(_SQL.met, [box.oui for box in wanted], [box.serial_number for box in wanted])
    return [row["id"] for row in rows]
