"""A real browser: Debian's Chromium under playwright, in a world that ends at this machine.

Each test gets a context of its own, as somebody would who has just sat down. Whatever its pages complain about is kept:
an error on their console, an exception that nobody caught, something that the content security policy kept out, a
request to anywhere else. A test that provokes one says so beforehand (`Visit.expects`), else it fails of it.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
import pytest
from playwright.async_api import Browser as PlaywrightBrowser
from playwright.async_api import BrowserContext, ConsoleMessage, Page, Playwright, Request, WebError, async_playwright
from playwright.async_api import Error as PlaywrightError

from tests.conftest import memory_or_disk

REQUIRED: Final = "TESTS_NEED_BROWSER"
"""Set where a missing browser is a failure and nothing to skip for."""
EXECUTABLE: Final = "TESTS_CHROMIUM"
"""Where the browser is, if it is not on PATH."""
SCREENSHOTS: Final = "TESTS_SCREENSHOTS"
"""The folder that gets screenshots; without it none are made."""

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
SHOWN: Final = 3
"""So many elements that break one rule are named."""
WIDTHS: Final = {1280: 800, 390: 844}
"""How wide a desk and a telephone are, and how high, in CSS pixels."""
SCHEMES: Final = ("light", "dark")
ANSWER_SECONDS: Final = 15.0
START_SECONDS: Final = 60.0
"""How long a browser may take to answer, and to start; a machine that is very busy takes a few of them."""

HERE: Final = "127.0.0.1"
FLAGS: Final = (
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {HERE}",
)
LAST_WORDS: Final = "() => new Promise(resolve => setTimeout(resolve))"
"""What a page has begun to complain about it has told when this is over."""
_NAMES: Final = ("chromium", "chromium-browser")
_LOCAL_SCHEMES: Final = frozenset({"about", "blob", "data"})


def executable() -> str | None:
    """Where the browser is; None where there is none."""
    return os.environ.get(EXECUTABLE) or next(filter(None, map(shutil.which, _NAMES)), None)


def missing() -> str:
    """What the tests of the console need and do not find here; nothing when it is all there."""
    if executable() is None:
        return "there is no chromium here (on Debian: apt install chromium)"
    return "" if AXE.exists() else "axe-core is not installed (make browser)"


def skip_without_browser() -> None:
    """Skip where a browser is missing, unless it has to be there."""
    if (words := missing()) and os.environ.get(REQUIRED):
        pytest.fail(words)
    elif words:
        pytest.skip(words)


class Browser:
    """The browser of a worker. One that hangs, or is gone, is replaced: it fails the test it hangs in, and no other.

    What playwright waits for without a bound is bounded here: a browser that does not answer would be waited for as
    long as there is time, and so would be everything after it.
    """

    def __init__(self, playwright: Playwright, folder: str) -> None:
        self._playwright = playwright
        self._folder = folder
        self._started: PlaywrightBrowser | None = None
        self.processes: list[psutil.Process] = []
        """Those that were there when it had started."""

    async def context(self, **options: Any) -> BrowserContext:
        """A cookie jar of its own, in a browser that answers."""
        if self._started is not None:
            with suppress(TimeoutError, PlaywrightError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._started.new_context(**options)
        async with asyncio.timeout(START_SECONDS):
            return await (await self._start()).new_context(**options)

    async def leave(self, context: BrowserContext) -> None:
        """Close a context, or the whole browser where it does not answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await context.close()
        except (TimeoutError, PlaywrightError):
            self._kill()

    async def end(self) -> None:
        """End it, and leave no process of it."""
        with suppress(TimeoutError, PlaywrightError):
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._started is not None:
                    await self._started.close()
        self._kill()

    async def _start(self) -> PlaywrightBrowser:
        self._kill()
        before = children()
        self._started = await self._playwright.chromium.launch(
            executable_path=executable(),
            args=list(FLAGS),
            env={"PATH": os.environ["PATH"], "HOME": self._folder, "TMPDIR": self._folder},
        )
        self.processes = [process for process in children() if process not in before]
        return self._started

    def _kill(self) -> None:
        self._started = None
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):
                for each in (*process.children(recursive=True), process):
                    each.kill()


