"""The inbox of gateways by hand: one click from the shelf to a line, and nothing for those whom nobody let in."""

import pytest
from playwright.async_api import Locator, Page, expect

from acs_bridge.simulator.gateway import Credentials
from tests.acceptance.console.browser import Browser, Visit, arrived, check_accessible, photograph
from tests.acceptance.console.people import ADMIN, CSR
from tests.acceptance.site import BASE_URL, PHAN_URL, Caller, Daemon, Site, gateway_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def row(page: Page, serial: str) -> Locator:
    return page.locator("#gateways tbody tr").filter(has_text=serial)


def associate(admin: Caller, name: str) -> str:
    """A line that waits for a gateway; the id of its write."""
    admin.post("/v1/subscribers", {"name": f"Shelf {name}", "code": f"C-{name}"})
    admin.post("/v1/devices", {"line_of_service": f"LOS-{name}"})
    made = admin.post("/v1/associations", {"subscriber_code": f"C-{name}", "line_of_service": f"LOS-{name}"})
    return str(made["write_id"])


async def choose(page: Page, line: str) -> None:
    await page.get_by_role("searchbox", name="Search lines of service").fill(line)
    await page.locator("#lines tbody tr").filter(has_text=line).get_by_role("link").click()
    await expect(page.locator("#target")).to_contain_text(line)


class TestAGatewayOffTheShelf:
    async def test_is_bound_with_one_click(self, desk: Visit, daemon: Daemon, admin: Caller) -> None:
        write = associate(admin, "SHELF-1")
        gateway = daemon.gateway("SHELFBOX1")
        await gateway.session()
        page = await desk.page("/gateways")
        await choose(page, "LOS-SHELF-1")
        await photograph(page, "gateways-inbox")
        await row(page, "SHELFBOX1").get_by_role("button", name="Bind to LOS-SHELF-1").click()
        await expect(row(page, "SHELFBOX1")).to_have_count(0)
        await gateway.session()
        assert admin.state(write) == "verified"
        assert gateway.value(PHAN_URL).startswith(BASE_URL)

    async def test_is_bound_by_the_end_of_its_label(self, desk: Visit, daemon: Daemon, admin: Caller) -> None:
        desk.expects("status of (409|422)")
        associate(admin, "SHELF-2")
        for serial in ("LABELX4711", "LABELY4711"):
            await daemon.gateway(serial).session()
        page = await desk.page("/gateways?line=LOS-SHELF-2")
        suffix = page.get_by_label("Last characters of the serial number on the label")
        await suffix.fill("4711")
        await page.get_by_role("button", name="Bind", exact=True).click()
        await expect(page.locator("#target .refusal")).to_contain_text("LABELX4711")
        await expect(suffix).to_have_value("4711")
        await photograph(page, "gateways-label")
        await suffix.fill("nobody")
        await page.get_by_role("button", name="Bind", exact=True).click()
        await expect(suffix.locator("..")).to_contain_text("No gateway that is on no line")
        await suffix.fill("X4711")
        await page.get_by_role("button", name="Bind", exact=True).click()
        await expect(page.locator("#target")).to_contain_text("It has LABELX4711")
        associate(admin, "SHELF-4")
        admin.call("PUT", "/v1/devices/LOS-SHELF-4/gateway", {"serial_suffix": "Y4711"})
        await page.get_by_role("link", name="All", exact=True).click()
        await arrived(page, "show=all")
        exchange = row(page, "LABELY4711").get_by_role("button", name="Exchange with LOS-SHELF-2")
        await expect(exchange).to_be_visible()
        await check_accessible(page)
        await photograph(page, "gateways-exchange")
        await exchange.click()
        await page.get_by_role("dialog").get_by_role("button", name="Go on").click()
        await expect(page.locator("#target")).to_contain_text("It has LABELY4711")
        await expect(row(page, "LABELX4711")).to_contain_text("LOS-SHELF-4")

    async def test_is_whichever_calls_next(self, desk: Visit, daemon: Daemon, admin: Caller) -> None:
        for either in ("EITHERBOX1", "EITHERBOX2"):  # of several that came a moment ago nobody is taken
            await daemon.gateway(either).session()
        associate(admin, "SHELF-3")
        page = await desk.page("/gateways?line=LOS-SHELF-3")
        await page.get_by_role("button", name="The next off the shelf").click()
        await expect(page.locator("#target")).to_contain_text("The next gateway that comes is for this line")
        await daemon.gateway("NEXTBOX1").session(["0 BOOTSTRAP"])
        assert admin.get("/v1/devices/LOS-SHELF-3")["gateway"]["serial_number"] == "NEXTBOX1"

    async def test_can_say_nothing_that_turns_the_page_round(self, desk: Visit, daemon: Daemon) -> None:
        await daemon.gateway("ODD<b>\u202eBOX").session()
        page = await desk.page("/gateways")
        await expect(row(page, "ODD<b>‹U+202E›BOX")).to_have_count(1)


class TestTheQuarantine:
    async def test_says_why_calls_were_kept_out(self, desk: Visit, daemon: Daemon, admin: Caller) -> None:
        known = {**gateway_of("OWNPAIR1"), "cpe_username": "own", "cpe_password": "a-pair-of-its-own-1"}
        admin.post("/v1/gateways", known)
        await daemon.gateway("OWNPAIR1", credentials=Credentials("own", "a-pair-of-its-own-1")).session()
        await daemon.gateway("OWNPAIR1").session()
        page = await desk.page("/gateways?show=quarantined")
        await expect(page.locator("#gateways .advice")).to_contain_text(
            "One call with the login that all gateways share"
        )
        await photograph(page, "gateways-quarantine")
        await check_accessible(page)


@pytest.mark.timeout(120)  # a daemon of its own starts in it
class TestAGatewayThatNobodyLetIn:
    async def test_is_approved_and_bound_with_one_click_and_a_csr_only_looks(
        self, browser: Browser, site: Site
    ) -> None:
        with site.serving(settings={"cpe_auth.bootstrap": "approve"}) as daemon:
            admin = daemon.caller(site.token("admin", "admin"))
            origin = f"http://127.0.0.1:{daemon.operator_port}"
            write = associate(admin, "LET-1")
            gateway = daemon.gateway("STRANGER1")
            await gateway.session()
            async with CSR.join(daemon).at_work(browser, origin) as visit:
                await self.looks(visit)
            async with ADMIN.join(daemon).at_work(browser, origin) as visit:
                page = await visit.page("/gateways?show=unapproved")
                await expect(row(page, "STRANGER1")).to_contain_text("not approved")
                await choose(page, "LOS-LET-1")
                await photograph(page, "gateways-unapproved")
                await row(page, "STRANGER1").get_by_role("button", name="Approve and bind to LOS-LET-1").click()
                await expect(row(page, "STRANGER1")).to_have_count(0)
            await gateway.session()
            assert admin.state(write) == "verified"

    async def looks(self, visit: Visit) -> None:
        page = await visit.page("/gateways?show=unapproved&line=LOS-LET-1")
        await expect(row(page, "STRANGER1")).to_have_count(1)
        assert await page.locator("main").get_by_role("button").count() == 0
        await photograph(page, "gateways-csr")
