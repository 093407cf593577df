"""The wiring of a line: who is associated with it, which gateway it has, and what that makes of its writes.

Every function here works inside its caller's transaction, on lines that `take` has locked. Locks are taken in one order
(claim, gateway, line, write), so that two changes of the same records wait for each other instead of dying.

The rules in short. A URL belongs to one generation of one association. Once it may have reached a box, that box is
never simply let go: it gets a clearing write, and the line goes on with the next generation. A write that nothing was
sent of is only aimed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.domain.write import Cause, Purpose
from acs_bridge.errors import Conflict
from acs_bridge.services.change import Change
from acs_bridge.services.urls.seals import Seals, issued
from acs_bridge.store import associations, devices, gateways, writes
from acs_bridge.store.associations import Holder, NewAssociation
from acs_bridge.store.audit import DAEMON, Deed
from acs_bridge.store.devices import Line
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor
from acs_bridge.store.writes import NewWrite


@dataclass(frozen=True, slots=True)
class Box:
    """The gateway that somebody named: a known one by its id, else one whose first Inform is awaited."""

    identity: Identity
    id: int | None

    @property
    def wanted(self) -> Identity | None:
        """What the line waits for, when the box is not known."""
        return self.identity if self.id is None else None

    def is_of(self, line: Line) -> bool:
        """Tell whether the line has this box, or waits for it, already."""
        if self.id is not None:
            return line.gateway_id == self.id
        return line.wanted == Identity(self.identity.oui, self.identity.serial_number)


async def choose(connection: Executor, identity: Identity, line_key: str, change: Change) -> Box:
    """Find the box that an identity names. With its product class it is recorded when nobody has seen it yet."""
    await gateways.claim(connection, identity)
    if identity.product_class is not None:
        made = await gateways.ensure(connection, identity, change.now)
        if made is not None:
            return Box(identity, made)
    fitting = await gateways.fitting(connection, identity)
    own = [gateway for gateway in fitting if gateway.line_key == line_key]
    chosen = own if len(fitting) > 1 else fitting
    if fitting and not chosen:
        raise ambiguous(identity)
    return Box(identity, chosen[0].id if chosen else None)


def ambiguous(identity: Identity) -> Conflict:
    """Say that an identity without its product class fits several boxes."""
    return Conflict(f"several gateways have OUI and serial number {identity}: name the product_class too")


async def take(connection: Executor, line_key: str, box: Box | None) -> tuple[Line | None, list[Line]]:
    """Lock a line, and the others that have or want the box."""
    locked = (
        await devices.lock(connection, line_key)
        if box is None
        else await devices.lock(connection, line_key, box.id, box.identity)
    )
    line = next((line for line in locked if line.line_key == line_key), None)
    return line, [other for other in locked if other.line_key != line_key]


async def hold(connection: Executor, holder: Holder | None, gateway_ids: Iterable[int | None]) -> None:
    """Keep sessions away from the writes that are about to change."""
    known = [gateway_id for gateway_id in gateway_ids if gateway_id is not None]
    await writes.hold(connection, holder.id if holder else None, known)


class Lines:
    """The rules that need to know about URLs."""

    def __init__(self, seals: Seals) -> None:
        """`seals` refuses lines whose URL their gateway could not take."""
        self._seals = seals

    async def associate(
        self, connection: Executor, line: Line, subscriber_id: int, subscriber_code: str, change: Change
    ) -> tuple[UUID, UUID]:
        """Join a subscriber and a free line; the ids of the association and of the write that it queues."""
        association_id = new_id(change.now)
        new = NewAssociation(
            id=association_id,
            subscriber_id=subscriber_id,
            device_id=line.id,
            key_id=self._seals.key_id,
            issued_at=issued(change.now),
            write_id=new_id(change.now),
            gateway_id=line.gateway_id,
            batch_id=change.batch_id,
        )
        claims = PhanClaims(line.line_of_service, association_id, 1, new.issued_at)
        await self._check(connection, claims, subscriber_code, line.gateway_id)
        if line.gateway_id is not None:
            await hold(connection, None, [line.gateway_id])
            await writes.supersede(connection, None, line.gateway_id, change.now, change.by)
        await associations.insert(connection, new, change.now, change.by or DAEMON)
        return association_id, new.write_id

    async def end(self, connection: Executor, line: Line, holder: Holder, change: Change, *, followed: bool) -> None:
        """End an association; `followed`: the line gets another in the same transaction, which overwrites its URL."""
        await hold(connection, holder, [line.gateway_id])
        cleared = None
        if line.gateway_id is not None and not followed:
            cleared = await writes.to_be_cleared(connection, line.gateway_id)
        await associations.finish(connection, holder.id, change.now, change.by or DAEMON)
        if followed:
            await writes.supersede(connection, holder.id, None, change.now, change.by)
        elif cleared is None:
            await writes.give_up(connection, holder.id, change.now, change.by)
        else:
            await writes.supersede(connection, holder.id, line.gateway_id, change.now, change.by)
            await _queue(connection, Cause.LEFT, cleared, line.gateway_id, change)
        await change.audit(
            connection,
            Deed(
                "association_ended",
                association_id=holder.id,
                subscriber_id=holder.subscriber_id,
                device_id=line.id,
                gateway_id=line.gateway_id,
            ),
        )

    async def connect(
        self, connection: Executor, line: Line, box: Box | None, holder: Holder | None, change: Change
    ) -> None:
        """Give a line a box, another box, or none; `holder` is the association that goes on."""
        await self._connect(connection, line, box, holder, change)
        if line.gateway_id is not None and line.gateway_id != (box.id if box else None):
            await _clear(connection, line.gateway_id, change)

    async def rename(self, connection: Executor, line: Line, box: Box, holder: Holder | None, change: Change) -> None:
        """Let a line go on with its box under another DeviceId: there is nothing to be cleared."""
        await self._connect(connection, line, box, holder, change)

    async def _connect(
        self, connection: Executor, line: Line, box: Box | None, holder: Holder | None, change: Change
    ) -> None:
        gateway_id, wanted = (box.id, box.wanted) if box else (None, None)
        await hold(connection, holder, [line.gateway_id, gateway_id])
        await devices.bind(connection, line.id, gateway_id, wanted, change.now)
        if holder is not None and line.gateway_id != gateway_id:
            await self._aim(connection, line, gateway_id, holder, change)
        await change.audit(
            connection,
            Deed(
                _deed(line, box),
                association_id=holder.id if holder else None,
                device_id=line.id,
                gateway_id=gateway_id if box else line.gateway_id,
                detail={} if box is None or line.gateway_id is None else {"former_gateway_id": line.gateway_id},
            ),
        )

    async def reissue(self, connection: Executor, line: Line, holder: Holder, change: Change) -> None:
        """Give an association another URL: the former one counts no more, wherever it is."""
        await hold(connection, holder, [line.gateway_id])
        await writes.supersede(connection, holder.id, line.gateway_id, change.now, change.by)
        key_id, claims = await self._next_generation(connection, line, holder, change)
        await _queue(connection, Cause.REISSUED, holder.id, line.gateway_id, change)
        await self._check(connection, claims, holder.subscriber_code, line.gateway_id)
        await change.audit(
            connection,
            Deed(
                "phan_url_reissued",
                association_id=holder.id,
                subscriber_id=holder.subscriber_id,
                device_id=line.id,
                gateway_id=line.gateway_id,
                detail={"generation": claims.generation, "key_id": key_id},
            ),
        )

    async def turn(self, connection: Executor, line: Line, holder: Holder, fenced: int | None, change: Change) -> bool:
        """Bring the URL of an association under the current key; those in its gateway count until it is verified.

        A write that waits, or that came to its end without success, carries the new URL from now on: no session of
        `fenced`, its gateway, goes on with the former one. False: nothing was changed, because it is under the current
        key already, or because its write is under way; another time.
        """
        await hold(connection, holder, [line.gateway_id])
        standing = await writes.turnable(connection, holder.id)
        if standing is None or standing.under_way or (standing.queued and line.gateway_id != fenced):
            return False
        if await associations.turn(connection, holder.id, issued(change.now)) is None:
            return False
        if standing.may_carry:
            await writes.carry_on(connection, standing.id)
        elif standing.undone:  # whoever took it back does not want another one there
            await associations.forget_former(connection, holder.id)
        elif standing.in_force:
            await writes.supersede(connection, holder.id, line.gateway_id, change.now, change.by)
            await _queue(connection, Cause.ROTATED, holder.id, line.gateway_id, change)
        return True

    async def give_away(self, connection: Executor, other: Line, change: Change) -> None:
        """Take the box from a line because another line gets it; the line's association goes on and waits."""
        await self.connect(connection, other, None, await associations.of_line(connection, other.id), change)

    async def _aim(
        self, connection: Executor, line: Line, gateway_id: int | None, holder: Holder, change: Change
    ) -> None:
        """Send the URL of an association to another box: the same one, or when it may be in the field already a new."""
        if gateway_id is not None:
            await writes.supersede(connection, None, gateway_id, change.now, change.by)
        swap = line.gateway_id is not None and gateway_id is not None
        if not swap and await writes.retarget(connection, holder.id, gateway_id, change.now) is not None:
            claims = await self._standing_claims(connection, holder.id)
        else:
            await writes.supersede(connection, holder.id, None, change.now, change.by)
            _, claims = await self._next_generation(connection, line, holder, change)
            await _queue(connection, Cause.BOUND, holder.id, gateway_id, change)
        if change.actor is not None:  # when a gateway binds itself nobody is there to be told: its session says it
            await self._check(connection, claims, holder.subscriber_code, gateway_id)

    async def _next_generation(
        self, connection: Executor, line: Line, holder: Holder, change: Change
    ) -> tuple[str, PhanClaims]:
        issued_at = issued(change.now)
        generation, key_id = await associations.next_generation(connection, holder.id, self._seals.key_id, issued_at)
        return key_id, PhanClaims(line.line_of_service, holder.id, generation, issued_at)

    async def _standing_claims(self, connection: Executor, association_id: UUID) -> PhanClaims:
        seal = await associations.seal(connection, association_id)
        if seal is None:
            raise RuntimeError("an association that is held cannot vanish")
        return PhanClaims(seal.line_of_service, seal.id, seal.generation, seal.issued_at)

    async def _check(
        self, connection: Executor, claims: PhanClaims, subscriber_code: str, gateway_id: int | None
    ) -> None:
        kind = None if gateway_id is None else await gateways.kind(connection, gateway_id)
        self._seals.check(claims, subscriber_code, kind)


async def _clear(connection: Executor, gateway_id: int, change: Change) -> None:
    """Queue the clearing of a box that leaves its line, if it may hold a URL: also one of a line before."""
    association_id = await writes.to_be_cleared(connection, gateway_id)
    if association_id is not None:
        await writes.supersede(connection, None, gateway_id, change.now, change.by)
        await _queue(connection, Cause.LEFT, association_id, gateway_id, change)


async def _queue(
    connection: Executor, cause: Cause, association_id: UUID, gateway_id: int | None, change: Change
) -> None:
    purpose = Purpose.CLEAR if cause is Cause.LEFT else Purpose.PROVISION
    new = NewWrite(new_id(change.now), purpose, association_id, gateway_id, change.batch_id, cause)
    await writes.insert(connection, new, change.now, change.by)


def _deed(line: Line, box: Box | None) -> str:
    if box is None:
        return "gateway_unbound"
    return "gateway_bound" if line.gateway_id is None else "gateway_swapped"
