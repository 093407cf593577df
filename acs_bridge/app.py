"""The composition root: in which order everything is opened and closed; what it is made of stands in `parts.py`.

Addresses are bound first, so that a taken port fails before anything is touched; then the database, the keyring, the
services; the listeners answer last. Everything is closed in reverse.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import AcsBridgeError
from acs_bridge.parts import Own, Parts, profile_texts, statements
from acs_bridge.services.profiles.profiles import Texts, parse_profiles
from acs_bridge.services.urls.keyring import open_keyring, verify_keyring
from acs_bridge.settings import Settings
from acs_bridge.store.database import Database
from acs_bridge.store.embedded import EmbeddedPostgres
from acs_bridge.store.opening import open_postgres
from acs_bridge.store.sessions import Sessions
from acs_bridge.web.device.nursery import Nursery
from acs_bridge.web.device.tls import Tls
from acs_bridge.web.device.workers import Workers
from acs_bridge.web.listener import Bound, bind, serving

SESSION_CONNECTIONS = 8  # opened as needed: a batch of Informs, one of moves, and others beside those that are stuck
REPORT_CONNECTIONS = 3  # reports that arrive together share one; a stuck one does not hold up the others
WORKER_CONNECTIONS = 2  # for what a worker needs beside its sessions: to bind a gateway that informs for the first time


class DatabaseDied(AcsBridgeError):
    """The embedded Postgres has ended under the daemon."""

    title = "The embedded Postgres has ended; see the log in its data folder"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the daemon listens."""

    device: tuple[str, int]
    operator: tuple[str, int]


utc_now: Clock = partial(datetime.now, UTC)
"""The wall clock, read here and nowhere else."""


@dataclass(frozen=True, slots=True)
class Forking:
    """So many processes that serve gateways, and where they come from."""

    nursery: Nursery
    count: int


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that is serving."""

    addresses: Addresses
    console_url: str  # how people reach it, without "/" at its end
    database: Database
    chores: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    postgres: EmbeddedPostgres | None
    workers: Workers | None
    reload: Callable[[], None]
    """Read the profiles again, soon; the log says what came of it."""

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
async def serving_daemon(
    settings: Settings, *, workers: Forking | None = None, clock: Clock = utc_now, device: Bound | None = None
) -> AsyncIterator[Daemon]:
    """Open everything, serve until the block ends, and close everything.

    Without `workers` this process serves gateways as well, with them operators only. `device` is the device listener
    where the caller has bound it: whose port is in the settings before it is known.
    """
    settings.check_cpe_auth()
    async with AsyncExitStack() as stack:
        if device is None:
            tls = Tls.open(settings.device_listener)
            device = bind("device", settings.device_listener.host, settings.device_listener.port, tls)
        stack.callback(device.socket.close)
        operator = bind("operator", settings.operator_listener.host, settings.operator_listener.port)
        stack.callback(operator.socket.close)
        texts = profile_texts(settings)
        profiles = parse_profiles(texts)
        url = settings.database.url
        postgres = await stack.enter_async_context(
            open_postgres(
                None if url is None else url.get_secret_value(), settings.database.data_dir, clock(), may_attach=False
            )
        )
        database = await stack.enter_async_context(Database.connect(postgres.url, settings.database.pool_size))
        keyring = await open_keyring(settings.phan.keyring, database, clock())
        sessions = await stack.enter_async_context(_sessions(settings, postgres.url))
        reports = await stack.enter_async_context(_reports(settings, postgres.url))
        parts = Parts(settings, database, keyring, profiles, clock, Own(sessions, reports))
        processes: Workers | None = None
        if workers is None:
            gateways: AbstractAsyncContextManager[object] = serving(device, parts.device_runner())
        else:
            errand = {"postgres_url": postgres.url, "profiles": texts}
            drain = settings.device_listener.drain_seconds
            gateways = processes = Workers(workers.nursery, workers.count, device, errand, drain)
            parts.reloading.reaches(processes.take_profiles)
            parts.registry.register(processes.counted)
        await stack.enter_async_context(parts.pulse.telling())
        await stack.enter_async_context(parts.outbox.open())
        await stack.enter_async_context(parts.reports.open())
        public_url = settings.operator_listener.public_url or operator.local_url
        runner = parts.operator_runner(public_url)
        await stack.enter_async_context(_together(serving(operator, runner), gateways))
        addresses = Addresses((device.host, device.port), (operator.host, operator.port))
        yield Daemon(addresses, public_url, database, parts.chores, postgres.embedded, processes, parts.reloading.soon)


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
    settings: Settings, postgres_url: str, listener: socket.socket, profiles: Texts, *, clock: Clock = utc_now
) -> AsyncIterator[Parts]:
    """Serve gateways in a process of its own, on what the parent has opened, with the profiles that it has checked."""
    async with (
        Database.connect(postgres_url, WORKER_CONNECTIONS) as database,
        _sessions(settings, postgres_url) as sessions,
        _reports(settings, postgres_url) as reports,
    ):
        keyring = await verify_keyring(settings.phan.keyring, database)
        bound = Bound("device", listener, Tls.open(settings.device_listener))
        parts = Parts(settings, database, keyring, parse_profiles(profiles), clock, Own(sessions, reports))
        async with parts.pulse.telling(), serving(bound, parts.device_runner()):
            chores = [asyncio.create_task(chore()) for chore in (parts.session_ends.run, parts.keys.run)]
            try:
                yield parts
            finally:
                for chore in chores:
                    chore.cancel()
                await asyncio.wait(chores)


@asynccontextmanager
async def _sessions(settings: Settings, postgres_url: str) -> AsyncIterator[Sessions]:
    """The statements of sessions, on connections of their own: what operators ask for never holds a gateway up."""
    async with Database.connect(postgres_url, SESSION_CONNECTIONS, plan_once=True) as database:
        yield statements(settings, database)


@asynccontextmanager
async def _reports(settings: Settings, postgres_url: str) -> AsyncIterator[Database | None]:
    """Connections for reports alone, where the daemon takes any: no session ever waits for one of theirs."""
    if settings.reports.path is None:
        yield None
        return
    async with Database.connect(postgres_url, REPORT_CONNECTIONS, plan_once=True) as database:
        yield database
