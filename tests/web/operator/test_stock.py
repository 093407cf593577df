"""`POST /v1/gateways`: gateways in stock, and what becomes of them."""

import json
from typing import Any

import pytest

from acs_bridge.services.records.credentials import SHARERS
from acs_bridge.store import stock
from acs_bridge.store.gateways import Identity
from tests.services.conftest import POLICY
from tests.web.operator.conftest import Api, Operator

BOX = {"oui": "00005e", "product_class": "GW", "serial_number": "S-1"}
PAIR = {"cpe_username": "box-1", "cpe_password": "what-it-has"}
PATH = "/v1/gateways"


async def pairs(operator: Operator) -> list[tuple[str, str]]:
    rows = await operator.office.database.fetch(
        "select username, pair from gateway_pair join gateway g on g.id = gateway_id"
    )
    return [tuple(row) for row in rows]


async def many(api: Api, *bodies: Any) -> list[dict[str, Any]]:
    content = b"".join(json.dumps(body).encode() + b"\n" for body in bodies)
    reply = await api("POST", PATH, content, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status == 200, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]


class TestOne:
    async def test_is_recorded_once_and_the_same_again_changes_nothing(self, operator, intake):
        first = await intake.post(PATH, {**BOX, **PAIR})
        assert first.status == 201, first.text
        assert first.headers["Location"] == f"/v1/gateways/{first.json['id']}"
        assert (first.json["oui"], first.json["pair"]) == ("00005E", "imported")
        deeds = await operator.office.deeds()
        again = await intake.post(PATH, {**BOX, **PAIR})
        assert (again.status, again.json) == (200, first.json)
        assert await operator.office.deeds() == deeds
        assert await pairs(operator) == [("box-1", "imported")]

    async def test_its_password_comes_back_nowhere(self, operator, admin):
        created = await admin.post(PATH, {**BOX, **PAIR})
        shown = await admin.get(f"{PATH}/{created.json['id']}")
        stored = await operator.office.database.fetch("select row_to_json(p)::text as row from gateway_pair p")
        audited = await operator.office.database.fetch("select row_to_json(a)::text as row from audit a")
        told = [created.text, shown.text, *(row["row"] for row in [*stored, *audited])]
        assert not [text for text in told if "what-it-has" in text]

    async def test_a_hash_is_the_same_as_the_password_that_it_is_of(self, intake):
        from cwmp import digest

        await intake.post(PATH, {**BOX, **PAIR})
        ha1 = digest.ha1("box-1", POLICY.realm, "what-it-has")
        body = {**BOX, "cpe_username": "box-1", "cpe_ha1": ha1.upper()}
        assert (await intake.post(PATH, body)).status == 200

    @pytest.mark.parametrize("other", [{"cpe_username": "box-2"}, {"cpe_password": "another"}])
    async def test_another_pair_is_never_put_in_the_place_of_one_that_is_known(self, operator, intake, other):
        first = (await intake.post(PATH, {**BOX, **PAIR})).json
        reply = await intake.post(PATH, {**BOX, **PAIR, **other})
        assert reply.status == 409
        assert f"an Admin replaces them with PUT /v1/gateways/{first['id']}/credentials" in reply.json["detail"]
        assert await pairs(operator) == [("box-1", "imported")]

    async def test_a_pair_may_come_after_the_gateway_and_the_gateway_without_one_again(self, operator, intake):
        assert (await intake.post(PATH, BOX)).json["pair"] == "bootstrap"
        assert (await intake.post(PATH, {**BOX, **PAIR})).json["pair"] == "imported"
        assert (await intake.post(PATH, BOX)).json["pair"] == "imported"

    async def test_a_refused_pair_records_no_gateway(self, operator, intake):
        for wrong, field in [
            ({"cpe_username": "bootstrap", "cpe_password": "let-me-in"}, "cpe_password"),
            ({"cpe_username": "box"}, "cpe_password"),
            ({"cpe_password": "p"}, "cpe_username"),
            ({"cpe_username": "ü", "cpe_password": "p"}, "cpe_username"),
            ({"cpe_username": "u", "cpe_ha1": "0"}, "cpe_ha1"),
            ({"cpe_username": "u", "cpe_password": "p", "cpe_ha1": "0" * 32}, "cpe_password"),
            ({"oui": "12345"}, "oui"),
            ({"oui": "00005G"}, "oui"),
        ]:
            reply = await intake.post(PATH, {**BOX, **wrong})
            assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), reply.text
        assert await operator.office.database.fetchval("select count(*) from gateway") == 0

    async def test_it_is_listed_apart_until_it_has_informed(self, operator, admin):
        created = (await admin.post(PATH, BOX)).json
        assert (await admin.get(PATH)).json["items"] == []
        assert [row["id"] for row in (await admin.get(f"{PATH}?informed=false")).json["items"]] == [created["id"]]
        await operator.office.inform(Identity("00005E", "S-1", "GW"))
        assert [row["id"] for row in (await admin.get(PATH)).json["items"]] == [created["id"]]
        assert (await admin.get(f"{PATH}?informed=false")).json["items"] == []

    async def test_one_that_came_by_itself_is_no_stranger_any_more(self, operator, intake):
        gateway_id = await operator.office.inform(Identity("00005E", "S-1", "GW"))
        database = operator.office.database
        await database.execute("insert into inbox (gateway_id, address) values ($1, '192.0.2.1')", gateway_id)
        reply = await intake.post(PATH, BOX)
        assert (reply.status, reply.json["id"]) == (200, gateway_id)
        assert await database.fetchval("select count(*) from inbox") == 0


