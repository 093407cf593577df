"""Who is rung, and what came of it.

What is wanted stands in Postgres; every process that rings claims a part of it, so that each ring is made once, by
whichever is free, and one that is killed loses nothing. A ring opens a session at best: it never moves a write.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.networks import Address
from acs_bridge.domain.ring import LastRing, RingResult, next_ring
from acs_bridge.errors import AcsBridgeError, Conflict, NotFound, Unavailable, where
from acs_bridge.services.change import Change
from acs_bridge.services.doorbell import client
from acs_bridge.services.doorbell.address import Access, Bell, NotRung, addresses_of, source_of
from acs_bridge.services.doorbell.client import Rung
from acs_bridge.services.doorbell.credentials import CredentialsFor
from acs_bridge.services.pulse import Pulse
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rings import ClaimedRing, RingLimits, Rings, RingTarget

_log = structlog.get_logger(__name__)

RING_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.5
"""How long a wish may lie that nobody told of."""
BREATH_SECONDS: Final = 0.25
"""However much is told (every write that moves is), Postgres is asked four times a second at most."""
AT_ONCE: Final = 100
LEASE: Final = timedelta(seconds=30)
FORGET_AFTER: Final = timedelta(minutes=10)


class CannotRing(AcsBridgeError):
    """Nothing that is recorded would let this gateway be rung; the text says what is missing."""

    status = 422
    title = "This gateway cannot be rung"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How gateways may be rung."""

    enabled: bool = True
    access: Access = field(default_factory=Access)
    per_minute: int = 600
    writes_per_minute: int | None = None
    writes_per_day: int | None = None
    interval: timedelta = timedelta(seconds=30)
    address_interval: timedelta = timedelta(seconds=30)
    basic: bool = False
    approval_needed: bool = True
    seconds: float = RING_SECONDS

    @property
    def limits(self) -> RingLimits:
        """The same in the words of the records."""
        return RingLimits(self.per_minute, self.writes_per_minute, self.interval, LEASE, self.writes_per_day)


class Doorbell:
    """Rings gateways; any number of them may run on one database."""

    def __init__(  # noqa: PLR0913 -- what it is made of, and what it must not make up itself
        self,
        database: Database,
        clock: Clock,
        manners: Manners,
        pulse: Pulse,
        *,
        credentials: CredentialsFor,
        new_cnonce: Callable[[], str],
        observe: Callable[[RingResult], None],
    ) -> None:
        """`pulse` says when a write may have been queued; `observe` is told the result of every ring."""
        self._database = database
        self._rings = Rings(database)
        self._clock = clock
        self._manners = manners
        self._pulse = pulse
        self._credentials = credentials
        self._new_cnonce = new_cnonce
        self._observe = observe
        self._under_way: set[asyncio.Task[None]] = set()
        self._forgotten_at: datetime | None = None

    # --- by itself ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Ring until cancelled; what is under way then is dropped, and due again soon, here or elsewhere."""
        if not self._manners.enabled:
            return
        try:
            while True:
                beats = self._pulse.beats
                try:
                    await self.look()
                except Unavailable as error:
                    _log.warning("rings_put_off", reason=str(error))
                await asyncio.sleep(BREATH_SECONDS)
                await self._pulse.after(beats, LOOK_SECONDS)
        finally:
            await self.drop()

    async def look(self) -> int:
        """Begin every ring that is due and may be made now; how many those are."""
        now = self._clock()
        await self._rings.release(now)
        await self._forget(now)
        free = AT_ONCE - len(self._under_way)
        if free <= 0:
            return 0
        manners = self._manners
        claimed = await self._rings.claim(free, manners.limits, now, approval_needed=manners.approval_needed)
        for each in claimed:
            task = asyncio.create_task(self._ring_in_turn(each))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed)

    async def settled(self) -> None:
        """Return when no ring is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def drop(self) -> None:
        """Break off what is under way."""
        for task in self._under_way:
            task.cancel()
        await self.settled()

    async def _forget(self, now: datetime) -> None:
        if self._forgotten_at is None or now - self._forgotten_at >= FORGET_AFTER:
            self._forgotten_at = now
            await self._rings.forget_addresses(now - max(FORGET_AFTER, self._manners.address_interval))

    async def _ring_in_turn(self, ring: ClaimedRing) -> None:
        try:
            rung = await self._make(ring)
            throttled = rung.result is RingResult.THROTTLED  # by ourselves: the gateway was not asked
            tries = ring.tries - throttled
            due_at = next_ring(rung.result, tries, self._clock())
            await self._rings.finish(ring, rung.result, rung.http_status, tries, due_at)
        except Unavailable as error:
            _log.warning("ring_not_kept", gateway_id=ring.gateway_id, reason=str(error))
        except Exception as error:  # noqa: BLE001 -- of one gateway: the others go on, and this one is due again
            _log.error("ring_broke", gateway_id=ring.gateway_id, error=type(error).__name__, **where(error))

    # --- by hand --------------------------------------------------------------------------------------------------

    async def ring_by_hand(self, gateway_id: int, actor: Actor) -> LastRing:
        """Ring a gateway now, whether anything waits for it or not, and say what came of it."""
        target = await self._rings.target(gateway_id)
        if target is None:
            raise NotFound("there is no such gateway")
        self._refuse(target)
        now = self._clock()
        ring = await self._rings.claim_one(target, self._manners.interval, now)
        if ring is None:
            seconds = self._manners.interval.total_seconds()
            raise Conflict(f"this gateway was rung a moment ago: once in {seconds:g} s is the most")
        await Change.of(actor, now).audit(self._database, Deed("gateway_rung", gateway_id=gateway_id))
        rung = await self._make(ring)
        await self._rings.finish_by_hand(gateway_id, rung.result, rung.http_status, actor.label)
        return LastRing(now, rung.result, rung.http_status, ring.rings)

    def _refuse(self, target: RingTarget) -> None:
        if not self._manners.enabled:
            raise Conflict("connection requests are switched off: see connection_requests.enabled in the settings")
        if target.first_inform_at is None:
            raise CannotRing("this gateway has never informed: nobody knows where it is")
        if self._manners.approval_needed and target.unapproved:
            raise Conflict("an Admin must approve this gateway first: it has shown only the shared credentials")
        if not target.url:
            raise CannotRing("this gateway takes no connection requests: its Informs have no connection request URL")

    # --- one ring -------------------------------------------------------------------------------------------------

    async def _make(self, ring: ClaimedRing) -> Rung:
        try:
            async with asyncio.timeout(self._manners.seconds):
                rung = await self._reach(ring)
        except NotRung as reason:
            rung = Rung(reason.result)
        except TimeoutError:
            rung = Rung(RingResult.TIMED_OUT)
        self._observe(rung.result)
        # No URL: whoever knows its path may ring as well.
        _log.info("gateway_rung", gateway_id=ring.gateway_id, result=rung.result, http_status=rung.http_status)
        return rung

    async def _reach(self, ring: ClaimedRing) -> Rung:
        bell = Bell.of(ring.url)
        address = self._manners.access.choose(await addresses_of(bell), source_of(ring.address))
        if not await self._take(ring, address):
            return Rung(RingResult.THROTTLED)
        pair = await self._credentials(ring)
        return await client.ring(bell, address, pair, self._new_cnonce, basic=self._manners.basic)

    async def _take(self, ring: ClaimedRing, address: Address) -> bool:
        """Whoever plays many gateways must not make us ring one address many times."""
        interval = self._manners.address_interval
        return not interval or await self._rings.take_address(ring, str(address), interval, self._clock())
