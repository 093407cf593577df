"""The parts of a daemon, made of each other by plain constructors. Nothing is opened here, and nothing runs."""

import asyncio
import random
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import OwnPairs, Pair
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrls
from acs_bridge.domain.profile import ProfileSet
from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.domain.retry import Retry
from acs_bridge.domain.write import WriteEvent
from acs_bridge.errors import Unavailable
from acs_bridge.parts_reports import Listening, ReportParts
from acs_bridge.services.access.logins import Lifetimes, Logins
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.services.access.users import Users
from acs_bridge.services.audit import AuditTrail
from acs_bridge.services.cleaning import Cleaning, what_is_kept
from acs_bridge.services.doorbell.address import Access
from acs_bridge.services.doorbell.credentials import configured, own_or
from acs_bridge.services.doorbell.doorbell import Doorbell, Manners
from acs_bridge.services.doorbell.ends import SessionEnds
from acs_bridge.services.intake.bulk import BulkIntake
from acs_bridge.services.intake.intake import Intake
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.services.intake.stock import Stock
from acs_bridge.services.janitor import Janitor
from acs_bridge.services.notifications.events import EventFeed
from acs_bridge.services.notifications.outbox import Chance, Outbox
from acs_bridge.services.profiles.profiles import LiveProfiles, Texts, read_profiles
from acs_bridge.services.profiles.reloading import Reloading, refuse_too_long
from acs_bridge.services.profiles.rendering import Rendering
from acs_bridge.services.pulse import Pulse
from acs_bridge.services.queue.history import History
from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.queue.undo import Undo
from acs_bridge.services.queue.writes import Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.credentials import GatewayCredentials, Policy
from acs_bridge.services.records.devices import Devices
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.services.records.inbox import Inbox, InboxBounds
from acs_bridge.services.records.lines import Lines
from acs_bridge.services.records.search import Search
from acs_bridge.services.records.subscribers import Subscribers
from acs_bridge.services.session.budget import Budget
from acs_bridge.services.session.drift import Drift
from acs_bridge.services.session.former import FormerValues
from acs_bridge.services.session.informs import Informs
from acs_bridge.services.session.observer import Observer
from acs_bridge.services.session.plans import Plans
from acs_bridge.services.session.preparations import Preparations
from acs_bridge.services.session.provisioner import Patience, Provisioner
from acs_bridge.services.session.quarantine import Quarantine
from acs_bridge.services.session.resets import Resets
from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.services.urls.keys import Keys
from acs_bridge.services.urls.phan import PhanLookup
from acs_bridge.services.urls.rotation import Rotation
from acs_bridge.services.urls.seals import Seals
from acs_bridge.settings import Settings
from acs_bridge.settings_device import Bootstrap, CpeAuth, CpeAuthMode
from acs_bridge.settings_layers import SettingsError
from acs_bridge.store.database import Database
from acs_bridge.store.migrations import schema_state
from acs_bridge.store.rings import Rings
from acs_bridge.store.sessions import Sessions
from acs_bridge.web.device.connection import Connections, DeviceServer
from acs_bridge.web.device.dialogue import Dialogue
from acs_bridge.web.device.endpoint import DeviceEndpoint
from acs_bridge.web.device.gate import DerivedPairs, Gate, ImportedPairs, make_gate
from acs_bridge.web.device.load import Limits, Load
from acs_bridge.web.device.measures import DeviceMeasures
from acs_bridge.web.device.origin import Origins
from acs_bridge.web.device.recorder import Recorder
from acs_bridge.web.device.ticket import TicketSeal
from acs_bridge.web.operator.application import Services, operator_application
from acs_bridge.web.operator.callers import Callers
from acs_bridge.web.operator.measures import DeliveryMeasures, RingMeasures
from acs_bridge.web.operator.rates import Rates
from acs_bridge.web.operator.server import OperatorRunner
from acs_bridge.web.proxies import Proxies

CHANCE = Chance(secrets.token_bytes, random.random)
READY_SECONDS = 3.0  # what asks whether the daemon works does not wait longer than this
FIRST_NONCE_BITS = 24  # two processes number their nonces from different places


def statements(settings: Settings, database: Database) -> Sessions:
    """The statements of sessions, on the connections that are given."""
    queue = settings.queue
    return Sessions(
        database,
        writes_per_minute=queue.writes_per_minute,
        writes_per_day=queue.writes_per_gateway_per_day,
        manage=settings.cpe_auth.manage,
    )


def profile_texts(settings: Settings) -> Texts:
    """The profile files that the settings name."""
    return read_profiles(settings.profiles.dirs, settings.profiles.packaged)


def _policy(cpe_auth: CpeAuth) -> Policy:
    pair = cpe_auth.pair()
    return Policy(
        cpe_auth.manage, None if pair is None else Pair(*pair), cpe_auth.realm, cpe_auth.periodic_inform_seconds
    )


@dataclass(frozen=True, slots=True)
class Own:
    """What has connections of its own, so that it waits for nobody else and nobody for it; without: the common ones."""

    sessions: Sessions | None = None
    reports: Database | None = None


