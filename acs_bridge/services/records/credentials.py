"""Credentials of each gateway: given, taken back, imported, and brought to it by a write like any other.

A pair is changed in two phases. The new one is taken from the moment at which its write is queued, the former ones
until the gateway has logged in with the new one: a session that dies in between locks nobody out. That login, and
nothing else, is the write's proof, because a password reads back as nothing (TR-069: hidden parameters).

No password stands in a row as it is, in a log, in an error or in an audit detail.

The pair for connection requests depends on the gateway only, not on the generation: nobody has to guess which one it
holds at the moment.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import OwnPairs, Pair, PairKind, own_name
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.planner import OpenWrite, Wanted
from acs_bridge.domain.profile import GatewayKind
from acs_bridge.errors import Conflict, InvalidField, NotFound
from acs_bridge.services.change import Change
from acs_bridge.services.profiles.rendering import Rendered, Unfit
from acs_bridge.store import credentials as store
from acs_bridge.store.audit import Deed
from acs_bridge.store.credentials import Access, NamedPair, NewCredentials
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from cwmp import digest
from cwmp.messages import ParameterValueStruct

SHARERS: Final = 64  # gateways with one imported user name: a login has to be compared with every one of them
LONGEST: Final = 256  # characters of a user name or password: what ManagementServer.Username may have
READMITTED: Final = timedelta(days=1)  # for so long the shared pair is worth something again, after an approval
_HA1: Final = re.compile(r"[0-9a-f]{32}", re.ASCII | re.IGNORECASE)
_SEALER: Final = "credentials of gateways"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say of credentials."""

    manage: bool = False  # whether the daemon writes them at all
    bootstrap: Pair | None = None  # the bootstrap pair
    realm: str = ""  # for which imported HA1 values hold
    inform_seconds: int | None = None  # the interval that goes with them


@dataclass(frozen=True, slots=True)
class KnownPair:
    """A pair that a gateway is known to have: its password, or HA1 = MD5(username:realm:password)."""

    gateway_id: int
    password: str | None = field(default=None, repr=False)
    ha1: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewPair:
    """A pair to import; `password` or `ha1`, never both."""

    username: str
    password: str | None = field(default=None, repr=False)
    ha1: str | None = field(default=None, repr=False)
    realm: str | None = None


