"""The Queue page in a browser: what moves is seen without a reload, and what holds it back is seen by everybody."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.acceptance.console.browser import check_accessible, photograph, visiting
from tests.acceptance.console.people import Person
from tests.acceptance.site import Caller, Daemon

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = 20_000  # milliseconds: a page that nothing moves on looks again by itself in half of them


def row_of(page: Page, line: str) -> Locator:
    return page.get_by_role("row").filter(has_text=line)


async def test_a_write_moves_to_verified_before_the_eyes(
    browser: Browser, origin: str, boss: Person, daemon: Daemon, bss: Caller
) -> None:
    async with visiting(browser, origin) as visit:
        page = await boss.opens(visit, "/queue?line_of_service=QUEUE-LIVE")
        await expect(page.get_by_text("There is no such write.")).to_be_visible()
        gateway = daemon.gateway("QUEUELIVE1")
        bss.provision("QUEUELIVE1", "QUEUE-LIVE")
        await expect(row_of(page, "QUEUE-LIVE").locator(".state")).to_have_text("queued", timeout=SOON)
        await gateway.session()
        await expect(row_of(page, "QUEUE-LIVE").locator(".state")).to_have_text("verified", timeout=SOON)
        await photograph(page, "queue")
        await check_accessible(page)
