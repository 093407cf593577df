"""Stock: gateways that are recorded before anybody has seen them, with the pair that each logs in with.

To record one twice changes nothing. A pair is taken where the gateway has none of its own, and never replaces another.
A line takes a gateway out of stock by naming it; one that was waiting for it gets it at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.errors import AcsBridgeError, InvalidField, Unavailable, where
from acs_bridge.services.binding import Binding
from acs_bridge.services.change import Change
from acs_bridge.services.chunks import Broken, patiently
from acs_bridge.services.credentials import GatewayCredentials, NewPair
from acs_bridge.store import gateways
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, in_transaction

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
        """Do all in one transaction, each undone for itself when it fails, in an order that two may meet in."""
        taken: dict[int, Taken] = {}
        async with self._database.together():
            for place in sorted(range(len(lot)), key=lambda place: str(lot[place].identity)):
                taken[place] = await self._one(lot[place], actor)
        return [taken[place] for place in range(len(lot))]

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
            named = f"cpe_{error.field}" if error.field in _FIELDS else error.field
            raise InvalidField(named, error.message.replace("the password or ha1", "cpe_password or cpe_ha1")) from None
