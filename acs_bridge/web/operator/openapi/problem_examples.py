"""An example of every problem: what a caller is told who did something wrong, and what kind of wrong that is."""

from http import HTTPStatus
from typing import Any, Final

from acs_bridge.errors import Conflict, InvalidInput, NotFound, Unauthenticated, Unavailable
from acs_bridge.web.operator.problems import UnreadableBody, WrongMediaType, WrongRole
from acs_bridge.web.operator.rates import TooManyRequests

_WRONG = "must have 1 to 64 characters, not counting blanks around it"
_DETAILS: Final[dict[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: (UnreadableBody.title, "the body is no JSON: EOF while parsing an object"),
    HTTPStatus.UNAUTHORIZED: (Unauthenticated.title, "this bearer token is not known, or counts no more"),
    HTTPStatus.FORBIDDEN: (WrongRole.title, "this needs the role admin, not csr"),
    HTTPStatus.NOT_FOUND: (NotFound.title, "there is no such write"),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This address does not take that method",
        "PUT is not allowed here; GET, HEAD, POST is",
    ),
    HTTPStatus.CONFLICT: (Conflict.title, "line of service LOS-1001 is associated with subscriber C-7"),
    HTTPStatus.GONE: (
        "What was answered here has been erased",
        "the subscriber whom this call was about has been erased: take a new key for a new request",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("The request is too large", "a body has at most 1 MiB"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (WrongMediaType.title, "this address takes application/json"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (InvalidInput.title, f"code: {_WRONG}"),
    HTTPStatus.TOO_MANY_REQUESTS: (
        TooManyRequests.title,
        "this token may make 30000 requests a minute; come again in 12 s",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (Unavailable.title, "the database does not answer"),
}


def problem_example(status: HTTPStatus) -> dict[str, Any]:
    """Give the example of the problem with this status."""
    title, detail = _DETAILS[status]
    problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": int(status), "detail": detail}
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        problem["errors"] = [{"field": "code", "message": _WRONG}]
    return problem
