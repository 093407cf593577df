"""Answers that are kept under the Idempotency-Key of their call: with what the call did, or not at all."""

import json
from dataclasses import dataclass
from datetime import datetime

from acs_bridge.store.rows import Executor, one
from acs_bridge.store.statements import load

_SQL = load("answers")

_ERASED = json.dumps(
    {
        "type": "about:blank",
        "title": "What was answered here has been erased",
        "status": 410,
        "detail": "the subscriber whom this call was about has been erased: take a new key for a new request",
    },
    separators=(",", ":"),
)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered, to a call of which only the fingerprint is kept."""

    fingerprint: bytes
    status: int
    location: str | None
    media_type: str
    body: str


async def claim(executor: Executor, owner: str, key: str) -> None:
    """Answer alone under this key, until the transaction ends."""
    await executor.execute(_SQL.claim, owner, key)


async def find(executor: Executor, owner: str, key: str) -> KeptAnswer | None:
    """Look up what was answered under this key."""
    return await one(executor, KeptAnswer, _SQL.find, owner, key)


async def keep(executor: Executor, owner: str, key: str, answer: KeptAnswer, now: datetime) -> None:
    """Keep an answer."""
    await executor.execute(
        _SQL.keep,
        owner,
        key,
        answer.fingerprint,
        answer.status,
        answer.location,
        answer.media_type,
        answer.body,
        now,
    )


async def erase(executor: Executor, subscriber_code: str) -> None:
    """Take out of what was answered who a subscriber was; the same call again gets 410."""
    await executor.execute(_SQL.erase, subscriber_code, json.dumps(subscriber_code, ensure_ascii=False)[1:-1], _ERASED)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Forget answers from before a time, the oldest first; how many there were."""
    tag = await executor.execute(_SQL.clean, before, limit)
    return int(tag.rpartition(" ")[2])