class TestLines:
    async def test_a_line_takes_a_gateway_out_of_stock_and_keeps_its_pair(self, operator, intake):
        stored = (await intake.post(PATH, {**BOX, **PAIR})).json
        device = await intake.post("/v1/devices", {"line_of_service": "L-1", "gateway": {**BOX, "oui": "00005E"}})
        assert device.json["gateway"]["id"] == stored["id"]
        await intake.post("/v1/devices", {"line_of_service": "L-2"})
        other = (await intake.post(PATH, {**BOX, "serial_number": "S-2"})).json
        body = {"oui": "00005E", "serial_number": "S-2"}
        assert (await intake("PUT", "/v1/devices/L-2/gateway", body)).json["gateway"]["id"] == other["id"]

    async def test_a_line_that_waits_for_it_gets_it_at_once(self, operator, intake):
        body = {"line_of_service": "L-1", "gateway": {"oui": "00005E", "serial_number": "S-1"}}
        assert (await intake.post("/v1/devices", body)).json["gateway"]["id"] is None
        stored = (await intake.post(PATH, BOX)).json
        assert (await intake.get("/v1/devices/L-1")).json["gateway"]["id"] == stored["id"]

    async def test_a_gateway_whose_oui_is_none_is_bound_by_its_id(self, operator, intake):
        gateway_id = await operator.office.inform(Identity("ACME", "S-1", "GW"))
        await intake.post("/v1/devices", {"line_of_service": "L-1"})
        named = await intake("PUT", "/v1/devices/L-1/gateway", {"oui": "ACME", "serial_number": "S-1"})
        assert (named.status, named.json["errors"][0]["message"]) == (
            422,
            "must be six hexadecimal digits, as in 00005E",
        )
        bound = await intake("PUT", "/v1/devices/L-1/gateway", {"id": gateway_id})
        assert (bound.status, bound.json["gateway"]["oui"]) == (200, "ACME")
        assert (await intake("PUT", "/v1/devices/L-1/gateway", {"id": gateway_id + 1})).status == 404
        both = await intake("PUT", "/v1/devices/L-1/gateway", {"id": gateway_id, "serial_number": "S"})
        assert (both.status, both.json["errors"][0]["field"]) == (422, "id")
        neither = await intake("PUT", "/v1/devices/L-1/gateway", {})
        assert [error["field"] for error in neither.json["errors"]] == ["oui", "serial_number"]


