"""Provisioning requests: one call for the whole job, safe to repeat, and what stands in its way."""

import asyncio
from uuid import UUID

import pytest

from acs_bridge.domain.actor import Role

BOX = {"oui": "00236A", "product_class": "SR400", "serial_number": "S-1"}
OTHER_BOX = {**BOX, "serial_number": "S-2"}
BARE = {"oui": "00236A", "serial_number": "S-1"}
PATH = "/v1/provisioning-requests"
LOOKUP = "/v1/associations/lookup"


def request(code="C-1", line="L-1", gateway=None, **more):
    body = {"subscriber": {"name": more.pop("name", f"Name {code}"), "code": code}, "line_of_service": line, **more}
    return body if gateway is None else {**body, "gateway": gateway}


async def accepted(api, *args, **more):
    reply = await api.post(PATH, request(*args, **more))
    assert reply.status == 201, reply.text
    return reply.json


class TestAccepting:
    @pytest.mark.parametrize("gateway", [None, BOX, BARE])
    async def test_makes_everything_that_is_missing(self, intake, gateway):
        receipt = await accepted(intake, gateway=gateway)
        assert receipt.keys() == {"id", "association_id", "write_id", "state", "warnings"}
        assert (receipt["state"], receipt["warnings"]) == ("queued", [])
        association = (await intake.get(f"/v1/associations/{receipt['association_id']}")).json
        assert (association["subscriber_name"], association["line_of_service"]) == ("Name C-1", "L-1")
        device = (await intake.get("/v1/devices/L-1")).json
        assert (device["gateway"] or {}).get("serial_number") == (gateway or {}).get("serial_number")

    async def test_leaves_one_line_in_the_audit_trail_without_names_or_urls(self, operator, intake):
        await accepted(intake, gateway=BOX)
        rows = await operator.office.database.fetch("select * from audit where action like 'request%'")
        assert [(row["actor"], row["address"]) for row in rows] == [("token:intake", "127.0.0.1")]
        assert all(rows[0][key] for key in ("subscriber_id", "device_id", "gateway_id", "association_id", "write_id"))

    @pytest.mark.parametrize("gateway", [None, BOX, BARE])
    async def test_the_same_again_is_the_same_with_no_new_write(self, intake, gateway):
        receipt = await accepted(intake, gateway=gateway)
        again = await intake.post(PATH, request(gateway=gateway))
        assert (again.status, again.json) == (200, receipt)
        assert len((await intake.get("/v1/writes")).json["items"]) == 1

    async def test_joins_records_that_were_made_by_hand(self, intake):
        await intake.post("/v1/subscribers", {"name": "Name C-1", "code": "C-1"})
        await intake.post("/v1/devices", {"line_of_service": "L-1", "gateway": BOX})
        await accepted(intake)
        write = (await intake.get("/v1/writes")).json["items"][0]
        assert write["gateway"]["serial_number"] == "S-1"

    async def test_of_a_line_that_was_associated_by_hand_keeps_that_association(self, intake):
        await intake.post("/v1/subscribers", {"name": "Name C-1", "code": "C-1"})
        await intake.post("/v1/devices", {"line_of_service": "L-1"})
        made = (await intake.post("/v1/associations", {"subscriber_code": "C-1", "line_of_service": "L-1"})).json
        receipt = await accepted(intake)
        assert (receipt["association_id"], receipt["write_id"]) == (made["id"], made["write_id"])

    async def test_with_a_gateway_binds_the_line_that_had_none(self, intake):
        first = await accepted(intake)
        second = await accepted(intake, gateway=BOX)
        assert second["write_id"] == first["write_id"]
        assert second["id"] != first["id"]
        assert (await intake.post(PATH, request())).json == first

    async def test_tells_its_story_afterwards(self, intake):
        receipt = await accepted(intake)
        story = (await intake.get(f"{PATH}/{receipt['id']}")).json
        assert {key: story[key] for key in receipt} == receipt
        assert story["created_by"] == "token:intake"
        assert story["association"]["line_of_service"] == "L-1"

    async def test_takes_a_free_gateway_that_still_has_to_be_cleared(self, operator, intake):
        receipt = await accepted(intake, gateway=BOX)
        from uuid import UUID

        await operator.office.verify(UUID(receipt["write_id"]))
        await intake("DELETE", f"/v1/associations/{receipt['association_id']}")
        await intake("DELETE", "/v1/devices/L-1")
        await accepted(intake, "C-2", "L-2", BOX)
        writes = (await intake.get("/v1/writes")).json["items"]
        assert [(write["purpose"], write["state"]) for write in writes] == [
            ("provision", "queued"),
            ("clear", "superseded"),
            ("provision", "verified"),
        ]


