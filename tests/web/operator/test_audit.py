"""`/v1/audit`: who did what, when and from where."""

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.store.gateways import Identity


@pytest.fixture
def admin(operator):
    return operator.as_(Role.ADMIN)


async def listed(admin, **query):
    reply = await admin("GET", "/v1/audit", params=query)
    assert reply.status == 200, reply.text
    return [each["action"] for each in reply.json["items"]]


async def test_says_who_did_what_and_with_which_records(operator, admin, office, intake):
    body = {"subscriber": {"name": "Ann", "code": "C-1"}, "line_of_service": "L-1"}
    identity = {"oui": "00005E", "product_class": "GW", "serial_number": "S1"}
    receipt = (await intake.post("/v1/provisioning-requests", {**body, "gateway": identity})).json
    newest = (await admin.get("/v1/audit?action=request_accepted")).json["items"][0]
    assert (newest["actor"], newest["address"]) == ("token:intake", "127.0.0.1")
    assert (newest["association_id"], newest["write_id"]) == (receipt["association_id"], receipt["write_id"])
    assert (newest["subscriber_code"], newest["line_of_service"]) == ("C-1", "L-1")
    assert newest["gateway"] == {"id": await office.gateway_of("L-1"), **identity}
    assert "Ann" not in str(newest)


async def test_is_filtered_and_turned_by_pages(admin, office):
    await office.request("C-1", "L-1", Identity("00005E", "S1", "GW"))
    for code in ("C-2", "C-3"):
        office.clock.advance(minutes=1)
        await office.subscribers.create("B", code, office.actor)
    gateway = str(await office.gateway_of("L-1"))
    assert await listed(admin, line_of_service="L-1") == ["request_accepted"]
    assert await listed(admin, gateway_id=gateway) == ["request_accepted"]
    assert await listed(admin, subscriber_code="C-3", actor="token:crm") == ["subscriber_created"]
    assert await listed(admin, since=office.clock().isoformat()) == ["subscriber_created"]
    first = (await admin.get("/v1/audit?action=subscriber_created&limit=1")).json
    assert [each["subscriber_code"] for each in first["items"]] == ["C-3"]
    second = (await admin.get(f"/v1/audit?action=subscriber_created&limit=1&cursor={first['next']}")).json
    assert [each["subscriber_code"] for each in second["items"]] == ["C-2"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("since=2026-03-01T00:00:00", "since"),
        ("subscriber_id=0", "subscriber_id"),
        ("association_id=x", "association_id"),
        ("cursor=x", "cursor"),
        ("who=me", "who"),
        ("subscriber_code=%00", "subscriber_code"),
        ("line_of_service=" + "x" * 65, "line_of_service"),
        ("actor=" + "x" * 301, "actor"),
        ("actor=%00", "actor"),
    ],
)
async def test_refuses_what_it_cannot_search_by_name(admin, query, field):
    reply = await admin.get(f"/v1/audit?{query}")
    assert reply.status == 422, reply.text
    assert reply.json["errors"][0]["field"] == field


async def test_the_chain_shows_its_head(admin, office):
    assert (await admin.get("/v1/audit/chain")).json["head"] == ({"n": 0, "hash": "0" * 64})
    linked = await office.audit.link()
    reply = (await admin.get("/v1/audit/chain")).json
    head = (await office.audit.chain()).head
    assert reply == {"head": {"n": linked, "hash": head.hash.hex()}, "cut": None, "awaiting": 0}
