"""Provisioning requests by the hundred, each with the outcome that it would have had alone, in their order.

Requests that are alone with their line, their gateway and their new subscriber share a few statements; of those that
are not, the first of each goes now and the others go after it. What finds something known that it has to rearrange goes
through `Intake`, one by one. A chunk that cannot be done as a whole is done one by one as well: no line spoils another.

Few chunks are under way at a time, however many uploads there are: the others wait, and with them whoever sends them.
Two of them may be of one upload, where they have nothing in common (`turns.py`).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.errors import AcsBridgeError, Unavailable, where
from acs_bridge.services.intake.chunks import Broken, patiently
from acs_bridge.services.intake.intake import Intake
from acs_bridge.services.intake.orders import Order, Outcome, Receipt, accepted, is_new, refuse, touched
from acs_bridge.services.intake.turns import Turn, Turns
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.urls.seals import Seals, issued
from acs_bridge.store import bulk
from acs_bridge.store.bulk import BulkLine, Lot, Question
from acs_bridge.store.database import Database
from acs_bridge.store.requests import Seen
from acs_bridge.store.rows import Executor, in_transaction

_log = structlog.get_logger(__name__)

CHUNKS_AT_ONCE: Final = 2
SLICE: Final = 64
"""After so many lines somebody else may have the loop."""


class _RolledBack(Exception):
    """Nothing went wrong, and nothing shall stay."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """What is done together."""

    orders: Sequence[Order]
    actor: Actor
    batch_id: UUID
    turn: Turn


@dataclass(slots=True)
class _Wave:
    """The lines of a chunk that do not get into each other's way, by what is to be done with them."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    new: dict[int, BulkLine] = field(default_factory=dict)
    odd: list[int] = field(default_factory=list)  # for Intake
    later: list[int] = field(default_factory=list)  # after those before them are done
    taken: set[tuple[str, ...]] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)  # of subscribers that are about to be made

    def sort(self, place: int, order: Order, seen: Seen) -> bool:
        """Decide about a line; true when it is a new one, which the caller has to make."""
        keys = set(touched(order, seen))
        if seen.subscriber_id is None:
            keys.add(("code", order.code.key))
        if keys & self.taken or self.names.get(order.code.key, order.name) != order.name:
            self.later.append(place)
            self.taken |= keys
            return False
        try:
            refuse(order, seen)
        except AcsBridgeError as error:
            self.outcomes[place] = error
            return False
        known = accepted(order, seen)
        if known is not None:
            self.outcomes[place] = known
            return False
        if not is_new(seen):
            self.odd.append(place)
            self.taken |= keys
            return False
        return True

    def make(self, place: int, line: BulkLine, keys: set[tuple[str, ...]]) -> None:
        """Take a new line in."""
        self.new[place] = line
        self.outcomes[place] = Receipt(line.request_id, line.association_id, line.write_id, "queued", created=True)
        self.taken |= keys
        if line.subscriber_id is None:
            self.names[line.code.key] = line.name


