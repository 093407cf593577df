"""Bad input: every one of it gets an answer that names what is wrong, and changes nothing."""

import asyncio
import io
import json
import logging
from base64 import urlsafe_b64encode
from itertools import product

import pytest
from pydantic import ValidationError

from acs_bridge.errors import Unavailable
from acs_bridge.web.operator.application import described
from acs_bridge.web.operator.models.events import EventQuery
from acs_bridge.web.operator.problems import MOST_ERRORS, invalid, invalid_query

SUBSCRIBERS = "/v1/subscribers"
GOOD = {"name": "Ann", "code": "C-1"}


def without(field):
    return {key: value for key, value in GOOD.items() if key != field}


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (without("code"), "code", "is required"),
        (without("name"), "name", "is required"),
        ({**GOOD, "code": 42}, "code", "must be text"),
        ({**GOOD, "code": None}, "code", "must be text"),
        ({**GOOD, "code": ["x"]}, "code", "must be text"),
        ({**GOOD, "code": True}, "code", "must be text"),
        ({**GOOD, "code": ""}, "code", "1 to 64"),
        ({**GOOD, "code": " \t "}, "code", "1 to 64"),
        ({**GOOD, "code": "x" * 65}, "code", "1 to 64"),
        ({**GOOD, "code": "a\x00b"}, "code", "U+0000"),
        ({**GOOD, "code": "a\nb"}, "code", "control characters"),
        ({**GOOD, "name": "x" * 129}, "name", "1 to 128"),
        ({**GOOD, "name": "x" * 10_000}, "name", "1 to 128"),
        ({**GOOD, "nmae": "x"}, "nmae", "is not a field"),
        ([], "body", "must be an object"),
        ("text", "body", "must be an object"),
        (None, "body", "must be an object"),
    ],
)
async def test_a_field_that_cannot_be_taken_is_named_with_its_limit(intake, body, field, words):
    reply = await intake.post(SUBSCRIBERS, json.dumps(body).encode())
    assert (reply.status, reply.headers["Content-Type"]) == (422, "application/problem+json"), reply.text
    problem = reply.json
    assert problem.keys() == {"type", "title", "status", "detail", "errors"}
    (error,) = problem["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert (await intake.get(SUBSCRIBERS)).json["items"] == []


async def test_every_bad_field_is_named_at_once_with_its_place(intake):
    body = {"subscriber": {"name": "", "code": 1, "x": 1}, "line_of_service": "a\tb", "gateway": {"oui": "0"}}
    reply = await intake.post("/v1/provisioning-requests", body)
    assert [error["field"] for error in reply.json["errors"]] == [
        "subscriber.name",
        "subscriber.code",
        "subscriber.x",
        "line_of_service",
        "gateway.oui",
        "gateway.serial_number",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"name": "a", "code": "b"',
        b'{"name": "a", "code": "\xff"}',
        b'{"name": "a", "code": "\\ud800"}',
        b"[" * 100_000,
        b'{"name": NaN',
        "{'name': 'a'}".encode("utf-16"),
    ],
    ids=range(9),
)
async def test_what_is_no_json_is_400(intake, content):
    reply = await intake("POST", SUBSCRIBERS, content)
    assert (reply.status, reply.json["title"]) == (400, "The request cannot be read")


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}, {"Content-Type": "application/x-ndjson"}],
)
async def test_another_media_type_is_415(intake, headers):
    assert (await intake("POST", SUBSCRIBERS, GOOD, headers=headers)).status == 415


async def test_a_body_without_a_media_type_is_415(operator, intake):
    reply = await intake("POST", SUBSCRIBERS, GOOD, headers={"Content-Type": ""})
    assert reply.status == 415


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
async def test_a_compressed_body_is_refused(intake, encoding):
    content = b"\x1f\x8b" + b"\0" * 100
    reply = await intake("POST", SUBSCRIBERS, content, headers={"Content-Encoding": encoding})
    assert reply.status in (400, 415), reply.text  # 400: the HTTP server has looked inside before us


