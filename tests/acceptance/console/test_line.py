"""One line of service, the search box and the audit trail, in a real browser, with a real daemon and a gateway."""

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.console.browser import Browser, arrived, check_accessible, photograph, visiting
from tests.acceptance.console.people import Person
from tests.acceptance.site import PHAN_URL, Caller, Daemon

on_the_loop_of_the_browser = pytest.mark.asyncio(loop_scope="session")


async def confirm(page: Page) -> None:
    """Say yes to what the page asks."""
    await page.get_by_role("dialog").get_by_role("button", name="Go on").click()


async def swap(page: Page, serial: str) -> None:
    """Name another gateway wrongly, then by the end of its label."""
    await page.get_by_label("OUI").fill("no")
    await page.get_by_label("Serial number", exact=True).fill(serial)
    await page.get_by_role("button", name="Bind this gateway").click()
    await confirm(page)
    await expect(page.get_by_label("OUI")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Serial number", exact=True)).to_have_value(serial)
    await page.get_by_label("Last characters of the serial number").fill(serial[1:])
    await page.get_by_role("button", name="Bind", exact=True).click()
    await confirm(page)
    await expect(page.locator("#gateway")).to_contain_text(serial)


@on_the_loop_of_the_browser
class TestALine:
    async def test_shows_its_write_moving_and_what_an_admin_does_with_it(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller
    ) -> None:
        bss.provision("PAGE01", "LOS-PAGE/01")
        gateway = daemon.gateway("PAGE01")
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, "/lines/LOS-PAGE%2F01")
            await expect(page.get_by_role("heading", name="LOS-PAGE/01")).to_be_visible()
            await expect(page.locator("#standing .state")).to_have_text("queued")
            await page.evaluate("window.stayed = true")
            assert (await gateway.session()).completed
            await expect(page.locator("#standing .state")).to_have_text("verified")
            await expect(page.locator("#story li").first).to_contain_text("read back: the gateway has it")
            assert await page.evaluate("window.stayed"), "the page was loaded again"
            await check_accessible(page)
            await photograph(page, "line")

            await page.get_by_role("button", name="Reveal PHAN URL").click()
            await confirm(page)
            await expect(page.locator("#revealed output")).to_have_text(gateway.value(PHAN_URL) or "-")
            await expect(page.locator("#story li").first).to_contain_text("looked at a PHAN URL")
            await expect(page.locator("#revealed output")).to_be_visible()

            await page.get_by_text("Record its sessions").click()
            await page.get_by_role("button", name="Record", exact=True).click()
            await expect(page.locator("#transcript")).to_contain_text("Recording: 3 sessions to go")
            await page.get_by_role("button", name="Issue another PHAN URL").click()
            await confirm(page)
            await expect(page.locator("#standing .state")).to_have_text("queued")
            await expect(page.locator("#revealed")).to_be_hidden()
            assert (await gateway.session()).completed
            await expect(page.locator("#standing .state")).to_have_text("verified")
            await page.get_by_role("button", name="Read", exact=True).click()
            await expect(page.get_by_role("region", name="What was recorded")).to_contain_text("SetParameterValues")
            await page.get_by_text("Swap the gateway").click()
            await daemon.gateway("PAGE01", product_class="Renamed").session()
            await expect(page.get_by_role("button", name="It is the same box")).to_be_visible()
            await check_accessible(page)
            await photograph(page, "line-doing")
            await page.get_by_role("button", name="Forget").click()
            await confirm(page)
            await expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()

            await daemon.gateway("PAGE02").session()
            visit.expects("status of 422")
            await swap(page, "PAGE02")
            await expect(page.locator("#story")).to_contain_text("swapped a gateway")

            await page.get_by_role("button", name="End the association").click()
            await confirm(page)
            await expect(page.locator("#subscriber")).to_contain_text("Nobody is associated with this line.")
            await expect(page.locator("#story")).to_contain_text("ended an association")
            clearing = page.locator("#writes tr").filter(has_text="clearing")
            await expect(clearing).to_contain_text("former gateway PAGE01")
            await expect(page.locator("#standing .state")).to_have_count(0)
            await photograph(page, "line-ended")

    async def test_is_all_a_csr_may_see_and_nothing_that_they_may_do(
        self, browser: Browser, origin: str, csr: Person, bss: Caller
    ) -> None:
        bss.provision("PAGE03", "LOS-PAGE03")
        async with visiting(browser, origin) as visit:
            page = await csr.opens(visit, "/lines/LOS-PAGE03")
            await expect(page.locator("#writes .state")).to_have_text("queued")
            assert await page.locator("main button").count() == 0
            await check_accessible(page)

    async def test_says_in_plain_words_why_a_write_was_refused(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller, admin: Caller
    ) -> None:
        receipt = bss.provision("PAGE04", "LOS-PAGE04")
        admin.post(f"/v1/writes/{receipt['write_id']}/cancel", None, 200)
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, "/lines/LOS-PAGE04")
            await expect(page.locator("#writes .state")).to_have_text("cancelled")
            await expect(page.locator("#story li").first).to_contain_text("cancelled")
            await expect(page.locator("#story li").first).to_contain_text("token:admin")


