"""The chain of the audit trail: what one link is made of, so that anybody can follow it without this program.

A link is the SHA-256 over the link before it (32 bytes; zeros before the first one) and the row as UTF-8: a JSON array
without blanks of `id`, `at` in microseconds since 1970 UTC, `actor`, `address`, `action`, `association_id`, `write_id`,
`subscriber_id`, `device_id`, `gateway_id` and `detail`, whose keys are sorted. UUIDs are in their usual form in lower
case, what is missing is null.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

BEGINNING: Final = bytes(32)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One deed, as it stands in the trail."""

    id: int
    at: datetime
    actor: str
    address: str
    action: str
    association_id: UUID | None
    write_id: UUID | None
    subscriber_id: int | None
    device_id: int | None
    gateway_id: int | None
    detail: dict[str, Any]


def canonical(row: AuditRow) -> bytes:
    """Write a row down as it is hashed."""
    content = [
        row.id,
        (row.at - _EPOCH) // _MICROSECOND,
        row.actor,
        row.address,
        row.action,
        None if row.association_id is None else str(row.association_id),
        None if row.write_id is None else str(row.write_id),
        row.subscriber_id,
        row.device_id,
        row.gateway_id,
        row.detail,
    ]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def link(former: bytes, row: AuditRow) -> bytes:
    """Make the hash of a row that stands behind another one."""
    return hashlib.sha256(former + canonical(row)).digest()
