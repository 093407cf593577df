"""Bearer tokens for callers of the operator listener: made, checked, listed, revoked.

A token is looked up for every request, so that one which is revoked is refused from that moment on.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.names import subscriber_code
from acs_bridge.errors import InvalidField, NotFound, Unauthenticated
from acs_bridge.services.change import Change
from acs_bridge.store import tokens
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.tokens import TokenRow

PREFIX = "acsb_"  # so that scanners for leaked secrets, and people, know what they see
_TOKEN_BYTES = 32
_MAX_TOKEN = 128


class Tokens:
    """Who may call."""

    def __init__(self, database: Database, clock: Clock, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """`random` is unpredictable."""
        self._database = database
        self._clock = clock
        self._random = random

    async def create(self, name: str, role: Role, actor: Actor, lifetime: timedelta | None = None) -> str:
        """Make a token; this is the only time that anybody sees it."""
        shown = _name(name)
        token = PREFIX + urlsafe_b64encode(self._random(_TOKEN_BYTES)).decode().rstrip("=")
        change = Change.of(actor, self._clock())
        expires_at = None if lifetime is None else change.now + lifetime

        async def work(connection: Executor) -> None:
            await tokens.insert(connection, shown, role, _hash(token), change.now, expires_at)
            await change.audit(connection, Deed("token_created", detail={"token": shown, "role": role}))

        await in_transaction(self._database, work)
        return token

    async def check(self, token: str, address: str) -> Actor:
        """Say who calls with this token from this address."""
        found = None
        if len(token) <= _MAX_TOKEN and token.isascii():
            found = await tokens.check(self._database, _hash(token), self._clock())
        if found is None:
            raise Unauthenticated("this bearer token is not known, or counts no more")
        name, role = found
        return Actor("token", name, role, address)

    async def list(self) -> list[TokenRow]:
        """List every token that was ever made, without the tokens."""
        return await tokens.all_tokens(self._database)

    async def revoke(self, name: str, actor: Actor) -> None:
        """Make a token count no more, at once. The second time changes nothing."""
        shown = _name(name)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if await tokens.revoke(connection, shown, change.now):
                await change.audit(connection, Deed("token_revoked", detail={"token": shown}))
            elif not await tokens.exists(connection, shown):
                raise NotFound(f"there is no token named {shown}")

        await in_transaction(self._database, work)


def _name(name: str) -> str:
    """Take a token's name, under the rules of a code."""
    try:
        return subscriber_code(name).shown
    except InvalidField as error:
        raise InvalidField("name", error.message) from None


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
