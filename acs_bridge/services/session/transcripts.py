"""Transcripts: what was said in the next sessions of one gateway, for support to read.

One gateway at a time, so many sessions, so many minutes, so many bytes. Sessions learn from the Inform's own statement
whether they are recorded, and carry it in their cookie: all others pay nothing. What is kept has been redacted before
(`domain/transcript.py`).
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.transcript import Entry
from acs_bridge.errors import Conflict, NotFound, Unavailable
from acs_bridge.services.change import Change
from acs_bridge.store import transcripts
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.transcripts import TranscriptRow

_log = structlog.get_logger(__name__)

LARGEST: Final = 256 * 1024  # bytes of JSON
KEEP_SECONDS: Final = 2.0  # a session waits no longer for its record


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a transcript is, and nothing of what was said."""

    row: TranscriptRow
    is_running: bool


@dataclass(frozen=True, slots=True)
class Transcript(Standing):
    """What was recorded so far."""

    entries: Sequence[dict[str, Any]]


class Transcripts:
    """What operators ask for, and what a session adds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def start(self, gateway_id: int, sessions: int, lasting: timedelta, actor: Actor) -> Transcript:
        """Record the next sessions of a gateway, in place of what was recorded of it before."""
        change = Change.of(actor, self._clock())
        until = change.now + lasting

        async def work(connection: Executor) -> None:
            other = await transcripts.running(connection, gateway_id, change.now)
            if other is not None:
                raise Conflict(
                    f"the sessions of gateway {other.id} ({other.oui} {other.product_class} {other.serial_number}) are "
                    f"being recorded until {other.until:%Y-%m-%d %H:%M} UTC: one at a time"
                )
            if not await transcripts.start(connection, gateway_id, sessions, change.now, actor.label, until):
                raise NotFound("there is no such gateway")
            detail = {"sessions": sessions, "until": until.isoformat()}
            await change.audit(connection, Deed("transcript_started", gateway_id=gateway_id, detail=detail))

        await in_transaction(self._database, work)
        return await self._found(self._database, gateway_id, change.now)

    async def find(self, gateway_id: int, actor: Actor) -> Transcript:
        """Show what was recorded; who has looked is written down."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> Transcript:
            found = await self._found(connection, gateway_id, change.now)
            await change.audit(connection, Deed("transcript_read", gateway_id=gateway_id))
            return found

        return await in_transaction(self._database, work)

    async def standing(self, gateway_id: int) -> Standing | None:
        """Say how far the transcript of a gateway is; None when there is none. That somebody knows it is no secret."""
        row = await transcripts.find(self._database, gateway_id)
        return None if row is None else Standing(row, _is_running(row, self._clock()))

    async def delete(self, gateway_id: int, actor: Actor) -> None:
        """Stop recording, and forget what was recorded."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if not await transcripts.delete(connection, gateway_id):
                raise _unknown()
            await change.audit(connection, Deed("transcript_deleted", gateway_id=gateway_id))

        await in_transaction(self._database, work)

    async def keep(self, gateway_id: int, entries: Sequence[Entry]) -> None:
        """Add what was just said. A database that is away loses the record, never the session."""
        said = [entry.as_json() for entry in entries]
        size = len(json.dumps(said, ensure_ascii=False).encode())
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await transcripts.keep(self._database, gateway_id, said, size, LARGEST)
        except (TimeoutError, Unavailable) as error:
            reason = str(error) or "the database took too long"
            _log.warning("transcript_entry_lost", gateway_id=gateway_id, reason=reason)

    async def _found(self, executor: Executor, gateway_id: int, now: datetime) -> Transcript:
        row = await transcripts.find(executor, gateway_id)
        if row is None:
            raise _unknown()
        return Transcript(row, _is_running(row, now), await transcripts.entries(executor, gateway_id))


def _is_running(row: TranscriptRow, now: datetime) -> bool:
    return row.until > now and bool(row.sessions_left)


def _unknown() -> NotFound:
    return NotFound("there is no transcript of this gateway")
