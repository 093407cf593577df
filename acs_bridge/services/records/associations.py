"""Associations: one subscriber with one line of service, its timeline, and the one place that reveals a PHAN URL."""

from collections.abc import Sequence
from uuid import UUID

from acs_bridge.domain import names
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services import fields, pages
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask, Page
from acs_bridge.services.records.lines import Lines, take
from acs_bridge.services.urls.seals import Seals
from acs_bridge.store import associations, subscribers
from acs_bridge.store.associations import AssociationFilter, AssociationRow, Holder, Moment
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.devices import Line
from acs_bridge.store.rows import Executor, in_transaction


class Associations:
    """Who has which line, and what became of it."""

    def __init__(self, database: Database, clock: Clock, lines: Lines, seals: Seals) -> None:
        """`seals` makes the URL again that `reveal` shows."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self._seals = seals

    async def create(self, code: str, line_of_service: str, actor: Actor) -> tuple[AssociationRow, bool]:
        """Associate a subscriber with a line; the second value says whether that is new."""
        wanted = fields.subscriber_code(code)
        line = names.line_of_service(line_of_service)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> tuple[UUID, bool]:
            own, _ = await take(connection, line.key, None)
            subscriber = await subscribers.find(connection, wanted.key)
            if subscriber is None:
                raise NotFound(f"there is no subscriber with code {wanted.shown}")
            if own is None:
                raise NotFound(f"there is no line of service {line.shown}")
            holder = await associations.of_line(connection, own.id)
            if holder is not None and holder.subscriber_id == subscriber.id:
                return holder.id, False
            if holder is not None:
                raise Conflict(
                    f"line of service {own.line_of_service} is associated with subscriber {holder.subscriber_code}: "
                    "end that association first"
                )
            association_id, write_id = await self._lines.associate(
                connection, own, subscriber.id, subscriber.code, change
            )
            deed = Deed("association_created", association_id, write_id, subscriber.id, own.id, own.gateway_id)
            await change.audit(connection, deed)
            return association_id, True

        association_id, created = await in_transaction(self._database, work)
        return await self.find(association_id), created

    async def find(self, association_id: UUID) -> AssociationRow:
        """Look one up."""
        row = await associations.find(self._database, association_id, self._clock())
        if row is None:
            raise _unknown()
        return row

    async def page(
        self,
        ask: Ask,
        *,
        active: bool | None = None,
        code: str | None = None,
        line_of_service: str | None = None,
        report_state: str | None = None,
    ) -> Page[AssociationRow]:
        """List them, newest first."""
        wanted = AssociationFilter(
            active,
            ask.text,
            None if code is None else fields.subscriber_code(code).key,
            None if line_of_service is None else names.line_of_service(line_of_service).key,
            report_state,
        )
        now = self._clock()
        return await pages.turn(
            ask,
            pages.uuid,
            lambda before, limit: associations.page(self._database, before, wanted, limit, now),
            lambda row: row.id,
        )

    async def of_lines(self, lines: Sequence[str]) -> list[AssociationRow | None]:
        """Look many up by their lines, in that order; None where nobody is associated."""
        asked = [names.line_of_service(line).key for line in lines]
        found = await associations.of_lines(self._database, sorted({*asked}), self._clock())
        rows = {names.line_of_service(row.line_of_service).key: row for row in found}
        return [rows.get(key) for key in asked]

    async def end(self, association_id: UUID, actor: Actor) -> AssociationRow:
        """End one: its URL counts no more, and a gateway that may hold it is cleared. Once over, nothing changes."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            own, holder = await self._held(connection, association_id)
            if own is not None and holder is not None:
                await self._lines.end(connection, own, holder, change, followed=False)

        await in_transaction(self._database, work)
        return await self.find(association_id)

    async def reissue(self, association_id: UUID, actor: Actor) -> AssociationRow:
        """Start the next generation of one: its former URL counts no more from now on, and the new one is queued."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            own, holder = await self._held(connection, association_id)
            if own is None or holder is None:
                raise _over()
            await self._lines.reissue(connection, own, holder, change)

        await in_transaction(self._database, work)
        return await self.find(association_id)

    async def timeline(self, association_id: UUID, ask: Ask) -> Page[Moment]:
        """Tell what happened to an association and its writes, oldest first."""
        await self.find(association_id)
        return await pages.turn(
            ask,
            pages.moment,
            lambda after, limit: associations.timeline(self._database, association_id, after, limit),
            lambda row: f"{row.at.isoformat()} {row.source} {row.n}",
        )

    async def reveal(self, association_id: UUID, actor: Actor) -> str:
        """Show the PHAN URL of an active association, and write down that it was shown."""
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> str:
            seal = await associations.seal(connection, association_id)
            if seal is None:
                raise _unknown()
            if seal.ended_at is not None:
                raise _over()
            claims = PhanClaims(seal.line_of_service, seal.id, seal.generation, seal.issued_at)
            deed = Deed(
                "phan_url_revealed", seal.id, None, seal.subscriber_id, seal.device_id, detail={"key_id": seal.key_id}
            )
            await change.audit(connection, deed)
            return self._seals.seal(seal.key_id, claims)

        return await in_transaction(self._database, work)

    async def _held(self, connection: Executor, association_id: UUID) -> tuple[Line | None, Holder | None]:
        """Lock the line of an association; without its holder where the association is over."""
        line_key = await associations.line_key_of(connection, association_id)
        if line_key is None:
            raise _unknown()
        own, _ = await take(connection, line_key, None)
        holder = None if own is None else await associations.of_line(connection, own.id)
        return own, holder if holder is not None and holder.id == association_id else None


def _over() -> Conflict:
    return Conflict("this association has ended: its PHAN URL counts no more")


def _unknown() -> NotFound:
    return NotFound("there is no such association")
