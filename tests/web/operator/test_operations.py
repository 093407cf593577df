"""The queue, writes, gateways, timelines, PHAN URLs, metrics and log lines over HTTP."""

import asyncio
from uuid import UUID

import pytest
import structlog

from acs_bridge.domain.actor import Role
from acs_bridge.domain.write import WriteState
from acs_bridge.store.gateways import Identity

BOX = {"oui": "00236A", "product_class": "SR400", "serial_number": "S-1"}
ONE = Identity("00236A", "S-1", "SR400")


async def provisioned(api, line="L-1", gateway=BOX):
    body = {"subscriber": {"name": "Ann", "code": f"C-{line}"}, "line_of_service": line, "gateway": gateway}
    reply = await api.post("/v1/provisioning-requests", body)
    assert reply.status == 201, reply.text
    return reply.json


class TestQueue:
    async def test_shows_all_ten_states_and_no_ceiling_when_empty(self, admin):
        queue = (await admin.get("/v1/queue")).json
        assert queue == {
            "counts": dict.fromkeys(WriteState, 0),
            "oldest_queued_seconds": None,
            "gateways": {"known": 0, "unclaimed": 0, "overdue": 0, "quarantined": 0},
            "paused": False,
            "brakes": [],
            "rate": {"writes_per_minute": None, "effective": None},
            "reports": {"waiting": 0, "reporting": 0, "silent": 0, "spooled": 0, "spooled_bytes": 0},
        }

    async def test_counts_writes_and_gateways(self, operator, admin):
        await provisioned(admin)
        for serial in ("S-1", "S-2", "S-3"):
            await operator.office.inform(Identity("00236A", serial, "SR400"))
        await operator.office.database.execute(
            "update gateway set periodic_at = last_inform_at, periodic_seconds = 60 where serial_number = 'S-3'"
        )
        operator.office.clock.advance(seconds=151)
        queue = (await admin.get("/v1/queue")).json
        assert queue["counts"]["queued"] == 1
        assert queue["oldest_queued_seconds"] == 151
        assert queue["gateways"] == {"known": 3, "unclaimed": 2, "overdue": 1, "quarantined": 0}

    async def test_a_gateway_is_not_overdue_while_its_second_inform_may_only_be_a_little_late(self, operator, admin):
        await operator.office.inform(Identity("00236A", "S-1", "SR400"))
        await operator.office.database.execute("update gateway set periodic_at = last_inform_at, periodic_seconds = 60")
        operator.office.clock.advance(seconds=149)
        assert (await admin.get("/v1/queue")).json["gateways"]["overdue"] == 0

    async def test_a_brake_holds_until_it_is_taken_off(self, operator, admin):
        receipt = await provisioned(admin)
        await operator.office.inform(ONE)
        gateway = (await admin.get("/v1/devices/L-1")).json["gateway"]["id"]
        await admin.post(f"/v1/gateways/{gateway}/approve")
        paused = (await admin.post("/v1/queue/pause")).json
        assert paused["paused"]
        assert paused["brakes"][0]["set_by"] == "token:admin"
        write = (await admin.get(f"/v1/writes/{receipt['write_id']}")).json
        assert write["waiting_for"] == "the queue is paused for this write"
        again = (await admin.post("/v1/queue/pause", {})).json
        assert again["brakes"] == paused["brakes"]
        assert not (await admin.post("/v1/queue/resume")).json["paused"]
        write = (await admin.get(f"/v1/writes/{receipt['write_id']}")).json
        assert write["waiting_for"] == "the next Inform of the gateway: last Inform 0 s ago"

    async def test_a_brake_for_one_batch_holds_only_that(self, admin):
        first, second = await provisioned(admin), await provisioned(admin, "L-2", {**BOX, "serial_number": "S-2"})
        batch = (await admin.get(f"/v1/writes/{first['write_id']}")).json["batch_id"]
        answer = (await admin.post("/v1/queue/pause", {"batch": batch})).json
        assert (answer["paused"], answer["brakes"][0]["batch"]) == (False, batch)
        assert batch != (await admin.get(f"/v1/writes/{second['write_id']}")).json["batch_id"]

    async def test_the_rate_is_set_and_given_back_to_the_settings(self, admin):
        rate = (await admin("PUT", "/v1/queue/rate", {"writes_per_minute": 60})).json["rate"]
        assert rate == {"writes_per_minute": 60, "effective": 60}
        rate = (await admin("PUT", "/v1/queue/rate", {"writes_per_minute": None})).json["rate"]
        assert rate == {"writes_per_minute": None, "effective": None}

    async def test_many_who_ask_at_once_are_answered_by_one_count(self, operator, admin, monkeypatch):
        from acs_bridge.store import queue

        counted = []
        count = queue.counts

        async def counting(executor):
            counted.append(1)
            return await count(executor)

        monkeypatch.setattr(queue, "counts", counting)
        await asyncio.gather(*(admin.get("/v1/queue") for _ in range(20)))
        assert len(counted) == 1


