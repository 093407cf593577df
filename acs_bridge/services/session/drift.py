"""A gateway that shows that it may have lost what it was given is looked at, and written again where it has; once.

What a gateway showed when its value was found right is on its row. Its Inform's own statement compares: another
software version, another ParameterKey or ProvisioningCode, or too long a time since the value was read. An Inform
without such a sign costs nothing more. One that has a sign queues a write that reads before it writes: only what
differs is written.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from acs_bridge.domain.profile import Profile
from acs_bridge.domain.write import Cause
from acs_bridge.services.change import Change
from acs_bridge.services.profiles.rendering import Rendering
from acs_bridge.services.session.informs import NO_SIGNS, VALUE_CHANGE, Signs
from acs_bridge.services.session.resets import write_again
from acs_bridge.store import gateways
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, in_transaction
from acs_bridge.store.sessions import OpenedSession
from cwmp.messages import Inform

_log = structlog.get_logger(__name__)

_HOUR: Final = timedelta(hours=1)


class Drift:
    """Notices what gateways have lost."""

    def __init__(
        self, database: Database, rendering: Rendering, recheck_hours: int | None, on_again: Callable[[Cause], None]
    ) -> None:
        """`recheck_hours` holds where a profile says nothing; None and 0: values are not read again by the clock.

        `on_again` is told why a write was queued.
        """
        self._database = database
        self._rendering = rendering
        self._recheck_hours = recheck_hours
        self._on_again = on_again

    def signs(self, inform: Inform, profile: Profile | None, now: datetime) -> Signs:
        """What the database is to look for. Nothing is asked of it, or of the gateway."""
        if profile is None:
            return NO_SIGNS
        hours = self._recheck_hours if profile.recheck_hours is None else profile.recheck_hours
        changed = VALUE_CHANGE in inform.event_numbers
        if not hours and not changed:
            return NO_SIGNS
        return Signs(
            check_before=now - hours * _HOUR if hours else None,
            changed=changed and self._rendering.is_foreign(profile, inform),
        )

    async def noticed(self, opened: OpenedSession, reported_key: str | None, now: datetime) -> bool:
        """Queue the write of its line again, where a gateway showed a sign; false where there is nothing to write."""
        cause = opened.drift
        if cause is None or not opened.entitled or _is_of_a_write(opened, reported_key):
            return False
        gateway_id, change = opened.gateway_id, Change.of(None, now)

        async def work(connection: Executor) -> bool:
            await gateways.doubt(connection, gateway_id)  # told once, also where there is nothing to be written again
            return await write_again(connection, gateway_id, cause, change) is not None

        queued = await in_transaction(self._database, work)
        if queued:
            self._on_again(cause)
            _log.info("gateway_drifted", gateway_id=gateway_id, cause=cause)
        return queued


def _is_of_a_write(opened: OpenedSession, reported_key: str | None) -> bool:
    """Whether a write for the line goes to the gateway anyway, or its credentials' key is what it shows."""
    standing = [opened.write] + ([] if opened.behind is None else [opened.behind.write])
    return any(write is not None and (write.pair is None or write.names(reported_key)) for write in standing)
