"""Records over HTTP: the manual's three steps in both orders, and every rule about what stands in the way."""

import pytest

ANN = {"name": "Ann Example", "code": "00042"}
LINE = {"line_of_service": "DSL-1/a"}
BOX = {"oui": "00236a", "product_class": "SR400", "serial_number": "S-1"}
OTHER_BOX = {"oui": "00236A", "product_class": "SR400", "serial_number": "S-2"}
PAIR = {"subscriber_code": "00042", "line_of_service": "DSL-1/a"}


async def steps(api, *order):
    for path, body in order:
        reply = await api.post(path, body)
        assert reply.status == 201, reply.text


SUBSCRIBER, DEVICE, ASSOCIATION = ("/v1/subscribers", ANN), ("/v1/devices", LINE), ("/v1/associations", PAIR)


class TestTheThreeSteps:
    @pytest.mark.parametrize("order", [(SUBSCRIBER, DEVICE), (DEVICE, SUBSCRIBER)], ids=["subscriber", "device"])
    async def test_work_in_either_order_on_different_days(self, operator, intake, order):
        for step in order:
            await steps(intake, step)
            operator.office.clock.advance(days=1)
        reply = await intake.post(*ASSOCIATION)
        assert reply.status == 201
        association = reply.json
        assert (association["state"], association["write_state"]) == ("active", "queued")
        assert (association["subscriber_code"], association["line_of_service"]) == ("00042", "DSL-1/a")
        assert reply.headers["Location"] == f"/v1/associations/{association['id']}"
        write = (await intake.get(f"/v1/writes/{association['write_id']}")).json
        assert write["state"] == "queued"
        assert write["waiting_for"] == "no gateway is bound to this line of service yet"

    async def test_the_same_association_again_is_the_same_and_queues_nothing(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE)
        first = await intake.post(*ASSOCIATION)
        again = await intake.post("/v1/associations", {"subscriber_code": "00042", "line_of_service": "dsl-1/A"})
        assert (again.status, again.json) == (200, first.json)
        assert len((await intake.get("/v1/writes")).json["items"]) == 1

    async def test_a_line_of_someone_else_is_refused_with_the_name_of_who_has_it(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE, ASSOCIATION, ("/v1/subscribers", {"name": "Bob", "code": "B"}))
        reply = await intake.post("/v1/associations", {"subscriber_code": "B", "line_of_service": "DSL-1/a"})
        assert reply.status == 409
        assert "DSL-1/a is associated with subscriber 00042" in reply.json["detail"]

    @pytest.mark.parametrize("missing", ["subscriber", "device"])
    async def test_what_is_not_recorded_is_named(self, intake, missing):
        await steps(intake, SUBSCRIBER if missing == "device" else DEVICE)
        reply = await intake.post(*ASSOCIATION)
        assert reply.status == 404
        assert ("00042" if missing == "subscriber" else "DSL-1/a") in reply.json["detail"]

    async def test_one_subscriber_may_have_many_lines(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE, ASSOCIATION, ("/v1/devices", {"line_of_service": "DSL-2"}))
        reply = await intake.post("/v1/associations", {"subscriber_code": "00042", "line_of_service": "DSL-2"})
        assert reply.status == 201
        assert (await intake.get("/v1/subscribers/00042")).json["lines"] == 2


class TestSubscribers:
    async def test_a_code_is_taken_without_regard_to_case_or_form(self, intake):
        await steps(intake, ("/v1/subscribers", {"name": "A", "code": "Müller"}))
        reply = await intake.post("/v1/subscribers", {"name": "B", "code": " mu\u0308LLER "})
        assert (reply.status, "müLLER" in reply.json["detail"]) == (409, True)
        assert reply.json["errors"] == [{"field": "code", "message": reply.json["detail"]}]

    async def test_leading_zeros_are_kept(self, intake):
        await steps(intake, SUBSCRIBER)
        assert (await intake.get("/v1/subscribers/42")).status == 404
        assert (await intake.get("/v1/subscribers/00042")).json["code"] == "00042"

    async def test_a_name_is_changed_and_the_code_stays(self, intake):
        await steps(intake, SUBSCRIBER)
        reply = await intake("PATCH", "/v1/subscribers/00042", {"name": "Ann Other"})
        assert (reply.status, reply.json["name"], reply.json["code"]) == (200, "Ann Other", "00042")
        assert (await intake("PATCH", "/v1/subscribers/none", {"name": "X"})).status == 404

    async def test_one_with_a_line_is_not_deleted_and_one_whose_lines_are_over_is_erased(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE)
        association = (await intake.post(*ASSOCIATION)).json
        refused = await intake("DELETE", "/v1/subscribers/00042")
        assert (refused.status, "00042 is associated" in refused.json["detail"]) == (409, True)
        assert (await intake("DELETE", f"/v1/associations/{association['id']}")).json["state"] == "ended"
        erased = await intake("DELETE", "/v1/subscribers/00042")
        assert (erased.status, erased.text) == (204, "")
        past = (await intake.get(f"/v1/associations/{association['id']}")).json
        assert (past["subscriber_code"], past["line_of_service"], past["state"]) == (None, "DSL-1/a", "ended")
        assert (await intake("DELETE", "/v1/subscribers/00042")).status == 404


