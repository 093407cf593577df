"""Errors as RFC 9457 problem details: one shape for everything that goes wrong, and never a secret in it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from pydantic import ValidationError

from acs_bridge.errors import (
    AcsBridgeError,
    Conflict,
    Forbidden,
    InvalidField,
    InvalidInput,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from acs_bridge.web.operator.words import words_for

MEDIA_TYPE = "application/problem+json"
SERVER = "acs-bridge"  # who answers, and nothing of what it is made of
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": SERVER}  # of every answer
RETRY_AFTER_SECONDS = "5"
MOST_ERRORS = 100
"""So many fields are named at once: a list may have any number of wrong members."""

_TITLES = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read",
    HTTPStatus.NOT_FOUND: "There is nothing at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not of a media type that this address takes",
}


class UnreadableBody(AcsBridgeError):
    """A body that is no JSON."""

    status = HTTPStatus.BAD_REQUEST
    title = _TITLES[HTTPStatus.BAD_REQUEST]


class WrongMediaType(AcsBridgeError):
    """A body of another kind than the route takes."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    title = _TITLES[HTTPStatus.UNSUPPORTED_MEDIA_TYPE]


class WrongRole(Forbidden):
    """The caller is known, and may not do this."""

    def __init__(self, needed: Iterable[str], role: str) -> None:
        """Name the roles that may."""
        super().__init__(f"this needs the role {' or '.join(sorted(needed))}, not {role}")


class ReadsOnly(Forbidden):
    """A CSR asked for something else than to be told."""

    def __init__(self) -> None:
        """Say who may."""
        super().__init__("the role csr only reads (GET); changes need the role admin, or intake for records")


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong."""

    status: int
    title: str
    detail: str
    errors: tuple[InvalidField, ...] = ()

    @classmethod
    def of(cls, error: AcsBridgeError) -> "Problem":
        """Say what an error that was foreseen says."""
        errors = error.errors if isinstance(error, InvalidInput | Conflict) else ()
        return cls(error.status, error.title, str(error), errors)

    def document(self) -> dict[str, object]:
        """Make the JSON of it."""
        document: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [{"field": error.field, "message": error.message} for error in self.errors]
        return document

    def response(self, headers: Mapping[str, str] | None = None) -> web.Response:
        """Make the answer."""
        return web.Response(
            body=json.dumps(self.document(), ensure_ascii=False).encode(),
            status=self.status,
            content_type=MEDIA_TYPE,
            headers=headers,
        )


BUG = Problem(500, "The daemon made a mistake", "the log of the daemon says more")
"""An error that nobody foresaw; what it is stands in the log."""

NO_HTTP = Problem(400, _TITLES[HTTPStatus.BAD_REQUEST], "this is no HTTP/1.1, or has a header that is too long")
"""Bytes that no application ever sees."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How the errors of an address are answered."""

    of_error: Callable[[AcsBridgeError], web.Response]
    of_http: Callable[[web.HTTPException], web.Response]
    of_bug: Callable[[], web.Response]


def of_error(error: AcsBridgeError) -> web.Response:
    """Answer with an error that was foreseen."""
    return Problem.of(error).response(headers_of(error))


def of_http(error: web.HTTPException) -> web.Response:
    """Answer with an error that the HTTP server found."""
    problem, headers = found_by_http(error)
    return problem.response(headers)


def found_by_http(error: web.HTTPException) -> tuple[Problem, Mapping[str, str]]:
    """Say what the HTTP server found, and the headers that belong to it."""
    title = _TITLES.get(HTTPStatus(error.status), error.reason)
    headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return Problem(error.status, title, _detail(error, title)), headers


def of_bug() -> web.Response:
    """Answer with an error that nobody foresaw."""
    return BUG.response()


PROBLEMS = Answers(of_error, of_http, of_bug)
"""How `/v1` does it."""


def invalid(error: ValidationError) -> InvalidInput:
    """Say which fields a model refused, and what each of them needs; their values are not repeated."""
    found = error.errors(include_url=False, include_input=False)[:MOST_ERRORS]
    return InvalidInput(
        *(
            InvalidField(_field(each["loc"]), words_for(each["type"], each.get("ctx", {}), each["msg"]))
            for each in found
        )
    )


def invalid_query(error: ValidationError, known: Iterable[str]) -> InvalidInput:
    """Say the same of a query string, and which fields it may have instead of those that nobody knows."""
    fields = ", ".join(sorted(known))
    words = f"is not a field of this query; known are {fields}" if fields else "is unknown: this call takes no query"
    unknown = {_field(each["loc"]) for each in error.errors() if each["type"] == "extra_forbidden"}
    return InvalidInput(
        *(InvalidField(each.field, words) if each.field in unknown else each for each in invalid(error).errors)
    )


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def headers_of(error: AcsBridgeError) -> dict[str, str]:
    """Give the headers that belong to an error."""
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="acs-bridge"'}
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": RETRY_AFTER_SECONDS} if isinstance(error, Unavailable) else {}


def _detail(error: web.HTTPException, title: str) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not allowed here; {', '.join(sorted(error.allowed_methods))} is"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return "a body has at most 1 MiB"
    return title
