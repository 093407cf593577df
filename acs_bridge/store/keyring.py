"""What the database knows of the keyring: ids, check values and which key is the current one, never a key."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL: Final = load("keyring")


class KeyState(StrEnum):
    """What a key is for."""

    PREPARED = "prepared"  # it has sealed nothing yet
    CURRENT = "current"  # it seals what is issued
    FORMER = "former"  # it opens what it sealed
    RETIRED = "retired"  # it opens nothing


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that sealed, or may have sealed, what is in the field."""

    key_id: str
    check_value: bytes
    state: KeyState

    @property
    def retired(self) -> bool:
        """Whether what it sealed stays shut for good."""
        return self.state is KeyState.RETIRED


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that the database is to know."""

    key_id: str
    check_value: bytes
    created_at: datetime
    state: KeyState


async def lock(executor: Executor) -> None:
    """Keep other daemons from making keys until this transaction is over."""
    await executor.execute(_SQL.lock)


async def known_keys(executor: Executor) -> tuple[KnownKey, ...]:
    """Give every key, oldest first."""
    rows = await executor.fetch(_SQL.known)
    return tuple(KnownKey(row["key_id"], row["check_value"], KeyState(row["state"])) for row in rows)


def current_key(known: Iterable[KnownKey]) -> str | None:
    """Say which key seals what is issued; None in a database that has known none."""
    return next((key.key_id for key in known if key.state is KeyState.CURRENT), None)


async def record(executor: Executor, keys: Iterable[NewKey]) -> None:
    """Remember keys."""
    for key in keys:
        await executor.execute(_SQL.record, key.key_id, key.check_value, key.created_at, key.state)


async def promote(executor: Executor, key_id: str) -> None:
    """Let a prepared key seal what is issued from now on; the current one becomes a former one."""
    await executor.execute(_SQL.step_down)
    await executor.execute(_SQL.promote, key_id)


async def retire_former(executor: Executor, now: datetime) -> tuple[str, ...]:
    """Let former keys open nothing any more; which those were."""
    return tuple(row["key_id"] for row in await executor.fetch(_SQL.retire, now))


async def is_in_use(executor: Executor) -> bool:
    """Tell whether associations exist, and with them PHAN URLs."""
    return bool(await executor.fetchval(_SQL.is_in_use))
