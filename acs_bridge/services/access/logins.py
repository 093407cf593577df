"""Logging in to the console, and the sessions that come of it.

A session is a random token, of which the database has the hash; it ends after a while without use, after a longer one
in any case, at a logout, and with its user's password. To a user that nobody knows, one that is disabled and a wrong
password the answer is the same, and takes as long.
"""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from acs_bridge.domain import passwords
from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.passwords import Passwords
from acs_bridge.errors import Forbidden, InvalidField, Unauthenticated, Unavailable
from acs_bridge.services.access.throttle import address_bound, browser_bound, charge, name_bound
from acs_bridge.services.access.users import LONGEST_NAME, known
from acs_bridge.services.change import Change
from acs_bridge.store import audit, users
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.users import Bound, KnownUser, OpenSessions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AT_ONCE: Final = 2  # passwords that are hashed: each takes 64 MiB and some tenth of a second
WAITING: Final = 30  # for their turn; more than these are sent away
LONGEST_TOKEN: Final = 128
DEEDS_A_MINUTE: Final = 60  # that strangers can put into the audit trail
MINUTE: Final = timedelta(minutes=1)
_TOKEN_BYTES: Final = 32
_BROWSER_BYTES: Final = 16
_STRANGER: Final = Actor("user", "", Role.CSR, "")


class LoginRefused(Forbidden):
    """Nobody who may log in has this name and this password."""

    title = "User name and password do not go together"


class TooManyLogins(Unavailable):
    """So many log in that their passwords cannot be looked at in time."""

    title = "Too many log in at this moment: try again"


class SessionOver(Unauthenticated):
    """A cookie whose session does not count, or counts no more."""

    title = "Nobody is logged in here, or not any more"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session counts."""

    idle: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """A session that counts."""

    token: str = field(repr=False)
    user_id: int
    actor: Actor
    must_change: bool  # its user can do nothing before they have chosen a password
    ends_at: datetime

    @property
    def csrf(self) -> str:
        """What every request must show that changes something: another site cannot know it."""
        return _text(hmac.digest(self.token.encode(), b"csrf", "sha256"))

    def admits(self, shown: str) -> bool:
        """Tell whether a request shows it."""
        return hmac.compare_digest(self.csrf.encode(), shown.encode())


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What a login gives to its browser."""

    session: Session
    browser: str = field(repr=False)  # shows at the next login that it is not a stranger's


