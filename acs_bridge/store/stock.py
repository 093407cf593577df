"""Gateways that are taken in stock by the hundred: what is known of them, and a few statements that record the others.

Everything here runs in one transaction of its caller, which has claimed the boxes (`bulk.claim`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acs_bridge.domain.actor import Actor
from acs_bridge.store.credentials import NamedPair
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor
from acs_bridge.store.statements import load

_SQL: Final = load("stock")


@dataclass(frozen=True, slots=True)
class KnownBox:
    """A gateway that is recorded: which pair it is to have, and the one that was imported."""

    id: int
    pair: str
    imported: NamedPair | None


async def known(executor: Executor, boxes: Sequence[Identity]) -> dict[Identity, KnownBox]:
    """Find those of some boxes that are recorded."""
    rows = await executor.fetch(_SQL.known, *_columns(boxes))
    found = {}
    for id, oui, product_class, serial_number, pair, username, sealed, realm in rows:
        imported = None if username is None else NamedPair(username, sealed, realm)
        found[Identity(oui, serial_number, product_class)] = KnownBox(id, pair, imported)
    return found


async def crowds(executor: Executor, usernames: Sequence[str]) -> dict[str, int]:
    """Count the gateways that have each of these user names."""
    return {row["username"]: row["size"] for row in await executor.fetch(_SQL.crowds, usernames)}


async def add(executor: Executor, boxes: Mapping[Identity, bool], now: datetime) -> dict[Identity, int]:
    """Record new boxes, each with a pair of its own or not; their ids, without those that have come meanwhile."""
    rows = await executor.fetch(_SQL.add, *_columns(list(boxes)), list(boxes.values()), now)
    return {Identity(oui, serial_number, product_class): id for id, oui, product_class, serial_number in rows}


async def add_pairs(executor: Executor, pairs: Mapping[int, NamedPair], now: datetime, by: str) -> None:
    """Keep the pairs that new gateways have, by their ids."""
    kept = list(pairs.values())
    columns = ([pair.username for pair in kept], [pair.sealed for pair in kept], [pair.realm for pair in kept])
    await executor.execute(_SQL.add_pairs, list(pairs), *columns, now, by)


async def record(executor: Executor, actor: Actor, now: datetime, action: str, gateway_ids: Sequence[int]) -> None:
    """Write one deed down for each of some gateways."""
    await executor.execute(_SQL.record, now, actor.label, actor.address, action, gateway_ids)


async def no_strangers(executor: Executor, gateway_ids: Sequence[int]) -> None:
    """Take gateways out of the inbox."""
    await executor.execute(_SQL.no_strangers, gateway_ids)


async def awaited(executor: Executor, gateway_ids: Sequence[int], now: datetime) -> list[int]:
    """Find those of some new gateways that a line may wait for."""
    return [row["id"] for row in await executor.fetch(_SQL.awaited, gateway_ids, now)]


def _columns(boxes: Sequence[Identity]) -> tuple[list[str], list[str | None], list[str]]:
    return [box.oui for box in boxes], [box.product_class for box in boxes], [box.serial_number for box in boxes]
