"""The document: paths of the table and beside it, schemas, and how callers show who they are."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from acs_bridge import __version__
from acs_bridge.web.operator.models.problem import ProblemAnswer, ProblemLine
from acs_bridge.web.operator.openapi import others
from acs_bridge.web.operator.openapi.operations import RATE_HEADERS, operation, refusals
from acs_bridge.web.operator.openapi.schemas import Schemas
from acs_bridge.web.operator.registry import AnyRoute

Document: TypeAlias = dict[str, Any]

_ABOUT: Final = (
    "The intake API of acs-bridge: subscribers, lines of service (devices), gateways, and the writes that bring a PHAN "
    "URL into a gateway. Every error is a problem (RFC 9457). Of lists, `next` is the cursor of the page after. "
    "GET may be HEAD. The same for SOAP: `/soap/provisioning?wsdl`."
)
_TAGS: Final = {
    "provisioning-requests": "Everything at once: what is missing is made, and the line associated.",
    "subscribers": "Who has lines.",
    "devices": "Lines of service, and the gateway of each.",
    "associations": "Who has which line; each has a PHAN URL.",
    "profiles": "Which parameters of which gateways get the URL, and what a gateway would be sent.",
    "writes": "What is written into gateways, and what became of it.",
    "queue": "All writes at a glance, and the brakes.",
    "batches": "Writes that belong together.",
    "gateways": "Boxes that have informed.",
    "phan": "What a PHAN URL says.",
    "events": "What happens, as it happens.",
    "webhooks": "Endpoints that are told when a write has settled.",
    "search": "One box for everything.",
    "audit": "Who did what, when and from where.",
    "daemon": "How the daemon does.",
}
_RATES: Final = {
    "RateLimit-Limit": "How many requests this token may make in a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "In how many seconds all of them are there again.",
}


def document(routes: Sequence[AnyRoute], public_url: str) -> Document:
    """Describe the API as it is reached at `public_url`, which has no "/" at its end."""
    schemas = _schemas(routes)
    paths: Document = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    paths |= others.others(schemas)
    sent = others.sent(schemas)
    schemas.drop(dict.fromkeys([*(route.query for route in routes), *others.TAKEN]))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "acs-bridge",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": words} for name, words in _TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "webhooks": sent,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token: `acs-bridge tokens create`."}
            },
            "headers": {
                name: {"description": _RATES[name], "schema": {"type": "integer", "minimum": 0}}
                for name in RATE_HEADERS
            },
            "responses": refusals(schemas, ProblemAnswer),
            "schemas": schemas.components,
        },
    }


def _schemas(routes: Sequence[AnyRoute]) -> Schemas:
    taken = [model for route in routes for model in (route.query, *((route.body,) if route.takes_body else ()))]
    given = [model for route in routes for model in route.answers.values() if model is not None]
    lines = [route.bulk.line for route in routes if route.bulk is not None]
    return Schemas([*taken, *others.TAKEN], [*given, *lines, *others.GIVEN, ProblemAnswer, ProblemLine])


def written(described: Document) -> str:
    """Write the document: the same bytes everywhere."""
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"
