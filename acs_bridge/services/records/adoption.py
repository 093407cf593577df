"""A PHAN URL that works in a gateway already is recorded for its line, and never written again.

For a database that was lost, or is older than the field. It takes both: the URL, which says its line, association and
generation under a seal of this keyring, and a gateway that was seen with it (by a daemon that observes). Nothing is
queued, and the URL is not kept.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain import names
from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import OpenedPhanUrl, PhanUrls
from acs_bridge.errors import Conflict
from acs_bridge.services import fields
from acs_bridge.services.change import Change
from acs_bridge.services.records.lines import hold
from acs_bridge.store import adoption, associations, devices, observations, subscribers, writes
from acs_bridge.store.adoption import AdoptedAssociation
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.devices import Line
from acs_bridge.store.rows import Executor, in_transaction


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a URL turned out to be."""

    line_of_service: str
    association_id: UUID
    gateway_id: int
    is_new: bool  # false: it was known as verified already


class Adoption:
    """Takes over what is in the field."""

    def __init__(self, database: Database, clock: Clock, phan_urls: PhanUrls) -> None:
        self._database = database
        self._clock = clock
        self._phan_urls = phan_urls

    async def adopt(self, url: str, subscriber: tuple[str, str] | None, actor: Actor) -> Adopted:
        """Record a URL; `subscriber` (name and code) is for an association that the database does not know.

        Raises PhanUrlRefused, and Conflict with what stands in the way.
        """
        opened = self._phan_urls.open(url)
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> Adopted:
            gateway_id = await observations.holder_of(
                connection, opened.claims.association_id, opened.claims.generation, opened.key_id
            )
            if gateway_id is None:
                raise Conflict("no gateway was seen with this URL: it has to inform while `serve --observe` runs")
            line = await self._line(connection, opened, gateway_id, change.now)
            is_new = await self._take_over(connection, opened, line, gateway_id, subscriber, change)
            return Adopted(line.line_of_service, opened.claims.association_id, gateway_id, is_new)

        return await in_transaction(self._database, work)

    async def _line(self, connection: Executor, opened: OpenedPhanUrl, gateway_id: int, now: datetime) -> Line:
        """Lock the line of a URL, made where there is none; it gets the gateway if it has none."""
        wanted = names.line_of_service(opened.claims.line_of_service)
        await devices.insert(connection, wanted, now)
        locked = await devices.lock(connection, wanted.key, gateway_id)
        line = next(line for line in locked if line.line_key == wanted.key)
        for other in locked:
            if other.id != line.id:
                raise Conflict(f"that gateway belongs to line of service {other.line_of_service}")
        if line.gateway_id not in (None, gateway_id):
            raise Conflict(f"line of service {line.line_of_service} has another gateway than the one with this URL")
        if line.gateway_id is None:
            await devices.bind(connection, line.id, gateway_id, None, now)
        return line

    async def _take_over(
        self,
        connection: Executor,
        opened: OpenedPhanUrl,
        line: Line,
        gateway_id: int,
        subscriber: tuple[str, str] | None,
        change: Change,
    ) -> bool:
        claims = opened.claims
        holder = await associations.of_line(connection, line.id)
        if holder is not None and holder.id != claims.association_id:
            raise Conflict(f"line of service {line.line_of_service} is associated anew since: this URL counts no more")
        await hold(connection, holder, [gateway_id])
        adopted = AdoptedAssociation(claims.association_id, line.id, claims.generation, opened.key_id, claims.issued_at)
        if holder is None:
            await self._associate(connection, adopted, subscriber, change)
        elif holder.generation > claims.generation:
            raise Conflict(f"this URL is of generation {claims.generation}, not {holder.generation}: it counts no more")
        elif holder.generation == claims.generation and await adoption.is_verified(connection, adopted):
            return False
        else:
            await adoption.raise_generation(connection, adopted)
        await writes.supersede(connection, claims.association_id, gateway_id, change.now, change.by)
        write_id = new_id(change.now)
        await adoption.add_verified(connection, write_id, adopted, gateway_id, change.batch_id, change.now, change.by)
        deed = Deed("phan_url_adopted", claims.association_id, write_id, device_id=line.id, gateway_id=gateway_id)
        await change.audit(connection, deed)
        return True

    async def _associate(
        self, connection: Executor, adopted: AdoptedAssociation, subscriber: tuple[str, str] | None, change: Change
    ) -> None:
        """Make the association again under its id, for a subscriber who is made as well where nobody has the code."""
        if await associations.seal(connection, adopted.id) is not None:
            raise Conflict("this association has ended: its PHAN URL counts no more")
        if subscriber is None:
            raise Conflict("this association is not known: say whose it is (--subscriber-name and --subscriber-code)")
        name, code = subscriber[0], fields.subscriber_code(subscriber[1])
        known = await subscribers.find(connection, code.key)
        if known is None:
            subscriber_id = await subscribers.insert(connection, code, names.subscriber_name(name).shown, change.now)
        elif known.name != names.subscriber_name(name).shown:
            raise Conflict(f"code {code.shown} belongs to a subscriber of another name")
        else:
            subscriber_id = known.id
        if subscriber_id is None:
            raise Conflict(f"code {code.shown} was taken at this very moment: ask again")
        await adoption.add_association(connection, adopted, subscriber_id, change.now, change.by or "")
