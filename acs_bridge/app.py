"""The composition root: the one module that knows every other one, and in which order they open and close.

Addresses are bound first, so that a taken port fails before anything is touched; then the database, the keyring, the
services; the listeners answer last. Everything is closed in reverse.
"""

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import OwnPairs, Pair
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrls
from acs_bridge.domain.profile import ProfileSet
from acs_bridge.domain.retry import Retry
from acs_bridge.domain.write import WriteEvent
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.associations import Associations
from acs_bridge.services.binding import Binding
from acs_bridge.services.bulk import BulkIntake
from acs_bridge.services.cleaning import Cleaning, what_is_kept
from acs_bridge.services.credentials import GatewayCredentials, Policy
from acs_bridge.services.devices import Devices
from acs_bridge.services.doorbell.address import Access
from acs_bridge.services.doorbell.credentials import configured, own_or
from acs_bridge.services.doorbell.doorbell import Doorbell, Manners
from acs_bridge.services.doorbell.ends import SessionEnds
from acs_bridge.services.events import EventFeed
from acs_bridge.services.gateways import Gateways
from acs_bridge.services.inbox import Inbox, InboxBounds
from acs_bridge.services.informs import Informs
from acs_bridge.services.intake import Intake
from acs_bridge.services.janitor import Janitor
from acs_bridge.services.keyring import open_keyring, verify_keyring
from acs_bridge.services.lines import Lines
from acs_bridge.services.phan import PhanLookup
from acs_bridge.services.profiles import load_profiles
from acs_bridge.services.provisioner import Patience, Provisioner
from acs_bridge.services.pulse import Pulse
from acs_bridge.services.quarantine import Quarantine
from acs_bridge.services.queue import Queue
from acs_bridge.services.rendering import Rendering
from acs_bridge.services.repeats import Repeats
from acs_bridge.services.seals import Seals
from acs_bridge.services.subscribers import Subscribers
from acs_bridge.services.tokens import Tokens
from acs_bridge.services.writes import Writes
from acs_bridge.settings import Settings, revealed
from acs_bridge.settings_device import Bootstrap, CpeAuth, CpeAuthMode
from acs_bridge.settings_layers import SettingsError
from acs_bridge.store.database import Database
from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.migrations import schema_state
from acs_bridge.store.opening import open_postgres
from acs_bridge.store.rings import Rings
from acs_bridge.store.sessions import Sessions
from acs_bridge.web.device.connection import Connections, DeviceServer
from acs_bridge.web.device.dialogue import Dialogue
from acs_bridge.web.device.endpoint import DeviceEndpoint
from acs_bridge.web.device.gate import DerivedPairs, Gate, ImportedPairs, make_gate
from acs_bridge.web.device.load import Limits, Load
from acs_bridge.web.device.measures import DeviceMeasures
from acs_bridge.web.device.origin import Origins
from acs_bridge.web.device.ticket import TicketSeal
from acs_bridge.web.device.tls import Tls
from acs_bridge.web.device.workers import Workers
from acs_bridge.web.listener import Bound, bind, serving
from acs_bridge.web.operator.application import Services, operator_application
from acs_bridge.web.operator.measures import RingMeasures

SESSION_CONNECTIONS = 8  # opened as needed: a batch of Informs, one of moves, and others beside those that are stuck
FIRST_NONCE_BITS = 24  # two processes number their nonces from different places
WORKER_CONNECTIONS = 2  # for what a worker needs beside its sessions: to bind a gateway that informs for the first time


class DatabaseDied(AcsBridgeError):
    """The embedded Postgres has ended under the daemon."""

    title = "The embedded Postgres has ended; see the log in its data folder"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the daemon listens."""

    device: tuple[str, int]
    operator: tuple[str, int]


def utc_now() -> datetime:
    """The wall clock, read here and nowhere else."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that is serving."""

    addresses: Addresses
    database: Database
    chores: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    postgres: EmbeddedPostgres | None
    workers: Workers | None

    async def until_it_fails(self) -> None:
        """Keep house; ends only by an error, which ends the daemon."""
        async with asyncio.TaskGroup() as group:
            for chore in self.chores:
                group.create_task(chore())
            if self.workers is not None:
                group.create_task(self.workers.keep_running())
            if self.postgres is not None:
                group.create_task(_watch(self.postgres))


async def _watch(postgres: EmbeddedPostgres) -> None:
    await postgres.died()
    raise DatabaseDied


