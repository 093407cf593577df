"""Stock: gateways that are recorded before anybody has seen them, with the pair that each logs in with.

To record one twice changes nothing. A pair is taken where the gateway has none of its own, and never replaces another.
A line takes a gateway out of stock by naming it; one that was waiting for it gets it at once.

Of many, those that are new or the same as before share a few statements. What is named twice, has another pair than is
known, or a user name that too many have goes one by one, with the answer that it would have had alone.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.ids import new_id
from acs_bridge.errors import AcsBridgeError, InvalidField, Unavailable, where
from acs_bridge.services.change import Change
from acs_bridge.services.intake.chunks import Broken, patiently
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.credentials import SHARERS, GatewayCredentials, NewPair
from acs_bridge.store import bulk, gateways, stock
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.stock import KnownBox

_log = structlog.get_logger(__name__)

CHUNKS_AT_ONCE: Final = 1
_FIELDS: Final = ("username", "password", "ha1")


@dataclass(frozen=True, slots=True)
class Stocked:
    """A gateway to record, by its whole DeviceId."""

    identity: Identity
    pair: NewPair | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A gateway that is recorded; `created` is false when it was before, or came by itself."""

    id: int
    identity: Identity
    pair: str
    created: bool


Taken: TypeAlias = Stored | AcsBridgeError
"""What became of one gateway among many."""