class TestDevices:
    async def test_a_line_that_looks_like_a_mac_address_is_taken_with_a_warning(self, intake):
        reply = await intake.post("/v1/devices", {"line_of_service": "00:23:6A:01:02:03"})
        assert reply.status == 201
        assert "looks like a MAC address" in reply.json["warnings"][0]
        assert (await intake.post(*DEVICE)).json["warnings"] == []

    async def test_a_line_is_taken_once(self, intake):
        await steps(intake, DEVICE)
        reply = await intake.post("/v1/devices", {"line_of_service": "dsl-1/A"})
        assert (reply.status, "dsl-1/A is taken" in reply.json["detail"]) == (409, True)
        assert reply.json["errors"] == [{"field": "line_of_service", "message": reply.json["detail"]}]

    @pytest.mark.parametrize(
        ("line", "path"),
        [
            ("a/b", "a%2Fb"),
            ("a/b", "a%2fb"),
            ("100%", "100%25"),
            ("a%2Fb", "a%252Fb"),
            ("{x}", "%7Bx%7D"),
            ("ж é", "%D0%B6%20%C3%A9"),
            ("?#&+;=", "%3F%23%26%2B%3B%3D"),
            ("a+b", "a+b"),
        ],
    )
    async def test_a_line_stands_percent_encoded_in_a_path(self, intake, line, path):
        created = await intake.post("/v1/devices", {"line_of_service": line})
        assert created.status == 201
        for where in (f"/v1/devices/{path}", created.headers["Location"]):
            assert (await intake.get(where)).json["line_of_service"] == line
        assert (await intake("PUT", f"/v1/devices/{path}/gateway", BOX)).status == 200

    async def test_an_associated_line_is_not_deleted_and_a_past_one_leaves_its_history(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE)
        association = (await intake.post(*ASSOCIATION)).json
        assert (await intake("DELETE", "/v1/devices/DSL-1%2Fa")).status == 409
        await intake("DELETE", f"/v1/associations/{association['id']}")
        assert (await intake("DELETE", "/v1/devices/DSL-1%2Fa")).status == 204
        assert (await intake.get("/v1/devices/DSL-1%2Fa")).status == 404
        assert (await intake.get("/v1/devices")).json["items"] == []
        assert (await intake.get(f"/v1/associations/{association['id']}")).json["line_of_service"] == "DSL-1/a"
        await steps(intake, DEVICE)

    async def test_a_deleted_line_frees_its_gateway(self, intake):
        await steps(intake, ("/v1/devices", {**LINE, "gateway": BOX}))
        assert (await intake("DELETE", "/v1/devices/DSL-1%2Fa")).status == 204
        await steps(intake, ("/v1/devices", {"line_of_service": "L-2", "gateway": BOX}))

    async def test_a_gateway_is_bound_swapped_and_unbound(self, intake):
        await steps(intake, DEVICE)
        gateway = "/v1/devices/DSL-1%2Fa/gateway"
        bound = (await intake("PUT", gateway, BOX)).json["gateway"]
        assert (bound["oui"], bound["product_class"], bound["serial_number"]) == ("00236A", "SR400", "S-1")
        swapped = (await intake("PUT", gateway, OTHER_BOX)).json["gateway"]
        assert swapped["serial_number"] == "S-2"
        assert (await intake("DELETE", gateway)).json["gateway"] is None

    async def test_a_gateway_of_another_line_is_refused_unless_it_is_replaced(self, intake):
        await steps(intake, ("/v1/devices", {**LINE, "gateway": BOX}), ("/v1/devices", {"line_of_service": "L-2"}))
        refused = await intake("PUT", "/v1/devices/L-2/gateway", BOX)
        assert (refused.status, "DSL-1/a has gateway" in refused.json["detail"]) == (409, True)
        moved = await intake("PUT", "/v1/devices/L-2/gateway", {**BOX, "replace": True})
        assert (moved.status, moved.json["gateway"]["serial_number"]) == (200, "S-1")
        assert (await intake.get("/v1/devices/DSL-1%2Fa")).json["gateway"] is None

    async def test_a_device_whose_gateway_cannot_be_had_is_not_recorded(self, intake):
        await steps(intake, ("/v1/devices", {**LINE, "gateway": BOX}))
        assert (await intake.post("/v1/devices", {"line_of_service": "L-2", "gateway": BOX})).status == 409
        assert (await intake.get("/v1/devices/L-2")).status == 404

    async def test_a_gateway_without_product_class_is_awaited(self, intake):
        box = {"oui": "00236A", "serial_number": "S-9"}
        reply = await intake.post("/v1/devices", {**LINE, "gateway": box})
        assert reply.json["gateway"] == {**box, "id": None, "product_class": None, "last_inform_at": None}


