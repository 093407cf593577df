"""What the database knows of the keyring: ids and check values, never a key."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acs_bridge.store.rows import Executor, row_as
from acs_bridge.store.statements import load

_SQL: Final = load("keyring")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that sealed, or may have sealed, what is in the field."""

    key_id: str
    check_value: bytes
    retired: bool


async def lock(executor: Executor) -> None:
    """Keep other daemons from making keys until this transaction is over."""
    await executor.execute(_SQL.lock)


async def known_keys(executor: Executor) -> tuple[KnownKey, ...]:
    """Give every key, oldest first."""
    return tuple(row_as(KnownKey, row) for row in await executor.fetch(_SQL.known))


async def record(executor: Executor, keys: Iterable[tuple[str, bytes, datetime]]) -> None:
    """Remember keys: the id, the check value and when it was made."""
    for key in keys:
        await executor.execute(_SQL.record, *key)


async def is_in_use(executor: Executor) -> bool:
    """Tell whether associations exist, and with them PHAN URLs."""
    return bool(await executor.fetchval(_SQL.is_in_use))
