"""What is told of a move of a write: the same words in the stream of events and to webhooks. Never a PHAN URL."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from acs_bridge.store.events import EventRow


class Notice(BaseModel):
    """A move of a write. Of two events of one write, the later one has the higher `move`."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Where this event stands in the stream; the same for everybody.")
    write_id: UUID
    move: int
    purpose: Purpose
    association_id: UUID | None
    line_of_service: str | None
    subscriber_code: str | None
    batch_id: UUID
    gateway_id: int | None
    from_state: WriteState | None = Field(description="Null: the write was made.")
    event: WriteEvent | Literal["created"]
    to_state: WriteState
    at: datetime
    by: str | None = Field(description="The person or token; null: the daemon.")
    attempts: int
    fault_code: int | None

    @classmethod
    def of(cls, row: EventRow) -> Self:
        """Make the notice of an event."""
        known = {name: getattr(row, name) for name in cls.model_fields if name != "id"}
        return cls(id=str(row.position), **known)


class WebhookMessage(BaseModel):
    """The body that a webhook gets. `sequence` grows: of two messages about one line, the higher one is the later."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="`write.` and the state that the write settled in, or `test`.")
    timestamp: datetime = Field(description="When it happened.")
    sequence: int
    data: Notice | None = Field(description="Null in a test.")

    @classmethod
    def of(cls, row: EventRow) -> Self:
        """Make the message of an event."""
        return cls(type=f"write.{row.to_state}", timestamp=row.at, sequence=row.seq, data=Notice.of(row))

    @classmethod
    def test(cls, now: datetime) -> Self:
        """Make a message that only asks whether it arrives."""
        return cls(type="test", timestamp=now, sequence=0, data=None)

    @property
    def bytes(self) -> bytes:
        """The body as it is sent and signed."""
        return self.model_dump_json().encode()


def message_id(write_id: UUID, move: int) -> str:
    """Name a message: the same for every attempt and every replay, so that a receiver knows what it has already."""
    return f"msg_{write_id.hex}_{move}"