async def test_a_body_over_a_mebibyte_is_413(intake):
    reply = await intake("POST", SUBSCRIBERS, io.BytesIO(b'"' + b"x" * (1 << 20) + b'"'))
    assert (reply.status, reply.json["detail"]) == (413, "a body has at most 1 MiB")


async def test_a_method_that_is_not_taken_is_405_and_says_which_are(intake):
    reply = await intake("PUT", SUBSCRIBERS)
    assert (reply.status, reply.headers["Allow"]) == (405, "GET,HEAD,POST")
    assert "GET, HEAD, POST" in reply.json["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=LTE", "cursor"),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cursor"),
        ("associated=perhaps", "associated"),
        ("serach=x", "serach"),
        ("search=%00", "search"),
        ("search=" + "x" * 200, "search"),
        ("search=a&search=b", "search"),
        ("search=%FF", "query"),
    ],
)
async def test_a_query_that_cannot_be_taken_is_named(intake, query, field):
    reply = await intake.get(f"{SUBSCRIBERS}?{query}")
    assert reply.status == 422, reply.text
    assert reply.json["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("subscribers?limit=0", "limit", "must be at least 1"),
        ("subscribers?limit=501", "limit", "must be at most 500"),
        ("subscribers?associated=perhaps", "associated", "must be true or false"),
        ("associations?state=over", "state", "must be active or ended"),
        ("writes?state=done", "state", "must be queued, sent, applied, staged, verified, in_doubt, rejected, failed,"),
        ("writes?batch=7", "batch", "must be a UUID"),
        ("writes?profile=", "profile", "must have at least 1 character"),
        ("audit?until=0.5", "until", "must be a time with its offset from UTC"),
        ("audit?since=2026-11-22T09:30:00", "since", "must be a time with its offset from UTC"),
        ("audit?since=2026-13-01T00:00:00Z", "since", "must be a time with its offset from UTC"),
        ("audit?since=0001-01-01T00:00:00%2B23:59", "since", "must be a time with its offset from UTC"),
        ("audit?until=9999-12-31T23:59:59-23:59", "until", "must be a time with its offset from UTC"),
    ],
)
async def test_a_query_is_told_its_limit(admin, query, field, words):
    reply = await admin.get(f"/v1/{query}")
    assert reply.status == 422, reply.text
    (error,) = reply.json["errors"]
    assert (error["field"], error["message"][: len(words)]) == (field, words)


ODD: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    10**30,
    "",
    "x" * 3000,
    "\0",
    "0.5",
    "2026-13-01T00:00:00Z",
    [],
    [None],
    ["x"] * 2000,
    {"x": 1},
)


@pytest.mark.parametrize("model", sorted({route.query for route in described()} | {EventQuery}, key=str))
def test_no_query_is_refused_in_the_words_of_the_library(model):
    for field, value in product(model.model_fields, ODD):
        try:
            model.model_validate({field: value if isinstance(value, str) else json.dumps(value)})
        except ValidationError as error:
            check_ours(invalid_query(error, model.model_fields))


@pytest.mark.parametrize("model", sorted({route.body for route in described()}, key=str))
def test_no_body_is_refused_in_the_words_of_the_library(model):
    for field, value in product(model.model_fields, ODD):
        try:
            model.model_validate_json(json.dumps({field: value}))
        except ValidationError as error:
            check_ours(invalid(error))


def check_ours(refused):
    assert 1 <= len(refused.errors) <= MOST_ERRORS
    for error in refused.errors:
        assert "should" not in error.message, (
            error.message
        )  # as pydantic says "Input should be" and "String should have"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59 1 1", "9999-12-31T23:59:59-23:59 1 1", "2026-01-01 1 1"])
