"""Provisioning requests: what they meet, the one statement that accepts a new line, and the record of each."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.names import Text
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL = load("requests")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a request meets in the records. None where there is nothing yet."""

    subscriber_id: int | None
    subscriber_name: str | None
    device_id: int | None
    line_of_service: str | None
    gateway_id: int | None  # that the line has now
    wanted_oui: str | None
    wanted_serial: str | None
    oui: str | None
    product_class: str | None
    serial_number: str | None
    association_id: UUID | None
    holder_id: int | None  # the subscriber who has the line
    holder_code: str | None
    fitting: int  # gateways that the request's identity fits
    named_id: int | None  # the one of them
    other_line: str | None  # that has the named gateway, or is the line itself
    waiting_line: str | None  # that waits for it
    busy: bool  # a write for the named gateway would have to be superseded
    named_root: str | None
    named_product_class: str | None
    named_software_version: str | None
    request_id: UUID | None  # the same request, accepted before
    write_id: UUID | None
    write_state: str | None

    def named_kind(self, gateway: Identity | None) -> GatewayKind | None:
        """What profiles match the named gateway by; None before its first Inform."""
        if gateway is None or not self.named_root:
            return None
        return GatewayKind(
            self.named_root, gateway.oui, self.named_product_class or "", self.named_software_version or ""
        )


@dataclass(frozen=True, slots=True)
class NewLine:
    """Everything that a request for a new line makes."""

    request_id: UUID
    association_id: UUID
    write_id: UUID
    batch_id: UUID
    key_id: str
    issued_at: datetime
    subscriber_id: int | None
    code: Text
    name: str
    line: Text
    gateway: Identity | None
    gateway_id: int | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """An accepted request and where its write stands."""

    id: UUID
    association_id: UUID
    write_id: UUID
    created_at: datetime
    created_by: str
    state: str


async def look(executor: Executor, code: Text, line: Text, gateway: Identity | None) -> Seen:
    """See everything that a request meets."""
    (seen,) = await many(executor, Seen, _SQL.look, code.key, line.key, *_named(gateway))
    return seen


async def accept_new(executor: Executor, new: NewLine, actor: Actor, now: datetime) -> bool:
    """Make a new line with all that belongs to it, or nothing: then something of it is known, or its caller is not."""
    oui, serial_number, product_class = _named(new.gateway)
    accepted = await executor.fetchval(
        _SQL.accept_new,
        now,
        new.subscriber_id,
        new.code.shown,
        new.code.key,
        new.name,
        oui,
        product_class,
        serial_number,
        new.gateway_id,
        new.line.shown,
        new.line.key,
        new.association_id,
        new.key_id,
        new.issued_at,
        actor.label,
        new.write_id,
        new.request_id,
        actor.address,
        new.batch_id,
        actor.unconfirmed,
    )
    return accepted is True


async def insert(executor: Executor, row: RequestRow, gateway: Identity | None) -> None:
    """Record a request."""
    oui, serial_number, product_class = _named(gateway)
    await executor.execute(
        _SQL.insert,
        row.id,
        row.association_id,
        row.write_id,
        oui,
        product_class,
        serial_number,
        row.created_at,
        row.created_by,
    )


async def find(executor: Executor, request_id: UUID) -> RequestRow | None:
    """Look one request up."""
    return await one(executor, RequestRow, _SQL.find, request_id)


async def current_write(executor: Executor, association_id: UUID) -> tuple[UUID, str] | None:
    """Give the newest provisioning of an association, and where it stands."""
    row = await executor.fetchrow(_SQL.current_write, association_id)
    return None if row is None else (row["id"], row["state"])


def _named(gateway: Identity | None) -> tuple[str | None, str | None, str | None]:
    return (gateway.oui, gateway.serial_number, gateway.product_class) if gateway else (None, None, None)
