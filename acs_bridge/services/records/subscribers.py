"""Subscribers: created, found, renamed and erased."""

from acs_bridge.domain import names
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.names import Text
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services import pages
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask, Page
from acs_bridge.store import answers, subscribers
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.subscribers import SubscriberRow


class Subscribers:
    """Who the customers are."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Every change is one transaction."""
        self._database = database
        self._clock = clock

    async def create(self, name: str, code: str, actor: Actor) -> SubscriberRow:
        """Record a new subscriber; Conflict when the code is taken."""
        wanted, shown = names.subscriber_code(code), names.subscriber_name(name).shown
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> SubscriberRow:
            subscriber_id = await subscribers.insert(connection, wanted, shown, change.now)
            if subscriber_id is None:
                raise Conflict(f"subscriber code {wanted.shown} is taken", field="code")
            await change.audit(connection, Deed("subscriber_created", subscriber_id=subscriber_id))
            return await _found(connection, wanted)

        return await in_transaction(self._database, work)

    async def find(self, code: str) -> SubscriberRow:
        """Look one up by its code."""
        return await _found(self._database, names.subscriber_code(code))

    async def page(self, ask: Ask, *, associated: bool | None = None) -> Page[SubscriberRow]:
        """List them, newest first."""
        search = ask.text
        return await pages.turn(
            ask,
            pages.number,
            lambda before, limit: subscribers.page(self._database, before, search, associated, limit),
            lambda row: row.id,
        )

    async def rename(self, code: str, name: str, actor: Actor) -> SubscriberRow:
        """Change a subscriber's name; the code is what it is known by and stays."""
        wanted, shown = names.subscriber_code(code), names.subscriber_name(name).shown
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> SubscriberRow:
            subscriber_id = await subscribers.rename(connection, wanted.key, shown, change.now)
            if subscriber_id is not None:
                await change.audit(connection, Deed("subscriber_renamed", subscriber_id=subscriber_id))
            return await _found(connection, wanted)

        return await in_transaction(self._database, work)

    async def delete(self, code: str, actor: Actor) -> None:
        """Erase a subscriber who has no line; its past associations and answers stay, without a trace of who it was."""
        wanted = names.subscriber_code(code)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            known = await _found(connection, wanted)
            subscriber_id = await subscribers.delete(connection, wanted)
            if subscriber_id is None:
                raise _unknown(wanted)
            await answers.erase(connection, known.code)
            await change.audit(connection, Deed("subscriber_deleted", subscriber_id=subscriber_id))

        await in_transaction(self._database, work)


async def _found(executor: Executor, code: Text) -> SubscriberRow:
    row = await subscribers.find(executor, code.key)
    if row is None:
        raise _unknown(code)
    return row


def _unknown(code: Text) -> NotFound:
    return NotFound(f"there is no subscriber with code {code.shown}")
