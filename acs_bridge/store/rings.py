"""Connection requests: who is to be rung, who rings, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from acs_bridge.domain.ring import LastRing, RingResult
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL = load("rings")


@dataclass(frozen=True, slots=True)
class RingLimits:
    """How often, in all processes together."""

    rings_per_minute: int
    writes_per_minute: int | None  # where no operator has set another ceiling
    interval: timedelta  # between two rings of one gateway
    lease: timedelta  # after which a ring whose ringer was killed is due again
    writes_per_day: int | None = None  # of one gateway: who has had them is not rung for more


@dataclass(frozen=True, slots=True)
class ClaimedRing:
    """A ring that is ours to make."""

    gateway_id: int
    wishes: int
    tries: int
    rings: int
    encore: bool  # once more, after a session that was open
    url: str = field(repr=False)  # its path may be a secret
    address: str


@dataclass(frozen=True, slots=True)
class RingTarget:
    """What is known of a gateway that somebody wants to ring by hand."""

    gateway_id: int
    url: str = field(repr=False)
    address: str
    first_inform_at: datetime | None
    unapproved: bool  # it has shown only the shared credentials


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A session that is over."""

    gateway_id: int
    session_number: int
    at: datetime


def last_ring(
    rung_at: datetime | None, result: str | None, http_status: int | None, rings: int | None
) -> LastRing | None:
    """The newest ring, of the columns of a row; None for a gateway that was never rung."""
    if rung_at is None:
        return None
    return LastRing(rung_at, None if result is None else RingResult(result), http_status, rings or 0)


class Rings:
    """The statements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, most: int, limits: RingLimits, now: datetime, *, approval_needed: bool) -> list[ClaimedRing]:
        """Take up to so many rings (a hundred at most) that may be made now; each is somebody's only."""
        return await many(
            self._database,
            ClaimedRing,
            _SQL.claim,
            now,
            most,
            limits.rings_per_minute,
            limits.writes_per_minute,
            approval_needed,
            limits.interval.total_seconds(),
            limits.lease.total_seconds(),
            limits.writes_per_day,
        )

    async def target(self, gateway_id: int) -> RingTarget | None:
        """Look a gateway up."""
        return await one(self._database, RingTarget, _SQL.target, gateway_id)

    async def claim_one(self, target: RingTarget, interval: timedelta, now: datetime) -> ClaimedRing | None:
        """Take one ring by hand; None when the gateway was rung less than `interval` ago."""
        row = await self._database.fetchrow(_SQL.claim_one, target.gateway_id, now, interval.total_seconds())
        if row is None:
            return None
        return ClaimedRing(**dict(row), encore=False, url=target.url, address=target.address)

    async def take_address(self, ring: ClaimedRing, address: str, interval: timedelta, now: datetime) -> bool:
        """Take an address for one ring; false when it was rung less than `interval` ago."""
        taken = await self._database.fetchval(
            _SQL.take_address, address, ring.gateway_id, now, interval.total_seconds(), ring.encore
        )
        return taken is not None

    async def forget_addresses(self, before: datetime) -> None:
        """Forget the addresses that were rung before some time."""
        await self._database.execute(_SQL.forget_addresses, before)

    async def finish(
        self, ring: ClaimedRing, result: RingResult, http_status: int | None, tries: int, due_at: datetime | None
    ) -> None:
        """Keep what came of a ring, and when it is due again."""
        await self._database.execute(_SQL.finish, ring.gateway_id, ring.wishes, result, http_status, tries, due_at)

    async def finish_by_hand(self, gateway_id: int, result: RingResult, http_status: int | None, by: str) -> None:
        """Keep what came of a ring by hand."""
        await self._database.execute(_SQL.finish_by_hand, gateway_id, result, http_status, by)

    async def sessions_ended(self, ends: Sequence[SessionEnd], wait: timedelta) -> int:
        """Ring once more, `wait` after its end, who was in a session when the ring was wished; how many those are."""
        ordered = sorted(ends, key=lambda end: end.gateway_id)
        columns = ([getattr(end, name) for end in ordered] for name in SessionEnd.__slots__)
        return len(await self._database.fetch(_SQL.sessions_ended, *columns, wait.total_seconds()))

    async def release(self, now: datetime) -> int:
        """Want some of those rung again whose brake was taken off; how many those are."""
        return len(await self._database.fetch(_SQL.release, now))


async def wish(executor: Executor, gateway_id: int, now: datetime) -> None:
    """Want a gateway rung, if there is anything that waits for it."""
    await executor.execute(_SQL.wish, gateway_id, now)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Take away what came of rings from before a time, at most so many; how many there were."""
    tag = await executor.execute(_SQL.clean, before, limit)
    return int(tag.rpartition(" ")[2])
