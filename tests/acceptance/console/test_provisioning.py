"""The manual's three steps by hand, in a browser: in both orders, with a real daemon, up to the URL in a gateway."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.console.browser import Browser, Visit, arrived, check_accessible, photograph
from tests.acceptance.console.people import ADMIN, Person
from tests.acceptance.site import BASE_URL, OUI, PHAN_URL, PRODUCT_CLASS, Caller, Daemon, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


def lines(page: Page, which: str) -> Locator:
    """The records that a list shows."""
    return page.locator(f"#{which} tbody tr")


async def create_subscriber(page: Page, name: str, code: str) -> None:
    await page.get_by_label("Subscriber Name").fill(name)
    await page.get_by_label("Subscriber Code").fill(code)
    await page.get_by_role("button", name="Create subscriber").click()


async def create_device(page: Page, line: str, serial: str = "") -> None:
    await page.get_by_role("textbox", name="Line of Service", exact=True).fill(line)
    if serial:
        await page.get_by_text("Gateway, if it is known already").click()
        await page.get_by_label("OUI").fill(OUI)
        await page.get_by_label("Product Class").fill(PRODUCT_CLASS)
        await page.get_by_label("Serial Number").fill(serial)
    await page.get_by_role("button", name="Create device").click()


class TestTheManualsThreeSteps:
    async def test_bring_the_url_into_the_gateway_while_one_looks_on(self, desk: Visit, daemon: Daemon) -> None:
        page = await desk.page("/queue")
        await page.get_by_text("Admin", exact=True).first.click()
        await page.get_by_role("link", name="Provisioning").click()
        await arrived(page, "/provisioning$")
        await create_subscriber(page, "Hanna Hand", "C-HAND-1")
        await expect(lines(page, "subscribers")).to_have_count(1)
        await expect(lines(page, "subscribers").filter(has_text="C-HAND-1")).to_have_count(1)
        await create_device(page, "LOS-HAND-1", "HAND1")
        await expect(lines(page, "devices")).to_have_count(1)
        await expect(lines(page, "devices").filter(has_text="LOS-HAND-1")).to_have_count(1)
        await page.get_by_role("button", name="Associate").click()
        together = page.locator("#together")
        await expect(together.locator(".state")).to_have_text("queued")
        await photograph(page, "provisioning-queued")
        gateway = daemon.gateway("HAND1")
        await gateway.session()
        await expect(together.locator(".state")).to_have_text("verified")
        await expect(together.locator("[aria-current=step]")).to_have_text("verified")
        assert gateway.value(PHAN_URL).startswith(BASE_URL)
        await photograph(page, "provisioning-verified")
        await check_accessible(page)

    async def test_may_be_taken_in_the_other_order_on_other_days(
        self, browser: Browser, desk: Visit, daemon: Daemon, admin: Caller
    ) -> None:
        page = await desk.page("/provisioning")
        await create_device(page, "LOS-HAND-2")
        await expect(lines(page, "devices").filter(has_text="LOS-HAND-2")).to_have_count(1)
        await page.close()
        page = await desk.page("/provisioning")
        await create_subscriber(page, "Otto Other", "C-HAND-2")
        await expect(lines(page, "subscribers").filter(has_text="C-HAND-2")).to_have_count(1)
        await page.close()

        page = await desk.page("/provisioning")
        await page.get_by_role("searchbox", name="Search subscribers").fill("otto")
        await expect(lines(page, "subscribers")).to_have_count(1)
        await lines(page, "subscribers").click()
        await expect(page.get_by_label("Subscriber Code")).to_have_value("C-HAND-2")
        await page.get_by_role("searchbox", name="Search devices").fill("los-hand-2")
        await expect(lines(page, "devices")).to_have_count(1)
        await lines(page, "devices").get_by_role("button").press("Enter")
        await expect(page.get_by_role("textbox", name="Line of Service", exact=True)).to_have_value("LOS-HAND-2")
        await expect(page.get_by_role("button", name="Associate")).to_be_enabled()
        await page.get_by_role("button", name="Associate").press("Enter")
        await expect(page.locator("#together")).to_contain_text("no gateway is bound")
        await expect(page.locator("#together")).to_be_focused()
        gateway = daemon.gateway("HAND2")
        await gateway.session()
        await page.get_by_role("link", name="Give it a gateway").click()
        await arrived(page, "/gateways")
        await expect(page.locator("#target")).to_contain_text("LOS-HAND-2")
        await page.get_by_role("row").filter(has_text="HAND2").get_by_role("button", name="Bind to LOS-HAND-2").click()
        await expect(page.locator("#target")).to_contain_text("It has HAND2")
        await page.goto(f"{desk.origin}/lines/LOS-HAND-2")
        await expect(page.locator("#standing .state")).to_have_text("queued")
        await gateway.session()
        await expect(page.locator("#standing .state")).to_have_text("verified")
        assert gateway.value(PHAN_URL).startswith(BASE_URL)
        found = admin.get("/v1/associations?search=LOS-HAND-2")["items"]
        assert [(each["subscriber_code"], each["line_of_service"]) for each in found] == [("C-HAND-2", "LOS-HAND-2")]


class TestTheLists:
    async def test_show_the_new_record_alone_and_all_again_when_asked(self, desk: Visit, admin: Caller) -> None:
        admin.post("/v1/subscribers", {"name": "Zoe Before", "code": "C-LIST-0"})
        page = await desk.page("/provisioning")
        await create_subscriber(page, "Ada Alone", "C-LIST-1")
        await expect(lines(page, "subscribers")).to_have_count(1)
        await page.locator("#subscribers").get_by_role("link", name="Show all").click()
        await expect(page.locator("#subscribers")).to_contain_text("Zoe Before")
        await expect(page.get_by_label("Subscriber Code")).to_have_value("C-LIST-1")

    async def test_are_turned_without_losing_what_is_typed(self, desk: Visit, admin: Caller) -> None:
        for number in range(12):
            admin.post("/v1/subscribers", {"name": f"Page {number}", "code": f"C-TURN-{number}"})
        page = await desk.page("/provisioning?subscriber_search=C-TURN")
        await page.get_by_role("textbox", name="Line of Service", exact=True).fill("half a li")
        await expect(lines(page, "subscribers")).to_have_count(10)
        await page.get_by_role("link", name="Older ones").first.click()
        await expect(lines(page, "subscribers")).to_have_count(2)
        await page.get_by_role("link", name="Back to the newest").click()
        await expect(lines(page, "subscribers")).to_have_count(10)
        await expect(page.get_by_role("textbox", name="Line of Service", exact=True)).to_have_value("half a li")


class TestBadInput:
    async def test_stands_beside_its_field_and_keeps_what_was_typed(self, desk: Visit, admin: Caller) -> None:
        admin.post("/v1/subscribers", {"name": "First", "code": "C-TAKEN"})
        desk.expects("status of (409|422)")
        page = await desk.page("/provisioning")
        await create_subscriber(page, "", "C-TAKEN")
        name, code = page.get_by_label("Subscriber Name"), page.get_by_label("Subscriber Code")
        await expect(name.locator("..")).to_contain_text("1 to 128 characters")
        await expect(name).to_have_attribute("aria-invalid", "true")
        await name.fill("Second")
        await page.get_by_role("button", name="Create subscriber").click()
        await expect(code.locator("..")).to_contain_text("C-TAKEN is taken")
        await expect(name).to_have_value("Second")
        await expect(code).to_be_focused()
        await photograph(page, "provisioning-refused")
        await check_accessible(page)

    async def test_a_line_that_looks_like_a_mac_address_is_advised_against(self, desk: Visit) -> None:
        page = await desk.page("/provisioning")
        line, advice = page.get_by_role("textbox", name="Line of Service", exact=True), page.locator("#device-advice")
        await expect(advice).to_be_hidden()
        await line.fill("00:23:6a:01:02:03")
        await expect(advice).to_contain_text("looks like a MAC address")
        await line.fill("0049301234567")
        await expect(advice).to_be_hidden()

    async def test_a_double_click_makes_one_record(self, desk: Visit, admin: Caller) -> None:
        page = await desk.page("/provisioning")
        await page.get_by_label("Subscriber Name").fill("Twice")
        await page.get_by_label("Subscriber Code").fill("C-TWICE")
        await page.get_by_role("button", name="Create subscriber").dblclick()
        await expect(lines(page, "subscribers").filter(has_text="C-TWICE")).to_have_count(1)
        assert len(admin.get("/v1/subscribers?search=C-TWICE")["items"]) == 1
        await expect(page.locator("#subscriber-form .error, #subscriber-form .refusal")).to_have_count(0)

    @pytest.mark.parametrize(
        ("code", "name"),
        [
            ("C-ODD-1", "<script>console.error('ran')</script><b>bold</b>"),
            ("C-ODD-2", "Quote\" it's & <!-- gone -->"),
            ("C-ODD-3", "شركة الاتصالات"),
            ("C-ODD-4", "{{ 7 * 7 }} ${7*7}"),
            ("C-ODD-5", "right \u202eleft"),
        ],
    )
    async def test_odd_text_is_shown_as_it_is(self, desk: Visit, code: str, name: str) -> None:
        page = await desk.page("/provisioning")
        await create_subscriber(page, name, code)
        await expect(lines(page, "subscribers")).to_have_count(1)
        await expect(lines(page, "subscribers").get_by_role("button")).to_have_text(name)
        assert await lines(page, "subscribers").get_by_role("button").locator("bdi").count() == 1, (
            "it turns nothing else round"
        )
        await page.reload()
        await expect(page.get_by_label("Subscriber Name")).to_have_value(name)
        assert await page.locator("#subscribers b").count() == 0

    @pytest.mark.parametrize(
        ("label", "text", "told"),
        [
            ("Subscriber Name", "x" * 10_000, "1 to 128 characters"),
            ("Subscriber Code", "y" * 10_000, "1 to 64 characters"),
            ("Subscriber Code", "C-\u202e1", "U+202E"),
        ],
        ids=["a long name", "a long code", "a code that turns round"],
    )
    async def test_text_that_cannot_be_taken_is_refused_clearly(
        self, desk: Visit, label: str, text: str, told: str
    ) -> None:
        desk.expects("status of 422")
        page = await desk.page("/provisioning")
        await page.get_by_label("Subscriber Name").fill("Somebody")
        await page.get_by_label("Subscriber Code").fill("C-REFUSED")
        await page.get_by_label(label).fill(text)
        await page.get_by_role("button", name="Create subscriber").click()
        await expect(page.get_by_label(label).locator("..")).to_contain_text(told)
        await expect(page.get_by_label(label)).to_have_value(text)
        await expect(page.get_by_role("button", name="Create subscriber")).to_be_visible()


class TestACsr:
    async def test_sees_no_entry_gets_no_page_and_changes_nothing(
        self, browser: Browser, csr: Person, origin: str, admin: Caller
    ) -> None:
        async with csr.at_work(browser, origin) as visit:
            await self.tries(visit)
        assert admin.get("/v1/subscribers?search=C-FORGED")["items"] == []
        told = [each for each in admin.get("/v1/audit?limit=50")["items"] if each["action"] == "request_refused"]
        assert len(told) >= 2, "both are in the audit trail"

    async def tries(self, visit: Visit) -> None:
        visit.expects("status of 40[34]")
        page = await visit.page("/queue")
        assert await page.get_by_role("link", name="Provisioning").count() == 0
        refused = await page.goto(f"{visit.origin}/provisioning")
        assert refused is not None
        assert refused.status == 403
        await photograph(page, "provisioning-csr")
        await check_accessible(page)
        forged = await page.evaluate(
            """async () => {
              const token = document.querySelector('meta[name="csrf-token"]').content;
              const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
              const body = JSON.stringify({ name: "Forged", code: "C-FORGED" });
              return (await fetch("/v1/subscribers", { method: "POST", headers, body })).status;
            }"""
        )
        assert forged == 403
        await page.goto(f"{visit.origin}/no/such/page")
        await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
        await check_accessible(page)
        await photograph(page, "nothing")


@pytest.mark.timeout(120)  # two daemons start in it
class TestALostConnection:
    async def test_shows_itself_and_recovers_with_what_was_typed(self, browser: Browser, site: Site) -> None:
        with site.serving() as first:
            boss = ADMIN.join(first)
            async with boss.at_work(browser, f"http://127.0.0.1:{first.operator_port}") as visit:
                visit.expects("ERR_|EventSource|Failed to load resource")
                page = await visit.page("/provisioning")
                await page.get_by_label("Subscriber Name").fill("Patience")
                await page.get_by_label("Subscriber Code").fill("C-PATIENCE")
                first.program.end()
                await page.get_by_role("button", name="Create subscriber").click()
                await expect(page.locator("#connection")).to_contain_text("The connection to the daemon is lost")
                await expect(page.locator("#subscriber-form .refusal")).to_contain_text(
                    "connection to the daemon is lost"
                )
                await photograph(page, "provisioning-lost")
                with site.serving(settings=first.ports):
                    await expect(page.locator("#connection")).to_contain_text("The connection is back")
                    await expect(page.get_by_label("Subscriber Name")).to_have_value("Patience")
                    await page.get_by_role("button", name="Create subscriber").click()
                    await expect(lines(page, "subscribers").filter(has_text="C-PATIENCE")).to_have_count(1)
                    await page.close()