def children() -> list[psutil.Process]:
    """Every process that this one, or one of them, has started."""
    return psutil.Process().children(recursive=True)


@asynccontextmanager
async def started() -> AsyncIterator[Browser]:
    """The browser of a worker; it ends with the block, and leaves no files."""
    place = TemporaryDirectory(prefix="acs-bridge-tests-browser-", dir=memory_or_disk(), ignore_cleanup_errors=True)
    with place as folder:
        async with async_playwright() as playwright:
            browser = Browser(playwright, folder)
            try:
                yield browser
            finally:
                await browser.end()


class Visit:
    """Somebody before the browser, from an empty cookie jar on."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self._expected: list[re.Pattern[str]] = []
        self._troubles: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        context.on("request", self._watch)

    async def page(self, path: str = "/") -> Page:
        """Open another tab there."""
        page = await self.context.new_page()
        await page.goto(self.origin + path)
        return page

    def expects(self, trouble: str) -> None:
        """Say what is no trouble here, because it is what the test is about: a regular expression, found anywhere."""
        self._expected.append(re.compile(trouble))

    @property
    def troubles(self) -> list[str]:
        """What has gone wrong, and was not expected."""
        return [told for told in self._troubles if not any(each.search(told) for each in self._expected)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            self._troubles.append(f"console: {message.text} ({message.location['url']})")

    def _catch(self, error: WebError) -> None:
        self._troubles.append(f"uncaught: {error.error}")

    def _watch(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in _LOCAL_SCHEMES and url.hostname != HERE:
            self._troubles.append(f"left this machine: {request.url}")


@asynccontextmanager
async def visiting(browser: Browser, origin: str, **options: Any) -> AsyncIterator[Visit]:
    """A visit, after which nothing may have gone wrong; `options` are those of a playwright context."""
    context = await browser.context(reduced_motion="reduce", **options)
    try:
        visit = Visit(context, origin)
        yield visit
        async with asyncio.timeout(ANSWER_SECONDS):
            for page in context.pages:
                await page.evaluate(LAST_WORDS)
    finally:
        await browser.leave(context)
    assert not visit.troubles, "\n".join(visit.troubles)


def shapes() -> Iterator[tuple[str, int]]:
    """Every way in which a picture is taken of a page: a colour scheme and a width."""
    return ((scheme, width) for scheme in SCHEMES for width in WIDTHS)


async def take_shape(page: Page, scheme: Any, width: int) -> None:
    """Look at a page so."""
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": WIDTHS[width]})


async def arrived(page: Page, address: str) -> None:
    """Wait until a page whose address holds a regular expression is there with its scripts.

    Its address is known before they run: what is pressed or clicked by then does not reach them.
    """
    await page.wait_for_url(re.compile(address))


async def check_accessible(page: Page) -> None:
    """Nothing on it breaks a rule of WCAG 2.2 A or AA that a program can check, and it is not too wide.

    It is looked at in either scheme and in either width, each of them once.
    """
    await page.evaluate(AXE.read_text("utf-8"))
    broken = []
    for scheme, width in zip(SCHEMES, WIDTHS, strict=True):
        await take_shape(page, scheme, width)
        result = await page.evaluate("rules => axe.run({ runOnly: rules, resultTypes: ['violations'] })", list(RULES))
        assert result["passes"], "axe has looked at nothing"
        broken += [
            f"{scheme}, {width} px: {rule['id']}: {node['html']}: {node['failureSummary']}"
            for rule in result["violations"]
            for node in rule["nodes"][:SHOWN]
        ]
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            broken.append(f"{scheme}, {width} px: the page scrolls sideways")
    assert not broken, "\n".join(broken)


async def photograph(page: Page, name: str) -> None:
    """Keep what the page looks like in every shape, for somebody to look at; only if there is a folder for it."""
    if not (folder := os.environ.get(SCREENSHOTS)):
        return
    for scheme, width in shapes():
        await take_shape(page, scheme, width)
        await page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
