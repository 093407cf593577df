"""The audit trail: append-only, in the same transaction as what it records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL = load("audit")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that was done, `noun_verbed`, and the records that it touched. Never a code, a name or a PHAN URL."""

    action: str
    association_id: UUID | None = None
    write_id: UUID | None = None
    subscriber_id: int | None = None
    device_id: int | None = None
    gateway_id: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


DAEMON = "daemon"


async def record(executor: Executor, actor: Actor | None, now: datetime, deed: Deed) -> None:
    """Write one deed down; without an actor it was the daemon's own."""
    await executor.execute(
        _SQL.record,
        now,
        actor.label if actor else DAEMON,
        actor.address if actor else "",
        deed.action,
        deed.association_id,
        deed.write_id,
        deed.subscriber_id,
        deed.device_id,
        deed.gateway_id,
        dict(deed.detail),
    )
