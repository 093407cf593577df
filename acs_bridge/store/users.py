"""Users of the console, their sessions, and how often somebody has tried to log in.

Of a password the database has its Argon2id hash, of a session the SHA-256 of its token, and nothing else of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from acs_bridge.domain.actor import Role
from acs_bridge.errors import Conflict
from acs_bridge.store.database import refusals
from acs_bridge.store.rows import Executor, many, one
from acs_bridge.store.statements import load

_SQL = load("users")


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be stored."""

    name: str
    name_key: str
    role: Role
    password_hash: str
    must_change: bool


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as it is listed."""

    name: str
    role: str
    must_change: bool
    created_at: datetime
    password_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownUser:
    """Whom a login is compared with."""

    id: int
    name: str
    role: str
    password_hash: str
    must_change: bool
    disabled: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session that counts, and whose it is."""

    user_id: int
    name: str
    role: str
    must_change: bool
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSessions:
    """The sessions of one user that count; there is one at least."""

    name: str
    sessions: int
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Bound:
    """One name by which attempts are counted, how many are free, and for how long one may be held back."""

    kind: str  # browser, address or name
    key: str
    free: int
    longest: float  # seconds


async def insert(executor: Executor, new: NewUser, now: datetime) -> None:
    """Add a user; Conflict when the name is taken, also by one that is disabled."""
    with refusals(
        {"console_user_name_taken": lambda: Conflict(f"there is a user named {new.name} already", field="name")}
    ):
        await executor.execute(_SQL.insert, new.name, new.name_key, new.role, new.password_hash, new.must_change, now)


async def insert_first(executor: Executor, new: NewUser, now: datetime) -> bool:
    """Add the first user of all; false when there is one."""
    row = await executor.fetchval(_SQL.first, new.name, new.name_key, new.role, new.password_hash, now)
    return row is not None


async def any_user(executor: Executor) -> bool:
    """Tell whether there is a user."""
    return bool(await executor.fetchval(_SQL.any_user))


async def all_users(executor: Executor) -> list[UserRow]:
    """List every user."""
    return await many(executor, UserRow, _SQL.list)


async def find(executor: Executor, name_key: str) -> KnownUser | None:
    """Look a user up, also a disabled one."""
    return await one(executor, KnownUser, _SQL.find, name_key)


async def set_password(
    executor: Executor, user_id: int, password_hash: str, now: datetime, *, must_change: bool
) -> None:
    """Give a user another password; every session of theirs ends."""
    await executor.execute(_SQL.set_password, user_id, password_hash, must_change, now)


async def rehash(executor: Executor, user_id: int, kept: str, password_hash: str) -> None:
    """Keep the same password at today's cost."""
    await executor.execute(_SQL.rehash, user_id, kept, password_hash)


async def hold(executor: Executor, name_keys: Sequence[str]) -> set[str]:
    """Keep others from locking these users out until the transaction ends; those who are not, by their names."""
    return {row["name"] for row in await executor.fetch(_SQL.hold, list(name_keys))}


async def disable(executor: Executor, user_id: int, now: datetime) -> bool:
    """Let nobody log in by this name, and end its sessions; false when that was so."""
    return await executor.fetchval(_SQL.disable, user_id, now) is not None


async def enable(executor: Executor, user_id: int) -> bool:
    """Let a user log in again; false when that was so."""
    return await executor.fetchval(_SQL.enable, user_id) is not None


async def begin(executor: Executor, hash: bytes, user_id: int, now: datetime, ends_at: datetime) -> None:
    """Begin a session."""
    await executor.execute(_SQL.begin, hash, user_id, now, ends_at)


async def session(
    executor: Executor, hash: bytes, now: datetime, seen_after: datetime, *, used: bool
) -> SessionRow | None:
    """Say whose session has this hash; None when none that counts has. `used`: somebody is at work with it."""
    return await one(executor, SessionRow, _SQL.session, hash, now, seen_after, used)


async def end_session(executor: Executor, hash: bytes) -> None:
    """End a session."""
    await executor.execute(_SQL.end_session, hash)


async def open_sessions(executor: Executor, now: datetime, seen_after: datetime) -> list[OpenSessions]:
    """Count the sessions of each user who has one that counts."""
    return await many(executor, OpenSessions, _SQL.open_sessions, now, seen_after)


async def end_sessions(executor: Executor, user_id: int) -> int:
    """End every session of a user; how many there were."""
    return int(await executor.fetchval(_SQL.end_sessions, user_id))


async def charge(executor: Executor, bounds: Sequence[Bound], now: datetime) -> bool:
    """Count an attempt; false when one of its names is held back."""
    kinds = [bound.kind for bound in bounds]
    rows = await executor.fetch(
        _SQL.charge,
        kinds,
        [bound.key for bound in bounds],
        [bound.free for bound in bounds],
        [bound.longest for bound in bounds],
        now,
    )
    return len(rows) == len(bounds)


async def held_until(executor: Executor, bounds: Sequence[Bound], now: datetime) -> datetime | None:
    """Say until when attempts by these names are held back."""
    until: datetime | None = await executor.fetchval(
        _SQL.held, [bound.kind for bound in bounds], [bound.key for bound in bounds], now
    )
    return until


async def forgive(executor: Executor, bounds: Sequence[Bound]) -> None:
    """Take back what an attempt that succeeded has cost."""
    await executor.execute(_SQL.forgive, [bound.kind for bound in bounds], [bound.key for bound in bounds])


async def forgive_name(executor: Executor, key: str) -> None:
    """Hold nothing against this name."""
    await executor.execute(_SQL.forgive_name, key)


async def clean(executor: Executor, before: datetime, limit: int) -> int:
    """Forget sessions and attempts that are long past; says how many."""
    total = 0
    for sql in (_SQL.clean_sessions, _SQL.clean_throttle):
        tag = await executor.execute(sql, before, limit)
        total += int(tag.rpartition(" ")[2])
    return total
