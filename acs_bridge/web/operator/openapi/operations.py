"""Routes of the table as operations."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from uuid import UUID

from acs_bridge.domain import names
from acs_bridge.web.operator.models.problem import ProblemLine
from acs_bridge.web.operator.ndjson import LINE_LIMIT
from acs_bridge.web.operator.openapi.examples import CSV_EXAMPLE, example_of
from acs_bridge.web.operator.openapi.schemas import Schema, Schemas
from acs_bridge.web.operator.problems import MEDIA_TYPE
from acs_bridge.web.operator.registry import AnyRoute
from acs_bridge.web.operator.repeats import HEADER, KEY_LENGTH, REPLAYED
from acs_bridge.web.operator.results import CsvResults
from acs_bridge.web.operator.tables import GATEWAY, REQUIRED
from acs_bridge.web.operator.uploads import BATCH_HEADER, CSV, NDJSON

JSON: Final = "application/json"
TEXT: Final = "text/plain"
BEARER: Final = [{"bearer": list[str]()}]
EVERYWHERE: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""What may be answered to every call."""

_OF_BODIES: Final = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
_NEWER_PHRASES: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": names.CODE_LENGTH}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_PLACES: Final[Mapping[str, Schema]] = {"code": _TEXT, "line_of_service": _TEXT, "delivery": _NUMBER}
_NUMBERED: Final = "/v1/gateways/"

Operation: TypeAlias = dict[str, Any]


def operation(route: AnyRoute, schemas: Schemas) -> Operation:
    """Describe a route."""
    described: Operation = {
        "operationId": operation_id(route),
        "tags": [tag(route.path)],
        "summary": route.summary,
        "description": _words(route),
        "security": BEARER,
        "x-roles": sorted(route.roles),
        "parameters": [*_places(route.path), *_queries(route, schemas), *_headers(route)],
        "responses": _responses(route, schemas),
    }
    if route.takes_body:
        described["requestBody"] = {"required": not route.body_optional, "content": _bodies(route, schemas)}
    return described


def operation_id(route: AnyRoute) -> str:
    """Name a route by its folder and by what handles it: a name that stays."""
    return f"{tag(route.path)}_{getattr(route.handler, '__name__', '')}".replace("-", "_")


def tag(path: str) -> str:
    """Name the folder of a path."""
    return path.split("/")[2]


def _words(route: AnyRoute) -> str:
    words = f"For tokens with the role {' or '.join(sorted(route.roles))}."
    if route.bulk is not None:
        words += (
            f" As {NDJSON[0]}: a request a line, of at most {LINE_LIMIT} bytes, and a line of the answer for each, in "
            "their order, with the status that the request alone would have got; the answer itself is then 200."
        )
    return words


def _places(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _place(path, name)}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _place(path: str, name: str) -> Schema:
    if name == "id":
        return _NUMBER if path.startswith(_NUMBERED) else {"type": "string", "format": "uuid"}
    return _PLACES[name]


def _queries(route: AnyRoute, schemas: Schemas) -> list[Schema]:
    return parameters(schemas.fields(route.query))


def parameters(fields: tuple[dict[str, Schema], frozenset[str]]) -> list[Schema]:
    """Describe the fields of a query."""
    described = []
    for name, field in fields[0].items():
        schema = dict(field)
        words = schema.pop("description", None)
        described.append(
            {"name": name, "in": "query", "required": name in fields[1], "schema": schema}
            | ({} if words is None else {"description": words})
        )
    return described


def _headers(route: AnyRoute) -> list[Schema]:
    headers: list[Schema] = []
    if route.idempotent:
        words = "The same call again gets the stored answer. A key belongs to its token. Uploads need none."
        headers.append({"name": HEADER, "in": "header", "required": False, "description": words, "schema": KEY})
    if route.bulk is not None:
        words = "Of an upload that comes in parts: the batch of the parts before, which this one belongs to as well."
        schema = {"type": "string", "format": "uuid"}
        headers.append(
            {"name": BATCH_HEADER, "in": "header", "required": False, "description": words, "schema": schema}
        )
    return headers


KEY: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": "^[ -~]+$"}


