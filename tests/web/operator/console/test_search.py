"""The search page and the audit page, as a browser gets them."""

import pytest

from acs_bridge.store.gateways import Identity
from tests.web.operator.console.conftest import page, words


@pytest.fixture
async def town(office):
    await office.request("C-1001", "LOS-77/1", Identity("00005E", "SN0001", "HG"), name="Ann <b>O'Brien</b>")
    await office.request("C-1001", "LOS-78", name="Ann <b>O'Brien</b>")
    await office.request("C-2002", "LOS-79", name="Bob")
    return office


class TestSearch:
    async def test_shows_what_was_found_with_its_lines_and_no_markup_of_others(self, csr, town):
        reply = await csr.get("/search?q=brien")
        assert reply.status == 200
        assert [link.get("href") for link in page(reply).xpath("//tbody//a")] == ["/lines/LOS-77%2F1", "/lines/LOS-78"]
        assert "Ann <b>O'Brien</b>" in words(reply)
        assert not page(reply).xpath("//tbody//b")

    @pytest.mark.parametrize("typed", ["LOS-77%2F1", "c-2002", "SN0001"])
    async def test_goes_straight_to_the_line_that_is_exactly_meant(self, csr, town, typed):
        reply = await csr.get(f"/search?q={typed}")
        assert reply.status == 303
        assert reply.headers["Location"] == ("/lines/LOS-79" if typed == "c-2002" else "/lines/LOS-77%2F1")

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("", "Type part of a code"),
            ("?q=", "Type part of a code"),
            ("?q=nobody", "Nothing has this in it: nobody"),
            ("?q=" + "x" * 5000, "must have 1 to 128 characters"),
            ("?q=%00", "control characters"),
            ("?q=%3Cscript%3E1%3C%2Fscript%3E", "Nothing has this in it: <script>1</script>"),
        ],
    )
    async def test_says_what_it_found_nothing_of(self, csr, town, query, said):
        reply = await csr.get(f"/search{query}")
        assert (reply.status, said in words(reply)) == (200, True)


class TestAudit:
    async def test_is_for_admins(self, boss, csr, town):
        assert (await csr.get("/audit")).status == 403
        assert not page(await csr.get("/search")).xpath("//a[@href='/audit']")
        assert page(await boss.get("/search")).xpath("//details//a[@href='/audit']")

    async def test_says_who_did_what_with_whom_and_from_where(self, boss, town):
        reply = await boss.get("/audit?action=request_accepted")
        rows = [" ".join(" ".join(row.itertext()).split()) for row in page(reply).xpath("//tbody/tr")]
        assert len(rows) == 3
        assert "token:crm asked for a line to be provisioned LOS-79 C-2002" in rows[0]
        assert rows[0].endswith("192.0.2.7")

    async def test_an_erased_subscriber_has_a_number_only(self, boss, town):
        row = await town.subscribers.create("Gone", "C-ERASED-9", town.actor)
        await town.subscribers.delete("C-ERASED-9", town.actor)
        reply = await boss.get(f"/audit?subscriber_id={row.id}")
        assert words(reply).count(f"subscriber no. {row.id}, erased") == 2
        assert "C-ERASED-9" not in reply.text

    async def test_turns_pages_and_keeps_what_was_asked(self, boss, town):
        for number in range(60):
            await town.subscribers.create("Many", f"M-{number}", town.actor)
        reply = await boss.get("/audit?action=subscriber_created")
        (older,) = page(reply).xpath("//a[@rel='next']/@href")
        second = await boss.get(older)
        assert len(page(second).xpath("//tbody/tr")) == 10
        assert page(second).xpath("//input[@name='action']/@value") == ["subscriber_created"]
        assert not page(second).xpath("//a[@rel='next']")

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("since=yesterday", "Must be a time with its zone"),
            ("subscriber_code=" + "x" * 65, "Must have 1 to 64 characters"),
            ("actor=" + "x" * 301, "printable characters"),
            ("address=%0A%00", "Nothing fits"),
            ("actor=a%00b", "printable characters"),
            ("cursor=x", "must be the `next`"),
            ("subscriber_id=x", "must be the number"),
            ("line_of_service=nowhere", "Nothing fits"),
        ],
    )
    async def test_says_beside_a_field_what_it_cannot_take(self, boss, town, query, said):
        reply = await boss.get(f"/audit?{query}")
        assert (reply.status, said in words(reply)) == (200, True), words(reply)