@asynccontextmanager
async def serving_daemon(settings: Settings, *, workers: int = 1, clock: Clock = utc_now) -> AsyncIterator[Daemon]:
    """Open everything, serve until the block ends, and close everything.

    One worker is this process; more of them are processes of their own, and this one serves operators only.
    """
    settings.check_cpe_auth()
    async with AsyncExitStack() as stack:
        tls = Tls.open(settings.device_listener)
        device = bind("device", settings.device_listener.host, settings.device_listener.port, tls)
        stack.callback(device.socket.close)
        operator = bind("operator", settings.operator_listener.host, settings.operator_listener.port)
        stack.callback(operator.socket.close)
        profiles = load_profiles(settings.profiles.dirs)
        url = settings.database.url
        postgres = await stack.enter_async_context(
            open_postgres(
                None if url is None else url.get_secret_value(), settings.database.data_dir, clock(), may_attach=False
            )
        )
        database = await stack.enter_async_context(Database.connect(postgres.url, settings.database.pool_size))
        keyring = await open_keyring(settings.phan.keyring, database, clock())
        sessions = await stack.enter_async_context(_sessions(settings, postgres.url))
        parts = Parts(settings, database, keyring, profiles, clock, sessions)
        processes: Workers | None = None
        if workers == 1:
            gateways: AbstractAsyncContextManager[object] = serving(device, parts.device_runner())
        else:
            errand = {"settings": revealed(settings), "postgres_url": postgres.url}
            gateways = processes = Workers(workers, device, errand, settings.device_listener.drain_seconds)
            parts.registry.register(processes.counted)
        await stack.enter_async_context(parts.pulse.telling())
        runner = parts.operator_runner(settings.operator_listener.public_url or operator.local_url)
        await stack.enter_async_context(_together(serving(operator, runner), gateways))
        addresses = Addresses((device.host, device.port), (operator.host, operator.port))
        yield Daemon(addresses, database, parts.chores, postgres.embedded, processes)


