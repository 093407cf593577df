"""Who may call what: every route with every role, and what the operator listener says to the rest."""

from pathlib import Path

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.services.access.logins import Logins
from acs_bridge.services.access.users import Users
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.services.notifications.events import EventFeed
from acs_bridge.services.notifications.posting import Poster, Rules
from acs_bridge.services.notifications.webhooks import Secrets, Webhooks
from acs_bridge.services.pulse import Pulse
from acs_bridge.services.queue.history import History
from acs_bridge.services.records.search import Search
from acs_bridge.services.session.transcripts import Transcripts
from acs_bridge.services.urls.rotation import RotationDesk
from acs_bridge.web.operator.application import Services, table
from tests.web.operator.conftest import LIFETIMES, QUICK

NOBODY_HAS_IT = "00000000-0000-7000-8000-000000000000"
READ = {Role.ADMIN, Role.CSR, Role.INTAKE}
WRITE = {Role.ADMIN, Role.INTAKE}
WATCH = {Role.ADMIN, Role.CSR}
ALLOWED = {
    ("POST", "/v1/subscribers"): WRITE,
    ("GET", "/v1/subscribers"): READ,
    ("GET", "/v1/subscribers/{code}"): READ,
    ("PATCH", "/v1/subscribers/{code}"): WRITE,
    ("DELETE", "/v1/subscribers/{code}"): WRITE,
    ("POST", "/v1/devices"): WRITE,
    ("GET", "/v1/devices"): READ,
    ("GET", "/v1/devices/{line_of_service}"): READ,
    ("DELETE", "/v1/devices/{line_of_service}"): WRITE,
    ("PUT", "/v1/devices/{line_of_service}/gateway"): WRITE,
    ("DELETE", "/v1/devices/{line_of_service}/gateway"): WRITE,
    ("POST", "/v1/associations"): WRITE,
    ("POST", "/v1/associations/lookup"): WRITE,
    ("GET", "/v1/associations/lookup"): READ,
    ("GET", "/v1/associations"): READ,
    ("GET", "/v1/associations/{id}"): READ,
    ("DELETE", "/v1/associations/{id}"): WRITE,
    ("GET", "/v1/associations/{id}/timeline"): READ,
    ("POST", "/v1/associations/{id}/reveal"): {Role.ADMIN},
    ("POST", "/v1/associations/{id}/reissue"): {Role.ADMIN},
    ("POST", "/v1/provisioning-requests"): WRITE,
    ("GET", "/v1/provisioning-requests/{id}"): READ,
    ("POST", "/v1/gateways"): WRITE,
    ("GET", "/v1/gateways"): READ,
    ("GET", "/v1/gateways/{id}"): READ,
    ("POST", "/v1/gateways/{id}/approve"): {Role.ADMIN},
    ("POST", "/v1/gateways/{id}/ring"): {Role.ADMIN},
    ("PUT", "/v1/gateways/{id}/credentials"): {Role.ADMIN},
    ("POST", "/v1/gateways/{id}/credentials/rotate"): {Role.ADMIN},
    ("POST", "/v1/gateways/{id}/credentials/hand-back"): {Role.ADMIN},
    ("POST", "/v1/gateways/{id}/transcript"): {Role.ADMIN},
    ("GET", "/v1/gateways/{id}/transcript"): {Role.ADMIN},
    ("DELETE", "/v1/gateways/{id}/transcript"): {Role.ADMIN},
    ("GET", "/v1/gateways/{id}/plan"): READ,
    ("GET", "/v1/profiles"): READ,
    ("POST", "/v1/profiles/reload"): {Role.ADMIN},
    ("GET", "/v1/writes"): READ,
    ("GET", "/v1/writes/{id}"): READ,
    ("POST", "/v1/writes/retry"): {Role.ADMIN},
    ("POST", "/v1/writes/cancel"): {Role.ADMIN},
    ("POST", "/v1/writes/{id}/retry"): {Role.ADMIN},
    ("POST", "/v1/writes/{id}/cancel"): {Role.ADMIN},
    ("POST", "/v1/writes/{id}/undo"): {Role.ADMIN},
    ("POST", "/v1/batches/{id}/undo"): {Role.ADMIN},
    ("GET", "/v1/batches/{id}"): READ,
    ("GET", "/v1/queue"): WATCH,
    ("POST", "/v1/queue/pause"): {Role.ADMIN},
    ("POST", "/v1/queue/resume"): {Role.ADMIN},
    ("PUT", "/v1/queue/rate"): {Role.ADMIN},
    ("POST", "/v1/phan/open"): {Role.ADMIN, Role.PHAN},
    ("GET", "/v1/phan/rotation"): WATCH,
    ("POST", "/v1/webhooks"): {Role.ADMIN},
    ("GET", "/v1/webhooks"): {Role.ADMIN},
    ("GET", "/v1/webhooks/{id}"): {Role.ADMIN},
    ("DELETE", "/v1/webhooks/{id}"): {Role.ADMIN},
    ("POST", "/v1/webhooks/{id}/secret"): {Role.ADMIN},
    ("POST", "/v1/webhooks/{id}/test"): {Role.ADMIN},
    ("POST", "/v1/webhooks/{id}/replay"): {Role.ADMIN},
    ("GET", "/v1/webhooks/{id}/deliveries"): {Role.ADMIN},
    ("POST", "/v1/webhooks/{id}/deliveries/{delivery}/replay"): {Role.ADMIN},
    ("GET", "/v1/search"): READ,
    ("GET", "/v1/audit"): {Role.ADMIN},
    ("GET", "/v1/audit/chain"): {Role.ADMIN},
    ("GET", "/metrics"): WATCH,
}


