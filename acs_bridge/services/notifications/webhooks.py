"""Webhooks as Admins see them: made, shown with their health, tried out, replayed, taken away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain import webhooks as law
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.keyring import Keyring
from acs_bridge.errors import Conflict, InvalidField, NotFound
from acs_bridge.services import pages
from acs_bridge.services.change import Change
from acs_bridge.services.notifications.notices import WebhookMessage
from acs_bridge.services.notifications.posting import Posted, Poster
from acs_bridge.services.pages import Ask, Page
from acs_bridge.store import webhooks
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.webhooks import DeliveryRow, ReadyRow, Waiting, WebhookRow

MOST = 50
REPLAYED_AT_ONCE = 5000


class Secrets:
    """The secrets of webhooks, sealed as the database keeps them."""

    def __init__(self, keyring: Keyring) -> None:
        self._sealer = keyring.sealer("webhook secret")

    def seal(self, webhook_id: UUID, secret: bytes) -> bytes:
        """Seal a secret for this webhook and for no other."""
        return self._sealer.seal(secret, webhook_id.bytes)

    def of(self, row: ReadyRow) -> list[bytes]:
        """Open what a webhook is signed with now; what another keyring sealed signs nothing."""
        sealed = [each for each in (row.secret, row.former_secret) if each is not None]
        return [secret for each in sealed if (secret := self._sealer.open(each, row.id.bytes)) is not None]


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook and its secret, which nobody sees again."""

    row: WebhookRow
    secret: str


class Webhooks:
    """Who is told."""

    def __init__(
        self, database: Database, clock: Clock, secrets: Secrets, poster: Poster, random: Callable[[int], bytes]
    ) -> None:
        """`random` is unpredictable."""
        self._database = database
        self._clock = clock
        self._secrets = secrets
        self._poster = poster
        self._random = random

    async def create(self, url: str, states: Sequence[str], secret: str | None, actor: Actor) -> Made:
        """Make one; without states it is told of every settled one."""
        checked = self._poster.rules.check(url)
        key = self._random(law.SECRET_BYTES) if secret is None else law.read_secret(secret)
        change = Change.of(actor, self._clock())
        id = new_id(change.now)
        row = ReadyRow(id, checked, self._secrets.seal(id, key), None, 0)

        async def work(connection: Executor) -> None:
            if not await webhooks.insert(connection, row, states or law.STATES, change.now, actor.label, MOST):
                raise Conflict(f"there are {MOST} webhooks already: delete one that is not needed")
            await change.audit(connection, Deed("webhook_created", detail={"webhook": str(id)}))

        await in_transaction(self._database, work)
        return Made(await self.find(id), law.show_secret(key))

    async def find(self, webhook_id: UUID) -> WebhookRow:
        """Look one up."""
        row = await webhooks.find(self._database, webhook_id)
        if row is None:
            raise _unknown()
        return row

    async def list(self) -> list[WebhookRow]:
        """List all."""
        return await webhooks.all_webhooks(self._database)

    async def waiting(self) -> Waiting:
        """Count what waits, and who fails."""
        return await webhooks.waiting(self._database)

    async def delete(self, webhook_id: UUID, actor: Actor) -> None:
        """Take one away; what waits for it is parked."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if not await webhooks.delete(connection, webhook_id, change.now):
                raise _unknown()
            await change.audit(connection, Deed("webhook_deleted", detail={"webhook": str(webhook_id)}))

        await in_transaction(self._database, work)

    async def rotate(self, webhook_id: UUID, secret: str | None, actor: Actor) -> Made:
        """Give one a new secret; the former one signs beside it for a day."""
        key = self._random(law.SECRET_BYTES) if secret is None else law.read_secret(secret)
        change = Change.of(actor, self._clock())
        sealed = self._secrets.seal(webhook_id, key)

        async def work(connection: Executor) -> None:
            if not await webhooks.rotate(connection, webhook_id, sealed, change.now + law.OVERLAP):
                raise _unknown()
            await change.audit(connection, Deed("webhook_secret_changed", detail={"webhook": str(webhook_id)}))

        await in_transaction(self._database, work)
        return Made(await self.find(webhook_id), law.show_secret(key))

    async def test(self, webhook_id: UUID) -> Posted:
        """Send one a signed message at once, and say what happened."""
        now = self._clock()
        row = await webhooks.find_sealed(self._database, webhook_id, now)
        if row is None:
            raise _unknown()
        body = WebhookMessage.test(now).bytes
        headers = law.signed_headers(f"msg_{new_id(now).hex}", now, body, self._secrets.of(row))
        return await self._poster.post(row.url, headers, body)

    async def deliveries(self, webhook_id: UUID, ask: Ask, state: str | None) -> Page[DeliveryRow]:
        """List what was told to one, newest first."""
        await self.find(webhook_id)
        return await pages.turn(
            ask,
            pages.number,
            lambda before, limit: webhooks.deliveries(self._database, webhook_id, before, state, limit),
            lambda row: row.id,
        )

    async def replay(self, webhook_id: UUID, delivery_id: int, actor: Actor) -> None:
        """Tell one delivery again."""
        await self.find(webhook_id)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if not await webhooks.replay(connection, webhook_id, delivery_id, change.now):
                raise NotFound("there is no such delivery")
            await change.audit(connection, _replayed(webhook_id, 1))

        await in_transaction(self._database, work)

    async def replay_range(
        self, webhook_id: UUID, span: tuple[datetime, datetime], state: str | None, actor: Actor
    ) -> int:
        """Tell again what was created in a span of time (of one state, or of any); how many those were."""
        await self.find(webhook_id)
        if span[0] >= span[1]:
            raise InvalidField("until", "must be after since")
        change = Change.of(actor, self._clock())
        total = 0
        while count := await webhooks.replay_range(
            self._database, webhook_id, span, state, change.now, REPLAYED_AT_ONCE
        ):
            total += count
        await change.audit(self._database, _replayed(webhook_id, total))
        return total


def _replayed(webhook_id: UUID, count: int) -> Deed:
    return Deed("webhook_replayed", detail={"webhook": str(webhook_id), "deliveries": count})


def _unknown() -> NotFound:
    return NotFound("there is no such webhook")
