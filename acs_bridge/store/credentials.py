"""What gateways may log in with: pairs that they had before us, the pair that each is to have, and who was kept out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from acs_bridge.domain.credentials import PairKind
from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL: Final = load("credentials")


@dataclass(frozen=True, slots=True)
class Access:
    """What a gateway is to have, and what it may show until it has used that."""

    pair: str
    takes_bootstrap: bool
    takes_imported: bool
    own_from: int
    own_to: int
    known: bool  # a pair of it was imported
    known_whole: bool  # and its password, not only a hash of it
    kept_out: list[str]  # why calls in its name are in quarantine


@dataclass(frozen=True, slots=True)
class SealedPair:
    """An imported pair as it is kept."""

    gateway_id: int
    sealed: bytes
    realm: str | None


@dataclass(frozen=True, slots=True)
class NamedPair:
    """An imported pair with its user name."""

    username: str
    sealed: bytes
    realm: str | None


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """A write of credentials, still to be stored."""

    id: UUID
    pair: PairKind
    gateway_id: int
    batch_id: UUID
    generation: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was kept out."""

    gateway_id: int
    reason: str
    address: str
    claimed: str  # the DeviceId that it named


async def access(executor: Executor, gateway_id: int) -> Access | None:
    """Say what a gateway may log in with, and let nobody else change it until the transaction ends."""
    return await one(executor, Access, _SQL.standing, gateway_id)


async def aim(executor: Executor, gateway_id: int, pair: PairKind) -> int:
    """Say which pair a gateway is to have; the newest generation of its own ones."""
    generation: int = await executor.fetchval(_SQL.aim, gateway_id, pair)
    return generation


async def queue(executor: Executor, new: NewCredentials, now: datetime, by: str | None) -> None:
    """Queue a write of credentials in place of one that is open."""
    await executor.execute(_SQL.supersede, new.gateway_id, now, by)
    await executor.execute(_SQL.insert, new.id, new.pair, new.gateway_id, new.batch_id, new.generation, now, by)


async def readmit(executor: Executor, gateway_id: int, until: datetime, *, bootstrap: bool, former: bool) -> None:
    """Take what a gateway showed when it was kept out, the shared pair until then, and forget that it was."""
    await executor.execute(_SQL.readmit, gateway_id, bootstrap, former, until)
    await executor.execute(_SQL.release, gateway_id)


async def crowd(executor: Executor, username: str, gateway_id: int) -> int:
    """Count the other gateways with this user name."""
    count: int = await executor.fetchval(_SQL.crowd, username, gateway_id)
    return count


async def import_pair(executor: Executor, gateway_id: int, pair: NamedPair, now: datetime, by: str) -> None:
    """Keep the pair that a gateway has, and take it."""
    await executor.execute(_SQL.keep, gateway_id, pair.username, pair.sealed, pair.realm, now, by)
    await executor.execute(_SQL.take_imported, gateway_id)


async def by_username(executor: Executor, username: str) -> list[SealedPair]:
    """Find the gateways that are known to have this user name."""
    return await many(executor, SealedPair, _SQL.by_username, username)


async def imported(executor: Executor, gateway_id: int) -> NamedPair | None:
    """Find the pair that a gateway had before us."""
    return await one(executor, NamedPair, _SQL.imported, gateway_id)


async def holds_own(executor: Executor, gateway_id: int) -> bool:
    """Tell whether a gateway has taken credentials that were made for it."""
    return bool(await executor.fetchval(_SQL.holds_own, gateway_id))


async def keep_out(executor: Executor, call: Call, now: datetime, addresses: int) -> int:
    """Count a call that was kept out; how many there were. At most so many addresses are told apart."""
    calls: int | None = await executor.fetchval(
        _SQL.quarantine, call.gateway_id, call.reason, call.address, call.claimed, now, addresses
    )
    return calls or 0


async def forget_calls(executor: Executor, before: datetime, limit: int) -> int:
    """Forget calls that did not come again since then; how many rows."""
    return len(await executor.fetch(_SQL.forget_calls, before, limit))
