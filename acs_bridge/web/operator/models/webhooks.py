"""Webhooks: endpoints that are told when a write has settled."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from acs_bridge.domain.webhooks import DOWN_AFTER, LONGEST_URL
from acs_bridge.services.notifications.posting import Posted
from acs_bridge.services.notifications.webhooks import Made
from acs_bridge.store.webhooks import DeliveryRow, WebhookRow
from acs_bridge.web.operator.models.base import AnswerModel, Moment, PageQuery, RequestModel, Time

Settled = Literal["verified", "rejected", "failed", "cancelled", "superseded"]
DeliveryState = Literal["pending", "delivered", "parked"]
Secret = Annotated[
    str, Field(max_length=128, description="`whsec_` and 24 to 64 bytes in base64; without it we make one.")
]


class NewWebhook(RequestModel):
    """Who is told, and of what."""

    url: str = Field(max_length=LONGEST_URL, description="https, without user name and fragment.")
    events: list[Settled] | None = Field(None, min_length=1, description="The states that it is told of; null: all.")
    secret: Secret | None = None


class NewSecret(RequestModel):
    """The next secret of a webhook."""

    secret: Secret | None = None


class Health(StrEnum):
    """How a webhook does."""

    UNTRIED = "untried"
    WELL = "well"
    FAILING = "failing"
    DOWN = "down"  # failing for an hour or longer


class WebhookAnswer(AnswerModel):
    """A webhook and its health; its secret is shown when it is made, and never again."""

    id: UUID
    url: str
    events: list[Settled]
    created_at: Time
    created_by: str
    former_secret_until: Time | None
    health: Health
    failures_in_a_row: int
    failing_since: Time | None
    resting_until: Time | None
    last_success_at: Time | None
    last_failure_at: Time | None
    words: str | None = Field(description="What happened last, when it failed.")
    pending: int
    parked: int

    @classmethod
    def of(cls, row: WebhookRow, now: datetime) -> "WebhookAnswer":
        """Make the answer of a record."""
        return cls(**_webhook(row, now))


class WebhookMade(WebhookAnswer):
    """A webhook that was made, or got a new secret."""

    secret: str = Field(description="Keep it: nobody is shown it again.")

    @classmethod
    def made(cls, made: Made, now: datetime) -> "WebhookMade":
        """Make the answer of what was made."""
        return cls(**_webhook(made.row, now), secret=made.secret)


def _webhook(row: WebhookRow, now: datetime) -> dict[str, object]:
    return {
        "id": row.id,
        "url": row.url,
        "events": list(row.states),
        "created_at": row.created_at,
        "created_by": row.created_by,
        "former_secret_until": row.former_until if row.former_until is not None and row.former_until > now else None,
        "health": _health(row, now),
        "failures_in_a_row": row.failures,
        "failing_since": row.failing_since,
        "resting_until": row.rest_until,
        "last_success_at": row.succeeded_at,
        "last_failure_at": row.failed_at,
        "words": row.words,
        "pending": row.pending,
        "parked": row.parked,
    }


def _health(row: WebhookRow, now: datetime) -> Health:
    if row.failing_since is not None:
        return Health.DOWN if now - row.failing_since >= DOWN_AFTER else Health.FAILING
    return Health.UNTRIED if row.succeeded_at is None else Health.WELL


class WebhookList(AnswerModel):
    """All webhooks; there are few."""

    items: list[WebhookAnswer]


class DeliveryAnswer(AnswerModel):
    """A delivery, with its last attempt; `status` is null where there was no answer, `event` when it is not kept."""

    id: int
    event: str | None
    write_id: UUID
    state: DeliveryState
    attempts: int
    created_at: Time
    attempted_at: Time | None
    status: int | None
    seconds: float | None
    words: str | None
    next_attempt_at: Time | None
    finished_at: Time | None

    @classmethod
    def of(cls, row: DeliveryRow) -> "DeliveryAnswer":
        """Make the answer of a record."""
        made = {"event", "next_attempt_at"}
        known = {name: getattr(row, name) for name in cls.model_fields if name not in made}
        event = None if row.to_state is None else f"write.{row.to_state}"
        return cls(**known, event=event, next_attempt_at=row.due_at)


class DeliveryQuery(PageQuery):
    """A page of deliveries."""

    state: DeliveryState | None = None


class Replay(RequestModel):
    """What is told again: deliveries of writes that settled from `since` to before `until`."""

    since: Moment
    until: Moment
    state: Literal["delivered", "parked"] | None = Field(None, description="Only those; null: both.")


class Replayed(AnswerModel):
    """How many are told again."""

    replayed: int


class TestAnswer(AnswerModel):
    """What became of a test message."""

    delivered: bool
    status: int | None
    seconds: float
    words: str

    @classmethod
    def of(cls, posted: Posted) -> "TestAnswer":
        """Make the answer of an attempt."""
        return cls(
            delivered=posted.is_taken, status=posted.status, seconds=round(posted.seconds, 3), words=posted.words
        )