class TestLists:
    async def test_pages_do_not_move_when_records_are_added(self, intake):
        for n in range(7):
            await steps(intake, ("/v1/subscribers", {"name": f"N{n}", "code": f"C{n}"}))
        first = (await intake.get("/v1/subscribers?limit=3")).json
        await steps(intake, ("/v1/subscribers", {"name": "new", "code": "new"}))
        second = (await intake.get(f"/v1/subscribers?limit=3&cursor={first['next']}")).json
        third = (await intake.get(f"/v1/subscribers?limit=3&cursor={second['next']}")).json
        codes = [item["code"] for page in (first, second, third) for item in page["items"]]
        assert codes == [f"C{n}" for n in reversed(range(7))]
        assert third["next"] is None

    async def test_pages_miss_and_repeat_nothing_that_stays_while_records_come_and_go(self, intake):
        """Also the record that a cursor stands at may go."""
        for n in range(9):
            await steps(intake, ("/v1/devices", {"line_of_service": f"L{n}"}))
        seen, cursor = [], ""
        for turn, gone in enumerate(("L6", "L2", "L8")):
            page = (await intake.get(f"/v1/devices?limit=3{cursor}")).json
            seen += [item["line_of_service"] for item in page["items"]]
            assert (await intake("DELETE", f"/v1/devices/{gone}")).status == 204
            await steps(intake, ("/v1/devices", {"line_of_service": f"new{turn}"}))
            cursor = f"&cursor={page['next']}"
        assert seen == ["L8", "L7", "L6", "L5", "L4", "L3", "L1", "L0"]
        assert page["next"] is None

    @pytest.mark.parametrize(
        ("search", "found"),
        [("ann", ["C-1"]), ("ANN", ["C-1"]), ("c-", ["C-2", "C-1"]), ("100%25", []), ("_", []), ("%C3%A4", ["C-2"])],
    )
    async def test_a_search_looks_in_codes_and_names_without_regard_to_case(self, intake, search, found):
        await steps(intake, ("/v1/subscribers", {"name": "Ann", "code": "C-1"}))
        await steps(intake, ("/v1/subscribers", {"name": "JÄGER", "code": "C-2"}))
        reply = await intake.get(f"/v1/subscribers?search={search}")
        assert [item["code"] for item in reply.json["items"]] == found

    async def test_show_what_is_associated_and_what_is_not(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE, ASSOCIATION, ("/v1/devices", {"line_of_service": "L-2"}))
        lines = {}
        for associated in ("true", "false"):
            items = (await intake.get(f"/v1/devices?associated={associated}")).json["items"]
            lines[associated] = [item["line_of_service"] for item in items]
        assert lines == {"true": ["DSL-1/a"], "false": ["L-2"]}
        assert (await intake.get("/v1/subscribers?associated=false")).json["items"] == []

    async def test_associations_are_found_by_state_subscriber_line_and_search(self, intake):
        await steps(intake, SUBSCRIBER, DEVICE)
        association = (await intake.post(*ASSOCIATION)).json
        for query, count in [
            ("state=active", 1),
            ("state=ended", 0),
            ("subscriber_code=00042", 1),
            ("subscriber_code=x", 0),
            ("line_of_service=dsl-1/A", 1),
            ("search=example", 1),
            ("search=nobody", 0),
        ]:
            items = (await intake.get(f"/v1/associations?{query}")).json["items"]
            assert [item["id"] for item in items] == [association["id"]] * count, query