class TestWrites:
    async def test_a_rejected_write_says_why_and_is_retried_with_attempts_anew(self, operator, admin):
        receipt = await provisioned(admin)
        path = f"/v1/writes/{receipt['write_id']}"
        await operator.office.reject(UUID(receipt["write_id"]))
        write = (await admin.get(path)).json
        assert (write["state"], write["attempts"]) == ("rejected", 1)
        meaning = "The gateway has no such parameter; correct the name in the profile or pick another profile."
        fault = {"code": 9005, "text": "Invalid parameter name", "parameters": [], "meaning": meaning}
        assert write["fault"] == fault
        assert write["waiting_for"].startswith("an operator: the gateway cannot take the value (fault 9005: ")
        retried = (await admin.post(f"{path}/retry")).json
        assert (retried["state"], retried["attempts"], retried["moved_by"]) == ("queued", 0, "token:admin")
        refused = await admin.post(f"{path}/retry")
        assert refused.status == 409
        assert refused.json["detail"] == (
            "this write is queued: only a write that is rejected or failed can be retried"
        )

    async def test_a_queued_write_is_cancelled_once(self, admin):
        receipt = await provisioned(admin)
        path = f"/v1/writes/{receipt['write_id']}"
        assert (await admin.post(f"{path}/cancel")).json["state"] == "cancelled"
        refused = await admin.post(f"{path}/cancel")
        assert (refused.status, "queued, in_doubt, rejected or failed" in refused.json["detail"]) == (409, True)

    async def test_a_write_that_is_being_sent_cannot_be_cancelled(self, operator, admin):
        receipt = await provisioned(admin)
        await operator.office.dispatch(UUID(receipt["write_id"]))
        assert (await admin.post(f"/v1/writes/{receipt['write_id']}/cancel")).status == 409

    async def test_a_write_whose_association_is_over_is_not_retried(self, operator, admin):
        receipt = await provisioned(admin)
        await operator.office.reject(UUID(receipt["write_id"]))
        await admin("DELETE", f"/v1/associations/{receipt['association_id']}")
        assert (await admin.post(f"/v1/writes/{receipt['write_id']}/retry")).status == 409

    @pytest.mark.parametrize("line", ["L-1", "L-2"])
    async def test_a_box_in_use_again_makes_the_old_clearing_unretriable(self, operator, admin, line):
        office = operator.office
        receipt = await provisioned(admin)
        await office.verify(UUID(receipt["write_id"]))
        ended = (await admin("DELETE", f"/v1/associations/{receipt['association_id']}")).json
        await office.reject(UUID(ended["write_id"]))
        if line == "L-2":
            await admin("DELETE", "/v1/devices/L-1")
        await office.verify(UUID((await provisioned(admin, line))["write_id"]))
        assert (await admin.post(f"/v1/writes/{ended['write_id']}/retry")).status == 409

    async def test_are_found_by_state_line_subscriber_batch_and_gateway(self, admin):
        receipt = await provisioned(admin)
        await provisioned(admin, "L-2", {**BOX, "serial_number": "S-2"})
        write = (await admin.get(f"/v1/writes/{receipt['write_id']}")).json
        for query in (
            "line_of_service=l-1",
            "subscriber_code=c-l-1",
            f"batch={write['batch_id']}",
            f"gateway_id={write['gateway']['id']}",
            "line_of_service=L-1&state=queued",
        ):
            items = (await admin.get(f"/v1/writes?{query}")).json["items"]
            assert [item["id"] for item in items] == [write["id"]], query
        assert (await admin.get("/v1/writes?state=failed")).json["items"] == []
        assert (await admin.get("/v1/writes?state=lost")).status == 422
        first = (await admin.get("/v1/writes?limit=1")).json
        second = (await admin.get(f"/v1/writes?limit=1&cursor={first['next']}")).json
        assert second["items"][0]["id"] == write["id"]
        assert second["next"] is None


