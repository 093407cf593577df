"""The application of the operator listener, made of the services that it is given.

It opens nothing and reads no settings. `/v1` is a table of routes, the console a table of pages; SOAP, events and the
description of the API add their own addresses, and to `ANONYMOUS` those that nobody has to log in for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.log import server_logger
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from acs_bridge.domain.clock import Clock
from acs_bridge.services.access.logins import Logins
from acs_bridge.services.access.users import Users
from acs_bridge.services.audit import AuditTrail
from acs_bridge.services.doorbell.doorbell import Doorbell
from acs_bridge.services.intake.bulk import BulkIntake
from acs_bridge.services.intake.intake import Intake
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.services.intake.stock import Stock
from acs_bridge.services.notifications.events import EventFeed
from acs_bridge.services.notifications.webhooks import Webhooks
from acs_bridge.services.profiles.reloading import Reloading
from acs_bridge.services.queue.history import History
from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.queue.undo import Undo
from acs_bridge.services.queue.writes import Writes
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.services.records.devices import Devices
from acs_bridge.services.records.gateways import Gateways
from acs_bridge.services.records.search import Search
from acs_bridge.services.records.subscribers import Subscribers
from acs_bridge.services.session.plans import Plans
from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.services.urls.phan import PhanLookup
from acs_bridge.services.urls.rotation import RotationDesk
from acs_bridge.web.listener import WithoutContent
from acs_bridge.web.operator.callers import Callers
from acs_bridge.web.operator.console.login import LoginPages
from acs_bridge.web.operator.console.pages import console_pages
from acs_bridge.web.operator.console.serving import Console
from acs_bridge.web.operator.doors import ANONYMOUS, DOORS, Door
from acs_bridge.web.operator.measures import OperatorMeasures
from acs_bridge.web.operator.middleware import answering, authenticating
from acs_bridge.web.operator.models.events import EventQuery
from acs_bridge.web.operator.models.health import Health
from acs_bridge.web.operator.openapi.endpoint import add_description
from acs_bridge.web.operator.problems import HEADERS, WrongRole
from acs_bridge.web.operator.rates import tell
from acs_bridge.web.operator.registry import READERS, WATCHERS, Answer, AnyRoute
from acs_bridge.web.operator.routes import events
from acs_bridge.web.operator.routes.associations import AssociationRoutes
from acs_bridge.web.operator.routes.audit import AuditRoutes
from acs_bridge.web.operator.routes.devices import DeviceRoutes
from acs_bridge.web.operator.routes.gateways import GatewayRoutes
from acs_bridge.web.operator.routes.intake import IntakeRoutes, PhanRoutes
from acs_bridge.web.operator.routes.profiles import ProfileRoutes
from acs_bridge.web.operator.routes.queue import QueueRoutes, WriteRoutes
from acs_bridge.web.operator.routes.rotation import RotationRoutes
from acs_bridge.web.operator.routes.search import SearchRoutes
from acs_bridge.web.operator.routes.subscribers import SubscriberRoutes
from acs_bridge.web.operator.routes.transcripts import TranscriptRoutes
from acs_bridge.web.operator.routes.webhooks import WebhookRoutes
from acs_bridge.web.operator.server import SINGLE
from acs_bridge.web.operator.serving import ACTOR, add_routes, query_of, respond
from acs_bridge.web.operator.single import SingleRequests
from acs_bridge.web.operator.soap.endpoint import DOOR, add_soap
from acs_bridge.web.operator.soap.vocabulary import PATH
from acs_bridge.web.operator.uploads import STOPPING

LARGEST_BODY: Final = 1 << 20

server_logger.addFilter(WithoutContent())  # what a header may quote is a token


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that `/v1` and the console offer."""

    subscribers: Subscribers
    devices: Devices
    gateways: Gateways
    stock: Stock
    credentials: GatewayCredentials
    associations: Associations
    intake: Intake
    bulk: BulkIntake
    writes: Writes
    queue: Queue
    phan: PhanLookup
    repeats: Repeats
    events: EventFeed
    doorbell: Doorbell
    webhooks: Webhooks
    transcripts: Transcripts
    audit: AuditTrail
    reloading: Reloading
    plans: Plans
    undo: Undo
    logins: Logins
    search: Search
    history: History
    rotation: RotationDesk
    users: Users


