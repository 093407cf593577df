"""One browser for all tests of a worker, on a loop of its own, and a visit for each test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.acceptance.console.browser import skip_without_browser, started


@pytest.fixture(scope="session")
def has_browser() -> None:
    """Skip, or fail, where there is none."""
    skip_without_browser()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(has_browser: None) -> AsyncIterator[Browser]:
    async with started() as browser:
        yield browser
