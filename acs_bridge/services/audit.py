"""The audit trail: who did what, when and from where; read by Admins, linked into a chain, and verified.

What somebody did is written down where it is done (`Change.audit`). Here it is only read, and nothing here changes it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain import names
from acs_bridge.domain.audit_chain import BEGINNING, AuditRow, link
from acs_bridge.domain.clock import Clock
from acs_bridge.errors import InvalidField, Unavailable
from acs_bridge.services import fields, pages
from acs_bridge.services.pages import Ask, Page
from acs_bridge.store import audit
from acs_bridge.store.audit import AuditFilter, Cut, Link, LinkedRow, SeenDeed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
ROWS_A_STEP: Final = 1000
SAY_SECONDS: Final = 3600.0
NOBODY: Final = 0
"""An id that no record has."""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which deeds somebody wants to see, in the words of the records."""

    since: datetime | None = None
    until: datetime | None = None
    actor: str | None = None
    action: str | None = None
    address: str | None = None
    association_id: UUID | None = None
    subscriber_id: int | None = None
    subscriber_code: str | None = None
    line_of_service: str | None = None
    gateway_id: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """How the chain stands."""

    head: Link
    cut: Cut | None
    awaiting: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of following the whole chain; `broken` says where it is not what it was, in one sentence."""

    chain: Chain
    links: int
    broken: str | None


class AuditTrail:
    """Reading, linking and verifying."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, ask: Ask, question: AuditQuestion) -> Page[SeenDeed]:
        """List deeds, newest first."""
        wanted = await self._filter(question)
        return await pages.turn(
            ask,
            _place,
            lambda before, limit: audit.page(self._database, before, wanted, limit),
            lambda row: f"{row.at.isoformat()} {row.id}",
        )

    async def _filter(self, question: AuditQuestion) -> AuditFilter:
        code, line = question.subscriber_code, question.line_of_service
        subscriber_id, device_id = question.subscriber_id, None
        if code is not None:
            found = await audit.subscriber_of(self._database, fields.subscriber_code(code).key)
            if subscriber_id is not None and found != subscriber_id:
                raise InvalidField("subscriber_code", "names another subscriber than subscriber_id does")
            subscriber_id = found or NOBODY
        if line is not None:
            device_id = await audit.device_of(self._database, names.line_of_service(line).key) or NOBODY
        return AuditFilter(
            question.since,
            question.until,
            question.actor,
            question.action,
            question.address,
            question.association_id,
            subscriber_id,
            device_id,
            question.gateway_id,
        )

    # --- the chain ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Link what was written down, until cancelled. A database that is away is waited for."""
        said_at = None
        while True:
            try:
                if await self.link() and (said_at is None or (self._clock() - said_at).total_seconds() > SAY_SECONDS):
                    said_at = self._clock()
                    head = await audit.head(self._database)
                    # In a log that is kept elsewhere this is what nobody who can change the database can change.
                    _log.info("audit_linked", n=head.n, hash=head.hash.hex())
            except Unavailable as error:
                _log.warning("audit_link_put_off", reason=str(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def link(self) -> int:
        """Link everything that is not linked yet, unless somebody else is about it; how many rows."""
        total = 0
        while linked := await self._link_some():
            total += linked
            if linked < ROWS_A_STEP:
                break
        return total

    async def _link_some(self) -> int:
        async with self._database.transaction() as connection:
            if not await audit.link_alone(connection):
                return 0
            await audit.take_fresh(connection, ROWS_A_STEP)
            rows = await audit.take_unlinked(connection, ROWS_A_STEP)
            if rows:
                await audit.add_links(connection, _links(await audit.head(connection), rows), rows)
            return len(rows)

    async def chain(self) -> Chain:
        """Say how the chain stands."""
        database = self._database
        return Chain(await audit.head(database), await audit.newest_cut(database), await audit.awaiting(database))

    async def verify(self, known: Link | None = None) -> Verdict:
        """Follow the whole chain, and say where it is broken; `known` is a link that somebody has noted elsewhere."""
        await self.link()
        cut = await audit.newest_cut(self._database)
        walk = _Walk(cut, known)
        while walk.broken is None:
            found = await audit.links(self._database, walk.at.n, ROWS_A_STEP)
            for each in found:
                walk.step(each)
            if len(found) < ROWS_A_STEP:
                break
        if walk.broken is None:
            walk.end()
        if walk.broken is None and (audit_id := await audit.missing(self._database)) is not None:
            walk.broken = f"audit row {audit_id} is not in the chain exactly once"
        return Verdict(await self.chain(), walk.links, walk.broken)


class _Walk:
    """One way along the chain, from its beginning or its newest cut."""

    def __init__(self, cut: Cut | None, known: Link | None) -> None:
        self.at = Link(0, BEGINNING) if cut is None else cut.link
        self.links = 0
        self.broken: str | None = None
        self._cut = cut
        self._cut_is_told = cut is None
        self._known = known if known is not None and known.n > self.at.n else None
        if known is not None and known.n < self.at.n:
            self.broken = f"link {known.n}, which was noted, has been cut off since (through {self.at.n})"
        elif known is not None and known.n == self.at.n and known.hash != self.at.hash:
            self.broken = f"link {known.n} is not the one that was noted"

    def step(self, found: LinkedRow) -> None:
        """Compare one link with what it must be; the first that is wrong is remembered."""
        if self.broken is None:
            self.broken = self._wrong(found)
            self.at = found.link
            self.links += 1

    def end(self) -> None:
        """Say what should have come and has not."""
        if self._known is not None:
            self.broken = f"link {self._known.n}, which was noted, is not there: the chain ends at {self.at.n}"
        elif not self._cut_is_told:
            self.broken = f"the chain begins behind link {self._cut.n if self._cut else 0}, and does not say why"

    def _wrong(self, found: LinkedRow) -> str | None:
        if found.link.n != self.at.n + 1:
            return f"link {self.at.n + 1} is gone"
        if found.row is None:
            return f"audit row {found.audit_id} (link {found.link.n}) is gone"
        if link(self.at.hash, found.row) != found.link.hash:
            return f"audit row {found.audit_id} (link {found.link.n}) is not what was linked"
        if self._known is not None and found.link.n == self._known.n:
            if found.link.hash != self._known.hash:
                return f"link {found.link.n} is not the one that was noted"
            self._known = None
        if self._tells_of_cut(found.row):
            self._cut_is_told = True
        return None

    def _tells_of_cut(self, row: AuditRow) -> bool:
        told = {"through": self._cut.n, "hash": self._cut.hash.hex()} if self._cut else None
        return row.action == "audit_cut" and row.detail == told


def _links(head: Link, rows: list[AuditRow]) -> list[Link]:
    """Make the links of rows that come behind a head."""
    made = []
    for row in rows:
        head = Link(head.n + 1, link(head.hash, row))
        made.append(head)
    return made


def _place(text: str) -> tuple[datetime, int]:
    """Read the cursor of the trail."""
    at, _, id = text.partition(" ")
    time, _, number = pages.moment(f"{at} 0 {id}")
    return time, number


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away what is older than the day of a time began, a part of it: cut off at most once a day, then cleared."""
    cleared = await audit.clear(executor, limit)
    if not cleared:
        day = before.replace(hour=0, minute=0, second=0, microsecond=0)
        cut = await audit.newest_cut(executor)
        if (cut is None or cut.before < day) and await audit.cut_off(executor, day):
            cleared = await audit.clear(executor, limit)
    return cleared