class Stock:
    """Takes gateways in."""

    def __init__(self, database: Database, clock: Clock, credentials: GatewayCredentials, binding: Binding) -> None:
        """`binding` brings a gateway to the line that waits for it."""
        self._database = database
        self._clock = clock
        self._credentials = credentials
        self._binding = binding
        self._turns = asyncio.Semaphore(CHUNKS_AT_ONCE)

    def begin(self) -> UUID:
        """Name an upload."""
        return new_id(self._clock())

    async def take(self, new: Stocked, actor: Actor) -> Stored:
        """Record one gateway; Conflict when it is known with another pair."""
        change = Change.of(actor, self._clock())
        stored = await in_transaction(self._database, lambda connection: self._take(connection, new, change))
        if stored.created:
            await self._database.afterwards(lambda: self._binding.bind_wanted(stored.id, change.now))
        return stored

    async def take_many(self, lot: Sequence[Stocked], actor: Actor) -> list[Taken]:
        """Record each gateway, or say what stands in its way, in their order; one never spoils another."""
        async with self._turns:
            try:
                return await patiently(lambda: self._together(lot, actor))
            except Unavailable as error:
                return [error] * len(lot)

    async def _together(self, lot: Sequence[Stocked], actor: Actor) -> list[Taken]:
        """Do all in one transaction: what can be done at once, then the others one by one, each undone if it fails."""
        taken: dict[int, Taken] = {}
        async with self._database.together() as connection:
            try:
                async with self._database.transaction():
                    taken = await self._at_once(connection, lot, actor)
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 -- one line of them may be at fault: that one will say so
                _log.warning("chunk_taken_apart", lines=len(lot), error=type(error).__name__, **where(error))
            left = [place for place in range(len(lot)) if place not in taken]
            for place in sorted(left, key=lambda place: str(lot[place].identity)):
                taken[place] = await self._one(lot[place], actor)
        return [taken[place] for place in range(len(lot))]

    async def _at_once(self, connection: Executor, lot: Sequence[Stocked], actor: Actor) -> dict[int, Taken]:
        """Take what is new, or there and the same, in a few statements; the places of all others are left out."""
        await bulk.claim(connection, [new.identity for new in lot])
        named = Counter((new.identity.oui, new.identity.serial_number) for new in lot)
        alone = [place for place, new in enumerate(lot) if named[new.identity.oui, new.identity.serial_number] == 1]
        known = await stock.known(connection, [lot[place].identity for place in alone])
        taken: dict[int, Taken] = {}
        for place in alone:
            new = lot[place]
            if (refusal := self._refusal(new)) is not None:
                taken[place] = refusal
            elif (box := known.get(new.identity)) is not None and self._is_same(box, new):
                taken[place] = Stored(box.id, new.identity, box.pair, created=False)
        there = [each.id for each in taken.values() if isinstance(each, Stored)]
        if there:
            await stock.no_strangers(connection, there)
        fresh = [place for place in alone if place not in taken and lot[place].identity not in known]
        return taken | await self._add(connection, {lot[place].identity: (place, lot[place]) for place in fresh}, actor)

    async def _add(
        self, connection: Executor, fresh: Mapping[Identity, tuple[int, Stocked]], actor: Actor
    ) -> dict[int, Taken]:
        now = self._clock()
        crowds = Counter(await stock.crowds(connection, sorted({new.username for new in _pairs(fresh)})))
        fitting = {}
        for identity, (_, new) in sorted(fresh.items(), key=lambda item: str(item[0])):
            if new.pair is not None:
                crowds[new.pair.username] += 1
                if crowds[new.pair.username] > SHARERS:
                    continue  # that is said where it goes alone
            fitting[identity] = new.pair is not None
        ids = await stock.add(connection, fitting, now)
        pairs = {
            id: self._credentials.sealed(id, pair)
            for identity, id in ids.items()
            if (pair := fresh[identity][1].pair) is not None
        }
        await stock.record(connection, actor, now, "gateway_recorded", list(ids.values()))
        if pairs:
            await stock.add_pairs(connection, pairs, now, actor.label)
            await stock.record(connection, actor, now, "credentials_imported", list(pairs))
        await self._database.afterwards(lambda: self._bind(list(ids.values()), now))
        kinds = {id: PairKind.IMPORTED if id in pairs else PairKind.BOOTSTRAP for id in ids.values()}
        return {fresh[box][0]: Stored(id, box, kinds[id], created=True) for box, id in ids.items()}

    async def _bind(self, gateway_ids: Sequence[int], now: datetime) -> None:
        for gateway_id in await stock.awaited(self._database, gateway_ids, now):
            await self._binding.bind_wanted(gateway_id, now)

    def _refusal(self, new: Stocked) -> AcsBridgeError | None:
        """Say what no gateway can have."""
        if new.pair is not None:
            try:
                self._credentials.check(new.pair)
            except InvalidField as error:
                return _renamed(error)
        return None

    def _is_same(self, box: KnownBox, new: Stocked) -> bool:
        return new.pair is None or self._credentials.is_of(box.id, box.imported, new.pair)

    async def _one(self, new: Stocked, actor: Actor) -> Taken:
        try:
            return await self.take(new, actor)
        except Unavailable:
            raise
        except AcsBridgeError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- this line has its answer, and the log the rest
            _log.error("line_broke", error=type(error).__name__, **where(error))
            return Broken()

    async def _take(self, connection: Executor, new: Stocked, change: Change) -> Stored:
        await gateways.claim(connection, new.identity)
        gateway_id, created = await gateways.take_in_stock(connection, new.identity, change.now)
        if created:
            await change.audit(connection, Deed("gateway_recorded", gateway_id=gateway_id))
        if new.pair is None:
            pair = await self._credentials.pair_of(connection, gateway_id)
        else:
            pair = await self._adopted(connection, gateway_id, new.pair, change)
        return Stored(gateway_id, new.identity, pair, created)

    async def _adopted(self, connection: Executor, gateway_id: int, pair: NewPair, change: Change) -> str:
        try:
            return await self._credentials.adopt(connection, gateway_id, pair, change)
        except InvalidField as error:
            raise _renamed(error) from None


def _renamed(error: InvalidField) -> InvalidField:
    """Name a field as it is named beside those of the gateway."""
    named = f"cpe_{error.field}" if error.field in _FIELDS else error.field
    return InvalidField(named, error.message.replace("the password or ha1", "cpe_password or cpe_ha1"))


def _pairs(fresh: Mapping[Identity, tuple[int, Stocked]]) -> list[NewPair]:
    return [new.pair for _, new in fresh.values() if new.pair is not None]
