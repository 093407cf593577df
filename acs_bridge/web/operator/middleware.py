"""What happens around every call of the operator listener: who calls, how errors are answered, what is logged.

A log line names the route, never the path or the query: a code in a path is a customer's. A body is never looked at.
"""

import binascii
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import AcsBridgeError, Unauthenticated, where
from acs_bridge.web.operator.measures import OperatorMeasures
from acs_bridge.web.operator.problems import HEADERS, PROBLEMS, Answers, ReadsOnly
from acs_bridge.web.operator.rates import Rates
from acs_bridge.web.operator.serving import ACTOR
from acs_bridge.web.operator.uploads import STILL
from acs_bridge.web.proxies import Proxies

_log = structlog.get_logger(__name__)

CheckToken: TypeAlias = Callable[[str, str], Awaitable[Actor]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANONYMOUS: Final[web.AppKey[set[str]]] = web.AppKey("anonymous", set[str])
PROXIES: Final = web.AppKey("proxies", Proxies)
"""Who is believed about where a call comes from."""

UNMATCHED: Final = "unmatched"
_READING: Final = ("GET", "HEAD")
_BEARER: Final = "bearer"
_BASIC: Final = "basic"


@dataclass(frozen=True, slots=True)
class Door:
    """How an address differs from those of `/v1`."""

    answers: Answers = PROBLEMS
    open_to: frozenset[str] = frozenset()  # the methods for which nobody has to log in
    takes_basic: bool = False  # a token is also taken as the password of HTTP Basic
    decides_roles: bool = False  # also what a CSR may, which is not for the method to say


DOORS: Final[web.AppKey[dict[str, Door]]] = web.AppKey("doors", dict[str, Door])
"""The addresses that differ, by their templates."""

_V1: Final = Door()


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
            address=sender(request),
        )
        return response

    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except AcsBridgeError as error:
        response = door(request).answers.of_error(error)
    except web.HTTPException as error:
        response = door(request).answers.of_http(error)
    except Exception as error:  # noqa: BLE001 -- the last one who could tell the caller; the log gets where it was
        _log.error("request_broke", route=template(request), error=type(error).__qualname__, **where(error))
        response = door(request).answers.of_bug()
    response.headers.update(HEADERS)
    return response


def authenticating(check: CheckToken, rates: Rates) -> Middleware:
    """Let nobody in without a token, except where the application says so, nor too often, and CSRs only to read."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        here = door(request)
        anonymous = request.app[ANONYMOUS]
        if template(request) in anonymous or request.path in anonymous or request.method in here.open_to:
            return await handler(request)
        actor = await caller(request, check)
        request[ACTOR] = actor
        request[STILL] = lambda: caller(request, check)
        rates.take(request, actor)
        if actor.role is Role.CSR and request.method not in _READING and not here.decides_roles:
            raise ReadsOnly
        return await handler(request)

    return authenticate


async def caller(request: web.Request, check: CheckToken) -> Actor:
    """Say who calls; Unauthenticated when nobody does whose token counts."""
    return await check(_token(request, door(request)), sender(request))


def sender(request: web.Request) -> str:
    """Give the address that a call comes from."""
    return request.app[PROXIES].sender(request.remote or "", request.headers)


def _token(request: web.Request, here: Door) -> str:
    """Give the token that a caller shows."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == _BEARER:
        return shown.strip()
    if scheme.lower() == _BASIC and here.takes_basic:
        return _password(shown)
    raise Unauthenticated


def _password(credentials: str) -> str:
    """Give the password of a pair as HTTP Basic carries it (RFC 7617, 2); its user name says nothing."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeError):
        raise Unauthenticated from None


def door(request: web.Request) -> Door:
    """Say how the address of a call differs."""
    return request.app[DOORS].get(template(request), _V1)


def template(request: web.Request) -> str:
    """Name the route of a call by its template; paths that nothing serves all have one name."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical
