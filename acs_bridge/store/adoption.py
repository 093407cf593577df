"""PHAN URLs that were in the field before they were in the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL: Final = load("adoption")


@dataclass(frozen=True, slots=True)
class AdoptedAssociation:
    """What a URL says of its association."""

    id: UUID
    device_id: int
    generation: int
    key_id: str
    issued_at: datetime


async def is_verified(executor: Executor, adopted: AdoptedAssociation) -> bool:
    """Tell whether this generation is known to be in its gateway."""
    return await executor.fetchval(_SQL.is_verified, adopted.id, adopted.generation) is True


async def add_association(
    executor: Executor, adopted: AdoptedAssociation, subscriber_id: int, now: datetime, by: str
) -> None:
    """Record an association that was lost."""
    sealed = (adopted.generation, adopted.key_id, adopted.issued_at)
    await executor.execute(_SQL.add_association, adopted.id, subscriber_id, adopted.device_id, *sealed, now, by)


async def raise_generation(executor: Executor, adopted: AdoptedAssociation) -> None:
    """Go on from the generation that the field has."""
    await executor.execute(_SQL.raise_generation, adopted.id, adopted.generation, adopted.key_id, adopted.issued_at)


async def add_verified(  # noqa: PLR0913, PLR0917 - a row, column by column
    executor: Executor,
    write_id: UUID,
    adopted: AdoptedAssociation,
    gateway_id: int,
    batch_id: UUID,
    now: datetime,
    by: str | None,
) -> None:
    """Record that a gateway holds the URL."""
    carried = (adopted.id, adopted.device_id, gateway_id, batch_id, adopted.generation, adopted.key_id)
    await executor.execute(_SQL.add_verified, write_id, *carried, now, by)
