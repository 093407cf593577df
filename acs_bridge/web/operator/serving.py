"""How the table of routes is served: read the call, hand it to its handler, write the answer.

What a caller may is decided before its body is read, and a body is read only as far as its limit.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, partial
from http import HTTPStatus
from typing import Final, TypeAlias, TypeVar, get_origin
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError

from acs_bridge.domain.actor import Actor
from acs_bridge.errors import InvalidField, Unconfirmed
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.web.operator.bodies import parsed
from acs_bridge.web.operator.problems import HEADERS, UnreadableBody, WrongMediaType, WrongRole, invalid_query
from acs_bridge.web.operator.registry import Answer, AnyRoute, Call
from acs_bridge.web.operator.repeats import HEADER as KEY
from acs_bridge.web.operator.repeats import key_of, once
from acs_bridge.web.operator.uploads import NDJSON, Upload, batch_of, media_types, shown_media_types

ACTOR: Final = web.RequestKey("actor", Actor)
JSON: Final = "application/json"
TEXT: Final = "text/plain"
BODY_SECONDS: Final = 60.0
_ENCODINGS: Final = ("", "identity")
_CHARSETS: Final = ("utf-8", "utf8", "us-ascii")

M = TypeVar("M", bound=BaseModel)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(application: web.Application, routes: tuple[AnyRoute, ...], repeats: Repeats) -> None:
    """Serve every route of the table."""
    paths = frozenset(route.path for route in routes)
    for route in routes:
        handler = _handler(route, repeats)
        pattern = _pattern(route.path, paths)
        application.router.add_route(route.method, pattern, handler)
        if route.method == "GET":  # HEAD is the same without the body, which the HTTP server leaves out
            application.router.add_route("HEAD", pattern, handler)


@cache
def _pattern(template: str, paths: frozenset[str]) -> str:
    """Give the template as aiohttp matches it: a place takes everything but a bare slash, also braces.

    A place at the end does not take the last word of another path: that one alone says which methods it has.
    """
    folder, _, place = template.rpartition("/")
    others = sorted(path.removeprefix(f"{folder}/") for path in paths if path.rpartition("/")[0] == folder)
    words = "|".join(re.escape(word) for word in others if "{" not in word)
    last = f"{place[:-1]}:(?!(?:{words})$)[^/]+}}" if place.endswith("}") and words else place.replace("}", ":[^/]+}")
    return f"{folder.replace('}', ':[^/]+}')}/{last}"


def _handler(route: AnyRoute, repeats: Repeats) -> Handler:
    uploads = () if route.bulk is None else media_types(route.bulk)

    async def serve(request: web.Request) -> web.StreamResponse:
        actor = request[ACTOR]
        if actor.role not in route.roles:
            raise WrongRole(route.roles, actor.role)
        query = query_of(route.query, request)
        key = key_of(request) if route.idempotent else None
        batch_id = batch_of(request) if route.bulk is not None else None
        is_upload = request.content_type in uploads
        if actor.unconfirmed is not None and (not route.confirms or is_upload or key is not None):
            raise Unconfirmed
        if route.bulk is not None and is_upload:
            _refuse_encoded(request)
            if key is not None:
                raise InvalidField(KEY, "is for single requests; lines that are sent again are done once without it")
            if (request.charset or "utf-8").lower() not in _CHARSETS:
                raise WrongMediaType("uploads are taken in UTF-8")
            parse = partial(parsed, route.body, what="line") if request.content_type in NDJSON else None
            return await Upload(request, actor, route.bulk, parse, batch_id).serve()
        call = Call(actor, _path(request), query, await _body(route, request))

        async def work() -> web.Response:
            return respond(await route.handler(call), request.headers.get("Accept", ""))

        if key is None:
            return await work()
        return await once(repeats, key, request, call, work, secret=route.secret)

    return serve


def _path(request: web.Request) -> dict[str, str]:
    """Decode what stands in the places of a path."""
    return dict(request.match_info)


def query_of(model: type[M], request: web.Request) -> M:
    """Read the query string of a call."""
    asked = request.rel_url.raw_query_string
    if not asked:
        usual: M = _unasked(model)
        return usual
    try:
        pairs = parse_qsl(asked, keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidField("query", "must be percent-encoded UTF-8") from None
    lists = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    values: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if name in values and name not in lists:
            raise InvalidField(name, "must be given once")
        values[name] = [each for other, each in pairs if other == name] if name in lists else value
    return _checked(model, values)


async def _body(route: AnyRoute, request: web.Request) -> BaseModel:
    model: type[BaseModel] = route.body
    if not route.takes_body:
        return model()
    _refuse_encoded(request)
    content = await _content(request)
    if not content and route.body_optional:
        return model()
    if request.content_type != JSON or "Content-Type" not in request.headers:
        taken = (JSON, *(shown_media_types(route.bulk) if route.bulk else ()))
        raise WrongMediaType(f"this address takes {' or '.join(taken)}")
    return parsed(model, content)


def _refuse_encoded(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise WrongMediaType("this address takes bodies that are not compressed")


async def _content(request: web.Request) -> bytes:
    try:
        if request.content.is_eof():  # all of it has arrived
            return await request.read()
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise UnreadableBody(f"the body did not arrive within {BODY_SECONDS:.0f} s") from None
    except (web.RequestPayloadError, ConnectionError):
        raise UnreadableBody("the body ended before it was complete") from None


@cache
def _unasked(model: type[M]) -> M:
    """Give what an empty query string asks for; models of queries are frozen, so that all such calls share one."""
    return _checked(model, {})


def _checked(model: type[M], values: Mapping[str, str | list[str]]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_query(error, model.model_fields) from None


def respond(answer: Answer, accept: str = "") -> web.Response:
    """Write an answer; as text where there is one, and `accept` begins with it."""
    headers = HEADERS if answer.location is None else {**HEADERS, "Location": answer.location}
    if answer.model is None:
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=headers)
    if answer.text is not None and accept.strip().lower().startswith(TEXT):
        return web.Response(text=answer.text, status=answer.status, content_type=TEXT, headers=headers)
    content = answer.content or answer.model.model_dump_json().encode()
    return web.Response(body=content, status=answer.status, content_type=JSON, headers=headers)
