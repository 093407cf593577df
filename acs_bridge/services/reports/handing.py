"""Handing reports on, at least once: whose they are, and what they say, as lines of JSON.

What is in the spool is claimed for as long as handing it on may take; who dies with it leaves it to the next daemon. A
report has one id however often it comes, so that a receiver can tell. What a report says is never logged.
"""

import asyncio
import base64
import json
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

import structlog

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.retry import Retry
from acs_bridge.errors import Unavailable
from acs_bridge.store import spool
from acs_bridge.store.database import Database
from acs_bridge.store.spool import Spooled, Waiting
from cwmp import bulkdata

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
LEASE: Final = timedelta(seconds=120)
RETRY: Final = Retry(max_attempts=0, initial_seconds=1, max_seconds=60)  # while nobody is there
# Of one that was refused, for some ten hours; then it is given up.
REST: Final = Retry(max_attempts=8, initial_seconds=300, max_seconds=21_600)


class Handed(StrEnum):
    """What became of several reports."""

    TAKEN = "handed_on"
    REFUSED = "refused"  # one of them at least is such that the receiver will not have it
    AWAY = "away"  # the receiver cannot have anything now


@dataclass(frozen=True, slots=True)
class Portion:
    """How much is handed on at a time."""

    reports: int
    bytes: int  # compressed


class Destination(Protocol):
    """Where reports go."""

    portion: Portion

    async def hand(self, reports: Sequence[Spooled]) -> tuple[Handed, str]:
        """Hand them on, all or none; the words say what went wrong."""

    def is_due(self, waiting: Waiting) -> bool:
        """Whether it is worth beginning with what waits."""


class HandingOn:
    """Empties the spool."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        destination: Destination,
        random: Callable[[], float],
        observe: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        """`random` spreads retries; `observe` hears of so many that were `handed_on`, `refused` or `given_up`."""
        self._database = database
        self._clock = clock
        self._destination = destination
        self._random = random
        self._observe = observe
        self._failures = 0

    async def run(self) -> None:
        """Hand on until cancelled. A database that is away is waited for."""
        while True:
            try:
                pause = await self.step()
            except Unavailable as error:
                _log.warning("reports_not_handed_on", reason=str(error))
                pause = LOOK_SECONDS
            await asyncio.sleep(pause)

    async def step(self) -> float:
        """Hand one portion on; how many seconds to wait before the next."""
        now = self._clock()
        if not self._destination.is_due(await spool.waiting(self._database)):
            return LOOK_SECONDS
        portion = self._destination.portion
        claimed = await spool.claim(self._database, now, now + LEASE, portion.reports, portion.bytes)
        if not claimed:
            return LOOK_SECONDS
        handed, words = await self._destination.hand(claimed)
        settle: dict[Handed, Callable[[Sequence[Spooled], str], Awaitable[float]]] = {
            Handed.TAKEN: self._taken,
            Handed.REFUSED: self._refused,
            Handed.AWAY: self._away,
        }
        return await settle[handed](claimed, words)

    async def _taken(self, claimed: Sequence[Spooled], _: str) -> float:
        await spool.done(self._database, claimed)
        self._observe(Handed.TAKEN, len(claimed))
        if self._failures:
            _log.info("reports_are_handed_on_again")
        self._failures = 0
        return 0.0

    async def _away(self, claimed: Sequence[Spooled], words: str) -> float:
        await spool.free(self._database, claimed)
        self._failures += 1
        if self._failures == 1:
            _log.warning("reports_not_handed_on", reason=words)
        return RETRY.delay(self._failures, self._random).total_seconds()

    async def _refused(self, claimed: Sequence[Spooled], words: str) -> float:
        self._failures = 0
        if len(claimed) == 1 and REST.exhausted(claimed[0].refused + 1):
            await spool.done(self._database, claimed)
            self._observe("given_up", 1)
            _log.warning("report_given_up", reason=words, report=str(claimed[0].id))
            return 0.0
        alone = len(claimed) == 1
        rest = REST.delay(claimed[0].refused + 1, self._random) if alone else timedelta(0)
        await spool.refused(self._database, claimed, self._clock() + rest)
        self._observe(Handed.REFUSED, len(claimed))
        return 0.0


def line_of(report: Spooled, *, as_records: bool) -> bytes:
    """One report as it is handed on."""
    said: dict[str, Any] = {
        "id": str(report.id),
        "line_of_service": report.line_of_service,
        "association_id": str(report.association_id),
        "generation": report.generation,
        "received_at": report.received_at.isoformat(),
        "gateway": {
            "id": report.gateway_id,
            "oui": report.oui,
            "product_class": report.product_class,
            "serial_number": report.serial_number,
        },
        "content_type": report.content_type,
        "report_format": report.report_format,
        "unread": report.unread,
    }
    body = zlib.decompress(report.body)
    if as_records and report.unread is None:
        said["records"] = _records(body, report)
    else:
        said |= _as_it_came(body)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _records(body: bytes, report: Spooled) -> list[dict[str, Any]]:
    found = bulkdata.read(body, report.content_type, report.report_format)
    return [
        {
            "collected_at": None if record.collected_at is None else record.collected_at.isoformat(),
            "parameters": record.parameters,
        }
        for record in found.records
    ]


def _as_it_came(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}