PLACES = {"id": NOBODY_HAS_IT, "code": "none", "line_of_service": "none", "delivery": "1"}


def concrete(path):
    return path.format(**PLACES)


def test_the_table_of_this_test_has_every_route(office, lookup, keyring):
    services = Services(
        office.subscribers,
        office.devices,
        office.gateways,
        office.stock,
        office.credentials,
        office.associations,
        office.intake,
        office.bulk,
        office.writes,
        office.queue,
        lookup,
        Repeats(office.database, office.clock, keyring),
        EventFeed(office.database, Pulse(office.database)),
        office.doorbell,
        Webhooks(office.database, office.clock, Secrets(keyring), Poster(Rules()), bytes),
        Transcripts(office.database, office.clock),
        office.audit,
        office.reloading,
        office.plans,
        office.undo,
        Logins(office.database, office.clock, keyring, bytes, LIFETIMES, QUICK),
        Search(office.database),
        History(office.database, office.clock),
        RotationDesk(Path("phan.keyring"), office.database, office.clock),
        Users(office.database, office.clock, bytes, QUICK),
    )
    routes = {(route.method, route.path) for route in table(services, office.clock)}
    assert routes == ALLOWED.keys() - {("GET", "/metrics")}


@pytest.mark.parametrize(("method", "path"), ALLOWED, ids=" ".join)
async def test_a_route_is_for_its_roles_and_for_nobody_else(operator, method, path):
    for role in Role:
        reply = await operator.as_(role)(method, concrete(path))
        assert (reply.status != 403) == (role in ALLOWED[method, path]), (role, reply.text)
        assert reply.status < 500
        if reply.status == 403:
            assert "admin" in reply.json["detail"]
            assert role in reply.json["detail"]
    anonymous = await operator.as_(None)(method, concrete(path))
    assert anonymous.status == 401
    assert anonymous.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_csr_gets_403_for_everything_but_reading_also_where_there_is_nothing(operator):
    csr = operator.as_(Role.CSR)
    refused = await csr("POST", "/v1/nothing")
    assert (refused.status, "csr only reads (GET)" in refused.json["detail"]) == (403, True)
    assert (await csr("GET", "/v1/nothing")).status == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_for_everybody(operator, path):
    reply = await operator.as_(None).get(path)
    assert (reply.status, reply.json) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/nothing", "/openapi", "/healthz/x"])
async def test_nobody_learns_without_a_token_what_is_served(operator, path):
    assert (await operator.as_(None).get(path)).status == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic x", "Bearer ä", "bearer  ", "Bearer " + "x" * 5000]
)
async def test_what_is_no_token_is_refused(operator, header):
    reply = await operator.as_(None)("GET", "/v1/subscribers", headers={"Authorization": header} if header else {})
    assert (reply.status, reply.headers["Content-Type"]) == (401, "application/problem+json")


async def test_a_revoked_token_is_refused_at_once(operator, admin, intake):
    assert (await intake.get("/v1/subscribers")).status == 200
    await operator.office.tokens.revoke("intake", operator.office.actor)
    assert (await intake.get("/v1/subscribers")).status == 401


async def test_a_token_ends_with_its_lifetime(operator):
    from datetime import timedelta

    office = operator.office
    token = await office.tokens.create("short", Role.ADMIN, office.actor, timedelta(days=1))
    api = operator.as_(Role.ADMIN)
    api.token = token
    assert (await api.get("/v1/queue")).status == 200
    office.clock.advance(days=1)
    assert (await api.get("/v1/queue")).status == 401


async def test_when_a_token_was_last_used_is_kept_to_the_minute(operator, admin):
    office = operator.office
    first = office.clock()
    for seconds in (0, 30):
        office.clock.advance(seconds=seconds)
        await admin.get("/v1/queue")
    used = {row.name: row.last_used_at for row in await office.tokens.list()}
    assert (used["admin"], used["phan"]) == (first, None)
    later = office.clock.advance(seconds=60)
    await admin.get("/v1/queue")
    assert {row.name: row.last_used_at for row in await office.tokens.list()}["admin"] == later
