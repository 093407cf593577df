"""What a BSS, an operator and gateways see of a daemon that serves: from a request to the URL inside a gateway."""

import json

import pytest

from acs_bridge.simulator.models import TR098, TR181
from acs_bridge.simulator.schema import Schema
from tests.acceptance.programs import eventually
from tests.acceptance.site import BASE_URL, PHAN_URL, Caller, Daemon, gateway_of

SET, GET = "SetParameterValues", "GetParameterValues"
STORY = [
    ("association_created", None),
    ("write_created", "queued"),
    ("write_dispatched", "sent"),
    ("write_accepted", "applied"),
    ("write_read_back_equal", "verified"),
]


def story(caller: Caller, association_id: str) -> list[tuple[str, str]]:
    """What happened to an association, and to what it brought each write."""
    moments = caller.get(f"/v1/associations/{association_id}/timeline")["items"]
    return [(moment["event"], moment["to_state"]) for moment in moments]


def opened(daemon: Daemon, url: str) -> dict[str, object]:
    """What `phan open` says, beside the daemon."""
    ended = daemon.site.run("phan", "open", "-", typed=url)
    assert (ended.code, ended.err) == (0, "")
    said: dict[str, object] = json.loads(ended.out)
    return said


class TestTheManualsThreeSteps:
    async def test_bring_the_phan_url_into_the_gateway(self, daemon: Daemon, admin: Caller, bss: Caller) -> None:
        bss.post("/v1/subscribers", {"name": "Ann Example", "code": "C-STEPS"})
        bss.post("/v1/devices", {"line_of_service": "LOS-STEPS", "gateway": gateway_of("STEPS1")})
        made = bss.post("/v1/associations", {"subscriber_code": "C-STEPS", "line_of_service": "LOS-STEPS"})
        assert bss.state(made["write_id"]) == "queued"
        gateway = daemon.gateway("STEPS1")
        report = await gateway.session()
        assert (report.completed, report.served) == (True, (SET, GET)), report.error
        assert bss.state(made["write_id"]) == "verified"
        assert story(bss, made["id"]) == STORY
        revealed = admin.post(f"/v1/associations/{made['id']}/reveal", {}, status=200)["phan_url"]
        assert gateway.value(PHAN_URL) == revealed
        said = opened(daemon, revealed)
        assert (said["line_of_service"], said["association_id"]) == ("LOS-STEPS", made["id"])
        assert said["active"] is True

    @pytest.mark.parametrize("schema", [TR181, TR098])
    async def test_may_be_taken_in_the_other_order_on_other_days(
        self, daemon: Daemon, bss: Caller, schema: Schema
    ) -> None:
        name = f"OTHER-{schema.root.rstrip('.')}"
        gateway = daemon.gateway(name, schema=schema)
        assert (await gateway.session()).served == ()
        bss.post("/v1/devices", {"line_of_service": f"LOS-{name}"})
        bss.post("/v1/subscribers", {"name": "Bob Example", "code": f"C-{name}"})
        made = bss.post("/v1/associations", {"subscriber_code": f"C-{name}", "line_of_service": f"LOS-{name}"})
        assert (await gateway.session()).served == ()
        assert "gateway" in bss.get(f"/v1/writes/{made['write_id']}")["waiting_for"]
        bound = bss.call("PUT", f"/v1/devices/LOS-{name}/gateway", gateway_of(name))
        assert (bound.status, bound.body["gateway"]["serial_number"]) == (200, name)
        assert (await gateway.session()).served == (SET, GET)
        assert bss.state(made["write_id"]) == "verified"
        assert gateway.value(PHAN_URL).startswith(BASE_URL)

    async def test_are_one_provisioning_request_and_the_same_again_changes_nothing(
        self, daemon: Daemon, bss: Caller
    ) -> None:
        receipt = bss.provision("ONCE1")
        gateway = daemon.gateway("ONCE1")
        await gateway.session()
        again = bss.provision("ONCE1", status=200)
        assert {**receipt, "state": "verified"} == again
        assert (await gateway.session()).served == ()


class TestAnRma:
    async def test_gives_the_new_box_another_url_and_clears_the_old_one(
        self, daemon: Daemon, admin: Caller, bss: Caller
    ) -> None:
        receipt = bss.provision("RMA-OLD", "LOS-RMA")
        old, new = daemon.gateway("RMA-OLD"), daemon.gateway("RMA-NEW")
        await old.session()
        former = old.value(PHAN_URL)
        swapped = bss.call("PUT", "/v1/devices/LOS-RMA/gateway", gateway_of("RMA-NEW"))
        assert (swapped.status, swapped.body["association_id"]) == (200, receipt["association_id"])
        await new.session()
        assert new.value(PHAN_URL).startswith(BASE_URL)
        assert new.value(PHAN_URL) != former
        assert old.value(PHAN_URL) == former
        assert (await old.session()).served == (SET, GET)
        assert old.value(PHAN_URL) == ""
        writes = bss.get("/v1/writes?line_of_service=LOS-RMA")["items"]
        assert {(write["purpose"], write["gateway"]["serial_number"], write["state"]) for write in writes} == {
            ("provision", "RMA-OLD", "verified"),
            ("provision", "RMA-NEW", "verified"),
            ("clear", "RMA-OLD", "verified"),
        }
        questions = {"urls": [former, new.value(PHAN_URL)]}
        assert [item["active"] for item in admin.post("/v1/phan/open", questions, 200)["items"]] == [False, True]


class TestTheQueue:
    async def test_counts_every_write_and_so_do_the_metrics(self, daemon: Daemon, admin: Caller) -> None:
        before = admin.post("/v1/queue/resume", {}, 200)["counts"]  # nothing is paused; the answer is of this moment
        moved = admin.metrics()
        admin.provision("COUNT1")
        admin.provision("COUNT2")
        await daemon.gateway("COUNT1").session()
        wanted = {**before, "queued": before["queued"] + 1, "verified": before["verified"] + 1}
        eventually(lambda: admin.get("/v1/queue")["counts"], lambda counts: counts == wanted)
        now = admin.metrics()
        assert now['acs_bridge_writes{state="queued"}'] == wanted["queued"]
        assert now['acs_bridge_writes{state="verified"}'] == wanted["verified"]
        assert now["acs_bridge_sessions_opened_total"] == moved["acs_bridge_sessions_opened_total"] + 1
        event = 'acs_bridge_write_moves_total{event="read_back_equal"}'
        assert now[event] == moved[event] + 1


class TestWhoMayLook:
    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_anybody_may_ask_after_its_health(self, daemon: Daemon, path: str) -> None:
        assert daemon.caller().call("GET", path).status == 200

    @pytest.mark.parametrize("path", ["/metrics", "/v1/queue", "/v1/gateways", "/v1/writes"])
    def test_nobody_sees_more_without_a_token(self, daemon: Daemon, path: str) -> None:
        assert daemon.caller().call("GET", path).status == 401
        assert daemon.caller("acsb_of-somebody-else").call("GET", path).status == 401

    def test_a_bss_does_not_see_a_phan_url(self, bss: Caller) -> None:
        receipt = bss.provision("UNSEEN1")
        assert bss.call("POST", f"/v1/associations/{receipt['association_id']}/reveal").status == 403
        assert BASE_URL not in json.dumps(bss.get(f"/v1/associations/{receipt['association_id']}"))
