"""Bearer tokens for callers of the operator listener: made, checked, listed, revoked.

A token is looked up for every request, so that one which is revoked is refused from that moment on. The statement of an
ordinary provisioning request does that itself: for it the caller is recalled from the last minute's calls, unconfirmed.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address

import structlog

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.names import subscriber_code
from acs_bridge.errors import Forbidden, InvalidField, NotFound, Unauthenticated
from acs_bridge.services.change import Change
from acs_bridge.store import tokens
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.tokens import Bearer, Limits, Networks, TokenRow

_log = structlog.get_logger(__name__)

PREFIX = "acsb_"  # so that scanners for leaked secrets, and people, know what they see
_TOKEN_BYTES = 32
_MAX_TOKEN = 128
YEAR = timedelta(days=365)
MOST_NETWORKS = 64
RECALLED_FOR = timedelta(minutes=1)  # then it is noted again that a token is used
MOST_RECALLED = 1024


class WrongNetwork(Forbidden):
    """A token that counts, but not where it was shown."""

    title = "This token may not be used from there"


class Tokens:
    """Who may call."""

    def __init__(self, database: Database, clock: Clock, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        """`random` is unpredictable."""
        self._database = database
        self._clock = clock
        self._random = random
        self._recent: dict[bytes, Bearer] = {}

    async def create(
        self,
        name: str,
        role: Role,
        actor: Actor,
        lifetime: timedelta | None = YEAR,
        *,
        networks: Networks = (),
        requests_per_minute: int | None = None,
    ) -> str:
        """Make a token; this is the only time that anybody sees it. Without a lifetime it counts until it is revoked.

        Without networks it is taken from everywhere; its rate is that of the settings, or one of its own.
        """
        shown = _name(name)
        if len(networks) > MOST_NETWORKS:
            raise InvalidField("network", f"a token has at most {MOST_NETWORKS} networks")
        token = PREFIX + urlsafe_b64encode(self._random(_TOKEN_BYTES)).decode().rstrip("=")
        change = Change.of(actor, self._clock())
        expires_at = None if lifetime is None else change.now + lifetime
        limits = Limits(expires_at, networks, requests_per_minute)
        detail = {"token": shown, "role": role, "networks": [str(each) for each in networks]}

        async def work(connection: Executor) -> None:
            await tokens.insert(connection, shown, role, _hash(token), change.now, limits)
            await change.audit(connection, Deed("token_created", detail=detail))

        await in_transaction(self._database, work)
        return token

    async def check(self, token: str, address: str) -> Actor:
        """Say who calls with this token from this address."""
        found, hash = None, _hash(token)
        if len(token) <= _MAX_TOKEN and token.isascii():
            found = await tokens.check(self._database, hash, self._clock())
        if found is None:
            self._recent.pop(hash, None)
            raise Unauthenticated("this bearer token is not known, or counts no more")
        if found.networks and not _within(address, found.networks):
            _log.warning("token_shown_elsewhere", token=found.name, address=address)
            raise WrongNetwork(f"this token is not taken from {address}; an Admin knows the networks that it is for")
        self._remember(hash, found)
        return Actor("token", found.name, found.role, address, found.requests_per_minute)

    def recall(self, token: str, address: str) -> Actor | None:
        """Say who called with this token a moment ago, unconfirmed; None when it has to be looked up."""
        hash = _hash(token)
        found = self._recent.get(hash)
        if found is None or self._clock() - found.used_at > RECALLED_FOR:
            return None
        if found.networks and not _within(address, found.networks):
            return None
        return Actor("token", found.name, found.role, address, found.requests_per_minute, hash)

    def _remember(self, hash: bytes, found: Bearer) -> None:
        if len(self._recent) >= MOST_RECALLED:
            self._recent.clear()
        self._recent[hash] = found

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


def _within(address: str, networks: Networks) -> bool:
    """Tell whether an address lies in one of these. An IPv4 address that IPv6 carries is not unwrapped here."""
    try:
        caller = ip_address(address)
    except ValueError:
        return False
    return any(caller.version == network.version and caller in network for network in networks)


def _hash(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
