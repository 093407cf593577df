"""The description of the API: what the repository holds is what a daemon serves, and both are true."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource

from acs_bridge.domain.actor import Role
from acs_bridge.web.operator.application import _Nothing, described
from acs_bridge.web.operator.console.pages import console_pages
from acs_bridge.web.operator.console.static import PATH as STATIC
from acs_bridge.web.operator.openapi.document import document, written
from acs_bridge.web.operator.openapi.examples import EXAMPLES, example_of
from acs_bridge.web.operator.openapi.operations import operation_id
from acs_bridge.web.operator.problems import MEDIA_TYPE
from tests.web.operator.conftest import PUBLIC_URL

SCHEMAS = Path(__file__).resolve().parents[4] / "schemas"
DOCUMENT = json.loads((SCHEMAS / "openapi.json").read_text("utf-8"))
ROUTES = described()
OPERATIONS = [
    (f"{method} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
operations = pytest.mark.parametrize(
    "operation", [each for _, each in OPERATIONS], ids=[name for name, _ in OPERATIONS]
)
routes = pytest.mark.parametrize("route", ROUTES, ids=operation_id)


def checked(schema):
    """What checks a value against a schema of the document."""
    whole = Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": DOCUMENT["components"]}
    )
    registry = Registry().with_resource("urn:document", whole)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
    return Draft202012Validator(absolute, registry=registry, format_checker=FormatChecker())


def resolved(part):
    while "$ref" in part:
        target = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


def contents(operation):
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for response in operation["responses"].values():
        yield from resolved(response).get("content", {}).items()


def test_the_document_is_openapi_3_1():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


async def test_the_file_is_what_a_daemon_serves_to_everybody_but_for_its_address(operator):
    reply = await operator.as_(None).get("/openapi.json")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    served = reply.json
    assert served.pop("servers") == [{"url": PUBLIC_URL}]
    assert served == {key: value for key, value in DOCUMENT.items() if key != "servers"}, "make schemas"


def test_making_it_twice_gives_the_same_bytes():
    assert written(document(described(), PUBLIC_URL)) == written(document(described(), PUBLIC_URL))


@routes
def test_every_route_is_described_with_its_roles(route):
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert operation["security"] == [{"bearer": []}]
    assert operation["x-roles"] == sorted(route.roles)
    for role in Role:
        assert (re.search(rf"\b{role}\b", operation["description"]) is not None) == (role in route.roles)


@routes
def test_every_body_has_an_example_that_its_model_takes(route):
    for model in (route.body,) if route.takes_body else ():
        model.model_validate_json(json.dumps(EXAMPLES[model]))
    for model in filter(None, route.answers.values()):
        assert example_of(model), model


@operations
def test_an_operation_says_all_that_may_be_answered(operation):
    statuses = {int(status) for status in operation["responses"]}
    assert 405 in statuses
    if operation["security"]:
        assert {401, 403, 429, 503} <= statuses
    if "requestBody" in operation:
        assert {400, 413, 415, 422} <= statuses
    for status in statuses:
        content = resolved(operation["responses"][str(status)]).get("content", {})
        assert status < 400 or content.keys() == {MEDIA_TYPE}


@operations
def test_examples_are_as_their_schemas_say(operation):
    for media_type, content in contents(operation):
        examples = [each["value"] for each in content.get("examples", {}).values()]
        if "example" in content:
            examples.append(content["example"])
        is_json = media_type in {"application/json", MEDIA_TYPE}
        assert examples or not is_json or operation["operationId"] == "describe"
        for example in examples:
            checked(content["schema"]).validate(example)


def test_the_message_of_a_webhook_is_as_its_schema_says():
    (content,) = DOCUMENT["webhooks"]["settled"]["post"]["requestBody"]["content"].values()
    checked(content["schema"]).validate(content["example"])


def test_operations_have_names_of_their_own_and_known_tags():
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {tag for _, operation in OPERATIONS for tag in operation["tags"]} <= {
        each["name"] for each in DOCUMENT["tags"]
    }


def test_every_schema_is_used():
    text = json.dumps(DOCUMENT)
    unused = {name for name in DOCUMENT["components"]["schemas"] if f'"#/components/schemas/{name}"' not in text}
    lines = {route.bulk.line.__name__ for route in ROUTES if route.bulk is not None}
    assert unused <= {"Changes", "Reset", "ProblemLine"} | lines  # which stand in streams, by their names


def test_everything_that_the_listener_serves_is_in_the_document_but_soap_and_pages(operator):
    served = {resource.canonical for resource in operator.runner.app.router.resources()}
    services: Any = _Nothing()
    pages = {page.path for page in console_pages(services, services)} | {"/login", "/logout", STATIC}
    assert served - DOCUMENT["paths"].keys() == {"/soap/provisioning", "/reference"} | pages
    assert DOCUMENT["paths"].keys() <= served


async def test_get_may_be_head(admin):
    reply = await admin("HEAD", "/v1/queue")
    assert (reply.status, reply.text) == (200, "")
    assert (await admin("HEAD", "/v1/nothing")).status == 404
