"""`/v1/search`: one box for everything."""

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.domain.search import sought
from acs_bridge.store import search as store
from acs_bridge.store.gateways import Identity

MAC = "0A1B2C3D4E5F"


@pytest.fixture
async def town(office):
    """Some records that are found by one thing and another."""
    await office.request("C-1001", "LOS-77/1", Identity("00005E", MAC, "HG"), name="Ann O'Brien")
    await office.request("K 42", "10:20:30:40:50:60", Identity("D0542D", "123456", "SR"), name="Jürgen Müller")
    await office.request("C-1002", "LOS-78", name="100 % Ltd_")
    await office.subscribers.create("Ann Miller", "c-7", office.actor)
    await office.devices.create("LOS-79", None, office.actor)
    return office


@pytest.fixture
def find(operator, town):
    async def find(q, **more):
        reply = await operator.as_(Role.CSR)("GET", "/v1/search", params={"q": q, **more})
        assert reply.status == 200, reply.text
        return [
            (
                hit["kind"],
                hit["match"],
                hit["subscriber_code"]
                if hit["kind"] == "subscriber"
                else hit["line_of_service"]
                if hit["kind"] == "device"
                else hit["gateway"]["serial_number"],
            )
            for hit in reply.json["items"]
        ]

    return find


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("C-1001", ("subscriber", "is", "C-1001")),
        ("c-1001", ("subscriber", "is", "C-1001")),
        ("c1001", ("subscriber", "has", "C-1001")),
        ("1001", ("subscriber", "has", "C-1001")),
        ("C-", ("subscriber", "begins", "C-1001")),
        ("c", ("subscriber", "begins", "C-1001")),
        ("k 42", ("subscriber", "is", "K 42")),
        ("obrien", ("subscriber", "has", "C-1001")),
        ("o'brien ann", ("subscriber", "has", "C-1001")),
        ("mu\u0308ll", ("subscriber", "has", "K 42")),
        ("JÜRGEN", ("subscriber", "has", "K 42")),
        ("los-77/1", ("device", "is", "LOS-77/1")),
        ("los77", ("device", "has", "LOS-77/1")),
        ("79", ("device", "has", "LOS-79")),
        ("102030", ("device", "has", "10:20:30:40:50:60")),
        (MAC, ("gateway", "is", MAC)),
        ("0a1b", ("gateway", "begins", MAC)),
        ("0a:1b:2c:3d:4e:5f", ("gateway", "has", MAC)),
        ("2c-3d-4e", ("gateway", "has", MAC)),
        ("d0:54:2d:12:34:56", ("gateway", "has", "123456")),
        ("3456", ("gateway", "has", "123456")),
    ],
)
async def test_finds_a_record_by_whatever_is_known_of_it(find, q, first):
    assert (await find(q))[0] == first


@pytest.mark.parametrize("q", ["nobody", "ann müller", "c-9", "-", "%%", "1%1", "a\\b", "'; drop table device"])
async def test_finds_nothing_where_there_is_nothing(find, q):
    assert await find(q) == []


async def test_what_means_something_to_like_stands_for_itself(find):
    assert await find("100 %") == [("subscriber", "has", "C-1002")]
    assert await find("%") == [("subscriber", "has", "C-1002")]


async def test_a_hit_says_what_belongs_to_it(operator, town):
    hit = (await operator.as_(Role.ADMIN).get(f"/v1/search?q={MAC}")).json
    assert hit == {
        "items": [
            {
                "kind": "gateway",
                "match": "is",
                "subscriber_code": "C-1001",
                "subscriber_name": "Ann O'Brien",
                "line_of_service": "LOS-77/1",
                "lines": None,
                "first_lines": [],
                "gateway": {
                    "id": await town.gateway_of("LOS-77/1"),
                    "oui": "00005E",
                    "product_class": "HG",
                    "serial_number": MAC,
                },
            }
        ],
        "complete": True,
    }


async def test_no_kind_crowds_another_one_out(operator, town):
    for number in range(20):
        await town.subscribers.create("Many", f"777{number}", town.actor)
    await town.devices.create("777-line", None, town.actor)
    reply = (await operator.as_(Role.ADMIN).get("/v1/search?q=777&limit=4")).json
    assert [hit["kind"] for hit in reply["items"]] == ["subscriber"] * 3 + ["device"]
    assert reply["complete"] is False


async def test_a_line_that_was_deleted_and_a_subscriber_who_was_erased_are_not_found(find, town):
    await town.devices.delete("LOS-79", town.actor)
    await town.subscribers.delete("c-7", town.actor)
    assert await find("LOS-79") == []
    assert await find("miller") == []


@pytest.mark.parametrize(
    "query", ["", "q=", "q=%20", "q=" + "x" * 129, "q=%00", "q=a&limit=0", "q=a&limit=51", "q=a&x=1"]
)
async def test_refuses_what_cannot_be_searched(operator, query):
    reply = await operator.as_(Role.ADMIN).get(f"/v1/search?{query}")
    assert reply.status == 422, reply.text


async def test_what_takes_too_long_is_given_up_and_said(town, owner):
    """Another transaction holds the records for longer than a search waits."""
    wanted = sought("ann")
    assert wanted is not None
    async with owner.transaction() as other:
        await other.execute("lock table device in access exclusive mode")
        found, in_time = await store.search(town.database, wanted, 10, patience_ms=100)
    assert {kind: len(hits) for kind, hits in found.items()} == {"subscriber": 0, "device": 0, "gateway": 0}
    assert not in_time
    found, in_time = await store.search(town.database, wanted, 10)
    assert {kind: len(hits) for kind, hits in found.items()} == {"subscriber": 2, "device": 0, "gateway": 0}
    assert in_time
