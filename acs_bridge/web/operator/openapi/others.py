"""What the listener serves beside the table of routes, described by hand, and what it sends by itself."""

from http import HTTPStatus
from typing import Final

from acs_bridge.services.notifications.notices import Notice, WebhookMessage
from acs_bridge.web.operator.models.events import Changes, EventQuery, Reset
from acs_bridge.web.operator.models.health import Health
from acs_bridge.web.operator.openapi.examples import EXAMPLES, MESSAGE
from acs_bridge.web.operator.openapi.operations import (
    BEARER,
    EVERYWHERE,
    JSON,
    RATE_HEADERS,
    Operation,
    parameters,
    refusal,
)
from acs_bridge.web.operator.openapi.schemas import Schema, Schemas
from acs_bridge.web.operator.registry import READERS, WATCHERS
from acs_bridge.web.operator.routes import events

DESCRIPTION: Final = "/openapi.json"
GIVEN: Final = (Health, Notice, Changes, Reset, WebhookMessage)
TAKEN: Final = (EventQuery,)
_TEXT: Final[Schema] = {"type": "string"}
_NO_ARGUMENTS: Final = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST)


def others(schemas: Schemas) -> dict[str, Schema]:
    """Describe them, by their paths."""
    return {
        events.PATH: {"get": _events(schemas)},
        "/metrics": {"get": _metrics()},
        "/healthz": {"get": _health(schemas, "alive", "Tell whether the daemon lives", ready=False)},
        "/readyz": {"get": _health(schemas, "ready", "Tell whether the daemon can work", ready=True)},
        DESCRIPTION: {"get": _description()},
    }


def _events(schemas: Schemas) -> Operation:
    words = (
        "Server-sent events, without end. `write`: a move of a write (Notice). `changes`, with coalesce_ms: the "
        "newest event of each write that moved (Changes), and `records`: a brake, the limit or the gateways on record "
        "have changed. `reset`: something is not kept any more (Reset). A comment comes every 15 seconds. "
        "For tokens with the role " + " or ".join(sorted(READERS)) + "."
    )
    last = {
        "name": "Last-Event-ID",
        "in": "header",
        "required": False,
        "description": "Where to go on: the last `id` that was received.",
        "schema": {"type": "string", "pattern": r"^[0-9]+-[0-9]+$"},
    }
    answer = {
        "description": "The stream.",
        "headers": dict(RATE_HEADERS),
        "content": {"text/event-stream": {"schema": {**_TEXT, "description": words}}},
    }
    return {
        "operationId": "events_follow",
        "tags": ["events"],
        "summary": "Follow what happens to writes",
        "description": words,
        "security": BEARER,
        "x-roles": sorted(READERS),
        "parameters": [*parameters(schemas.fields(EventQuery)), last],
        "responses": {"200": answer, **_refused(*EVERYWHERE)},
    }


def _metrics() -> Operation:
    return {
        "operationId": "metrics",
        "tags": ["daemon"],
        "summary": "Show the metrics, for Prometheus",
        "description": f"For tokens with the role {' or '.join(sorted(WATCHERS))}.",
        "security": BEARER,
        "x-roles": sorted(WATCHERS),
        "responses": {
            "200": {
                "description": "The metrics.",
                "headers": dict(RATE_HEADERS),
                "content": {"text/plain": {"schema": _TEXT}},
            },
            **_refused(*(each for each in EVERYWHERE if each not in _NO_ARGUMENTS)),
        },
    }


def _health(schemas: Schemas, name: str, summary: str, *, ready: bool) -> Operation:
    content = {JSON: {"schema": schemas.of(Health), "example": EXAMPLES[Health]}}
    refused = (HTTPStatus.METHOD_NOT_ALLOWED, *((HTTPStatus.SERVICE_UNAVAILABLE,) if ready else ()))
    return {
        "operationId": name,
        "tags": ["daemon"],
        "summary": summary,
        "description": "For everybody.",
        "security": [],
        "responses": {"200": {"description": "It does.", "content": content}, **_refused(*refused)},
    }


def _description() -> Operation:
    content = {JSON: {"schema": {"type": "object"}}}
    return {
        "operationId": "describe",
        "tags": ["daemon"],
        "summary": "Give this description",
        "description": "For everybody.",
        "security": [],
        "responses": {
            "200": {"description": "OpenAPI 3.1.", "content": content},
            **_refused(HTTPStatus.METHOD_NOT_ALLOWED),
        },
    }


def _refused(*statuses: HTTPStatus) -> Schema:
    return {str(int(status)): refusal(status) for status in sorted(statuses)}


def sent(schemas: Schemas) -> dict[str, Schema]:
    """Describe what is sent to webhooks."""
    headers = {
        "webhook-id": "The same for every attempt and replay of a message.",
        "webhook-timestamp": "When it was sent, in seconds since 1970.",
        "webhook-signature": "`v1,` and HMAC-SHA256 over id, timestamp and body, in base64; several apart by blanks.",
    }
    return {
        "settled": {
            "post": {
                "operationId": "settled",
                "tags": ["webhooks"],
                "summary": "A write has settled",
                "description": "POSTed to each webhook; any 2xx takes it, anything else is tried again for a day.",
                "security": [],
                "parameters": [
                    {"name": name, "in": "header", "required": True, "description": words, "schema": _TEXT}
                    for name, words in headers.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {JSON: {"schema": schemas.of(WebhookMessage), "example": MESSAGE}},
                },
                "responses": {"2XX": {"description": "The message was taken."}},
            }
        }
    }