class TestGateways:
    async def test_those_that_have_informed_are_listed_and_the_others_are_not(self, operator, admin):
        await provisioned(admin, gateway={**BOX, "serial_number": "S-2"})
        await operator.office.inform(ONE)
        (item,) = (await admin.get("/v1/gateways")).json["items"]
        assert (item["serial_number"], item["line_of_service"], item["approved_at"]) == ("S-1", None, None)
        assert [i["id"] for i in (await admin.get("/v1/gateways?unclaimed=true")).json["items"]] == [item["id"]]
        assert (await admin.get("/v1/gateways?unclaimed=false")).json["items"] == []
        assert len((await admin.get("/v1/gateways?search=s-1")).json["items"]) == 1
        assert (await admin.get("/v1/gateways?search=s-2")).json["items"] == []

    async def test_show_when_the_next_inform_is_expected(self, operator, admin):
        gateway = await operator.office.inform(ONE)
        await operator.office.database.execute(
            "update gateway set periodic_at = last_inform_at, periodic_seconds = 3600"
        )
        operator.office.clock.advance(seconds=5400)
        item = (await admin.get(f"/v1/gateways/{gateway}")).json
        assert item["last_inform_at"] == "2026-03-14T15:09:26.535897Z"
        assert item["next_inform_at"] == "2026-03-14T17:09:26.535897Z"

    async def test_one_is_approved_once(self, operator, admin):
        gateway = await operator.office.inform(ONE)
        first = (await admin.post(f"/v1/gateways/{gateway}/approve")).json
        operator.office.clock.advance(hours=1)
        assert (await admin.post(f"/v1/gateways/{gateway}/approve")).json["approved_at"] == first["approved_at"]
        assert (await operator.office.deeds()).count("gateway_approved") == 1

    async def test_a_write_waits_for_the_approval(self, operator, admin):
        receipt = await provisioned(admin)
        await operator.office.inform(ONE)
        write = (await admin.get(f"/v1/writes/{receipt['write_id']}")).json
        assert write["waiting_for"].startswith("an Admin must approve the gateway")


class TestTimeline:
    async def test_tells_everything_in_order_and_in_pages(self, operator, admin):
        office = operator.office
        receipt = await provisioned(admin)
        path = f"/v1/associations/{receipt['association_id']}"
        for act in (
            office.verify(UUID(receipt["write_id"])),
            admin.post(f"{path}/reveal"),
            admin("PUT", "/v1/devices/L-1/gateway", {**BOX, "serial_number": "S-2"}),
            admin("DELETE", path),
        ):
            office.clock.advance(minutes=1)
            await act
        whole = (await admin.get(f"{path}/timeline?limit=500")).json["items"]
        events = [item["event"] for item in whole]
        assert events == [
            "association_created",
            "write_created",
            "request_accepted",
            "write_dispatched",
            "write_accepted",
            "write_read_back_equal",
            "phan_url_revealed",
            "write_created",
            "write_created",
            "gateway_swapped",
            "write_cancelled",
            "association_ended",
        ]
        paged, cursor = [], ""
        while cursor is not None:
            page = (await admin.get(f"{path}/timeline?limit=1{cursor and '&cursor='}{cursor}")).json
            paged += page["items"]
            cursor = page["next"]
        assert paged == whole
        assert "https://" not in str(whole)


