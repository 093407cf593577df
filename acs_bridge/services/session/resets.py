"""What a gateway that was reset has lost is written again, once.

A factory reset takes the PHAN URL away, and so does a new ACS URL in some firmware: TR-069 has `0 BOOTSTRAP` for both.
What we believed of such a gateway counts no more. A write that waits, or whose outcome is open, needs no help: it is
written, or settled by the gateway's own words. One that came to its end without success stays an operator's affair.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain.ids import new_id, read_tag
from acs_bridge.domain.write import Cause, Purpose, WriteState
from acs_bridge.services.change import Change
from acs_bridge.services.records import lines
from acs_bridge.services.urls.seals import issued
from acs_bridge.store import associations, devices, writes
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.writes import NewWrite

_log = structlog.get_logger(__name__)

_BELIEVED: Final = frozenset((WriteState.APPLIED, WriteState.STAGED, WriteState.VERIFIED))
"""States that say that the gateway has what it was sent."""


class Resets:
    """Hears of gateways that begin anew."""

    def __init__(self, database: Database, on_again: Callable[[Cause], None]) -> None:
        """`on_again` is told why a write was queued."""
        self._database = database
        self._on_again = on_again

    async def begins_anew(self, gateway_id: int, reported_key: str | None, now: datetime) -> bool:
        """Queue the write of its line again; false where there is nothing to be written again."""
        change = Change.of(None, now)
        write_id = await in_transaction(
            self._database,
            lambda connection: write_again(connection, gateway_id, Cause.BOOTSTRAP, change, reported_key),
        )
        if write_id is not None:
            self._on_again(Cause.BOOTSTRAP)
            _log.info("gateway_was_reset", gateway_id=gateway_id, write_id=str(write_id))
        return write_id is not None


async def write_again(
    connection: Executor, gateway_id: int, cause: Cause, change: Change, reported_key: str | None = None
) -> UUID | None:
    """Queue what the gateway's association wants to see in it, if that is believed to be there; the write's id.

    Nothing is queued where the ParameterKey says that the gateway has it: a `0 BOOTSTRAP` is repeated until the gateway
    has heard its answer, also after the write. A gateway that shows no ParameterKey at all is looked at first.
    """
    line = await devices.lock_having(connection, gateway_id)
    holder = None if line is None else await associations.of_line(connection, line.id)
    if holder is None:
        return None
    await lines.hold(connection, holder, [gateway_id])
    named = read_tag(reported_key) if reported_key else None
    standing = await writes.standing(connection, holder.id, gateway_id, named[0] if named else None)
    if standing is None or standing.gateway_id != gateway_id or standing.held:
        return None
    if WriteState(standing.state) not in _BELIEVED:
        return None
    await writes.supersede(connection, holder.id, gateway_id, change.now, change.by)
    if cause is not Cause.RECHECK:  # what is written again anyway takes the current key
        await associations.turn(connection, holder.id, issued(change.now))
    new = NewWrite(
        new_id(change.now),
        Purpose.PROVISION,
        holder.id,
        gateway_id,
        change.batch_id,
        cause,
        look_first=reported_key is None,
    )
    await writes.insert(connection, new, change.now, change.by)
    return new.id
