"""How the addresses of the operator listener differ in who is let in and how errors are answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from acs_bridge.web.operator.problems import PROBLEMS, Answers

ANONYMOUS: Final[web.AppKey[set[str]]] = web.AppKey("anonymous", set[str])
"""The templates that nobody has to log in for."""

UNMATCHED: Final = "unmatched"
NOWHERE: Final = "nowhere"
"""Where somebody is whose browser asks for a page that there is not: a door like others, but for no address."""
_FOR_PROGRAMS: Final = ("/v1/", "/soap/")


@dataclass(frozen=True, slots=True)
class Door:
    """How an address differs from those of `/v1`."""

    answers: Answers = PROBLEMS
    open_to: frozenset[str] = frozenset()  # the methods for which nobody has to log in
    takes_basic: bool = False  # a token is also taken as the password of HTTP Basic
    decides_roles: bool = False  # also what a CSR may, which is not for the method to say
    serve: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None  # whoever comes, instead of a route
    recalls: bool = False  # its callers may be unconfirmed at first: see Actor


DOORS: Final[web.AppKey[dict[str, Door]]] = web.AppKey("doors", dict[str, Door])
"""The addresses that differ, by their templates."""

_V1: Final = Door()


def door(request: web.Request) -> Door:
    """Say how the address of a call differs."""
    return request.app[DOORS].get(NOWHERE if _is_lost(request) else template(request), _V1)


def template(request: web.Request) -> str:
    """Name the route of a call by its template; paths that nothing serves all have one name."""
    resource = request.match_info.route.resource
    return UNMATCHED if resource is None else resource.canonical


def _is_lost(request: web.Request) -> bool:
    """Tell whether a person has followed a link, or typed an address, that leads nowhere."""
    return (
        request.match_info.route.resource is None
        and request.method in {"GET", "HEAD"}
        and not request.path.startswith(_FOR_PROGRAMS)
        and "text/html" in request.headers.get("Accept", "")
    )
