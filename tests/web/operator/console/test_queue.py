"""The Queue page: what it says of writes, of what holds them back, and of those that wait for somebody."""

import pytest

from acs_bridge.store.gateways import Identity
from acs_bridge.store.queue import Brake
from tests.services.conftest import ADMIN
from tests.web.operator.console.conftest import page, words

FAULT = """
update write set fault = jsonb_build_object('code', $2::int, 'text', $3::text, 'parameters', '[]'::jsonb) where id = $1
"""
SAME_GATEWAY = "update write set gateway_id = (select gateway_id from write where id = $2) where id = $1"


@pytest.fixture
async def stuck(office):
    """Three writes that the gateway refused, two of them for one reason, and one that waits."""
    made = []
    for number in range(4):
        receipt = await office.request(f"C-{number}", f"L-{number}")
        made.append(receipt.write_id)
    for number in range(3):
        gateway = await office.inform(identity(number))
        await office.database.execute("update write set gateway_id = $2 where id = $1", made[number], gateway)
        await office.reject(made[number])
    await office.database.execute(FAULT, made[2], None, "the profile has no <b>parameter</b>")
    return made


def identity(number):
    return Identity(oui="00236A", product_class="SR500", serial_number=f"SN-{number}")


def rows(reply):
    return [id.removeprefix("write-") for id in page(reply).xpath("//tr/@id")]


async def test_a_page_says_what_does_not_work_without_scripts(boss):
    assert "do not keep themselves up to date" in page(await boss.get("/queue")).findtext(".//noscript/p")


class TestTheCounts:
    async def test_are_of_every_state(self, boss, stuck):
        shown = await boss.get("/queue")
        counts = {
            tile.get("id").removeprefix("count-"): tile.xpath("string(.//b)")
            for tile in page(shown).xpath("//li[@id]")
            if tile.get("id").startswith("count-")
        }
        assert counts == {
            "queued": "1",
            "sent": "0",
            "applied": "0",
            "staged": "0",
            "verified": "0",
            "in_doubt": "0",
            "rejected": "3",
            "failed": "0",
            "cancelled": "0",
            "superseded": "0",
        }

    async def test_have_a_plot_of_the_last_hour(self, boss, stuck):
        shown = page(await boss.get("/queue"))
        (path,) = shown.xpath("//li[@id='count-rejected']//*[local-name()='path']/@d")
        assert path == "M59.5 20V0.0"
        assert shown.xpath("string(//li[@id='count-rejected']//small)") == "3 in the last hour"
        assert shown.xpath("string(//li[@id='count-queued']//small)") == "4 in the last hour"

    async def test_of_an_hour_move_on_with_the_clock(self, boss, stuck, clock, office):
        await boss.get("/queue")
        clock.advance(minutes=30)
        await office.request("C-9", "L-9")
        shown = page(await boss.get("/queue"))
        (path,) = shown.xpath("//li[@id='count-queued']//*[local-name()='path']/@d")
        assert path == "M29.5 20V0.0M59.5 20V15.0"
        clock.advance(minutes=31)
        shown = page(await boss.get("/queue"))
        assert shown.xpath("string(//li[@id='count-queued']//small)") == "1 in the last hour"

    async def test_say_how_old_the_oldest_is(self, boss, stuck, clock):
        clock.advance(minutes=61)
        assert page(await boss.get("/queue")).xpath("//dt[.='Oldest queued']/following-sibling::dd/text()") == [
            "61 min"
        ]


class TestTheWrites:
    async def test_say_in_a_sentence_what_each_waits_for(self, boss, stuck):
        said = words(await boss.get("/queue"))
        assert "no gateway is bound to this line of service yet" in said
        assert "an operator: the gateway cannot take the value (fault 9005" in said

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", [3, 2, 1, 0]),
            ("state=rejected", [2, 1, 0]),
            ("state=queued", [3]),
            ("line_of_service=l-1", [1]),
            ("subscriber_code=C-2", [2]),
            ("serial_number=SN-0", [0]),
            ("fault=9005", [1, 0]),
            ("fault=the+profile+has+no+%3Cb%3Eparameter%3C%2Fb%3E", [2]),
            ("state=rejected&line_of_service=L-3", []),
            ("profile=nobody", []),
            ("state=&line_of_service=++", [3, 2, 1, 0]),
        ],
    )
    async def test_are_those_that_are_asked_for(self, boss, stuck, query, found):
        assert rows(await boss.get(f"/queue?{query}")) == [str(stuck[number]) for number in found]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("state=lost", "state"),
            ("line_of_service=%00", "line_of_service"),
            ("line_of_service=" + "x" * 65, "line_of_service"),
            ("subscriber_code=%E2%80%AEabc", "subscriber_code"),
            ("fault=" + "9" * 1001, "fault"),
            ("fault=a%00b", "fault"),
            ("serial_number=%0A1%00", "serial_number"),
            ("profile=%07%20x", "profile"),
            ("batch=x", "batch"),
            ("cursor=x", "cursor"),
        ],
    )
    async def test_what_cannot_be_asked_for_is_said_beside_its_field(self, boss, stuck, query, field):
        shown = await boss.get(f"/queue?{query}")
        assert shown.status == 200
        errors = page(shown).xpath("//form[@class='choice']//p[@class='error']")
        assert len(errors) == 1
        if field not in {"state", "cursor"}:
            assert page(shown).xpath("//form[@class='choice']//input[@aria-invalid]/@name") == [field]

    async def test_come_a_page_at_a_time(self, boss, office):
        for number in range(51):
            await office.request(f"C-{number}", f"L-{number}")
        shown = await boss.get("/queue")
        assert len(rows(shown)) == 50
        (older,) = page(shown).xpath("//p[@id='writes-turn']/a/@href")
        assert len(rows(await boss.get(older.partition("#")[0]))) == 1

    async def test_show_text_of_people_and_gateways_as_text(self, boss, office):
        await office.request("C-<img src=x>", "L-\"'><script>alert(1)</script>")
        shown = await boss.get("/queue")
        assert "<script>alert" not in shown.text
        assert "<img" not in shown.text
        assert "L-\"'><script>alert(1)</script>" in words(shown)

    async def test_can_be_moved_by_admins_only(self, boss, csr, stuck):
        assert page(await boss.get("/queue")).xpath("//form[@data-api]")
        assert not page(await csr.get("/queue")).xpath("//form[@data-api] | //button[@data-bulk]")

    async def test_offer_the_moves_that_they_have(self, boss, stuck):
        shown = page(await boss.get("/queue"))
        offered = {
            form.removesuffix(str(id)) for id in stuck[3:] for form in shown.xpath("//form/@id") if str(id) in form
        }
        assert offered == {"cancel-"}
        offered = {
            form.removesuffix(str(id)) for id in stuck[:1] for form in shown.xpath("//form/@id") if str(id) in form
        }
        assert offered == {"cancel-", "retry-"}


