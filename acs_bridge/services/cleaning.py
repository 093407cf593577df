"""What is over is kept for a while, and then taken away: a little at a time, so that nobody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import Unavailable
from acs_bridge.services import audit
from acs_bridge.store import answers, credentials, events, rings, spool, transcripts, users, webhooks
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor

_log = structlog.get_logger(__name__)

ROUND_SECONDS: Final = 600.0
ROWS_A_STEP: Final = 1000
LOGIN_DAYS: Final = 1  # sessions that are over, attempts that are past: what is told of them is the audit trail's
PAUSE_SECONDS: Final = 0.05  # between two steps: cleaning has time


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of rows, for how many days they are kept, and what takes away those from before a time."""

    name: str
    days: int
    clean: Callable[[Executor, datetime, int], Awaitable[int]]
    """Takes at most so many, and says how many there were."""


class Periods(Protocol):
    """For how many days each kind is kept."""

    @property
    def history(self) -> int:
        """The history of writes."""

    @property
    def idempotency_keys(self) -> int:
        """What was answered to calls with an Idempotency-Key."""

    @property
    def audit(self) -> int:
        """The audit trail."""

    @property
    def outbox(self) -> int:
        """What was told to webhooks, or could not be."""

    @property
    def quarantine(self) -> int:
        """Who was kept out."""

    @property
    def transcripts(self) -> int:
        """What was recorded of sessions."""

    @property
    def spool(self) -> int:
        """Reports that nobody would have."""


def what_is_kept(periods: Periods) -> tuple[Kept, ...]:
    """Everything whose time is over one day."""
    return (
        Kept("history", periods.history, events.clean),
        Kept("rings", periods.history, rings.clean),
        Kept("audit", periods.audit, audit.clean),
        Kept("idempotency keys", periods.idempotency_keys, answers.clean),
        Kept("outbox", periods.outbox, webhooks.clean),
        Kept("quarantine", periods.quarantine, credentials.forget_calls),
        Kept("transcripts", periods.transcripts, transcripts.clean),
        Kept("spool", periods.spool, spool.clean),
        Kept("logins", LOGIN_DAYS, users.clean),
    )


class Cleaning:
    """Cleans from time to time; several daemons do not get into each other's way."""

    def __init__(self, database: Database, clock: Clock, kept: Sequence[Kept]) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept

    async def run(self) -> None:
        """Clean until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.clean()
            except Unavailable as error:
                _log.warning("cleaning_put_off", reason=str(error))
            await asyncio.sleep(ROUND_SECONDS)

    async def clean(self) -> None:
        """Take away everything whose time is over."""
        for kept in self._kept:
            before = self._clock() - timedelta(days=kept.days)
            total = 0
            while rows := await kept.clean(self._database, before, ROWS_A_STEP):
                total += rows
                await asyncio.sleep(PAUSE_SECONDS)
            if total:
                _log.info("cleaned", what=kept.name, rows=total)
