"""People who use the console of the daemon that all tests share: an Admin and a CSR."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page, expect

from tests.acceptance.console.browser import Visit, visiting
from tests.acceptance.site import Daemon


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a login."""

    name: str
    role: str
    password: str = field(repr=False)

    def join(self, daemon: Daemon) -> "Person":
        """Get the login."""
        ended = daemon.site.run(
            "users", "add", self.name, "--role", self.role, "--password-stdin", typed=f"{self.password}\n"
        )
        assert (ended.code, ended.out, ended.err) == (0, "", ""), ended
        return self

    async def opens(self, visit: Visit, path: str = "/") -> Page:
        """Go there as somebody who is not logged in, log in, and arrive."""
        page = await visit.page(path)
        await self.logs_in(page)
        await expect(page).not_to_have_url(re.compile("/login"))
        return page

    @asynccontextmanager
    async def at_work(self, browser: Browser, origin: str) -> AsyncIterator[Visit]:
        """A visit of somebody who has logged in already."""
        async with visiting(browser, origin) as visit:
            await (await self.opens(visit)).close()
            yield visit

    async def logs_in(self, page: Page) -> None:
        """Fill in the form and send it."""
        await page.get_by_label("User name").fill(self.name)
        await page.get_by_label("Password").fill(self.password)
        await page.get_by_role("button", name="Log in").click()


ADMIN = Person("anna", "admin", "four words that rhyme")
CSR = Person("carl", "csr", "a kettle on the moon")
