"""Bearer tokens: the database knows their SHA-256 and nothing else of them."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from acs_bridge.domain.actor import Role
from acs_bridge.errors import Conflict
from acs_bridge.store.database import refusals
from acs_bridge.store.rows import Executor, many
from acs_bridge.store.statements import load

_SQL = load("tokens")

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What narrows a token further than its role does."""

    expires_at: datetime | None = None  # None: it counts until it is revoked
    networks: Networks = ()  # where it is taken from; empty: everywhere
    requests_per_minute: int | None = None  # None: what the settings say


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is that was shown."""

    name: str
    role: Role
    networks: Networks
    requests_per_minute: int | None
    used_at: datetime  # as it is noted, to the minute


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is listed."""

    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    networks: Networks
    requests_per_minute: int | None


async def insert(executor: Executor, name: str, role: Role, hash: bytes, now: datetime, limits: Limits) -> None:
    """Add a token; Conflict when the name is taken, also by one that was revoked."""
    with refusals({"token_name_taken": lambda: Conflict(f"there is, or was, a token named {name} already")}):
        await executor.execute(
            _SQL.insert, name, role, hash, now, limits.expires_at, limits.networks, limits.requests_per_minute
        )


async def check(executor: Executor, hash: bytes, now: datetime) -> Bearer | None:
    """Say whose token has this hash; None when none that counts has."""
    row = await executor.fetchrow(_SQL.check, hash, now)
    if row is None:
        return None
    if row["is_news"]:
        await executor.execute(_SQL.used, hash, now)
    used_at = now if row["is_news"] else row["last_used_at"]
    return Bearer(row["name"], Role(row["role"]), tuple(row["networks"]), row["requests_per_minute"], used_at)


async def all_tokens(executor: Executor) -> list[TokenRow]:
    """List every token."""
    return await many(executor, TokenRow, _SQL.list)


async def revoke(executor: Executor, name: str, now: datetime) -> bool:
    """Revoke a token; false when none of that name counts."""
    return await executor.fetchval(_SQL.revoke, name, now) is not None


async def exists(executor: Executor, name: str) -> bool:
    """Tell whether a token of this name was ever made."""
    return bool(await executor.fetchval(_SQL.exists, name))