def table(services: Services, clock: Clock) -> tuple[AnyRoute, ...]:
    """Give every route of `/v1`."""
    return (
        *SubscriberRoutes(services.subscribers).table(),
        *DeviceRoutes(services.devices).table(),
        *AssociationRoutes(services.associations).table(),
        *IntakeRoutes(services.intake, services.bulk, services.associations, services.writes).table(),
        *GatewayRoutes(services.gateways, services.stock, services.credentials, services.doorbell, clock).table(),
        *ProfileRoutes(services.reloading, services.plans).table(),
        *TranscriptRoutes(services.transcripts).table(),
        *WriteRoutes(services.writes, services.undo).table(),
        *QueueRoutes(services.queue).table(),
        *PhanRoutes(services.phan).table(),
        *RotationRoutes(services.rotation).table(),
        *WebhookRoutes(services.webhooks, clock).table(),
        *AuditRoutes(services.audit).table(),
        *SearchRoutes(services.search).table(),
    )


class _Nothing:
    """Stands where a service would, while the routes are only described."""

    def __getattr__(self, name: str) -> "_Nothing":
        return self


def described() -> tuple[AnyRoute, ...]:
    """Give every route of `/v1` with nothing behind it."""
    nothing: Any = _Nothing()
    return table(Services(**{each.name: nothing for each in fields(Services)}), nothing)


async def _stop_uploads(application: web.Application) -> None:
    application[STOPPING].set()


def operator_application(
    services: Services,
    *,
    callers: Callers,
    check_ready: Callable[[], Awaitable[None]],
    registry: CollectorRegistry,
    clock: Clock,
    on_change: Callable[[], None],
) -> web.Application:
    """Make the application.

    `callers` knows who calls; `check_ready` raises what keeps the daemon from working; `on_change` hears of every call
    that changed something.
    """
    measures = OperatorMeasures(registry)
    application = web.Application(
        middlewares=[answering(measures, on_change, callers), authenticating(callers)], client_max_size=LARGEST_BODY
    )
    application.on_response_prepare.append(tell)
    routes = table(services, clock)
    application[ANONYMOUS] = {"/healthz", "/readyz"}
    (busiest,) = [route for route in routes if route.confirms]
    application[SINGLE] = SingleRequests(busiest, callers, measures, on_change)
    application[DOORS] = {PATH: DOOR} | {route.path: Door(recalls=True) for route in routes if route.confirms}
    add_soap(application, services, callers.public_url)
    application[STOPPING] = asyncio.Event()
    application.on_shutdown.append(_stop_uploads)
    add_routes(application, routes, services.repeats)
    add_description(application, routes, callers.public_url)

    async def alive(_: web.Request) -> web.Response:
        return respond(Answer(Health()))

    async def ready(_: web.Request) -> web.Response:
        await check_ready()
        return respond(Answer(Health()))

    async def metrics(request: web.Request) -> web.Response:
        if request[ACTOR].role not in WATCHERS:
            raise WrongRole(WATCHERS, request[ACTOR].role)
        measures.show(await services.queue.overview())
        measures.show_telling(await services.webhooks.waiting(), services.events.followers)
        headers = {**HEADERS, "Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    application.router.add_get("/healthz", alive)
    application.router.add_get("/readyz", ready)
    application.router.add_get("/metrics", metrics, allow_head=False)
    _add_events(application, services.events, callers)
    console = Console(console_pages(services, clock), callers, services.queue, clock)
    console.add_to(application)
    LoginPages(console, services.logins).add_to(application)
    return application


def _add_events(application: web.Application, feed: EventFeed, callers: Callers) -> None:
    """Serve the stream of events, and end every stream when the daemon ends."""

    async def stream(request: web.Request) -> web.StreamResponse:
        if request[ACTOR].role not in READERS:
            raise WrongRole(READERS, request[ACTOR].role)
        query = query_of(EventQuery, request)
        still_allowed = partial(callers.caller, request, used=False)
        return await events.stream(request, feed, query, request[ACTOR], still_allowed)

    async def end_streams(_: web.Application) -> None:
        feed.close()

    application.router.add_get(events.PATH, stream, allow_head=False)
    application.on_shutdown.append(end_streams)
