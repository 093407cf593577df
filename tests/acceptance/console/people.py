"""People who use the console of the daemon that all tests share: an Admin and a CSR."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from playwright.async_api import Page

from tests.acceptance.console.browser import Browser, Visit, arrived, visiting
from tests.acceptance.site import Daemon

LOGIN: Final = re.compile("/login")
ELSEWHERE: Final = r"//[^/]+/(?!login)"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a login."""

    name: str
    role: str
    password: str = field(repr=False)
    cookies: list[Any] = field(default_factory=list, repr=False, compare=False)
    """What a browser keeps of a login: most tests are not about logging in."""

    def join(self, daemon: Daemon) -> "Person":
        """Get the login there."""
        daemon.site.user(self.name, self.role, self.password)
        return replace(self, cookies=[])

    async def opens(self, visit: Visit, path: str = "/") -> Page:
        """Go there and arrive: logged in as the last time, or now."""
        await visit.context.add_cookies(self.cookies)
        page = await visit.page(path)
        if LOGIN.search(page.url):
            await self.logs_in(page)
            await arrived(page, ELSEWHERE)
            self.cookies[:] = await visit.context.cookies()
        return page

    @asynccontextmanager
    async def at_work(self, browser: Browser, origin: str) -> AsyncIterator[Visit]:
        """A visit of somebody who has logged in already."""
        async with visiting(browser, origin) as visit:
            if self.cookies:
                await visit.context.add_cookies(self.cookies)
            else:
                await (await self.opens(visit)).close()
            yield visit

    async def logs_in(self, page: Page) -> None:
        """Fill in the form and send it."""
        await page.get_by_label("User name").fill(self.name)
        await page.get_by_label("Password").fill(self.password)
        await page.get_by_role("button", name="Log in").click()


ADMIN = Person("anna", "admin", "four words that rhyme")
CSR = Person("carl", "csr", "a kettle on the moon")
