"""The inbox: gateways that came by themselves and that nobody knows."""

from datetime import datetime
from typing import Final

from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL: Final = load("inbox")


async def leave(executor: Executor) -> None:
    """Strike off who was approved or bound."""
    await executor.execute(_SQL.leave)


async def forget_silent(executor: Executor, before: datetime, limit: int) -> int:
    """Delete gateways that were last heard of before a time; how many there were."""
    return len(await executor.fetch(_SQL.forget_silent, before, limit))


async def forget_oldest(executor: Executor, limit: int) -> int:
    """Delete so many of those that were silent for longest; how many there were."""
    return len(await executor.fetch(_SQL.forget_oldest, limit))


async def count(executor: Executor) -> int:
    """How many there are."""
    return int(await executor.fetchval(_SQL.count_rows))


async def tell(executor: Executor, *, is_full: bool, rows_per_address: int) -> None:
    """Say to all workers whether a new one is taken down, and how many of one address are."""
    await executor.execute(_SQL.tell, is_full, rows_per_address)