class BulkIntake:
    """Takes many provisioning requests at a time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        intake: Intake,
        seals: Seals,
        binding: Binding,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`intake` does what cannot be done for many at once; `on_change` hears of every chunk."""
        self._database = database
        self._clock = clock
        self._intake = intake
        self._seals = seals
        self._binding = binding
        self._on_change = on_change
        self._turns = Turns()
        self._room = asyncio.Semaphore(CHUNKS_AT_ONCE)

    def begin(self) -> UUID:
        """Name the batch of an upload."""
        return new_id(self._clock())

    async def provision(self, orders: Sequence[Order], actor: Actor, batch_id: UUID) -> list[Outcome]:
        """Do what each request asks for, or say what stands in its way; an outcome for each, in their order.

        Only what was done by the time of an Unavailable outcome is done; the same requests again do the rest.
        """
        async with self._turns.take(batch_id, orders) as turn, self._room:
            outcomes: dict[int, Outcome] = {}
            chunk = _Chunk(orders, actor, batch_id, turn)
            left: Sequence[int] = range(len(orders))
            while left:
                left = await self._go(chunk, left, outcomes)
            self._on_change()
            return [outcomes[place] for place in range(len(orders))]

    async def rehearse(self, orders: Sequence[Order], actor: Actor, batch_id: UUID) -> list[Outcome]:
        """Say what would become of these requests: the same is done in a transaction that is rolled back.

        Requests of one call meet each other as they would; what others do afterwards nobody knows.
        """
        outcomes: list[Outcome] = []
        with suppress(_RolledBack):
            async with self._database.together():
                outcomes = await self.provision(orders, actor, batch_id)
                raise _RolledBack
        return outcomes

    async def _go(self, chunk: _Chunk, places: Sequence[int], outcomes: dict[int, Outcome]) -> list[int]:
        """Do one wave; gives the places of those that have to come after it."""
        try:
            wave = await patiently(lambda: self._together(chunk, places))
        except Unavailable as error:
            outcomes |= dict.fromkeys(places, error)
            return []
        except Exception as error:  # noqa: BLE001 -- one line of them may be at fault: that one will say so
            _log.warning("chunk_taken_apart", lines=len(places), error=type(error).__name__, **where(error))
            wave = _Wave(odd=list(places))
        outcomes |= wave.outcomes
        for place in wave.odd:
            outcomes[place] = await self._alone(chunk.orders[place], chunk.actor, chunk.batch_id)
        return wave.later

    async def _alone(self, order: Order, actor: Actor, batch_id: UUID) -> Outcome:
        try:
            return await patiently(lambda: self._intake.provision(order, actor, batch_id))
        except AcsBridgeError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- this line has its answer, and the log the rest
            _log.error("line_broke", error=type(error).__name__, **where(error))
            return Broken()

    async def _together(self, chunk: _Chunk, places: Sequence[int]) -> _Wave:
        wave = await in_transaction(self._database, lambda connection: self._take(connection, chunk, places))
        wanted = [line.gateway for line in wave.new.values() if line.gateway is not None and line.gateway_id is None]
        if wanted:
            for gateway_id in await bulk.met(self._database, wanted):
                await self._binding.bind_wanted(gateway_id, self._clock())
        return wave

    async def _take(self, connection: Executor, chunk: _Chunk, places: Sequence[int]) -> _Wave:
        orders = chunk.orders
        asked = [Question(orders[place].code, orders[place].line, orders[place].gateway) for place in places]
        await bulk.claim(connection, [question.gateway for question in asked if question.gateway is not None])
        seen = await bulk.look(connection, asked)
        now = self._clock()
        lot = Lot(chunk.actor, now, chunk.batch_id, self._seals.key_id, issued(now))
        wave = _Wave()
        for number, (place, met) in enumerate(zip(places, seen, strict=True)):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            if wave.sort(place, orders[place], met):
                self._add(wave, place, orders[place], met, lot)
        if not (wave.odd or wave.later):
            chunk.turn.foresee()
        if wave.new:
            await bulk.accept_new(connection, list(wave.new.values()), lot)
        return wave

    def _add(self, wave: _Wave, place: int, order: Order, seen: Seen, lot: Lot) -> None:
        line = BulkLine(
            code=order.code,
            name=order.name,
            line=order.line,
            gateway=order.gateway,
            request_id=new_id(lot.now),
            association_id=new_id(lot.now),
            write_id=new_id(lot.now),
            subscriber_id=seen.subscriber_id,
            gateway_id=seen.named_id if seen.fitting == 1 else None,
        )
        claims = PhanClaims(order.line.shown, line.association_id, 1, lot.issued_at)
        try:
            self._seals.check(claims, order.code.shown, seen.named_kind(order.gateway))
        except AcsBridgeError as error:
            wave.outcomes[place] = error
        else:
            wave.make(place, line, set(touched(order, seen)))
