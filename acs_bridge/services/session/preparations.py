"""What an Inform sets going before its session is asked anything. An ordinary one sets nothing going."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.planner import OpenWrite
from acs_bridge.domain.profile import Profile
from acs_bridge.domain.write import WriteState
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.services.session.drift import Drift
from acs_bridge.services.session.informs import BOOTSTRAP, PARAMETER_KEY, Signs
from acs_bridge.services.session.resets import Resets
from acs_bridge.store.sessions import OpenedSession
from cwmp.messages import Inform


class Preparations:
    """The gateway's line waited for it, it was reset, it lost what it had, it gets credentials."""

    def __init__(
        self,
        bind_wanted: Callable[[int, datetime], Awaitable[bool]],
        resets: Resets,
        drift: Drift,
        credentials: GatewayCredentials,
        clock: Clock,
    ) -> None:
        """`bind_wanted` joins a gateway that has no line to the one that waits for it."""
        self._bind_wanted = bind_wanted
        self._resets = resets
        self._drift = drift
        self._credentials = credentials
        self._clock = clock

    def signs(self, inform: Inform, profile: Profile | None) -> Signs:
        """What the database is to look for in this Inform."""
        return self._drift.signs(inform, profile, self._clock())

    async def prepare(self, opened: OpenedSession, inform: Inform) -> bool:
        """Do it; true where something may wait for the gateway since, so that its Inform is to be taken once more."""
        now, done = self._clock(), False
        begins_anew = opened.entitled and BOOTSTRAP in inform.event_numbers
        if begins_anew and not opened.is_first and not _is_under_way(opened.write):
            done = await self._resets.begins_anew(opened.gateway_id, inform.value(PARAMETER_KEY), now)
        elif opened.drift is not None:
            done = await self._drift.noticed(opened, inform.value(PARAMETER_KEY), now)
        if not done and opened.entitled and opened.write is None and (opened.is_first or begins_anew):
            done = await self._bind_wanted(opened.gateway_id, now)
        return (opened.unmanaged and await self._credentials.begin(opened.gateway_id, now)) or done


def _is_under_way(write: OpenWrite | None) -> bool:
    """Whether a line's write will reach its gateway anyway, or tell by itself whether it has."""
    on_its_way = (WriteState.QUEUED, WriteState.SENT, WriteState.IN_DOUBT)
    return write is not None and write.pair is None and write.state in on_its_way
