"""One browser for all tests of a worker, on a loop of its own, and one daemon that people log in to."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.acceptance.console.browser import Visit, skip_without_browser, started
from tests.acceptance.console.people import ADMIN, CSR, Person
from tests.acceptance.programs import PATIENCE_SECONDS
from tests.acceptance.site import Daemon

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def has_browser() -> None:
    """Skip, or fail, where there is none."""
    skip_without_browser()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(has_browser: None) -> AsyncIterator[Browser]:
    async with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def origin(daemon: Daemon) -> str:
    """Where the console of the shared daemon is."""
    return f"http://127.0.0.1:{daemon.operator_port}"


@pytest.fixture(scope="session")
def boss(daemon: Daemon) -> Person:
    """An Admin of it."""
    return ADMIN.join(daemon)


@pytest.fixture(scope="session")
def csr(daemon: Daemon) -> Person:
    """A CSR of it."""
    return CSR.join(daemon)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(browser: Browser, boss: Person, origin: str) -> AsyncIterator[Visit]:
    """The browser of the Admin, who is logged in."""
    async with boss.at_work(browser, origin) as visit:
        yield visit
