"""`/v1/webhooks`, and the example of the README that receives what they send."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from acs_bridge.domain.webhooks import show_secret
from tests.services.receivers import receiving

README = Path(__file__).resolve().parents[3] / "README.md"
URL = "https://crm.example.net/hooks"


async def made(admin, url=URL, **more):
    reply = await admin.post("/v1/webhooks", {"url": url, **more})
    assert reply.status == 201, reply.text
    return reply.json


class TestAWebhook:
    async def test_shows_its_secret_once(self, admin):
        webhook = await made(admin)
        assert webhook["secret"].startswith("whsec_")
        assert webhook["events"] == ["cancelled", "failed", "rejected", "superseded", "verified"]
        shown = await admin.get(f"/v1/webhooks/{webhook['id']}")
        listed = await admin.get("/v1/webhooks")
        assert webhook["secret"] not in shown.text + listed.text
        assert listed.json["items"] == [shown.json]
        assert shown.json == {name: value for name, value in webhook.items() if name != "secret"}
        assert (shown.json["health"], shown.json["pending"], shown.json["parked"]) == ("untried", 0, 0)

    async def test_is_deleted_once(self, admin):
        path = f"/v1/webhooks/{(await made(admin))['id']}"
        assert [(await admin("DELETE", path)).status for _ in range(2)] == [204, 404]
        assert (await admin.get(path)).status == 404

    async def test_says_how_it_does(self, operator, admin):
        async with receiving(statuses=[500]) as receiver:
            webhook = await made(admin, receiver.url)
        path = f"/v1/webhooks/{webhook['id']}"
        database, clock = operator.office.database, operator.office.clock
        for failing_for, health in ((0, "failing"), (3600, "down")):
            since = clock() - timedelta(seconds=failing_for)
            await database.execute("update webhook set failures = 3, failing_since = $1", since)
            assert (await admin.get(path)).json["health"] == health
        await database.execute("update webhook set failures = 0, failing_since = null, succeeded_at = now()")
        assert (await admin.get(path)).json["health"] == "well"

    async def test_takes_a_secret_that_is_brought_along_or_a_new_one(self, admin):
        secret = show_secret(b"brought along by the caller")
        webhook = await made(admin, secret=secret, events=["failed"])
        assert (webhook["secret"], webhook["events"]) == (secret, ["failed"])
        changed = (await admin.post(f"/v1/webhooks/{webhook['id']}/secret")).json
        assert changed["secret"] != secret
        assert changed["former_secret_until"] is not None

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "url"),
            ({"url": "http://crm.example.net"}, None),
            ({"url": "ftp://crm.example.net"}, "url"),
            ({"url": "https://192.168.1.1/"}, "url"),
            ({"url": "https://169.254.169.254/latest/meta-data"}, "url"),
            ({"url": "https://user:pw@crm.example.net"}, "url"),
            ({"url": URL, "events": []}, "events"),
            ({"url": URL, "events": ["queued"]}, "events.0"),
            ({"url": URL, "secret": "whsec_short"}, "secret"),
            ({"url": URL, "secret": 7}, "secret"),
            ({"url": URL, "more": 1}, "more"),
        ],
    )
    async def test_that_cannot_be_made_says_why(self, admin, body, field):
        reply = await admin.post("/v1/webhooks", body)
        if field is None:  # these rules let http pass
            assert reply.status == 201
            return
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)
        assert "user:pw" not in reply.text
        assert (await admin.get("/v1/webhooks")).json == {"items": []}


class TestItsDeliveries:
    async def test_are_listed_newest_first_and_replayed(self, operator, admin):
        webhook = await made(admin)
        path = f"/v1/webhooks/{webhook['id']}"
        for number in range(3):
            write = (await operator.office.request(f"C-{number}", f"L-{number}")).write_id
            await admin.post(f"/v1/writes/{write}/cancel")
        first = (await admin.get(f"{path}/deliveries?limit=2")).json
        second = (await admin.get(f"{path}/deliveries?limit=2&cursor={first['next']}")).json
        entries = first["items"] + second["items"]
        assert [entry["event"] for entry in entries] == ["write.cancelled"] * 3
        assert entries == sorted(entries, key=lambda entry: -entry["id"])
        assert (entries[0]["write_id"], entries[0]["state"], second["next"]) == (str(write), "pending", None)
        assert (await admin.get(f"{path}/deliveries?state=parked")).json["items"] == []
        replayed = await admin.post(f"{path}/deliveries/{entries[0]['id']}/replay")
        assert (replayed.status, replayed.json) == (200, {"replayed": 1})
        assert (await admin.post(f"{path}/deliveries/999999/replay")).status == 404

    async def test_are_replayed_by_time(self, operator, admin):
        path = f"/v1/webhooks/{(await made(admin))['id']}"
        now = operator.office.clock()
        span = {"since": now.isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
        assert (await admin.post(f"{path}/replay", span)).json == {"replayed": 0}
        backwards = {"since": span["until"], "until": span["since"]}
        for body, field in ((backwards, "until"), ({"since": "now", "until": span["until"]}, "since"), ({}, "since")):
            reply = await admin.post(f"{path}/replay", body)
            assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)


class TestATest:
    async def test_says_what_happened(self, admin):
        async with receiving(statuses=[200, 404]) as receiver:
            webhook = await made(admin, receiver.url)
            path = f"/v1/webhooks/{webhook['id']}/test"
            taken, refused = (await admin.post(path)).json, (await admin.post(path)).json
        gone = (await admin.post(path)).json
        assert (taken["delivered"], taken["status"], taken["words"]) == (True, 200, "it answered 200")
        assert (refused["delivered"], refused["status"], refused["words"]) == (False, 404, "it answered 404")
        assert (gone["delivered"], gone["status"], "nobody listens" in gone["words"]) == (False, None, True)
        assert "secret words" not in str([taken, refused, gone])

    async def test_is_verified_by_the_example_of_the_readme(self, admin):
        code = readme_example()
        names: dict = {}
        exec(compile(code, str(README), "exec"), names)  # noqa: S102 -- it is our own example
        async with receiving() as receiver:
            webhook = await made(admin, receiver.url)
            await admin.post(f"/v1/webhooks/{webhook['id']}/test")
        ((headers, body),) = receiver.calls
        at = int(headers["webhook-timestamp"])
        verified = names["verified"]
        assert verified(webhook["secret"], headers, body, at)
        assert verified(webhook["secret"], headers, body, at + 299)
        assert not verified(webhook["secret"], headers, body + b" ", at)
        assert not verified(webhook["secret"], headers, body, at + 301)
        assert not verified(show_secret(bytes(32)), headers, body, at)


def readme_example() -> str:
    """The code of the README that verifies a message."""
    text = README.read_text("utf-8")
    block = re.search(r"^    import base64.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)
    assert block
    lines = [line.removeprefix("    ") for line in block[0].rstrip().splitlines()]
    assert len(lines) <= 12
    return "\n".join(lines)


async def test_metrics_tell_of_deliveries_and_streams(operator, admin):
    await made(admin)
    write = (await operator.office.request()).write_id
    await admin.post(f"/v1/writes/{write}/cancel")
    text = (await admin.get("/metrics")).text
    assert "acs_bridge_webhook_pending 1.0" in text
    assert "acs_bridge_webhooks_failing 0.0" in text
    assert "acs_bridge_event_streams 0.0" in text
