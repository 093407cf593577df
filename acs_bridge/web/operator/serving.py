"""How the table of routes is served: read the call, hand it to its handler, write the answer.

What a caller may is decided before its body is read, and a body is read only as far as its limit.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from acs_bridge.domain.actor import Actor
from acs_bridge.errors import InvalidField
from acs_bridge.web.operator.problems import UnreadableBody, WrongMediaType, WrongRole, invalid
from acs_bridge.web.operator.registry import Answer, AnyRoute, Call

ACTOR: Final = web.RequestKey("actor", Actor)
JSON: Final = "application/json"
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_ENCODINGS: Final = ("", "identity")

M = TypeVar("M", bound=BaseModel)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


def add_routes(application: web.Application, routes: tuple[AnyRoute, ...]) -> None:
    """Serve every route of the table."""
    for route in routes:
        application.router.add_route(route.method, _pattern(route.path), _handler(route))


def _pattern(template: str) -> str:
    """Give the template as aiohttp matches it: a place takes everything but a bare slash, also braces."""
    return template.replace("}", ":[^/]+}")


def _handler(route: AnyRoute) -> Handler:
    async def serve(request: web.Request) -> web.Response:
        actor = request[ACTOR]
        if actor.role not in route.roles:
            raise WrongRole(route.roles, actor.role)
        call = Call(actor, _path(request), query_of(route.query, request), await _body(route, request))
        return respond(await route.handler(call))

    return serve


def _path(request: web.Request) -> dict[str, str]:
    """Decode what stands in the places of a path."""
    return dict(request.match_info)


def query_of(model: type[M], request: web.Request) -> M:
    """Read the query string of a call."""
    try:
        pairs = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidField("query", "must be percent-encoded UTF-8") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise InvalidField(next(name for name in names if names.count(name) > 1), "must be given once")
    return _checked(model, values)


async def _body(route: AnyRoute, request: web.Request) -> BaseModel:
    model: type[BaseModel] = route.body
    if not route.takes_body:
        return model()
    if request.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise WrongMediaType("this address takes bodies that are not compressed")
    content = await _content(request)
    if not content and route.body_optional:
        return model()
    if request.content_type != JSON or "Content-Type" not in request.headers:
        raise WrongMediaType(f"this address takes {JSON}")
    return _parsed(model, content)


async def _content(request: web.Request) -> bytes:
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise UnreadableBody("the body ended before it was complete") from None


def _parsed(model: type[M], content: bytes) -> M:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise UnreadableBody(f"the body is no JSON: {first['ctx']['error']}") from None
        raise invalid(error) from None


def _checked(model: type[M], values: dict[str, str]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from None


def respond(answer: Answer) -> web.Response:
    """Write an answer."""
    headers = HEADERS if answer.location is None else {**HEADERS, "Location": answer.location}
    if answer.model is None:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    return web.Response(
        body=answer.model.model_dump_json().encode(), status=answer.status, content_type=JSON, headers=headers
    )
