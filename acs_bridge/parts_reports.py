"""The parts of a daemon that are about the reports of gateways, made by plain constructors."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrls
from acs_bridge.services.notifications.posting import Poster
from acs_bridge.services.profiles.profiles import LiveProfiles
from acs_bridge.services.reports.destinations import Files, Platform, platform_rules
from acs_bridge.services.reports.expecting import Expecting
from acs_bridge.services.reports.handing import Destination, HandingOn
from acs_bridge.services.reports.reports import Taking
from acs_bridge.settings import Settings
from acs_bridge.store.database import Database
from acs_bridge.store.reports import Reports
from acs_bridge.web.device.connection import Connections
from acs_bridge.web.device.endpoint import Elsewhere
from acs_bridge.web.device.load import Load
from acs_bridge.web.device.measures import ReportMeasures
from acs_bridge.web.device.origin import Origins
from acs_bridge.web.device.reports import ReportGate, ReportsEndpoint, Room
from acs_bridge.web.device.tally import Tally
from acs_bridge.web.operator.measures import HandingMeasures


@dataclass(frozen=True, slots=True)
class Listening:
    """What reports share with CWMP on the device listener: connections, and who says that something went wrong."""

    origins: Origins
    connections: Connections
    load: Load


class ReportParts:
    """Everything about reports."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        phan_urls: PhanUrls,
        profiles: LiveProfiles,
        clock: Clock,
    ) -> None:
        """`database`: connections for reports alone."""
        self._settings = settings
        self._keyring = keyring
        self._clock = clock
        self.expecting = Expecting(database, profiles, settings.reports)
        self._poster = Poster(platform_rules(settings.reports))
        self._database = database
        self._taking = Taking(
            Reports(database, lambda: self.expecting.law), phan_urls, clock, hands_on=settings.reports.are_handed_on
        )

    def open(self) -> AbstractAsyncContextManager[object]:
        """Be ready to hand reports on until the block ends."""
        return self._poster.open()

    def chores(
        self, random: Callable[[], float], registry: CollectorRegistry
    ) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """What the daemon does beside answering, once for all its workers."""
        if not self._settings.reports.are_handed_on:
            return (self.expecting.run,)
        observe = HandingMeasures(registry).handed
        return (
            self.expecting.run,
            HandingOn(self._database, self._clock, self._destination(), random, observe).run,
        )

    def _destination(self) -> Destination:
        reports = self._settings.reports
        if reports.folder is not None:
            return Files(reports.folder, reports, self._clock)
        return Platform(self._poster, reports)

    def elsewhere(self, listening: Listening, registry: CollectorRegistry, first_nonce: int) -> Elsewhere | None:
        """What answers reports, where the daemon takes them."""
        reports = self._settings.reports
        if reports.path is None:
            return None
        is_proxy, realm = listening.origins.trusts, self._settings.cpe_auth.realm
        return ReportsEndpoint(
            path=reports.path,
            limit=reports.max_bytes,
            taking=self._taking,
            gate=ReportGate(self._keyring, realm, self._clock, first_nonce, lambda: self.expecting.reporting),
            room=Room(reports.in_flight, is_proxy),
            refused=Tally(reports.refused_per_minute, is_proxy),
            connections=listening.connections,
            load=listening.load,
            measures=ReportMeasures(registry),
        ).answer