class Logins:
    """Who is logged in."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        random: Callable[[int], bytes],
        lifetimes: Lifetimes,
        kept: Passwords | None = None,
    ) -> None:
        """`random` is unpredictable; `kept` is how passwords are."""
        self._passwords = kept or Passwords()
        self._nobodys = self._passwords.nobodys
        self._database = database
        self._clock = clock
        self._random = random
        self._lifetimes = lifetimes
        self._browsers = keyring.sealer("browsers that users of the console have logged in with")
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._ration = _Ration()

    async def log_in(self, name: str, password: str, address: str, browser: str = "") -> LoggedIn:
        """Begin a session, or raise LoginRefused, LoginHeld or TooManyLogins."""
        now, key = self._clock(), name.strip()[: LONGEST_NAME + 1].casefold()
        found = await users.find(self._database, key)
        known = self._known(browser, found)
        bounds = (name_bound(key), address_bound(address)) if known is None else (browser_bound(known),)
        async with self._hashing():
            await charge(self._database, bounds, now)
            right = await self._is_right(found.password_hash if found else self._nobodys, password)
        if found is None or not right or found.disabled:
            await self._audit_failure(found, address, now)
            raise LoginRefused
        await users.forgive(self._database, (name_bound(key), *bounds))
        if self._passwords.is_outdated(found.password_hash):
            await self._rehash(found, password)
        actor = Actor("user", found.name, Role(found.role), address)
        session = await self._begin(found.id, actor, must_change=found.must_change, action="user_logged_in")
        return LoggedIn(session, browser if known else self._new_browser(found))

    async def session(self, token: str, address: str, *, used: bool = True) -> Session:
        """Say whose session this is; SessionOver when it is nobody's. `used`: somebody is at work with it."""
        now = self._clock()
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            raise SessionOver
        found = await users.session(self._database, _hash(token), now, now - self._lifetimes.idle, used=used)
        if found is None:
            raise SessionOver
        actor = Actor("user", found.name, Role(found.role), address)
        return Session(token, found.user_id, actor, found.must_change, found.ends_at)

    async def log_out(self, session: Session) -> None:
        """End a session."""
        change = Change.of(session.actor, self._clock())

        async def work(connection: Executor) -> None:
            await users.end_session(connection, _hash(session.token))
            await change.audit(connection, Deed("user_logged_out"))

        await in_transaction(self._database, work)

    async def open_sessions(self) -> dict[str, OpenSessions]:
        """Say which users have sessions that count, by their names."""
        now = self._clock()
        found = await users.open_sessions(self._database, now, now - self._lifetimes.idle)
        return {each.name: each for each in found}

    async def end_sessions(self, name: str, actor: Actor) -> None:
        """End every session of a user, who can log in again."""
        found = await known(self._database, name)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if ended := await users.end_sessions(connection, found.id):
                await change.audit(connection, Deed("sessions_ended", detail={"user": found.name, "sessions": ended}))

        await in_transaction(self._database, work)

    async def change_password(self, session: Session, current: str, new: str) -> Session:
        """Take the password that a user has chosen, end all their sessions, and begin another one."""
        now, bound = self._clock(), Bound("browser", _text(_hash(session.token))[:8], 10, 900.0)
        found = await users.find(self._database, session.actor.name.casefold())
        if found is None:
            raise SessionOver
        text = passwords.accepted(new, found.name, "new")
        async with self._hashing():
            await charge(self._database, (bound,), now)
            if not await self._is_right(found.password_hash, current):
                raise InvalidField("current", "is not your password")
            if await self._is_right(found.password_hash, new):
                raise InvalidField("new", "must be another one than before")
            kept = await asyncio.to_thread(self._passwords.hashed, text)
        await users.forgive(self._database, (bound,))
        await users.set_password(self._database, found.id, kept, now, must_change=False)
        return await self._begin(found.id, session.actor, must_change=False, action="password_changed")

    async def refused(self, actor: Actor, action: str, route: str) -> None:
        """Write down that somebody asked for what they may not; not all of it where they ask without end."""
        now = self._clock()
        if self._ration.take(now):
            await audit.record(self._database, actor, now, Deed(action, detail={"route": route}))

    async def _begin(self, user_id: int, actor: Actor, *, must_change: bool, action: str) -> Session:
        token = _text(self._random(_TOKEN_BYTES))
        change = Change.of(actor, self._clock())
        session = Session(token, user_id, actor, must_change, change.now + self._lifetimes.longest)

        async def work(connection: Executor) -> None:
            await users.begin(connection, _hash(token), user_id, change.now, session.ends_at)
            await change.audit(connection, Deed(action))

        await in_transaction(self._database, work)
        return session

    @asynccontextmanager
    async def _hashing(self) -> "AsyncIterator[None]":
        """Wait for a turn at the passwords."""
        if self._waiting >= WAITING:
            raise TooManyLogins
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def _is_right(self, kept: str, password: str) -> bool:
        return await asyncio.to_thread(self._passwords.matches, kept, password)

    async def _rehash(self, found: KnownUser, password: str) -> None:
        kept = await asyncio.to_thread(self._passwords.hashed, password)
        await users.rehash(self._database, found.id, found.password_hash, kept)

    async def _audit_failure(self, found: KnownUser | None, address: str, now: datetime) -> None:
        """Write a login down that failed. A name that nobody has is not kept: it may be a password."""
        if self._ration.take(now):
            actor = Actor("user", found.name if found else _STRANGER.name, Role.CSR, address)
            await audit.record(self._database, actor, now, Deed("login_failed"))

    def _known(self, browser: str, found: KnownUser | None) -> bytes | None:
        """Read what a browser shows of former logins of this user; None when it is nothing."""
        if found is None or not browser or len(browser) > LONGEST_TOKEN:
            return None
        try:
            return self._browsers.open(bytes.fromhex(browser), str(found.id).encode())
        except ValueError:
            return None

    def _new_browser(self, found: KnownUser) -> str:
        return self._browsers.seal(self._random(_BROWSER_BYTES), str(found.id).encode()).hex()


class _Ration:
    """How much strangers may write down in a minute."""

    def __init__(self) -> None:
        self._begun: datetime | None = None
        self._taken = 0

    def take(self, now: datetime) -> bool:
        if self._begun is None or not self._begun <= now < self._begun + MINUTE:
            self._begun, self._taken = now, 0
        self._taken += 1
        return self._taken <= DEEDS_A_MINUTE


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
