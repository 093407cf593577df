"""The stream of events."""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

from pydantic import Field

from acs_bridge.domain import names
from acs_bridge.domain.write import WriteState
from acs_bridge.services.notifications.notices import Notice
from acs_bridge.store.events import EventRow
from acs_bridge.web.operator.models.base import AnswerModel, LineOfService, QueryModel

LONGEST_COALESCING = 60_000


class Changes(AnswerModel):
    """What moved in a while: of each write the newest event; `left_out` counts the writes that found no room."""

    items: list[Notice]
    left_out: int


class Reset(AnswerModel):
    """Something was missed that cannot be told any more: read the lists again, the stream goes on from here."""

    reason: str


class EventQuery(QueryModel):
    """Which events, from when on, and how they are told."""

    line_of_service: LineOfService | None = None
    batch: UUID | None = None
    state: WriteState | None = Field(None, description="The state that a write moved into.")
    since: Literal["now", "beginning"] = Field(
        "now", description="Where to begin without a Last-Event-ID: with what comes, or with all that is kept."
    )
    coalesce_ms: int = Field(
        0,
        ge=0,
        le=LONGEST_COALESCING,
        description="Not 0: events of so many milliseconds are told together, as one event `changes` with the newest "
        "event of each write; `records` says that a brake, the limit or the gateways on record have changed. For pages "
        "that a person looks at.",
    )

    def filter(self) -> Callable[[EventRow], bool]:
        """Give what tells whether an event is one of those."""
        line = None if self.line_of_service is None else names.line_of_service(self.line_of_service).key

        def wanted(row: EventRow) -> bool:
            return (
                (self.state is None or row.to_state == self.state)
                and (self.batch is None or row.batch_id == self.batch)
                and (line is None or row.line_key == line)
            )

        return wanted