class GatewayCredentials:
    """The use cases, and what a session asks of them."""

    def __init__(self, database: Database, clock: Clock, keyring: Keyring, policy: Policy) -> None:
        self._database = database
        self._clock = clock
        self._pairs = OwnPairs(keyring)
        self._sealer = keyring.sealer(_SEALER)
        self._policy = policy

    # --- what operators ask for -----------------------------------------------------------------------------------

    async def rotate(self, gateway_id: int, actor: Actor) -> None:
        """Give a gateway the next pair of its own."""
        self._require_manage()
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            await _access(connection, gateway_id)
            await self._start(connection, gateway_id, PairKind.OWN, change)
            await change.audit(connection, Deed("credentials_rotated", gateway_id=gateway_id))

        await in_transaction(self._database, work)

    async def hand_back(self, gateway_id: int, actor: Actor) -> None:
        """Give a gateway back what it had: the pair that was imported, else the bootstrap pair."""
        self._require_manage()
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            access = await _access(connection, gateway_id)
            pair = self._former(access)
            await self._start(connection, gateway_id, pair, change)
            await change.audit(connection, Deed("credentials_handed_back", gateway_id=gateway_id, detail={"to": pair}))

        await in_transaction(self._database, work)

    async def import_pair(self, gateway_id: int, new: NewPair, actor: Actor) -> None:
        """Take the pair that a gateway is known to have; from then on the bootstrap pair is no longer enough for it."""
        change = Change.of(actor, self._clock())
        await in_transaction(self._database, lambda connection: self.keep_pair(connection, gateway_id, new, change))

    async def keep_pair(self, connection: Executor, gateway_id: int, new: NewPair, change: Change) -> None:
        """Import a pair inside a transaction of the caller."""
        self.check(new)
        access = await _access(connection, gateway_id)
        if await store.crowd(connection, new.username, gateway_id) >= SHARERS:
            raise Conflict(f"{SHARERS} other gateways have this user name already: give them names of their own")
        by = change.by or "daemon"
        await store.import_pair(connection, gateway_id, self.sealed(gateway_id, new), change.now, by)
        action = "credentials_replaced" if access.known else "credentials_imported"
        await change.audit(connection, Deed(action, gateway_id=gateway_id))

    async def adopt(self, connection: Executor, gateway_id: int, new: NewPair, change: Change) -> str:
        """Import the pair of a gateway in stock, inside a transaction of the caller; the same again changes nothing.

        Conflict: the gateway has another pair already. To replace that is an Admin's affair (`import_pair`).
        """
        access = await _access(connection, gateway_id)
        if not access.known and access.pair == PairKind.BOOTSTRAP:
            await self.keep_pair(connection, gateway_id, new, change)
            return PairKind.IMPORTED
        self.check(new)
        if not self.is_of(gateway_id, await store.imported(connection, gateway_id), new):
            place = f"/v1/gateways/{gateway_id}/credentials"
            raise Conflict(
                f"gateway {gateway_id} has other credentials already: an Admin replaces them with PUT {place}"
            )
        return access.pair

    def sealed(self, gateway_id: int, new: NewPair) -> NamedPair:
        """Seal the pair of a gateway, as the database keeps it."""
        secret = {"password": new.password} if new.ha1 is None else {"ha1": new.ha1.lower()}
        sealed = self._sealer.seal(json.dumps(secret).encode(), _context(gateway_id))
        return NamedPair(new.username, sealed, None if new.ha1 is None else self._policy.realm)

    def is_of(self, gateway_id: int, known: NamedPair | None, new: NewPair) -> bool:
        """Tell whether a pair is the one that is known of a gateway."""
        return (
            known is not None and known.username == new.username and self._ha1_of(gateway_id, known) == self._ha1(new)
        )

    async def pair_of(self, connection: Executor, gateway_id: int) -> str:
        """Say which pair a gateway is to have."""
        return (await _access(connection, gateway_id)).pair

    def _ha1_of(self, gateway_id: int, known: NamedPair) -> str | None:
        secret = self._opened(gateway_id, known.sealed)
        return self._ha1(NewPair(known.username, secret.get("password"), secret.get("ha1")))

    def _ha1(self, pair: NewPair) -> str | None:
        if pair.password is not None:
            return digest.ha1(pair.username, self._policy.realm, pair.password)
        return None if pair.ha1 is None else pair.ha1.lower()

    async def readmit(self, connection: Executor, gateway_id: int, change: Change) -> bool:
        """Let a gateway in again that was kept out, with what it showed, until it has used what it is to have.

        False: nobody was kept out, and nothing is changed.
        """
        access = await _access(connection, gateway_id)
        bootstrap, former = "bootstrap_pair" in access.kept_out, "retired_pair" in access.kept_out
        if not access.kept_out:
            return False
        await store.readmit(connection, gateway_id, change.now + READMITTED, bootstrap=bootstrap, former=former)
        if self._policy.manage and (bootstrap or former) and access.pair != "certificate":
            await self._start(connection, gateway_id, PairKind.OWN, change)
        return True

    # --- what the listener asks for -------------------------------------------------------------------------------

    async def known(self, username: str) -> list[KnownPair]:
        """The imported pairs with this user name: whose it is says the DeviceId. One statement.

        A name that is derived (`own_name`) is never imported: no need to ask.
        """
        if own_name(username) is not None or not _may_be_imported(username):
            return []
        rows = await store.by_username(self._database, username)
        found = [(row.gateway_id, self._opened(row.gateway_id, row.sealed)) for row in rows]
        return [KnownPair(gateway_id, secret.get("password"), secret.get("ha1")) for gateway_id, secret in found]

    async def ringing(self, gateway_id: int) -> Pair | None:
        """What a gateway takes connection requests with; None where it has got nothing of ours. One statement."""
        holds = await store.holds_own(self._database, gateway_id)
        return self._pairs.connection_request(gateway_id) if holds else None

    async def begin(self, gateway_id: int, now: datetime) -> bool:
        """Queue the first own pair of a gateway; false when it has been begun already."""

        async def work(connection: Executor) -> bool:
            access = await _access(connection, gateway_id)
            if not self._policy.manage or access.own_to:
                return False
            await self._start(connection, gateway_id, PairKind.OWN, Change.of(None, now))
            return True

        return await in_transaction(self._database, work)

    async def render(self, gateway_id: int, kind: GatewayKind | None, write: OpenWrite) -> Rendered | Unfit:
        """What a write of credentials asks of its gateway."""
        if kind is None or not kind.root:
            return Unfit("the gateway's data model is not known: its Inform names no parameter below a root")
        pair = await self._pair(gateway_id, write)
        if isinstance(pair, Unfit):
            return pair
        server = f"{kind.root}ManagementServer."
        parameters = [_text(f"{server}Username", pair.username), _text(f"{server}Password", pair.password)]
        secrets = [pair.password]
        if write.pair is PairKind.OWN:
            ring = self._pairs.connection_request(gateway_id)
            parameters.append(_text(f"{server}ConnectionRequestUsername", ring.username))
            parameters.append(_text(f"{server}ConnectionRequestPassword", ring.password))
            parameters.extend(self._interval(server))
            secrets.append(ring.password)
        return Rendered(write.id, Wanted(tuple(parameters), readable=False), None, tuple(secrets))

    # --- the steps of it ------------------------------------------------------------------------------------------

    def _require_manage(self) -> None:
        if not self._policy.manage:
            raise Conflict("the daemon writes no credentials into gateways: cpe_auth.manage is off")

    async def _start(self, connection: Executor, gateway_id: int, pair: PairKind, change: Change) -> None:
        generation = await store.aim(connection, gateway_id, pair)
        new = NewCredentials(new_id(change.now), pair, gateway_id, change.batch_id, generation)
        await store.queue(connection, new, change.now, change.by)

    def _former(self, access: Access) -> PairKind:
        if access.own_to < access.own_from:
            raise Conflict("this gateway has no credentials of its own from us: there is nothing to hand back")
        if access.known_whole:
            return PairKind.IMPORTED
        if access.known:
            raise Conflict("only a hash of this gateway's former password is known, which cannot be written back")
        if self._policy.bootstrap is None:
            raise Conflict("there is no bootstrap pair that could be handed back: cpe_auth.username is not set")
        return PairKind.BOOTSTRAP

    def check(self, new: NewPair) -> None:
        """Refuse a pair that no gateway can have."""
        _check_text("username", new.username)
        if own_name(new.username) is not None:
            raise InvalidField("username", "is one of the names that the daemon gives out itself")
        if (new.password is None) == (new.ha1 is None):
            raise InvalidField("password", "give either the password or ha1")
        if new.password is not None:
            _check_text("password", new.password)
            if new.realm is not None:
                raise InvalidField("realm", "goes with ha1 only")
        if new.ha1 is not None and not _HA1.fullmatch(new.ha1):
            raise InvalidField("ha1", "must be MD5(username:realm:password), 32 hexadecimal digits")
        if self._is_bootstrap(new):
            raise InvalidField("password", "makes the pair that all gateways share: that is no pair of this one")
        if new.realm is not None and new.realm != self._policy.realm:
            raise InvalidField("realm", f"must be that of the listener, {self._policy.realm!r} (cpe_auth.realm)")

    def _is_bootstrap(self, new: NewPair) -> bool:
        shared = self._policy.bootstrap
        if shared is None or new.username != shared.username:
            return False
        ha1 = digest.ha1(shared.username, self._policy.realm, shared.password)
        return new.password == shared.password or (new.ha1 or "").lower() == ha1

    async def _pair(self, gateway_id: int, write: OpenWrite) -> Pair | Unfit:
        if write.pair is PairKind.OWN:
            return self._pairs.login(gateway_id, write.generation)
        if write.pair is PairKind.BOOTSTRAP:
            return self._policy.bootstrap or Unfit("there is no bootstrap pair any more: cpe_auth.username is not set")
        row = await store.imported(self._database, gateway_id)
        password = None if row is None else self._opened(gateway_id, row.sealed).get("password")
        if row is None or password is None:
            return Unfit("the password that the gateway had is not known any more")
        return Pair(row.username, password)

    def _interval(self, server: str) -> Sequence[ParameterValueStruct]:
        seconds = self._policy.inform_seconds
        if seconds is None:
            return ()
        return (
            ParameterValueStruct(f"{server}PeriodicInformEnable", "1", "xsd:boolean"),
            ParameterValueStruct(f"{server}PeriodicInformInterval", str(seconds), "xsd:unsignedInt"),
        )

    def _opened(self, gateway_id: int, sealed: bytes) -> dict[str, str]:
        plain = self._sealer.open(bytes(sealed), _context(gateway_id))
        secret: dict[str, str] = {} if plain is None else json.loads(plain)
        return secret


async def _access(connection: Executor, gateway_id: int) -> Access:
    access = await store.access(connection, gateway_id)
    if access is None:
        raise NotFound("there is no such gateway")
    return access


def _check_text(name: str, text: str) -> None:
    if not _may_be_imported(text):
        raise InvalidField(name, f"must have 1 to {LONGEST} printable ASCII characters")


def _may_be_imported(text: str) -> bool:
    return 1 <= len(text) <= LONGEST and text.isascii() and text.isprintable()


def _context(gateway_id: int) -> bytes:
    return f"gateway {gateway_id}".encode()


def _text(name: str, value: str) -> ParameterValueStruct:
    return ParameterValueStruct(name, value, "xsd:string")