@on_the_loop_of_the_browser
class TestTheSearchBox:
    async def test_finds_while_somebody_types_and_goes_there_by_keyboard(
        self, browser: Browser, origin: str, csr: Person, bss: Caller
    ) -> None:
        for number in range(3):
            bss.provision(f"0A1BFIND{number}", f"FIND-ME-{number}")
        async with visiting(browser, origin) as visit:
            page = await csr.opens(visit, "/queue")
            box = page.get_by_role("combobox", name="Search")
            await expect(box).to_be_visible()
            await page.keyboard.press("/")
            await expect(box).to_be_focused()
            await page.keyboard.type("findme")
            options = page.get_by_role("listbox", name="Suggestions").get_by_role("option")
            await expect(options.first).to_be_visible()
            await check_accessible(page)
            await photograph(page, "suggestions")
            await page.keyboard.press("Escape")
            await expect(options).to_have_count(0)
            await box.fill("findme1")
            await expect(options.filter(has_text="FIND-ME-1").first).to_be_visible()
            await page.keyboard.press("ArrowDown")
            await expect(options.first).to_have_attribute("aria-selected", "true")
            await page.keyboard.press("Enter")
            await arrived(page, "/lines/FIND-ME-1$")

            await page.get_by_role("combobox", name="Search").fill("0a:1b:fi")
            await page.keyboard.press("Enter")
            await arrived(page, "/search")
            await expect(page.locator("tbody tr")).to_have_count(3)
            await check_accessible(page)
            await photograph(page, "search")
            await page.get_by_role("combobox", name="Search").fill("FIND-ME-2")
            await page.keyboard.press("Enter")
            await arrived(page, r"/search\?q=FIND-ME-2$")
            await expect(page.get_by_role("heading", level=1)).to_be_visible()

    async def test_shows_markup_as_what_it_is(self, browser: Browser, origin: str, boss: Person, bss: Caller) -> None:
        name = '<img src=x onerror=alert(1)> "quoted" شركة'
        bss.post("/v1/subscribers", {"name": name, "code": "MARKUP-1"})
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, "/search?q=MARKUP")
            await expect(page.locator("tbody tr")).to_contain_text(name)
            await page.get_by_role("combobox", name="Search").fill("MARKUP-")
            await expect(page.get_by_role("listbox").get_by_role("option")).to_contain_text(name)
            assert await page.locator("main img, #suggestions img").count() == 0


@on_the_loop_of_the_browser
class TestTheAuditTrail:
    async def test_is_narrowed_by_who_what_and_when_and_is_no_page_of_a_csr(
        self, browser: Browser, origin: str, boss: Person, csr: Person, bss: Caller
    ) -> None:
        bss.post("/v1/subscribers", {"name": "Ann", "code": "AUDIT-1"})
        async with visiting(browser, origin, timezone_id="Asia/Kolkata") as visit:
            page = await boss.opens(visit, "/queue")
            await page.locator("summary", has_text="Admin").first.click()
            await page.get_by_role("link", name="Audit").click()
            await arrived(page, "/audit$")
            await page.get_by_label("Subscriber code").fill("AUDIT-1")
            await page.get_by_label("From", exact=True).fill("2026-01-01T05:30")
            await page.get_by_role("button", name="Show").click()
            await arrived(page, "since=2026-01-01T00%3A00%3A00.000Z")
            await expect(page.get_by_label("From", exact=True)).to_have_value("2026-01-01T05:30")
            await expect(page.locator("tbody tr")).to_have_count(1)
            await expect(page.locator("tbody tr")).to_contain_text("recorded a subscriber")
            await page.get_by_role("link", name="Show all").click()
            await expect(page.locator("tbody tr").nth(1)).to_be_visible()
            await check_accessible(page)
            await photograph(page, "audit")
        async with visiting(browser, origin) as visit:
            visit.expects("status of 403")
            page = await csr.opens(visit, "/audit")
            await expect(page.get_by_role("heading", level=1)).to_contain_text("may not")
            assert await page.get_by_role("link", name="Audit").count() == 0