@asynccontextmanager
async def _together(*listeners: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
    """Open one after the other, and close all at the same time: draining has one bound, however many there are."""
    async with AsyncExitStack() as stack:
        closing: list[AsyncExitStack] = []
        stack.push_async_callback(lambda: asyncio.gather(*(each.aclose() for each in closing)))
        for listener in listeners:
            closing.append(each := AsyncExitStack())
            await each.enter_async_context(listener)
        yield


@asynccontextmanager
async def serving_worker(
    settings: Settings, postgres_url: str, listener: socket.socket, *, clock: Clock = utc_now
) -> AsyncIterator[CollectorRegistry]:
    """Serve gateways in a process of its own, on what the parent has opened; gives what is counted."""
    async with (
        Database.connect(postgres_url, WORKER_CONNECTIONS) as database,
        _sessions(settings, postgres_url) as sessions,
    ):
        keyring = await verify_keyring(settings.phan.keyring, database)
        bound = Bound("device", listener, Tls.open(settings.device_listener))
        parts = Parts(settings, database, keyring, load_profiles(settings.profiles.dirs), clock, sessions)
        async with parts.pulse.telling(), serving(bound, parts.device_runner()):
            telling = asyncio.create_task(parts.session_ends.run())
            try:
                yield parts.registry
            finally:
                telling.cancel()
                await asyncio.wait((telling,))


@asynccontextmanager
async def _sessions(settings: Settings, postgres_url: str) -> AsyncIterator[Sessions]:
    """The statements of sessions, on connections of their own: what operators ask for never holds a gateway up."""
    async with Database.connect(postgres_url, SESSION_CONNECTIONS, plan_once=True) as database:
        yield _statements(settings, database)


def _statements(settings: Settings, database: Database) -> Sessions:
    return Sessions(database, writes_per_minute=settings.queue.writes_per_minute, manage=settings.cpe_auth.manage)


def _policy(cpe_auth: CpeAuth) -> Policy:
    pair = cpe_auth.pair()
    return Policy(
        cpe_auth.manage, None if pair is None else Pair(*pair), cpe_auth.realm, cpe_auth.periodic_inform_seconds
    )


class Parts:
    """The services, made of each other by plain constructors."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keyring: Keyring,
        profiles: ProfileSet,
        clock: Clock,
        sessions: Sessions | None = None,
    ) -> None:
        if settings.phan.base_url is None:
            raise SettingsError("phan.base_url: is not set; serve needs the https address that gateways report to")
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.profiles = profiles
        self.clock = clock
        self.registry = CollectorRegistry()
        self.phan_urls = PhanUrls(keyring, settings.phan.base_url)
        self.seals = Seals(keyring, self.phan_urls, profiles)
        self.lines = Lines(self.seals)
        self.binding = Binding(database, clock, self.lines)
        self.sessions = sessions or _statements(settings, database)
        self.pulse = Pulse(database)
        self.events = EventFeed(database, self.pulse)
        self.credentials = GatewayCredentials(database, clock, keyring, _policy(settings.cpe_auth))
        self.quarantine = Quarantine(database, clock)
        self.janitor = Janitor(self.sessions, clock, self.pulse.beat)
        self.session_ends = SessionEnds(Rings(database), clock)
        device = settings.device_listener
        self.inbox = Inbox(
            database, clock, InboxBounds(device.inbox_rows, device.inbox_rows_per_address, device.inbox_days)
        )
        self.cleaning = Cleaning(database, clock, what_is_kept(settings.retention))

    @property
    def chores(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """What the daemon does beside answering, once for all its workers."""
        return (
            self.janitor.run,
            self.cleaning.run,
            self.inbox.run,
            self.pulse.listen,
            self.events.run,
            self.doorbell.run,
            self.session_ends.run,
        )

    def operator_runner(self, public_url: str) -> web.AppRunner:
        """The server that people and BSSs reach, and under which address."""
        database, clock, lines, binding = self.database, self.clock, self.lines, self.binding
        intake = Intake(database, clock, lines, self.seals, binding)
        services = Services(
            subscribers=Subscribers(database, clock),
            devices=Devices(database, clock, lines, binding),
            gateways=Gateways(database, clock, binding, self.credentials),
            credentials=self.credentials,
            associations=Associations(database, clock, lines, self.seals),
            intake=intake,
            bulk=BulkIntake(database, clock, intake, self.seals, binding, self.pulse.beat),
            writes=Writes(database, clock, approval_needed=self._approval_needed),
            queue=Queue(database, clock, self.settings.queue.writes_per_minute),
            phan=PhanLookup(database, self.phan_urls),
            repeats=Repeats(database, clock),
            events=self.events,
            doorbell=self.doorbell,
        )
        application = operator_application(
            services,
            check_token=Tokens(database, clock).check,
            check_ready=self._check_ready,
            registry=self.registry,
            clock=clock,
            on_change=self.pulse.beat,
            public_url=public_url,
        )
        return web.AppRunner(application, access_log=None, shutdown_timeout=self.settings.device_listener.drain_seconds)

    @cached_property
    def doorbell(self) -> Doorbell:
        """What rings gateways: one a host, beside the operator listener."""
        wanted = self.settings.connection_requests
        pair = None
        if wanted.username is not None and wanted.password is not None:
            pair = Pair(wanted.username, wanted.password.get_secret_value())
        manners = Manners(
            enabled=wanted.enabled,
            access=Access(wanted.access_networks, self.settings.device_listener.trusted_proxies),
            per_minute=wanted.per_minute,
            writes_per_minute=self.settings.queue.writes_per_minute,
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
        async with self.database.transaction() as connection:
            (await schema_state(connection)).require_usable()

    def device_runner(self) -> web.ServerRunner:
        """The server that gateways reach."""
        measures = DeviceMeasures(self.registry)
        listener = self.settings.device_listener
        origins = Origins(listener.trusted_proxies, listener.management_networks, listener.certificate_header)
        load, connections = Load(self._limits(origins), measures), Connections(origins)
        endpoint = DeviceEndpoint(
            path=self.settings.device_listener.path,
            gate=self._gate(),
            tickets=TicketSeal(self.keyring),
            dialogue=Dialogue(
                self._provisioner(measures),
                self.clock,
                believed=self.settings.cpe_auth.bootstrap is Bootstrap.PROVISION,
                on_end=self.session_ends.note,
            ),
            connections=connections,
            load=load,
            measures=measures,
        )
        return web.ServerRunner(
            DeviceServer(endpoint, connections, load), shutdown_timeout=self.settings.device_listener.drain_seconds
        )

    def _limits(self, origins: Origins) -> Limits:
        names = {each.name for each in fields(Limits)} - {"is_proxy"}
        return Limits(**self.settings.device_listener.model_dump(include=names), is_proxy=origins.trusts)

    def _gate(self) -> Gate:
        own = (DerivedPairs(OwnPairs(self.keyring)), ImportedPairs(self.credentials))
        return make_gate(self.settings.cpe_auth, own, self.keyring, self.clock, random.getrandbits(FIRST_NONCE_BITS))

    def _provisioner(self, measures: DeviceMeasures) -> Provisioner:
        queue = self.settings.queue
        return Provisioner(
            sessions=self.sessions,
            informs=Informs(self.sessions, self.clock),
            rendering=Rendering(self.profiles, self.phan_urls),
            credentials=self.credentials,
            quarantine=self.quarantine,
            retry=Retry(queue.max_attempts, queue.retry_initial_seconds, queue.retry_max_seconds),
            patience=Patience(timedelta(seconds=queue.lease_seconds), timedelta(seconds=queue.staged_seconds)),
            bind_wanted=self.binding.bind_wanted,
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
