"""What happens around every call of the operator listener: who calls, how errors are answered, what is logged.

A log line names the route, never the path or the query: a code in a path is a customer's. A body is never looked at.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import AcsBridgeError, Forbidden, Unconfirmed, where
from acs_bridge.web.operator.callers import READING, Callers
from acs_bridge.web.operator.doors import ANONYMOUS, door, template
from acs_bridge.web.operator.measures import OperatorMeasures
from acs_bridge.web.operator.problems import HEADERS, Answers, ReadsOnly
from acs_bridge.web.operator.rates import STANDING
from acs_bridge.web.operator.serving import ACTOR
from acs_bridge.web.operator.uploads import STILL

_log = structlog.get_logger(__name__)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answering(measures: OperatorMeasures, on_change: Callable[[], None], callers: Callers) -> Middleware:
    """Answer errors as problems; measure and log each call once, when it is over, and tell if it changed something."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        try:
            response = await handler(request)
        except Exception as error:  # noqa: BLE001 -- the last one who could tell the caller
            response = refusal(error, door(request).answers, template(request))
        seconds = time.perf_counter() - begun
        if request.method not in READING and response.status < HTTPStatus.BAD_REQUEST:
            on_change()
        asyncio.get_running_loop().call_soon(tell_of, request, response.status, seconds)  # when it has been sent
        return response

    def tell_of(request: web.Request, status: int, seconds: float) -> None:
        caller = request.get(ACTOR), callers.sender(request)
        tell(measures, Served(request.method, template(request), status, seconds, *caller))

    return answer


def refusal(error: Exception, answers: Answers, route: str) -> web.Response:
    """Answer a call at which something went wrong."""
    if isinstance(error, AcsBridgeError):
        response = answers.of_error(error)
    elif isinstance(error, web.HTTPException):
        response = answers.of_http(error)
    else:  # our own mistake: the log gets where it was
        _log.error("request_broke", route=route, error=type(error).__qualname__, **where(error))
        response = answers.of_bug()
    response.headers.update(HEADERS)
    return response


@dataclass(frozen=True, slots=True)
class Served:
    """A call that is over."""

    method: str
    route: str  # its template
    status: int
    seconds: float
    actor: Actor | None
    address: str  # where it came from


def tell(measures: OperatorMeasures, served: Served) -> None:
    """Measure and log a call."""
    measures.served(served.method, served.route, served.status, served.seconds)
    if served.actor is None and served.status == HTTPStatus.TOO_MANY_REQUESTS:
        return  # a flood of strangers: it was said when it began, and is counted
    _log.info(
        "request_served",
        method=served.method,
        route=served.route,
        status=served.status,
        seconds=round(served.seconds, 6),
        actor=None if served.actor is None else served.actor.label,
        address=served.address,
    )


def authenticating(callers: Callers) -> Middleware:
    """Let nobody in unknown, except where the application says so, nor too often, and CSRs only to read."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        here = door(request)
        if here.serve is not None:
            return await here.serve(request)
        if here.recalls and (recalled := callers.recalled(request)) is not None:
            with suppress(Unconfirmed):
                return await _at_once(callers, request, recalled, handler)
        anonymous = request.app[ANONYMOUS]
        if template(request) in anonymous or request.path in anonymous or request.method in here.open_to:
            return await handler(request)
        return await _admitted(callers, request, await callers.caller(request), handler)

    return authenticate


async def _at_once(callers: Callers, request: web.Request, recalled: Actor, handler: Handler) -> web.StreamResponse:
    """Answer a caller who was not looked up; whoever would be told of an error is looked up after all."""
    try:
        return await _admitted(callers, request, recalled, handler)
    except Exception as error:
        del request[ACTOR]
        if not isinstance(error, Unconfirmed):
            request[ACTOR] = await callers.caller(request)
        raise


async def _admitted(callers: Callers, request: web.Request, actor: Actor, handler: Handler) -> web.StreamResponse:
    """Answer a caller who is known."""
    request[ACTOR] = actor
    request[STILL] = lambda: callers.caller(request)
    if STANDING not in request:
        callers.rates.take(request, actor)
    try:
        if actor.role is Role.CSR and request.method not in READING and not door(request).decides_roles:
            raise ReadsOnly
        return await handler(request)
    except Forbidden:
        await callers.refused(actor, "request_refused", request)
        raise
