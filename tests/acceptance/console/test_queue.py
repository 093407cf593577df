"""The Queue page in a browser: what moves is seen without a reload, and what holds it back is seen by everybody."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.async_api import Locator, Page, Request, expect

from acs_bridge.simulator.behaviour import Behaviour
from cwmp.messages import Fault
from tests.acceptance.console.browser import Browser, check_accessible, photograph, visiting
from tests.acceptance.console.people import ADMIN, Person
from tests.acceptance.site import Caller, Daemon, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = 20_000  # milliseconds: a page that nothing moves on looks again by itself in half of them
REFUSES = Behaviour(faults={"SetParameterValues": Fault(9005, "no such <b>thing</b>")})
BURST = 1500
PAUSES = """() => {
    let last = performance.now();
    window.longest = 0;
    setInterval(() => {
        const now = performance.now();
        window.longest = Math.max(window.longest, now - last);
        last = now;
    }, 20);
}"""


def row_of(page: Page, line: str) -> Locator:
    return page.get_by_role("row").filter(has_text=line)


async def rejected(daemon: Daemon, bss: Caller, serial: str) -> str:
    """A line whose gateway has refused its URL."""
    gateway = daemon.gateway(serial, behaviour=REFUSES)
    bss.provision(serial, f"QUEUE-{serial}")
    await gateway.session()
    return f"QUEUE-{serial}"


class TestWrites:
    async def test_move_to_verified_before_the_eyes(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller
    ) -> None:
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, "/queue?line_of_service=QUEUE-LIVE")
            await expect(page.get_by_text("There is no such write.")).to_be_visible()
            gateway = daemon.gateway("QUEUELIVE1")
            bss.provision("QUEUELIVE1", "QUEUE-LIVE")
            await expect(row_of(page, "QUEUE-LIVE").locator(".state")).to_have_text("queued", timeout=SOON)
            await gateway.session()
            await expect(row_of(page, "QUEUE-LIVE").locator(".state")).to_have_text("verified", timeout=SOON)

    async def test_are_retried_and_cancelled(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller
    ) -> None:
        line = await rejected(daemon, bss, "QUEUEREFUSES1")
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, f"/queue?line_of_service={line}")
            row = row_of(page, line)
            await expect(row).to_contain_text("fault 9005")
            await photograph(page, "queue-rejected")
            await check_accessible(page)
            called = Counter[str]()
            page.on("request", lambda request: called.update([f"{request.method} {request.url.rpartition('/')[2]}"]))
            await row.get_by_role("button", name="Retry").dblclick()
            await expect(row.locator(".state")).to_have_text("queued", timeout=SOON)
            assert called["POST retry"] == 1
            await row.get_by_role("button", name="Cancel").click()
            dialog = page.get_by_role("dialog")
            await expect(dialog).to_contain_text(f"Cancel the write for {line}?")
            await page.keyboard.press("Escape")
            await expect(row.locator(".state")).to_have_text("queued")
            await row.get_by_role("button", name="Cancel").click()
            await dialog.get_by_role("button", name="Go on").click()
            await expect(row.locator(".state")).to_have_text("cancelled", timeout=SOON)

    async def test_that_somebody_else_has_moved_are_not_moved_and_it_is_said(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller, admin: Caller
    ) -> None:
        line = await rejected(daemon, bss, "QUEUEREFUSES2")
        async with visiting(browser, origin) as visit:
            visit.expects("status of 409")
            page = await boss.opens(visit, f"/queue?line_of_service={line}")
            row = row_of(page, line)
            await page.evaluate("document.querySelector('#writes-list').removeAttribute('data-live')")  # an old page
            (write,) = admin.get(f"/v1/writes?line_of_service={line}")["items"]
            admin.post(f"/v1/writes/{write['id']}/cancel", None, status=200)
            await row.get_by_role("button", name="Retry").click()
            await expect(row.get_by_role("alert")).to_contain_text("This write is cancelled")

    async def test_of_one_fault_are_moved_together(
        self, browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller
    ) -> None:
        lines = [await rejected(daemon, bss, f"QUEUEREFUSES{number}") for number in (3, 4)]
        async with visiting(browser, origin) as visit:
            page = await boss.opens(visit, "/queue?state=rejected")
            fault = page.get_by_role("listitem").filter(has_text="Fault 9005")
            await expect(fault).to_contain_text("The gateway has no such parameter")
            await fault.get_by_role("button", name="Cancel all").click()
            await page.get_by_role("dialog").get_by_role("button", name="Go on").click()
            await expect(
                page.get_by_role("status").filter(has_text=re.compile("writes? (are|is) done"))
            ).to_be_visible()
            for line in lines:
                await expect(row_of(page, line)).to_have_count(0, timeout=SOON)


@pytest.fixture
def released(admin: Caller) -> Iterator[None]:
    """Nothing holds the queue back afterwards."""
    yield
    admin.call("POST", "/v1/queue/resume", {})
    admin.call("PUT", "/v1/queue/rate", {"writes_per_minute": None})


@pytest.mark.usefixtures("released")
class TestBrakes:
    async def test_are_seen_by_everybody_where_they_are(
        self, browser: Browser, origin: str, boss: Person, csr: Person
    ) -> None:
        async with visiting(browser, origin) as visit, visiting(browser, origin) as other:
            page, watching = await boss.opens(visit, "/queue"), await csr.opens(other, "/queue")
            await page.get_by_role("button", name="Pause everything").click()
            await page.get_by_role("dialog").get_by_role("button", name="Go on").click()
            banner = watching.get_by_text("The queue is paused: nothing is sent to any gateway.")
            await expect(banner).to_be_visible(timeout=SOON)
            await expect(watching.get_by_role("button", name="Resume")).to_have_count(0)
            await page.get_by_role("button", name="Resume").click()
            await expect(banner).to_be_hidden(timeout=SOON)

    async def test_that_cannot_be_set_are_said_beside_the_field(
        self, browser: Browser, origin: str, boss: Person, admin: Caller
    ) -> None:
        admin.post("/v1/queue/pause", {"profile": "acme"}, status=200)
        async with visiting(browser, origin) as visit:
            visit.expects("status of 422")
            page = await boss.opens(visit, "/queue")
            await page.get_by_text("Pause a part, or set a limit").click()
            field = page.get_by_label("Writes a minute")
            await field.fill("many")
            await page.get_by_role("button", name="Set").click()
            await expect(page.get_by_text("must be a whole number")).to_be_visible(timeout=SOON)
            await expect(field).to_have_attribute("aria-invalid", "true")
            await expect(field).to_have_value("many")
            await photograph(page, "queue-held")
            await check_accessible(page)
            await field.fill("600")
            await page.get_by_role("button", name="Set").click()
            await expect(page.get_by_text("limited to 600 writes a minute")).to_be_visible(timeout=SOON)


class TestTheConnection:
    async def test_that_is_lost_is_said_and_taken_back(self, browser: Browser, origin: str, boss: Person) -> None:
        async with visiting(browser, origin) as visit:
            visit.expects("ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK|Failed to load")
            page = await boss.opens(visit, "/queue")
            await page.get_by_label("Line of service").fill("typed before")
            await visit.context.set_offline(True)
            await expect(page.get_by_text("The connection to the daemon is lost.")).to_be_visible(timeout=SOON)
            await visit.context.set_offline(False)
            await expect(page.get_by_text("The connection is back.")).to_be_visible(timeout=SOON)
            await expect(page.locator("#connection")).to_be_hidden(timeout=SOON)
            await expect(page.get_by_label("Line of service")).to_have_value("typed before")

    async def test_of_somebody_whose_login_has_ended_is_said(
        self, browser: Browser, origin: str, daemon: Daemon
    ) -> None:
        dora = Person("dora", "admin", "a drawer full of forks").join(daemon)
        async with visiting(browser, origin) as visit:
            visit.expects("status of 401")
            page = await dora.opens(visit, "/queue")
            daemon.site.run("users", "disable", "dora")
            await page.get_by_label("Line of service").fill("typed before")
            await expect(page.get_by_text("You are not logged in any more.")).to_be_visible(timeout=SOON)
            await expect(page.get_by_label("Line of service")).to_have_value("typed before")


async def test_a_burst_of_changes_does_not_freeze_the_page(browser: Browser, site: Site) -> None:
    with site.serving() as daemon:
        boss = ADMIN.join(daemon)
        async with visiting(browser, f"http://127.0.0.1:{daemon.operator_port}") as visit:
            page = await boss.opens(visit, "/queue?subscriber_code=BURST-1")
            await page.evaluate(PAUSES)
            fetched: list[Request] = []
            page.on("request", lambda request: fetched.append(request) if request.url.endswith("BURST-1") else None)
            begun = await page.evaluate("performance.now()")
            await page.evaluate(IMPORT, BURST)
            await expect(page.locator("#count-queued small")).to_have_text("1,500 in the last hour", timeout=SOON)
            await expect(row_of(page, "BURST-1")).to_have_count(1)
            seconds = (await page.evaluate("performance.now()") - begun) / 1000
            assert len(fetched) <= seconds + 2
            assert await page.evaluate("window.longest") < 1000


IMPORT = """async (count) => {
    const lines = Array.from({ length: count }, (_, number) => JSON.stringify({
        subscriber: { name: `Burst ${number}`, code: `BURST-${number}` },
        line_of_service: `BURST-${number}`,
    }));
    const token = document.querySelector('meta[name="csrf-token"]').content;
    const answer = await fetch("/v1/provisioning-requests", {
        method: "POST", body: lines.join("\\n"),
        headers: { "Content-Type": "application/x-ndjson", "X-CSRF-Token": token },
    });
    const text = await answer.text();
    if (!answer.ok || text.trim().split("\\n").length !== count) throw new Error(text.slice(0, 200));
}"""