class TestRefusing:
    @pytest.mark.parametrize("replace", [False, True])
    async def test_a_known_code_with_another_name(self, intake, replace):
        await accepted(intake)
        reply = await intake.post(PATH, request(line="L-2", name="Somebody Else", replace=replace))
        assert (reply.status, "C-1 is known with another name: Name C-1" in reply.json["detail"]) == (409, True)
        assert (await intake.get("/v1/devices/L-2")).status == 404

    @pytest.mark.parametrize(
        ("present", "wanted", "words"),
        [
            (request("C-1", "L-1"), request("C-2", "L-1"), "L-1 is associated with subscriber C-1"),
            (request("C-1", "L-1", BOX), request("C-2", "L-2", BOX), "00236A-SR400-S-1 is on line of service L-1"),
            (request("C-1", "L-1", BARE), request("C-2", "L-2", BOX), "00236A-SR400-S-1 is on line of service L-1"),
            (request("C-1", "L-1", BOX), request("C-2", "L-2", BARE), "00236A-S-1 is on line of service L-1"),
            (request("C-1", "L-1", BOX), request("C-1", "L-1", OTHER_BOX), "L-1 has gateway 00236A-SR400-S-1"),
            (request("C-1", "L-1", BARE), request("C-1", "L-1", OTHER_BOX), "L-1 has gateway 00236A-S-1"),
        ],
    )
    async def test_what_stands_in_the_way_is_named_and_replace_moves_it(self, intake, present, wanted, words):
        first = await intake.post(PATH, present)
        refused = await intake.post(PATH, wanted)
        assert refused.status == 409
        assert words in refused.json["detail"]
        moved = await intake.post(PATH, {**wanted, "replace": True})
        assert moved.status == 201, moved.text
        device = (await intake.get(f"/v1/devices/{wanted['line_of_service']}")).json
        assert device["subscriber_code"] == wanted["subscriber"]["code"]
        if "gateway" in wanted:
            assert device["gateway"]["serial_number"] == wanted["gateway"]["serial_number"]
        again = await intake.post(PATH, {**wanted, "replace": True})
        assert (again.status, again.json) == (200, moved.json)
        assert first.json["id"] != moved.json["id"]

    async def test_nothing_of_a_refused_request_is_done(self, intake):
        await accepted(intake, gateway=BOX)
        assert (await intake.post(PATH, request("C-9", "L-9", BOX))).status == 409
        assert (await intake.get("/v1/subscribers/C-9")).status == 404
        assert (await intake.get("/v1/devices/L-9")).status == 404

    async def test_a_gateway_that_fits_several(self, operator, intake):
        from acs_bridge.store.gateways import Identity

        for product_class in ("A", "B"):
            await operator.office.inform(Identity("00236A", "S-1", product_class))
        reply = await intake.post(PATH, request(gateway=BARE))
        assert (reply.status, "product_class" in reply.json["detail"]) == (409, True)

    async def test_a_line_whose_url_its_gateway_cannot_take(self, operator, intake):
        from acs_bridge.store.gateways import Identity

        await operator.office.inform(Identity("00236A", "S-1", "SR400"))
        reply = await intake.post(PATH, request(line="L" * 64, gateway=BOX))
        assert reply.status == 422
        (error,) = reply.json["errors"]
        assert error["field"] == "line_of_service"
        assert "at most 160 characters" in error["message"]
        assert (await intake.get("/v1/subscribers")).json["items"] == []

    async def test_a_line_moves_to_another_subscriber_with_a_new_url(self, operator, intake, admin):
        first = await accepted(intake, gateway=BOX)
        url = (await admin.post(f"/v1/associations/{first['association_id']}/reveal")).json["phan_url"]
        moved = (await intake.post(PATH, request("C-2", gateway=BOX, replace=True))).json
        assert moved["association_id"] != first["association_id"]
        opened = (await admin.post("/v1/phan/open", {"url": url})).json
        assert (opened["line_of_service"], opened["active"]) == ("L-1", False)