class TestUploads:
    async def test_each_line_has_its_answer_in_order_and_one_never_spoils_another(self, operator, intake):
        boxes = [{**BOX, "serial_number": f"S-{n}"} for n in (3, 1, 2)]
        bodies = [
            boxes[0],
            {**boxes[1], **PAIR},
            {"oui": "00005E"},
            {**boxes[1], "cpe_username": "x"},
            boxes[0],
            boxes[2],
        ]
        results = await many(intake, *bodies, {**boxes[1], "cpe_username": "x", "cpe_password": "y"})
        assert [(each["line"], each["status"]) for each in results] == [
            (1, 201),
            (2, 201),
            (3, 422),
            (4, 422),
            (5, 200),
            (6, 201),
            (7, 409),
        ]
        assert results[0]["id"] == results[4]["id"]
        assert await operator.office.database.fetchval("select count(*) from gateway") == 3
        assert await pairs(operator) == [("box-1", "imported")]

    async def test_a_thousand_are_taken_and_again_they_are_there(self, operator, intake):
        bodies = [{**BOX, "serial_number": f"S-{n}", "cpe_username": f"u{n}", "cpe_password": "p"} for n in range(1000)]
        assert {each["status"] for each in await many(intake, *bodies)} == {201}
        assert {each["status"] for each in await many(intake, *bodies)} == {200}
        assert len(await pairs(operator)) == 1000

    @pytest.mark.parametrize("is_broken", [False, True], ids=["together", "one by one"])
    async def test_together_they_get_what_each_would_have_got_alone(self, operator, intake, monkeypatch, is_broken):
        """A line that waits for its box, one that came by itself, and a user name that too many have."""

        async def broken(*_: object) -> None:
            raise RuntimeError

        if is_broken:
            monkeypatch.setattr(stock, "add", broken)
        database = operator.office.database
        waiting = {"line_of_service": "L-1", "gateway": {"oui": "00005E", "serial_number": "S-001"}}
        await intake.post("/v1/devices", waiting)
        came = await operator.office.inform(Identity("00005E", "S-002", "GW"))
        await database.execute("insert into inbox (gateway_id, address) values ($1, '192.0.2.1')", came)
        boxes = [{**BOX, "serial_number": f"S-{n:03}"} for n in range(1, 4 + SHARERS)]
        bodies = [*boxes[:2], *({**box, "cpe_username": "same", "cpe_password": "p"} for box in boxes[2:])]
        results = await many(intake, *bodies)
        assert [each["status"] for each in results] == [201, 200, *[201] * SHARERS, 409]
        assert [each["pair"] for each in results[:-1]] == ["bootstrap", "bootstrap", *["imported"] * SHARERS]
        assert (await intake.get("/v1/devices/L-1")).json["gateway"]["id"] == results[0]["id"]
        assert (results[1]["id"], await database.fetchval("select count(*) from inbox")) == (came, 0)
        deeds = await database.fetch(
            "select action, actor, count(*) from audit where action in ('gateway_recorded', 'credentials_imported') "
            "group by 1, 2 order by 1"
        )
        assert [tuple(deed) for deed in deeds] == [
            ("credentials_imported", "token:intake", SHARERS),
            ("gateway_recorded", "token:intake", SHARERS + 1),
        ]
        assert [each["status"] for each in await many(intake, *bodies)] == [200, 200, *[200] * SHARERS, 409]


async def test_gateways_are_listed_by_whether_they_are_approved(operator, admin):
    ids = [await operator.office.inform(Identity("00005E", f"S-{n}", "GW")) for n in range(2)]
    await admin.post(f"{PATH}/{ids[0]}/approve")
    found = {}
    for approved in ("true", "false"):
        found[approved] = [row["id"] for row in (await admin.get(f"{PATH}?approved={approved}")).json["items"]]
    assert found == {"true": [ids[0]], "false": [ids[1]]}