async def test_a_cursor_of_a_time_that_no_timeline_has_is_named(intake, moment):
    request = {"subscriber": GOOD, "line_of_service": "L-1"}
    association = (await intake.post("/v1/provisioning-requests", request)).json["association_id"]
    cursor = urlsafe_b64encode(moment.encode()).decode()
    reply = await intake.get(f"/v1/associations/{association}/timeline?cursor={cursor}")
    assert (reply.status, reply.json["errors"][0]["field"]) == (422, "cursor"), reply.text


@pytest.mark.parametrize(
    "path",
    [
        "/v1/associations/x",
        "/v1/associations/x/timeline",
        "/v1/writes/1",
        "/v1/gateways/0",
        "/v1/gateways/-1",
        "/v1/gateways/99999999999999999999",
        "/v1/gateways/%D9%A1",
        "/v1/provisioning-requests/none",
        "/v1/subscribers/none",
        "/v1/devices/none",
        "/v1/nothing",
        "/v1/subscribers/",
        "/v1/devices/a/b",
        "/v1/devices//gateway",
    ],
)
async def test_what_is_not_there_is_404(admin, path):
    reply = await admin.get(path)
    assert (reply.status, reply.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["%00", "%0A", "%FF", "%ED%A0%80", "x" * 65, "%E2%80%8Bx", "%"])
async def test_a_code_that_cannot_be_is_never_a_server_error(admin, path):
    for method in ("GET", "DELETE"):
        reply = await admin(method, f"/v1/subscribers/{path}")
        assert reply.status in (400, 404, 422)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/v1/queue/pause", {"batch": "x"}, "batch"),
        ("POST", "/v1/queue/pause", {"profile": "a\x00"}, "profile"),
        ("POST", "/v1/queue/pause", {"profil": "a"}, "profil"),
        ("PUT", "/v1/queue/rate", {"writes_per_minute": 0}, "writes_per_minute"),
        ("PUT", "/v1/queue/rate", {"writes_per_minute": 1.5}, "writes_per_minute"),
        ("PUT", "/v1/queue/rate", {"writes_per_minute": "60"}, "writes_per_minute"),
        ("PUT", "/v1/queue/rate", {"writes_per_minute": True}, "writes_per_minute"),
        ("PUT", "/v1/queue/rate", {"writes_per_minute": 10**30}, "writes_per_minute"),
        ("PUT", "/v1/queue/rate", {}, "writes_per_minute"),
        ("POST", "/v1/phan/open", {}, "url"),
        ("POST", "/v1/phan/open", {"url": "a", "urls": ["b"]}, "url"),
        ("POST", "/v1/phan/open", {"urls": []}, "urls"),
        ("POST", "/v1/phan/open", {"urls": ["a"] * 1001}, "urls"),
        ("POST", "/v1/phan/open", {"urls": [1]}, "urls.0"),
        ("POST", "/v1/phan/open", {"urls": [{"oui": "00236A"}]}, "urls.0.url"),
        ("POST", "/v1/phan/open", {"urls": [{"url": "a", "sn": "S"}]}, "urls.0.sn"),
        ("POST", "/v1/phan/open", {"urls": ["a"], "oui": "00236A"}, "oui"),
        ("PUT", "/v1/devices/L/gateway", {"oui": "00005e", "serial_number": "\u0007"}, "serial_number"),
        ("PUT", "/v1/devices/L/gateway", {"oui": "00005e", "serial_number": "s", "replace": "yes"}, "replace"),
    ],
)
async def test_other_bodies_name_their_bad_field_too(admin, method, path, body, field):
    reply = await admin(method, path, body)
    assert reply.status == 422, reply.text
    assert reply.json["errors"][0]["field"] == field


@pytest.mark.parametrize("name", ["Ann 🎉 Ωμέγα", "'; drop table subscriber; --", "<script>", "\u202eevil", "e\u0301"])
async def test_names_of_any_script_are_kept(intake, name):
    import unicodedata

    reply = await intake.post(SUBSCRIBERS, {"name": name, "code": "C-1"})
    assert (reply.status, reply.json["name"]) == (201, unicodedata.normalize("NFC", name))