class TestAtTheSameMoment:
    async def test_the_same_request_has_one_effect(self, intake):
        replies = await asyncio.gather(*(intake.post(PATH, request(gateway=BOX)) for _ in range(12)))
        assert sorted(reply.status for reply in replies) == [200] * 11 + [201]
        assert len({reply.text for reply in replies}) == 1
        assert len((await intake.get("/v1/writes")).json["items"]) == 1

    async def test_one_line_goes_to_one_of_many_subscribers(self, intake):
        replies = await asyncio.gather(*(intake.post(PATH, request(f"C-{n}")) for n in range(10)))
        assert sorted(reply.status for reply in replies) == [201] + [409] * 9
        assert len((await intake.get("/v1/subscribers")).json["items"]) == 1

    async def test_one_gateway_goes_to_one_of_many_lines(self, intake):
        replies = await asyncio.gather(
            *(intake.post(PATH, request(f"C-{n}", f"L-{n}", BOX if n % 2 else BARE)) for n in range(10))
        )
        assert sorted(reply.status for reply in replies) == [201] + [409] * 9

    async def test_replacing_requests_leave_one_line_one_subscriber_and_one_open_write(self, intake):
        bodies = [request(f"C-{n % 3}", f"L-{n % 2}", BOX, replace=True) for n in range(12)]
        replies = await asyncio.gather(*(intake.post(PATH, body) for body in bodies))
        assert {reply.status for reply in replies} <= {200, 201, 409}
        holders = [(await intake.get(f"/v1/devices/L-{n}")).json for n in range(2)]
        assert [holder["gateway"] is not None for holder in holders].count(True) == 1
        writes = (await intake.get("/v1/writes?state=queued")).json["items"]
        assert len({write["line_of_service"] for write in writes}) == len(writes)

    async def test_a_code_taken_twice_is_one_subscriber(self, intake):
        body = {"name": "Ann", "code": "C-1"}
        replies = await asyncio.gather(*(intake.post("/v1/subscribers", body) for _ in range(8)))
        assert sorted(reply.status for reply in replies) == [201] + [409] * 7

    async def test_an_association_made_many_times_is_one(self, intake):
        await intake.post("/v1/subscribers", {"name": "Ann", "code": "C-1"})
        await intake.post("/v1/devices", {"line_of_service": "L-1"})
        body = {"subscriber_code": "C-1", "line_of_service": "L-1"}
        replies = await asyncio.gather(*(intake.post("/v1/associations", body) for _ in range(8)))
        assert sorted(reply.status for reply in replies) == [200] * 7 + [201]


class TestAfterwards:
    async def test_a_request_tells_its_whole_story(self, operator, intake):
        receipt = await accepted(intake, gateway=BOX)
        operator.office.clock.advance(seconds=1)
        await operator.office.verify(UUID(receipt["write_id"]))
        story = (await intake.get(f"{PATH}/{receipt['id']}")).json
        assert {name: story[name] for name in receipt} == {**receipt, "state": "verified"}
        assert story["association"]["write_state"] == "verified"
        assert (story["write"]["state"], story["write"]["gateway"]["serial_number"]) == ("verified", "S-1")
        assert story["write"]["waiting_for"] is None
        events = [moment["event"] for moment in story["timeline"]["items"]]
        assert events[0] == "association_created"
        assert events[-3:] == ["write_dispatched", "write_accepted", "write_read_back_equal"]
        assert story["timeline"]["next"] is None

    async def test_a_request_that_waits_says_for_what(self, intake):
        receipt = await accepted(intake)
        story = (await intake.get(f"{PATH}/{receipt['id']}")).json
        assert story["write"]["waiting_for"] == "no gateway is bound to this line of service yet"
        assert story["write"]["gateway"] is None

    async def test_a_line_that_looks_like_a_mac_address_is_warned_of(self, intake):
        receipt = await accepted(intake, line="00:23:6A:01:02:03")
        assert "looks like a MAC address" in receipt["warnings"][0]
        story = (await intake.get(f"{PATH}/{receipt['id']}")).json
        assert story["warnings"] == receipt["warnings"]

    async def test_many_lines_are_looked_up_in_one_call_and_those_that_nobody_has_are_named(self, operator, intake):
        for number in (1, 2, 3):
            await accepted(intake, f"C-{number}", f"L-{number}")
        over = (await intake.post(LOOKUP, {"lines_of_service": ["L-2"]})).json["items"][0]
        await intake("DELETE", f"/v1/associations/{over['id']}")
        reply = await intake.post(LOOKUP, {"lines_of_service": ["l-3", "nobody", "L-1", "L-2"]})
        assert [each["line_of_service"] for each in reply.json["items"]] == ["L-3", "L-1"]
        assert {each["write_state"] for each in reply.json["items"]} == {"queued"}
        assert reply.json["missing"] == ["nobody", "L-2"]
        query = "&".join(f"line_of_service={line}" for line in ("l-3", "nobody", "L-1", "L-2"))
        assert (await operator.as_(Role.CSR).get(f"{LOOKUP}?{query}")).json == reply.json

    @pytest.mark.parametrize("query", ["", "?line_of_service=", f"?{'&'.join(['line_of_service=L'] * 101)}"])
    async def test_a_query_for_no_or_too_many_lines_is_refused(self, intake, query):
        reply = await intake.get(LOOKUP + query)
        assert (reply.status, reply.json["errors"][0]["field"].partition(".")[0]) == (422, "line_of_service")

    @pytest.mark.parametrize("lines", [[], ["L"] * 1001, ["ok", ""], "L", None])
    async def test_a_question_for_no_or_too_many_lines_is_refused(self, intake, lines):
        reply = await intake.post(LOOKUP, {"lines_of_service": lines})
        assert reply.status == 422
        assert reply.json["errors"][0]["field"].startswith("lines_of_service")
