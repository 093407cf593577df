"""Users of the console: made, listed, disabled, given another password; and the first Admin of an installation.

Nobody but its owner knows a password, after the one that is made here and shown once: that one has to be changed first.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final

from acs_bridge.domain import passwords
from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.passwords import Passwords
from acs_bridge.errors import Conflict, InvalidField, NotFound
from acs_bridge.services.access.throttle import name_bound
from acs_bridge.services.change import Change
from acs_bridge.store import users
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.users import KnownUser, NewUser, UserRow

ROLES: Final = (Role.ADMIN, Role.CSR)
FIRST: Final = "admin"
LONGEST_NAME: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*", re.ASCII)


class Users:
    """Who may log in."""

    def __init__(
        self, database: Database, clock: Clock, random: Callable[[int], bytes], kept: Passwords | None = None
    ) -> None:
        """`random` is unpredictable; `kept` is how passwords are."""
        self._passwords = kept or Passwords()
        self._database = database
        self._clock = clock
        self._random = random

    async def add(self, name: str, role: Role, actor: Actor, password: str | None = None) -> str | None:
        """Make a user; without a password gives the one that was made, which only the first login takes."""
        shown = user_name(name)
        if role not in ROLES:
            raise InvalidField("role", f"must be {' or '.join(ROLES)}: other callers bring tokens")
        made, new = await self._new(shown, role, password)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            await users.insert(connection, new, change.now)
            await change.audit(connection, Deed("user_added", detail={"user": shown, "role": role}))

        await in_transaction(self._database, work)
        return made

    async def add_first(self, password: str) -> bool:
        """Make the first Admin, with a password that has to be changed; false when there is a user already."""
        new = NewUser(
            FIRST, FIRST, Role.ADMIN, await asyncio.to_thread(self._passwords.hashed, password), must_change=True
        )
        change = Change.of(None, self._clock())

        async def work(connection: Executor) -> bool:
            made = await users.insert_first(connection, new, change.now)
            if made:
                await change.audit(connection, Deed("user_added", detail={"user": FIRST, "role": Role.ADMIN}))
            return made

        return await in_transaction(self._database, work)

    async def any(self) -> bool:
        """Tell whether anybody was ever made a user."""
        return await users.any_user(self._database)

    async def list(self) -> list[UserRow]:
        """List every user."""
        return await users.all_users(self._database)

    async def set_password(self, name: str, actor: Actor, password: str | None = None) -> str | None:
        """Give a user another password, end their sessions, and hold no attempts against them any more.

        Without a password gives the one that was made, which only the next login takes.
        """
        found = await known(self._database, name)
        made, new = await self._new(found.name, Role(found.role), password)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            await users.set_password(connection, found.id, new.password_hash, change.now, must_change=new.must_change)
            await users.forgive_name(connection, name_bound(new.name_key).key)
            await change.audit(connection, Deed("password_set", detail={"user": found.name}))

        await in_transaction(self._database, work)
        return made

    async def disable(self, name: str, actor: Actor) -> None:
        """Let nobody log in by this name, and end its sessions at once. The second time changes nothing.

        Nobody does it to themselves: so there is always an Admin left who can let others in.
        """
        found = await known(self._database, name)
        if actor.kind == "user" and actor.name == found.name:
            raise Conflict("nobody can lock themselves out: another Admin can", field="name")
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            held = await users.hold(connection, [actor.name.casefold(), found.name.casefold()])
            if actor.kind == "user" and actor.name not in held:  # two Admins did it to each other at the same time
                raise Conflict("another Admin has locked you out a moment ago", field="name")
            if await users.disable(connection, found.id, change.now):
                await change.audit(connection, Deed("user_disabled", detail={"user": found.name}))

        await in_transaction(self._database, work)

    async def enable(self, name: str, actor: Actor) -> None:
        """Let a user log in again, with the password as it was."""
        found = await known(self._database, name)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if await users.enable(connection, found.id):
                await change.audit(connection, Deed("user_enabled", detail={"user": found.name}))

        await in_transaction(self._database, work)

    async def _new(self, name: str, role: Role, password: str | None) -> tuple[str | None, NewUser]:
        made = self.one_time() if password is None else None
        text = made if made is not None else passwords.accepted(password or "", name)
        kept = await asyncio.to_thread(self._passwords.hashed, text)
        return made, NewUser(name, name.casefold(), role, kept, must_change=made is not None)

    def one_time(self) -> str:
        """Make a password for one login."""
        return passwords.one_time(self._random(passwords.ONE_TIME_BYTES))


async def known(database: Database, name: str) -> KnownUser:
    """Look a user up, also a disabled one; NotFound when nobody has this name."""
    shown = user_name(name)
    found = await users.find(database, shown.casefold())
    if found is None:
        raise NotFound(f"there is no user named {shown}")
    return found


def user_name(name: str) -> str:
    """Take a user's name, or say what is wrong with it."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise InvalidField(
            "name", f"must be 1 to {LONGEST_NAME} letters, digits, dots, hyphens, underscores and @, a letter first"
        )
    return name
