"""A new key for PHAN URLs, and every line written again with it at a bounded rate.

The new key seals what is issued from the moment at which it becomes the current one. Lines that have a URL of a former
key get their turn one after the other: each goes on with the next generation under the new key, and the URL that is in
its gateway counts until the new one is verified there. When that is so of every line, the former keys are retired: they
open nothing any more. The database knows how far it is, so that whoever is killed on the way is not missed.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.errors import AcsBridgeError, Conflict, Unavailable
from acs_bridge.services.change import Change
from acs_bridge.services.records.lines import Lines, take
from acs_bridge.services.urls.keyring import KeyringUnusable, add_key, forget_retired
from acs_bridge.store import associations, keyring, rotations
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rotations import Candidate, RotationRow
from acs_bridge.store.rows import Executor, in_transaction

_log = structlog.get_logger(__name__)

PER_MINUTE: Final = 600
HIGHEST_PER_MINUTE: Final = 6000
_LOOK_SECONDS: Final = 1.0
_LINES_AT_ONCE: Final = 100
_SETTLED_AT_ONCE: Final = 1000


class RotationDesk:
    """Where a rotation is begun and watched, beside a daemon that carries it on."""

    def __init__(self, path: Path, database: Database, clock: Clock) -> None:
        """`path` is that of the keyring's file."""
        self._path = path
        self._database = database
        self._clock = clock

    async def prepare(self, actor: Actor) -> str:
        """Put the next key into the file, so that it can be taken to other hosts before it seals anything; its id."""

        async def work(connection: Executor) -> str:
            ready = await add_key(self._path, connection, self._clock())
            await self._audit(connection, actor, "phan_key_prepared", {"key_id": ready.current_key_id})
            return ready.current_key_id

        return await in_transaction(self._database, work)

    async def start(self, actor: Actor, per_minute: int | None) -> RotationRow:
        """Begin a rotation, or go on with the one that is under way; at another rate if one is given."""

        async def work(connection: Executor) -> RotationRow:
            await keyring.lock(connection)
            standing = await rotations.newest(connection)
            if standing is None or standing.finished_at is not None:
                await self._begin(connection, actor, per_minute or PER_MINUTE)
            elif per_minute is not None:
                await rotations.set_rate(connection, per_minute)
            return await _newest(connection)

        return await in_transaction(self._database, work)

    async def status(self) -> RotationRow | None:
        """Show the rotation that is under way, or the last one."""
        return await rotations.newest(self._database)

    async def retire_now(self, actor: Actor) -> tuple[str, ...]:
        """Retire former keys at once, whatever still has a URL of theirs; those that were."""

        async def work(connection: Executor) -> tuple[str, ...]:
            retired = await keyring.retire_former(connection, self._clock())
            if not retired:
                raise Conflict("there is no former key: nothing to retire")
            await self._audit(connection, actor, "phan_keys_retired", {"key_ids": list(retired)})
            return retired

        retired = await in_transaction(self._database, work)
        await _leave_no_retired(self._path, self._database)
        return retired

    async def _begin(self, connection: Executor, actor: Actor, per_minute: int) -> None:
        now = self._clock()
        key_id = (await add_key(self._path, connection, now)).current_key_id
        await keyring.promote(connection, key_id)
        await rotations.begin(connection, new_id(now), key_id, per_minute, now, actor.label)
        await self._audit(connection, actor, "phan_key_rotated", {"key_id": key_id})

    async def _audit(self, connection: Executor, actor: Actor, action: str, detail: dict[str, object]) -> None:
        await Change.of(actor, self._clock()).audit(connection, Deed(action, detail=detail))


class Rotation(RotationDesk):
    """Carries the rotation that is under way on."""

    def __init__(
        self, path: Path, database: Database, clock: Clock, lines: Lines, on_change: Callable[[], None] = lambda: None
    ) -> None:
        """`on_change` hears of lines that were queued again."""
        super().__init__(path, database, clock)
        self._lines = lines
        self._on_change = on_change
        self._after: UUID | None = None  # whose turn it was last

    async def run(self) -> None:
        """Carry on what is under way, until cancelled."""
        while True:
            try:
                await self.advance()
            except Unavailable as error:
                _log.warning("rotation_put_off", reason=str(error))
            await asyncio.sleep(_LOOK_SECONDS)

    async def advance(self) -> int:
        """Give as many lines their turn as may have it now; how many were changed."""
        turn = await rotations.claim(self._database, self._clock(), _LINES_AT_ONCE)
        if turn is None:
            return 0
        await associations.settle_turned(self._database, _SETTLED_AT_ONCE)
        found = await rotations.to_turn(self._database, self._after, turn.lines) if turn.lines else []
        turned = 0
        for candidate in found:
            turned += await self._give_turn(candidate, turn.id)
        if turn.lines:
            self._after = found[-1].id if len(found) == turn.lines else None
        if turned:
            self._on_change()
        elif not found and await rotations.is_over(self._database):
            await self._finish()
        return turned

    async def _give_turn(self, candidate: Candidate, batch_id: UUID) -> bool:
        change = Change.of(None, self._clock(), batch_id)

        async def work(connection: Executor) -> bool:
            fenced = await rotations.fence(connection, candidate.id)
            line, _ = await take(connection, candidate.line_key, None)
            holder = None if line is None else await associations.of_line(connection, line.id)
            if line is None or holder is None or holder.id != candidate.id:
                return False
            return await self._lines.turn(connection, line, holder, fenced, change)

        try:
            return await in_transaction(self._database, work)
        except Unavailable:
            raise
        except AcsBridgeError as error:
            _log.warning("line_not_turned", association_id=str(candidate.id), reason=str(error))
            return False

    async def _finish(self) -> None:
        async def work(connection: Executor) -> datetime | None:
            await keyring.lock(connection)
            await rotations.await_associations(connection)
            now = self._clock()
            if not await rotations.is_over(connection) or await rotations.end(connection, now) is None:
                return None
            retired = await keyring.retire_former(connection, now)
            await Change.of(None, now).audit(connection, Deed("phan_keys_retired", detail={"key_ids": list(retired)}))
            _log.info("keys_rotated", retired=sorted(retired))
            return now

        if await in_transaction(self._database, work) is not None:
            await _leave_no_retired(self._path, self._database)


async def _leave_no_retired(path: Path, database: Database) -> None:
    """Take retired keys out of the file where this process may; where not, they open nothing all the same."""
    try:
        forget_retired(path, await keyring.known_keys(database))
    except KeyringUnusable as error:
        _log.warning("retired_keys_left_in_file", reason=str(error))


async def _newest(connection: Executor) -> RotationRow:
    standing = await rotations.newest(connection)
    if standing is None:
        raise RuntimeError("a rotation that was begun in this transaction cannot be gone")
    return standing