async def test_a_client_that_vanishes_in_the_middle_of_its_body_leaves_nothing(operator, intake):
    host, port = operator.base.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {SUBSCRIBERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {intake.token}\r\n"
    writer.write(f'{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"name": "A'.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await intake.get(SUBSCRIBERS)).json["items"] == []


async def test_not_ready_is_503_with_the_reason(operator):
    operator.readiness.append(Unavailable("the database (somewhere) does not answer"))
    reply = await operator.as_(None).get("/readyz")
    assert (reply.status, reply.json["detail"]) == (503, "the database (somewhere) does not answer")
    assert (await operator.as_(None).get("/healthz")).status == 200


async def test_a_database_that_is_away_is_503_and_comes_back(operator, intake, postgres, database_name):
    import asyncpg

    admin = await asyncpg.connect(postgres.owner_url())
    try:
        await admin.execute(f"alter database {database_name} connection limit 0")
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database_name)
        reply = await intake.get(SUBSCRIBERS)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5"), reply.text
        await admin.execute(f"alter database {database_name} connection limit -1")
    finally:
        await admin.close()
    assert (await intake.get(SUBSCRIBERS)).status == 200


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/v1/writes?stat=queued",
            (
                "known are batch, cursor, fault, gateway_id, limit, line_of_service, profile, serial_number, state, "
                "subscriber_code"
            ),
        ),
        ("/v1/queue?x=1", "this call takes no query"),
    ],
)
async def test_a_field_of_a_query_that_nobody_knows_is_named_with_those_that_are(admin, path, words):
    reply = await admin.get(path)
    (error,) = reply.json["errors"]
    assert reply.status == 422
    assert error["field"] == path.partition("?")[2].partition("=")[0]
    assert words in error["message"]


async def exchange(operator, sent):
    """Send bytes as they are, and give what comes until the listener closes."""
    host, port = operator.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /v1/subscribers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET\0\r\n\r\n",
        b"GET /v1/subscribers HTTP/1.1\r\nHost: x\r\nAuthorization Bearer: SECRET\r\n\r\n",
        b"GET /v1/subscribers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRET" + b"x" * 9000 + b"\r\n\r\n",
        b"GET /v1/subscribers HTTP/1.1\r\nHost: x\r\nCookie: session=SECRET\x01\r\n\r\n",
        b"GET /v1/subscribers?token=SECRET HTTP/9.9x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_a_problem_that_quotes_nothing(operator, sent, caplog, capfd):
    """SEC-06: neither the answer nor the log repeats a header that could not be read; it may be a token."""
    caplog.set_level(logging.DEBUG)
    head, _, body = (await exchange(operator, sent)).partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == b"400"
    assert b"Content-Type: application/problem+json" in head
    assert b"aiohttp" not in head
    assert json.loads(body)["detail"] == "this is no HTTP/1.1, or has a header that is too long"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    logged = caplog.text + "".join(capfd.readouterr())
    assert "no_http" in logged
    assert "SECRET" not in head.decode() + body.decode() + logged


async def test_a_body_that_is_not_what_its_encoding_says_is_the_callers_error_alone(operator, intake, caplog):
    """The HTTP server meets it once more after the answer, when it reads what is left of the body."""
    head = f"POST {SUBSCRIBERS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {intake.token}\r\n"
    head += "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\n"
    answer = await exchange(operator, f"{head}no gzip".encode())
    assert answer.split(b" ")[1] == b"415"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (
            b'{"line_of_service": "L", "line_of_service": "M", "subscriber": {"name": "A", "code": "C"}}',
            "line_of_service",
        ),
        (b'{"line_of_service": "L", "subscriber": {"name": "A", "code": "C", "c\\u006fde": "D"}}', "subscriber.code"),
    ],
)
async def test_a_member_that_is_given_twice_is_named_by_its_path(intake, body, field):
    reply = await intake.post("/v1/provisioning-requests", body)
    assert (reply.status, reply.json["errors"]) == (422, [{"field": field, "message": "must be given once"}])
