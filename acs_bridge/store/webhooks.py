"""Webhooks and their outbox. Deliveries are claimed with a lease, by as many daemons as there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.store.database import Row
from acs_bridge.store.events import EventRow
from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL = load("webhooks")
_EVENT = tuple(EventRow.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A webhook, without its secrets."""

    id: UUID
    url: str
    states: Sequence[str]
    former_until: datetime | None
    created_at: datetime
    created_by: str
    failures: int
    failing_since: datetime | None
    rest_until: datetime | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    words: str | None
    pending: int
    parked: int


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery; `to_state` is None when the event that it tells of is not kept any more."""

    id: int
    write_id: UUID
    move: int
    to_state: str | None
    state: str
    created_at: datetime
    begun_at: datetime
    due_at: datetime | None
    attempts: int
    attempted_at: datetime | None
    status: int | None
    seconds: float | None
    words: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadyRow:
    """A webhook that something waits for."""

    id: UUID
    url: str
    secret: bytes  # sealed, like the former one
    former_secret: bytes | None
    failures: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours for a while."""

    id: int
    attempt: int
    begun_at: datetime
    event: EventRow | None  # None: not kept any more


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt came to."""

    at: datetime
    status: int | None
    seconds: float
    words: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much there is to do."""

    pending: int
    failing: int


def _webhook(row: Row) -> WebhookRow:
    return WebhookRow(**{name: row[name] for name in WebhookRow.__dataclass_fields__})


async def insert(executor: Executor, row: ReadyRow, states: Sequence[str], now: datetime, by: str, most: int) -> bool:
    """Add a webhook; false when there are so many already."""
    args = (row.id, row.url, states, row.secret, now, by, most)
    return await executor.fetchval(_SQL.insert, *args) is not None


async def find(executor: Executor, webhook_id: UUID) -> WebhookRow | None:
    """Look one up."""
    row = await executor.fetchrow(_SQL.find, webhook_id)
    return None if row is None else _webhook(row)


async def find_sealed(executor: Executor, webhook_id: UUID, now: datetime) -> ReadyRow | None:
    """Look one up as it is posted to."""
    return await one(executor, ReadyRow, _SQL.find_sealed, webhook_id, now)


async def all_webhooks(executor: Executor) -> list[WebhookRow]:
    """List them, oldest first."""
    return [_webhook(row) for row in await executor.fetch(_SQL.list)]


async def delete(executor: Executor, webhook_id: UUID, now: datetime) -> bool:
    """Tell one nothing more; false when there is none."""
    return await executor.fetchval(_SQL.delete, webhook_id, now) is not None


async def rotate(executor: Executor, webhook_id: UUID, secret: bytes, former_until: datetime) -> bool:
    """Give one a new secret; false when there is none."""
    return await executor.fetchval(_SQL.rotate, webhook_id, secret, former_until) is not None


async def deliveries(
    executor: Executor, webhook_id: UUID, before: int | None, state: str | None, limit: int
) -> list[DeliveryRow]:
    """List what was told to one, newest first."""
    return await many(executor, DeliveryRow, _SQL.deliveries, webhook_id, before, state, limit)


async def replay(executor: Executor, webhook_id: UUID, delivery_id: int, now: datetime) -> bool:
    """Tell one delivery again; false when there is none."""
    return await executor.fetchval(_SQL.replay, webhook_id, delivery_id, now) is not None


async def replay_range(
    executor: Executor, webhook_id: UUID, span: tuple[datetime, datetime], state: str | None, now: datetime, limit: int
) -> int:
    """Tell again what was created in a span of time, at most so many that were not told again at `now` already."""
    return len(await executor.fetch(_SQL.replay_range, webhook_id, *span, state, now, limit))


async def ready(executor: Executor, now: datetime) -> list[ReadyRow]:
    """List the webhooks that something waits for."""
    return await many(executor, ReadyRow, _SQL.ready, now)


async def claim(executor: Executor, webhook_id: UUID, now: datetime, until: datetime, limit: int) -> list[Claimed]:
    """Take the next deliveries of one."""
    return [_claimed(row) for row in await executor.fetch(_SQL.claim, webhook_id, now, until, limit)]


def _claimed(row: Row) -> Claimed:
    event = None if row["xact"] is None else EventRow(**{name: row[name] for name in _EVENT})
    return Claimed(row["delivery_id"], row["attempt"], row["begun_at"], event)


async def delivered(executor: Executor, claimed: Claimed, result: Result) -> None:
    """Write down that one was taken, unless its lease was lost meanwhile."""
    await executor.execute(
        _SQL.delivered, claimed.id, claimed.attempt, result.at, result.status, result.seconds, result.words
    )


async def failed(
    executor: Executor, claimed: Claimed, result: Result, due_at: datetime | None, rest: tuple[int, datetime]
) -> tuple[int, datetime] | None:
    """Write down that one was not taken; how often in a row, and since when, its webhook has failed.

    `rest`: after so many failures the webhook rests until then.
    """
    told = (result.at, result.status, result.seconds, result.words)
    row = await executor.fetchrow(_SQL.failed, claimed.id, claimed.attempt, *told, due_at, *rest)
    return None if row is None else (row["failures"], row["failing_since"])


async def park_hopeless(executor: Executor, failing_before: datetime, now: datetime, limit: int) -> int:
    """Park what waits for webhooks that have failed for so long, or are gone; how many those were."""
    return len(await executor.fetch(_SQL.park_hopeless, failing_before, now, limit))


async def waiting(executor: Executor) -> Waiting:
    """Count what waits."""
    return await one(executor, Waiting, _SQL.waiting) or Waiting(0, 0)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away deliveries from before a time, at most so many; how many there were."""
    count: int = await executor.fetchval(_SQL.clean, before, limit)
    return count