class TestPhanUrls:
    async def test_a_url_is_revealed_to_admins_and_that_is_written_down(self, operator, admin):
        receipt = await provisioned(admin)
        reply = await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")
        assert reply.json["phan_url"].startswith("https://analytics.example/r/")
        assert reply.headers["Cache-Control"] == "no-store"
        row = await operator.office.database.fetchrow("select * from audit where action = 'phan_url_revealed'")
        assert (row["actor"], str(row["association_id"])) == ("token:admin", receipt["association_id"])

    async def test_the_url_of_an_association_that_is_over_is_not_revealed(self, admin):
        receipt = await provisioned(admin)
        await admin("DELETE", f"/v1/associations/{receipt['association_id']}")
        assert (await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")).status == 409

    async def test_a_line_gets_another_url_and_the_former_counts_no_more(self, operator, admin):
        receipt = await provisioned(admin)
        path = f"/v1/associations/{receipt['association_id']}"
        former = (await admin.post(f"{path}/reveal")).json["phan_url"]
        reply = await admin.post(f"{path}/reissue")
        assert (reply.status, reply.json["generation"], reply.json["write_state"]) == (200, 2, "queued")
        newer = (await admin.post(f"{path}/reveal")).json["phan_url"]
        items = (await operator.as_(Role.PHAN).post("/v1/phan/open", {"urls": [former, newer]})).json["items"]
        assert [item["active"] for item in items] == [False, True]
        story = (await admin.get(f"{path}/timeline")).json["items"]
        assert ("phan_url_reissued", "token:admin") in [(moment["event"], moment["by"]) for moment in story]
        await admin("DELETE", path)
        assert (await admin.post(f"{path}/reissue")).status == 409

    async def test_a_url_is_refused_from_the_moment_at_which_its_association_ends(self, operator, admin):
        receipt = await provisioned(admin)
        path, phan = f"/v1/associations/{receipt['association_id']}", operator.as_(Role.PHAN)
        url = (await admin.post(f"{path}/reveal")).json["phan_url"]
        assert (await phan.post("/v1/phan/open", {"url": url})).json["active"] is True
        await admin("DELETE", path)
        assert (await phan.post("/v1/phan/open", {"url": url})).json["active"] is False

    async def test_a_url_says_its_line_and_whether_it_counts(self, operator, admin):
        receipt = await provisioned(admin)
        phan = operator.as_(Role.PHAN)
        url = (await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")).json["phan_url"]
        opened = (await phan.post("/v1/phan/open", {"url": url})).json
        assert opened == {
            "line_of_service": "L-1",
            "association_id": receipt["association_id"],
            "active": True,
            "issued_at": "2026-03-14T15:09:26Z",
            "key_id": opened["key_id"],
            "gateway_matches": None,
        }
        await admin("PUT", "/v1/devices/L-1/gateway", {**BOX, "serial_number": "S-2"})
        assert (await phan.post("/v1/phan/open", {"url": url})).json["active"] is False

    @pytest.mark.parametrize(
        ("named", "matches"),
        [
            ({}, None),
            ({"oui": "00236a", "serial_number": " S-1"}, True),
            ({"oui": BOX["oui"]}, True),
            ({"serial_number": "S-1"}, True),
            ({"oui": BOX["oui"], "serial_number": "S-2"}, False),
            ({"oui": "00236B", "serial_number": "S-1"}, False),
            ({"oui": "", "serial_number": "\u0000"}, False),
        ],
    )
    async def test_a_url_says_whether_the_gateway_that_used_it_is_the_one_of_the_line(
        self, operator, admin, named, matches
    ):
        receipt = await provisioned(admin)
        phan = operator.as_(Role.PHAN)
        url = (await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")).json["phan_url"]
        asked = {"url": url, **named}
        assert (await phan.post("/v1/phan/open", asked)).json["gateway_matches"] is matches
        items = (await phan.post("/v1/phan/open", {"urls": [asked, url, {**asked, "url": "x"}]})).json["items"]
        assert [item.get("gateway_matches") for item in items] == [matches, None, None]
        await admin("DELETE", "/v1/devices/L-1/gateway")
        opened = (await phan.post("/v1/phan/open", asked)).json
        assert opened["gateway_matches"] is (None if matches is None else False)

    async def test_many_urls_are_answered_in_order_and_strangers_all_alike(self, operator, admin):
        urls = []
        for line, serial in (("L-1", "S-1"), ("L-2", "S-2")):
            receipt = await provisioned(admin, line, {**BOX, "serial_number": serial})
            urls.append((await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")).json["phan_url"])
        strangers = ["https://elsewhere.example/", urls[0][:-1], urls[0][:-2] + "AA", "", "\u0000", "x" * 2000]
        reply = await operator.as_(Role.PHAN).post("/v1/phan/open", {"urls": [urls[1], *strangers, urls[0]]})
        items = reply.json["items"]
        assert [item.get("line_of_service") for item in items] == ["L-2", *[None] * len(strangers), "L-1"]
        assert {str(item) for item in items[1:-1]} == {"{'error': 'This is not a PHAN URL of this installation'}"}

    @pytest.mark.parametrize("url", ["https://elsewhere.example/", "", "x", "a" * 300])
    async def test_one_url_that_is_not_ours_is_one_same_error(self, operator, url):
        reply = await operator.as_(Role.PHAN).post("/v1/phan/open", {"url": url})
        assert (reply.status, reply.json["title"]) == (422, "This is not a PHAN URL of this installation")

    async def test_no_url_is_anywhere_else(self, operator, admin):
        receipt = await provisioned(admin)
        url = (await admin.post(f"/v1/associations/{receipt['association_id']}/reveal")).json["phan_url"]
        token = url.rpartition("/")[2]
        for path in (
            "/v1/associations",
            f"/v1/associations/{receipt['association_id']}",
            f"/v1/associations/{receipt['association_id']}/timeline",
            f"/v1/provisioning-requests/{receipt['id']}",
            "/v1/writes",
            "/v1/devices",
            "/v1/gateways",
            "/metrics",
        ):
            assert token[6:] not in (await admin.get(path)).text
        audit = await operator.office.database.fetch("select * from audit")
        assert token[6:] not in str([dict(row) for row in audit])


class TestMetrics:
    async def test_show_the_queue_and_calls_by_route(self, admin):
        await provisioned(admin)
        await admin.get("/v1/devices/L-1")
        await admin.get("/v1/nothing/at/all")
        reply = await admin.get("/metrics")
        assert reply.headers["Content-Type"].startswith("text/plain; version=")
        assert 'acs_bridge_writes{state="queued"} 1.0' in reply.text
        assert 'route="/v1/devices/{line_of_service}",status="200"} 1.0' in reply.text
        assert 'route="unmatched",status="404"} 1.0' in reply.text
        assert "L-1" not in reply.text


class TestLogLines:
    async def test_a_call_is_one_line_with_its_route_and_its_caller_and_no_more(self, admin):
        with structlog.testing.capture_logs() as lines:
            await admin.post("/v1/subscribers?secret=1", {"name": "Ann Secret", "code": "C-SECRET"})
            await admin.get("/v1/subscribers/C-SECRET")
        assert [(line["event"], line["route"], line["status"], line["actor"]) for line in lines] == [
            ("request_served", "/v1/subscribers", 422, "token:admin"),
            ("request_served", "/v1/subscribers/{code}", 404, "token:admin"),
        ]
        assert "secret" not in str(lines).lower()
        assert admin.token not in str(lines)