class TestFaults:
    async def test_are_counted_and_put_in_plain_words(self, boss, stuck):
        shown = page(await boss.get("/queue"))
        faults = {item.get("id"): " ".join(item.text_content().split()) for item in shown.xpath("//li[@class='stuck']")}
        assert list(faults) == ["fault-9005", "fault-the profile has no <b>parameter</b>"]
        assert faults["fault-9005"].startswith("Fault 9005 2 writes The gateway has no such parameter;")

    async def test_are_moved_all_at_once(self, boss, stuck, office):
        answer = await boss.call("POST", "/v1/writes/retry", {"fault": "9005", "state": "rejected"})
        assert (answer.status, answer.json) == (200, {"moved": 2, "refused": [], "next": None})
        assert rows(await boss.get("/queue?state=queued")) == [str(stuck[number]) for number in (3, 1, 0)]
        assert (await office.deeds()).count("write_retried") == 2

    async def test_are_moved_a_part_at_a_time(self, boss, stuck):
        choice = {"state": "rejected", "limit": 2}
        first = (await boss.call("POST", "/v1/writes/cancel", choice)).json
        assert (first["moved"], first["next"] is None) == (2, False)
        second = (await boss.call("POST", "/v1/writes/cancel", {**choice, "cursor": first["next"]})).json
        assert second == {"moved": 1, "refused": [], "next": None}
        assert len(rows(await boss.get("/queue?state=cancelled"))) == 3

    async def test_what_cannot_be_moved_is_left_and_said(self, boss, stuck, office):
        await office.database.execute(SAME_GATEWAY, stuck[3], stuck[0])
        answer = (await boss.call("POST", "/v1/writes/retry", {"fault": "9005"})).json
        assert answer["moved"] == 1
        assert [each["id"] for each in answer["refused"]] == [str(stuck[0])]
        assert "under way" in answer["refused"][0]["detail"]

    async def test_nothing_in_common_is_refused(self, boss, stuck):
        reply = await boss.call("POST", "/v1/writes/cancel", {})
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "fault")
        assert rows(await boss.get("/queue?state=cancelled")) == []

    @pytest.mark.parametrize("choice", [{"fault": ""}, {"fault": "a\0b"}, {"profile": ""}, {"serial_number": "\n"}])
    async def test_text_that_nothing_can_have_is_refused(self, boss, stuck, choice):
        (field,) = choice
        reply = await boss.call("POST", "/v1/writes/retry", choice)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)

    async def test_what_is_under_way_is_not_cancelled_with_what_is_stuck(self, boss, stuck, office):
        await office.database.execute(FAULT, stuck[3], 9005, "as the others")
        await boss.call("POST", "/v1/writes/cancel", {"fault": "9005", "state": "rejected"})
        assert rows(await boss.get("/queue?state=queued")) == [str(stuck[3])]


class TestBrakes:
    async def test_are_seen_by_everybody_on_every_page(self, boss, csr, office):
        assert not page(await csr.get("/password")).xpath("//p[contains(@class, 'held')]")
        await office.queue.pause(Brake(), ADMIN)
        await office.queue.set_rate(600, ADMIN)
        for browser in (boss, csr):
            (banner,) = page(await browser.get("/password")).xpath("//p[contains(@class, 'held')]")
            said = " ".join(banner.text_content().split())
            assert said.startswith(
                "The queue is paused: nothing is sent to any gateway. The queue is limited to 600 writes"
            )

    async def test_are_taken_off_by_what_the_page_offers(self, boss, office):
        await boss.call("POST", "/v1/queue/pause", {"profile": "acme", "software_version": "2.<b>"})
        await boss.call("POST", "/v1/queue/pause", {})
        shown = page(await boss.get("/queue"))
        said = " ".join(shown.xpath("string(//ul[@id='brakes-on'])").split())
        assert "Profile acme with software version 2.<b> is paused" in said
        assert "by an-admin" in said
        forms = shown.xpath("//form[@data-api='POST /v1/queue/resume']")
        assert len(forms) == 2
        for form in forms:
            body = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
            assert (await boss.call("POST", "/v1/queue/resume", body)).status == 200
        assert not (await office.queue.held()).brakes