def _bodies(route: AnyRoute, schemas: Schemas) -> Schema:
    bodies: Schema = {JSON: {"schema": schemas.of(route.body), **example_of(route.body)}}
    if route.bulk is not None:
        line = schemas.of(route.body)["$ref"].rpartition("/")[2]
        bodies[NDJSON[0]] = {"schema": {"description": f"Lines, each of them a {line} on its own."}}
        if route.bulk.table is not None:
            columns = f"{', '.join(REQUIRED)}, and if known {', '.join(GATEWAY)}"
            words = f"A header and rows, in UTF-8 between commas, semicolons or tabs. The columns are {columns}."
            bodies[CSV] = {"schema": {"description": words}, "example": CSV_EXAMPLE}
    return bodies


def _responses(route: AnyRoute, schemas: Schemas) -> Schema:
    said = {str(int(status)): _success(route, status, schemas) for status in sorted(route.answers)}
    refused = {*EVERYWHERE, *route.refusals, *(_OF_BODIES if route.takes_body else ())}
    if route.method != "GET":
        refused.add(HTTPStatus.CONFLICT)  # others are changing the same records at this very moment
    if route.idempotent:
        refused.add(HTTPStatus.GONE)  # what was answered under this key is not there any more
    return said | {str(int(status)): refusal(status) for status in sorted(refused)}


def _success(route: AnyRoute, status: HTTPStatus, schemas: Schemas) -> Schema:
    model = route.answers[status]
    headers: Schema = dict(RATE_HEADERS)
    answer: Schema = {"description": _phrase(status), "headers": headers}
    if model is not None:
        answer["content"] = {JSON: {"schema": schemas.of(model), **example_of(model)}}
    if route.in_text:
        words = "The same for people, where Accept begins with it."
        answer["content"][TEXT] = {"schema": {"type": "string", "description": words}}
    if status is HTTPStatus.CREATED:
        headers["Location"] = {"description": "The path of what was made.", "schema": {"type": "string"}}
    if route.idempotent:
        words = "`true`: this was answered before, to the same key."
        headers[REPLAYED] = {"description": words, "schema": {"type": "string", "enum": ["true"]}}
    if route.bulk is not None and status is HTTPStatus.OK:
        lines = " or a ".join(schemas.of(each)["$ref"].rpartition("/")[2] for each in (route.bulk.line, ProblemLine))
        schema = {"type": "string", "description": f"Lines, each of them a {lines} on its own."}
        answer["content"][NDJSON[0]] = {"schema": schema}
        words = "The same as rows under a header, for callers that accept no other form of an upload's answer."
        head = CsvResults(UUID(int=0), route.bulk.line).head().decode()
        answer["content"][CSV] = {"schema": {"type": "string", "description": words}, "example": head}
        headers[BATCH_HEADER] = {"description": "Of an upload: its batch.", "schema": {"type": "string"}}
    return answer


def refusal(status: HTTPStatus) -> Schema:
    """Refer to what is said with this status."""
    return {"$ref": f"#/components/responses/{refusal_name(status)}"}


def refusal_name(status: HTTPStatus) -> str:
    """Name what is said with this status."""
    return _phrase(status).replace(" ", "")


def _phrase(status: HTTPStatus) -> str:
    """Say a status in the words of RFC 9110, which Python has from 3.13 on."""
    return _NEWER_PHRASES.get(status, status.phrase)


RATE_HEADERS: Final[Mapping[str, Schema]] = {
    name: {"$ref": f"#/components/headers/{name}"}
    for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
}


def refusals(schemas: Schemas, problem: type) -> dict[str, Schema]:
    """Describe everything that may be refused, once."""
    found = {}
    for status in sorted({*EVERYWHERE, *_OF_BODIES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE}):
        headers: Schema = dict(RATE_HEADERS) if status is not HTTPStatus.UNAUTHORIZED else {}
        if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            headers["Retry-After"] = {"description": "In seconds.", "schema": {"type": "integer", "minimum": 1}}
        if status is HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = {"description": "The methods that are taken.", "schema": {"type": "string"}}
        content = {MEDIA_TYPE: {"schema": schemas.of(problem), **example_of(problem, status)}}
        found[refusal_name(status)] = {"description": _phrase(status), "headers": headers, "content": content}
    return found
