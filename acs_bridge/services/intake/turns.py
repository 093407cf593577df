"""The chunks of one upload take turns: the next begins before the one before it is over, where they cannot meet.

So the daemon decides about one chunk while Postgres writes down another, and every line still has the outcome that it
would have had after those before it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias
from uuid import UUID

from acs_bridge.services.intake.orders import Order

Key: TypeAlias = tuple[str, ...]


class Turn:
    """The place of a chunk in the order of its upload."""

    def __init__(self, keys: frozenset[Key], earlier: Sequence["Turn"]) -> None:
        """`keys` is all that its requests name; `earlier` are the chunks before it that are still under way."""
        self._keys: Final = keys
        self._earlier: Final = tuple(earlier)
        self._foreseen = asyncio.Event()
        self._over = asyncio.Event()

    async def come(self) -> None:
        """Return when nothing that those before it still do can change what becomes of this one."""
        for turn in self._earlier:
            await turn.leave_alone(self._keys)

    async def leave_alone(self, keys: frozenset[Key]) -> None:
        """Return when this chunk changes nothing of these any more."""
        await self._foreseen.wait()
        if not self._keys.isdisjoint(keys):
            await self._over.wait()

    def foresee(self) -> None:
        """Say that this chunk changes nothing but what its requests name, which was not known before it had looked."""
        self._foreseen.set()

    def end(self) -> None:
        """Say that it is done, or never will be."""
        self._foreseen.set()
        self._over.set()


class Turns:
    """The turns of every upload that are under way."""

    def __init__(self) -> None:
        """No upload is under way."""
        self._under_way: dict[UUID, list[Turn]] = {}

    @asynccontextmanager
    async def take(self, batch_id: UUID, orders: Iterable[Order]) -> AsyncIterator[Turn]:
        """Wait for the turn of a chunk; the chunks of one upload are to be given in their order."""
        turns = self._under_way.setdefault(batch_id, [])
        turn = Turn(frozenset(_named(orders)), turns)
        turns.append(turn)
        try:
            await turn.come()
            yield turn
        finally:
            turn.end()
            turns.remove(turn)
            if not turns:
                del self._under_way[batch_id]


def _named(orders: Iterable[Order]) -> Iterable[Key]:
    for order in orders:
        yield ("code", order.code.key)
        yield ("line", order.line.key)
        if order.gateway is not None:
            yield ("gateway", order.gateway.oui, order.gateway.serial_number)
