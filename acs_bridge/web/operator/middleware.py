"""What happens around every call of the operator listener: who calls, how errors are answered, what is logged.

A log line names the route, never the path or the query: a code in a path is a customer's. A body is never looked at.
"""

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import AcsBridgeError, Unauthenticated
from acs_bridge.web.operator.measures import OperatorMeasures
from acs_bridge.web.operator.problems import WrongRole, of_bug, of_error, of_http
from acs_bridge.web.operator.serving import ACTOR, HEADERS

_log = structlog.get_logger(__name__)

CheckToken: TypeAlias = Callable[[str, str], Awaitable[Actor]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANONYMOUS: Final[web.AppKey[set[str]]] = web.AppKey("anonymous", set[str])
UNMATCHED: Final = "unmatched"
_READING: Final = ("GET", "HEAD")
_BEARER: Final = "bearer"


def answering(measures: OperatorMeasures, on_change: Callable[[], None]) -> Middleware:
    """Answer errors as problems; measure and log each call once, when it is over, and tell if it changed something."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        response = await _answered(request, handler)
        seconds = time.perf_counter() - begun
        if request.method not in _READING and response.status < HTTPStatus.BAD_REQUEST:
            on_change()
        route = template(request)
        measures.served(request.method, route, response.status, seconds)
        actor = request.get(ACTOR)
        _log.info(
            "request_served",
            method=request.method,
            route=route,
            status=response.status,
            seconds=round(seconds, 6),
            actor=None if actor is None else actor.label,
            address=request.remote,
        )
        return response

    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AcsBridgeError as error:
        response = of_error(error)
    except web.HTTPException as error:
        response = of_http(error)
    except Exception as error:  # noqa: BLE001 -- the last one who could tell the caller; the log gets all of it
        _log.exception("request_broke", route=template(request), error=type(error).__name__)
        response = of_bug()
    response.headers.update(HEADERS)
    return response


def authenticating(check: CheckToken) -> Middleware:
    """Let nobody in without a token, except where the application says so, and CSRs only to read."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if template(request) in request.app[ANONYMOUS]:
            return await handler(request)
        actor = await caller(request, check)
        request[ACTOR] = actor
        if actor.role is Role.CSR and request.method not in _READING:
            raise WrongRole({Role.ADMIN}, actor.role)
        return await handler(request)

    return authenticate


async def caller(request: web.Request, check: CheckToken) -> Actor:
    """Say who calls; Unauthenticated when nobody does whose token counts."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != _BEARER:
        raise Unauthenticated
    return await check(token.strip(), request.remote or "")


def template(request: web.Request) -> str:
    """Name the route of a call by its template; paths that nothing serves all have one name."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical
