"""Logging in to the console and out of it, as a person does."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.console.browser import Browser, Visit, arrived, check_accessible, photograph, visiting
from tests.acceptance.console.people import Person
from tests.acceptance.site import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestTheLoginPage:
    async def test_lets_its_user_in_by_keyboard_alone_and_back_out(
        self, browser: Browser, origin: str, boss: Person
    ) -> None:
        async with visiting(browser, origin) as visit:
            page = await visit.page("/queue?state=failed")
            await expect(page.get_by_label("User name")).to_be_focused()
            await page.keyboard.type(boss.name)
            await page.keyboard.press("Tab")
            await page.keyboard.type(boss.password)
            await page.keyboard.press("Enter")
            await arrived(page, r"/queue\?state=failed$")
            await page.keyboard.press("Tab")
            await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
            account = page.locator("details.account")
            await account.locator("summary").focus()
            await page.keyboard.press("Enter")
            await expect(account.get_by_role("button", name="Log out")).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(account.get_by_role("button", name="Log out")).to_be_hidden()
            await page.keyboard.press("Enter")
            await account.get_by_role("button", name="Log out").click()
            await arrived(page, "/login$")
            await page.goto(f"{origin}/queue")
            await arrived(page, "/login")

    async def test_says_what_is_wrong_and_keeps_the_name(self, browser: Browser, origin: str, boss: Person) -> None:
        async with visiting(browser, origin) as visit:
            visit.expects("status of 422")
            page = await visit.page("/login")
            await Person("<b>nobody</b>", "csr", "a wrong password").logs_in(page)
            await expect(page.get_by_role("alert")).to_have_text("User name and password do not go together.")
            await expect(page.get_by_label("User name")).to_have_value("<b>nobody</b>")
            await expect(page.get_by_label("Password")).to_have_value("")
            await photograph(page, "login")
            await check_accessible(page)


class TestTheFirstAdmin:
    async def test_finds_the_password_beside_the_keyring_and_chooses_another(
        self, browser: Browser, site: Site
    ) -> None:
        with site.serving(blank=True) as daemon:
            daemon.program.out.until(lambda line: line if "first_admin_made" in line else None)
            (made,) = re.findall(r"password (\S+)", (site.folder / "var" / "first-login.txt").read_text())
            async with visiting(browser, f"http://127.0.0.1:{daemon.operator_port}") as visit:
                page = await visit.page("/")
                await Person("admin", "admin", made).logs_in(page)
                await expect(page.get_by_text("This password was made for one login.")).to_be_visible()
                await choose(page, made, "kettles are not moons")
                await arrived(page, "/queue$")
            assert made not in daemon.program.out.text + daemon.program.err.text


async def choose(page: Page, current: str, new: str, again: str = "") -> None:
    """Fill in the form for another password, and send it."""
    for label, text in (
        ("Your password until now", current),
        ("New password", new),
        ("New password again", again or new),
    ):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_role("button", name="Change password").click()


class TestAPasswordForOneLogin:
    async def test_is_made_by_an_admin_and_changed_before_anything_else(
        self, browser: Browser, desk: Visit, origin: str
    ) -> None:
        users = await desk.page("/users")
        await users.get_by_label("User name").fill("newcomer")
        await users.get_by_label("Role").select_option("Admin")
        await users.get_by_role("button", name="Add user").click()
        made = await users.locator("output").inner_text()
        await users.wait_for_load_state()
        await photograph(users, "users")
        await check_accessible(users)
        async with visiting(browser, origin) as visit:
            visit.expects("status of 422")
            page = await visit.page("/queue")
            await Person("newcomer", "admin", made).logs_in(page)
            await expect(page.get_by_role("heading", name="Choose a password")).to_be_visible()
            await arrived(page, "/password")
            await choose(page, made, "kettles are not moons", "kettles are moons")
            await expect(page.get_by_text("is not the same as above")).to_be_visible()
            await photograph(page, "password")
            await check_accessible(page)
            await choose(page, made, "kettles are not moons", "kettles are not moons")
            await arrived(page, "/queue$")
            await users.get_by_role("row").filter(has_text="newcomer").get_by_role("button", name="Lock out").click()
            await users.get_by_role("dialog").get_by_role("button", name="Go on").click()
            await expect(users.get_by_role("row").filter(has_text="newcomer")).to_contain_text("locked out")
            await page.goto(f"{origin}/queue")
            await arrived(page, "/login")
