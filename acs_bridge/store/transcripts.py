"""Transcripts of sessions: begun, filled and taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acs_bridge.store.rows import Executor, one
from acs_bridge.store.statements import load

_SQL = load("transcripts")


@dataclass(frozen=True, slots=True)
class Running:
    """The gateway whose sessions are being recorded."""

    id: int
    oui: str
    product_class: str
    serial_number: str
    until: datetime


@dataclass(frozen=True, slots=True)
class TranscriptRow:
    """A transcript, without what was said."""

    gateway_id: int
    sessions: int
    sessions_left: int | None
    started_at: datetime
    started_by: str
    until: datetime
    size: int
    is_full: bool


async def running(executor: Executor, besides: int, now: datetime) -> Running | None:
    """Say whose sessions are being recorded, unless it is this gateway's; nobody else can begin one meanwhile."""
    await executor.execute(_SQL.claim)
    return await one(executor, Running, _SQL.running, now, besides)


async def start(executor: Executor, gateway_id: int, sessions: int, now: datetime, by: str, until: datetime) -> bool:
    """Begin a transcript of so many sessions; false when there is no such gateway."""
    await delete(executor, gateway_id)
    return await executor.fetchval(_SQL.start, gateway_id, sessions, now, by, until) is not None


async def delete(executor: Executor, gateway_id: int) -> bool:
    """End a transcript and take it away; false when there was none."""
    return await executor.fetchval(_SQL.delete, gateway_id) is not None


async def find(executor: Executor, gateway_id: int) -> TranscriptRow | None:
    """Look one up."""
    return await one(executor, TranscriptRow, _SQL.find, gateway_id)


async def entries(executor: Executor, gateway_id: int) -> list[dict[str, Any]]:
    """Give what was said, in its order."""
    return [row["entry"] for row in await executor.fetch(_SQL.entries, gateway_id)]


async def keep(executor: Executor, gateway_id: int, said: Sequence[dict[str, Any]], size: int, most: int) -> None:
    """Add what was said, of so many bytes, to the transcript of a gateway, if there is one and it has room."""
    await executor.execute(_SQL.keep, gateway_id, list(said), size, most)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away so many transcripts whose recording was over before this time; how many there were."""
    return len(await executor.fetch(_SQL.clean, before, limit))
