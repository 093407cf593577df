"""One browser for all tests of a worker, and one daemon that people log in to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.acceptance.console.browser import Browser, Visit, skip_without_browser, started
from tests.acceptance.console.people import ADMIN, CSR, Person
from tests.acceptance.programs import PATIENCE_SECONDS
from tests.acceptance.site import Daemon

expect.set_options(timeout=PATIENCE_SECONDS * 1000)

TEST_SECONDS = 120.0
TO_LEAVE_SECONDS = 20.0
"""So long before a test has no more time it is cancelled, and closes what it has opened."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Bound each test: there are things for which playwright waits without end."""
    if not (isinstance(item, pytest.Function) and iscoroutinefunction(item.obj)):
        return
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else TEST_SECONDS
    item.add_marker(pytest.mark.timeout(seconds))
    item.obj = bounded(item.obj, seconds - TO_LEAVE_SECONDS)


def bounded(test: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    @wraps(test)
    async def run(*arguments: Any, **named: Any) -> None:
        async with asyncio.timeout(seconds):
            await test(*arguments, **named)

    return run


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