class Parts:
    """The services, made of each other by plain constructors."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        profiles: ProfileSet,
        clock: Clock,
        own: Own = Own(),
    ) -> None:
        """`profiles` are those to begin with. Raises SettingsError, InvalidProfile."""
        if settings.phan.base_url is None:
            raise SettingsError("phan.base_url: is not set; serve needs the https address that gateways report to")
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.profiles = LiveProfiles(profiles)
        self.clock = clock
        self.registry = CollectorRegistry()
        self.phan_urls = PhanUrls(keyring, settings.phan.base_url)
        refuse_too_long(self.profiles.all, self.phan_urls, clock())
        self.codes = ProvisioningCodes(keyring)
        self.former = FormerValues(keyring, self.phan_urls)
        self.rendering = Rendering(self.profiles, self.phan_urls, self.codes, self.former, OwnPairs(keyring))
        self.reloading = Reloading(database, clock, self.profiles, self.phan_urls, lambda: profile_texts(settings))
        self.keys = Keys(settings.phan.keyring, database, keyring, self.phan_urls)
        self.seals = Seals(self.phan_urls, self.profiles)
        self.lines = Lines(self.seals)
        self.binding = Binding(database, clock, self.lines, self.codes)
        self.intake = Intake(database, clock, self.lines, self.seals, self.binding)
        self.sessions = own.sessions or statements(settings, database)
        self.pulse = Pulse(database)
        self.bulk = BulkIntake(database, clock, self.intake, self.seals, self.binding, self.pulse.beat)
        self.events = EventFeed(database, self.pulse)
        self.credentials = GatewayCredentials(database, clock, keyring, _policy(settings.cpe_auth))
        self.rotation = Rotation(settings.phan.keyring, database, clock, self.lines, self.pulse.beat)
        self.transcripts = Transcripts(database, clock)
        self.quarantine = Quarantine(database, clock)
        self.janitor = Janitor(self.sessions, clock, self.pulse.beat)
        self.session_ends = SessionEnds(Rings(database), clock)
        device = settings.device_listener
        self.inbox = Inbox(
            database, clock, InboxBounds(device.inbox_rows, device.inbox_rows_per_address, device.inbox_days)
        )
        self.outbox = Outbox(database, clock, keyring, settings.webhooks)
        self.audit = AuditTrail(database, clock)
        console = settings.console
        lifetimes = Lifetimes(timedelta(minutes=console.idle_minutes), timedelta(hours=console.session_hours))
        self.logins = Logins(database, clock, keyring, secrets.token_bytes, lifetimes)
        self.reports = ReportParts(settings, own.reports or database, keyring, self.phan_urls, self.profiles, clock)
        self.cleaning = Cleaning(database, clock, what_is_kept(settings.retention))

    @property
    def chores(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """What the daemon does beside answering, once for all its workers."""
        return (
            self.keys.run,
            self.rotation.run,
            self.janitor.run,
            self.cleaning.run,
            self.audit.run,
            self.inbox.run,
            self.pulse.listen,
            self.events.run,
            self.doorbell.run,
            self.session_ends.run,
            self.reloading.run,
            *self.reports.chores(random.random, self.registry),
            self.outbox.deliveries(self.pulse, CHANCE, DeliveryMeasures(self.registry).attempted).run,
        )

    def operator_runner(self, public_url: str) -> web.AppRunner:
        """The server that people and BSSs reach, and under which address."""
        database, clock, lines, binding = self.database, self.clock, self.lines, self.binding
        listener = self.settings.operator_listener
        writes = Writes(
            database,
            clock,
            approval_needed=self._approval_needed,
            blocked=self.rendering.blocked,
            writes_per_day=self.settings.queue.writes_per_gateway_per_day,
        )
        services = Services(
            subscribers=Subscribers(database, clock),
            devices=Devices(database, clock, lines, binding),
            gateways=Gateways(database, clock, binding, self.credentials, self.codes),
            stock=Stock(database, clock, self.credentials, binding),
            credentials=self.credentials,
            audit=self.audit,
            search=Search(database),
            rotation=self.rotation,
            associations=Associations(database, clock, lines, self.seals),
            intake=self.intake,
            bulk=self.bulk,
            writes=writes,
            undo=Undo(database, clock, writes),
            queue=Queue(database, clock, self.settings.queue.writes_per_minute),
            phan=PhanLookup(database, self.phan_urls),
            repeats=Repeats(database, clock, self.keyring),
            events=self.events,
            doorbell=self.doorbell,
            webhooks=self.outbox.webhooks(CHANCE),
            reloading=self.reloading,
            plans=Plans(database, clock, self.rendering),
            transcripts=self.transcripts,
            logins=self.logins,
            users=Users(database, clock, secrets.token_bytes),
            history=History(database, clock),
        )
        application = operator_application(
            services,
            callers=Callers(
                Tokens(database, clock),
                self.logins,
                Rates(clock, listener.requests_per_minute, listener.strangers_per_minute),
                Proxies(listener.trusted_proxies),
                public_url,
            ),
            check_ready=self._check_ready,
            registry=self.registry,
            clock=clock,
            on_change=self.pulse.beat,
        )
        return OperatorRunner(
            application, access_log=None, shutdown_timeout=self.settings.device_listener.drain_seconds
        )

    @cached_property
    def doorbell(self) -> Doorbell:
        """What rings gateways: one a host, beside the operator listener."""
        wanted = self.settings.connection_requests
        pair = None
        if wanted.username is not None and wanted.password is not None:
            pair = Pair(wanted.username, wanted.password.get_secret_value())
        manners = Manners(
            enabled=wanted.enabled and not self.settings.device_listener.observe,
            access=Access(wanted.access_networks, self.settings.device_listener.trusted_proxies),
            per_minute=wanted.per_minute,
            writes_per_minute=self.settings.queue.writes_per_minute,
            writes_per_day=self.settings.queue.writes_per_gateway_per_day,
            interval=timedelta(seconds=wanted.interval_seconds),
            address_interval=timedelta(seconds=wanted.address_interval_seconds),
            basic=wanted.basic,
            approval_needed=self._approval_needed,
        )
        return Doorbell(
            self.database,
            self.clock,
            manners,
            self.pulse,
            credentials=own_or(self.credentials, configured(pair)),
            new_cnonce=lambda: secrets.token_hex(8),
            observe=RingMeasures(self.registry).rung,
        )

    @property
    def _approval_needed(self) -> bool:
        cpe_auth = self.settings.cpe_auth
        return cpe_auth.mode is not CpeAuthMode.NONE and cpe_auth.bootstrap is Bootstrap.APPROVE

    async def _check_ready(self) -> None:
        """Raise what keeps the daemon from working: a database that is away, or not as this version needs it."""
        try:
            async with asyncio.timeout(READY_SECONDS), self.database.transaction() as connection:
                (await schema_state(connection)).require_usable()
        except TimeoutError:
            raise Unavailable("the database does not answer") from None

    def device_runner(self) -> web.ServerRunner:
        """The server that gateways reach."""
        measures = DeviceMeasures(self.registry)
        listener = self.settings.device_listener
        origins = Origins(listener.trusted_proxies, listener.management_networks, listener.certificate_header)
        load, connections = Load(self._limits(origins), measures), Connections(origins)
        endpoint = DeviceEndpoint(
            path=listener.path,
            gate=self._gate(),
            tickets=TicketSeal(self.keyring),
            dialogue=Dialogue(
                self._observer() if listener.observe else self._provisioner(measures),
                self.clock,
                believed=self.settings.cpe_auth.bootstrap is Bootstrap.PROVISION,
                on_end=self.session_ends.note,
            ),
            connections=connections,
            load=load,
            measures=measures,
            recorder=Recorder(self.transcripts, self.clock),
            elsewhere=self.reports.elsewhere(
                Listening(origins, connections, load), self.registry, random.getrandbits(FIRST_NONCE_BITS)
            ),
        )
        return web.ServerRunner(
            DeviceServer(endpoint, listener.path, connections, load), shutdown_timeout=listener.drain_seconds
        )

    def _limits(self, origins: Origins) -> Limits:
        names = {each.name for each in fields(Limits)} - {"is_proxy"}
        return Limits(**self.settings.device_listener.model_dump(include=names), is_proxy=origins.trusts)

    def _gate(self) -> Gate:
        own = (DerivedPairs(OwnPairs(self.keyring)), ImportedPairs(self.credentials))
        return make_gate(self.settings.cpe_auth, own, self.keyring, self.clock, random.getrandbits(FIRST_NONCE_BITS))

    def _observer(self) -> Observer:
        return Observer(
            database=self.database,
            informs=Informs(self.sessions, self.clock),
            rendering=self.rendering,
            quarantine=self.quarantine,
            phan_urls=self.phan_urls,
            binding=self.binding,
            clock=self.clock,
        )

    def _provisioner(self, measures: DeviceMeasures) -> Provisioner:
        queue = self.settings.queue
        return Provisioner(
            sessions=self.sessions,
            informs=Informs(self.sessions, self.clock),
            rendering=self.rendering,
            former=self.former,
            credentials=self.credentials,
            quarantine=self.quarantine,
            retry=Retry(queue.max_attempts, queue.retry_initial_seconds, queue.retry_max_seconds),
            patience=Patience(timedelta(seconds=queue.lease_seconds), timedelta(seconds=queue.staged_seconds)),
            preparations=Preparations(
                self.binding.bind_wanted,
                Resets(self.database, measures.again),
                Drift(self.database, self.rendering, queue.recheck_hours, measures.again),
                self.credentials,
                self.clock,
            ),
            know_key=self.keys.know,
            budget=Budget(measures.over_budget.inc),
            clock=self.clock,
            random=random.random,
            on_move=self._moved(measures),
        )

    def _moved(self, measures: DeviceMeasures) -> Callable[[WriteEvent], None]:
        """What a move of a write in a session is told to."""

        def moved(event: WriteEvent) -> None:
            measures.moved(event)
            self.pulse.beat()

        return moved
