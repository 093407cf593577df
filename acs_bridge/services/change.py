"""One change to the records: who asked for it, when, and as part of what."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.ids import new_id
from acs_bridge.store import audit
from acs_bridge.store.audit import Deed
from acs_bridge.store.rows import Executor


@dataclass(frozen=True, slots=True)
class Change:
    """What the records keep of a change besides the change itself."""

    actor: Actor | None  # None: the daemon, because a gateway informed
    now: datetime
    batch_id: UUID  # what its writes can be paused by
    id: UUID

    @classmethod
    def of(cls, actor: Actor | None, now: datetime, batch_id: UUID | None = None) -> "Change":
        """Begin a change: part of a batch, or one of its own."""
        id = new_id(now)
        return cls(actor, now, batch_id or id, id)

    @property
    def by(self) -> str | None:
        """Who did it, as histories name it."""
        return None if self.actor is None else self.actor.label

    async def audit(self, executor: Executor, deed: Deed) -> None:
        """Write down what was done, in the transaction that does it."""
        await audit.record(executor, self.actor, self.now, deed)
