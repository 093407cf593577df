"""Transcripts of sessions."""

from datetime import timedelta

from pydantic import Field

from acs_bridge.domain.transcript import Direction, as_text
from acs_bridge.services.session.transcripts import Transcript
from acs_bridge.web.operator.models.base import AnswerModel, RequestModel, Time

MOST_SESSIONS = 100
MOST_MINUTES = 24 * 60


class NewTranscript(RequestModel):
    """How much to record: so many sessions, of those that begin within so many minutes."""

    sessions: int = Field(3, ge=1, le=MOST_SESSIONS)
    minutes: int = Field(60, ge=1, le=MOST_MINUTES)

    @property
    def lasting(self) -> timedelta:
        """Say the same in the words of the services."""
        return timedelta(minutes=self.minutes)


class EntryAnswer(AnswerModel):
    """One HTTP request of the gateway (`received`), or our response (`sent`).

    `body` is the message, a line an element or parameter; a value that is not on the list of those that are no secret
    is told by its length. `note`: what had to be mended to read it, or why it was refused.
    """

    at: Time
    session: int
    direction: Direction
    status: int | None
    size: int
    headers: dict[str, str]
    message: str | None
    note: str | None
    body: list[str]


class TranscriptAnswer(AnswerModel):
    """What was recorded of a gateway's sessions; `truncated`: there was no room for all of it."""

    gateway_id: int
    recording: bool
    sessions: int
    sessions_left: int
    until: Time
    started_at: Time
    started_by: str
    truncated: bool
    entries: list[EntryAnswer]

    @classmethod
    def of(cls, found: Transcript) -> "TranscriptAnswer":
        """Make the answer of a record."""
        row = found.row
        return cls(
            gateway_id=row.gateway_id,
            recording=found.is_running,
            sessions=row.sessions,
            sessions_left=(row.sessions_left or 0) if found.is_running else 0,
            until=row.until,
            started_at=row.started_at,
            started_by=row.started_by,
            truncated=row.is_full,
            entries=[EntryAnswer.model_validate(entry) for entry in found.entries],
        )


def in_words(found: Transcript) -> str:
    """The same for somebody who reads it."""
    row = found.row
    state = f"recording until {row.until:%Y-%m-%d %H:%M:%S} UTC" if found.is_running else "not recording any more"
    head = f"gateway {row.gateway_id}: {row.sessions} sessions, {state}" + (", truncated" if row.is_full else "")
    return f"{head}\n\n{as_text(found.entries) or 'nothing was said yet'}\n"
