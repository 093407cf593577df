"""What is expected of reports, as the profiles in force say it: who logs in, and after how long a line is silent."""

import asyncio
from typing import Final

import structlog

from acs_bridge.domain.reporting import Reporting
from acs_bridge.errors import Unavailable
from acs_bridge.services.profiles.profiles import LiveProfiles
from acs_bridge.settings_reports import Reports as ReportSettings
from acs_bridge.store import reports
from acs_bridge.store.database import Database
from acs_bridge.store.reports import Law

_log = structlog.get_logger(__name__)

ANNOUNCE_SECONDS: Final = 30.0  # profiles may be read again at any time


class Expecting:
    """Follows the profiles."""

    def __init__(self, database: Database, profiles: LiveProfiles, settings: ReportSettings) -> None:
        self._database = database
        self._profiles = profiles
        self._settings = settings
        self._seen = profiles.all
        self._reporting = Reporting.of(self._seen)

    @property
    def reporting(self) -> Reporting:
        """What the profiles say now."""
        if self._profiles.all is not self._seen:
            self._seen = self._profiles.all
            self._reporting = Reporting.of(self._seen)
        return self._reporting

    @property
    def law(self) -> Law:
        """What holds for all reports now."""
        settings = self._settings
        logins = tuple(self.reporting.logins)
        spool = settings.spool_bytes if settings.are_handed_on else None
        return Law(logins, settings.reports_per_line_per_hour, settings.bytes_per_line_per_hour, spool)

    async def announce(self) -> None:
        """Write down how often reports are expected; nothing, where the daemon takes none."""
        settings = self._settings
        takes_them = settings.path is not None
        intervals = {"": settings.interval_seconds, **self.reporting.intervals} if takes_them else {}
        await reports.expect(self._database, intervals)

    async def run(self) -> None:
        """Do that until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self.announce()
            except Unavailable as error:
                _log.debug("intervals_not_announced", reason=str(error))
            await asyncio.sleep(ANNOUNCE_SECONDS)
