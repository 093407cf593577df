"""That the browser of these tests sees what goes wrong on a page, and goes nowhere else; and a first page of ours."""

import signal

import psutil  # type: ignore[import-untyped]
import pytest

from tests.acceptance.console import browser as harness
from tests.acceptance.console.browser import Browser, check_accessible, photograph, visiting
from tests.acceptance.site import Caller, Daemon

on_the_loop_of_the_browser = pytest.mark.asyncio(loop_scope="session")


def page_of(body: str, policy: str = "default-src *") -> str:
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>A page</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>'


async def show(browser: Browser, page: str, expected: str = "^$") -> None:
    """A visit that sees this page."""
    async with visiting(browser, "") as visit:
        visit.expects(expected)
        await (await visit.page("about:blank")).set_content(page)


@on_the_loop_of_the_browser
class TestAVisit:
    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ("<script>console.error('lost')</script>", "console: lost"),
            ("<script>throw new TypeError('odd')</script>", "uncaught: .*odd"),
            ("<script>Promise.reject(new Error('late'))</script>", "uncaught: .*late"),
            ("<img src='http://192.0.2.1/'>", "left this machine: http://192.0.2.1/"),
            ("<img src='http://gateway.example/'>", "left this machine: http://gateway.example/"),
        ],
    )
    async def test_tells_what_goes_wrong(self, browser: Browser, body: str, told: str) -> None:
        with pytest.raises(AssertionError, match=told):
            await show(browser, page_of(body, "default-src * 'unsafe-inline'"))

    @pytest.mark.parametrize("body", ["<script>1</script>", "<p style='color: red'>Red</p>", "<p onclick='1'>Act</p>"])
    async def test_tells_what_the_policy_of_a_page_keeps_out(self, browser: Browser, body: str) -> None:
        with pytest.raises(AssertionError, match="Content Security Policy"):
            await show(browser, page_of(body, "default-src 'self'"))

    async def test_takes_what_a_test_expects(self, browser: Browser) -> None:
        said = page_of(
            "<script>console.error('lost'); console.error('found')</script>", "default-src * 'unsafe-inline'"
        )
        with pytest.raises(AssertionError, match=r"\Aconsole: found \(\)\Z"):
            await show(browser, said, expected="lost")

    async def test_is_refused_every_other_machine(self, browser: Browser) -> None:
        async with visiting(browser, "") as visit:
            visit.expects("http://")
            page = await visit.page("about:blank")
            for host in ("192.0.2.1", "gateway.example"):
                async with page.expect_event("requestfailed") as refused:
                    await page.set_content(f"<img src='http://{host}/'>", wait_until="commit")
                assert (await refused.value).failure == "net::ERR_NAME_NOT_RESOLVED"


@on_the_loop_of_the_browser
class TestABrowser:
    @pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
    async def test_that_hangs_or_is_gone_is_replaced(
        self, monkeypatch: pytest.MonkeyPatch, has_browser: None, number: signal.Signals
    ) -> None:
        async with harness.started() as browser:
            lost = await browser.context()
            former = browser.processes
            for process in former:
                process.send_signal(number)
            with monkeypatch.context() as patched:
                patched.setattr(harness, "ANSWER_SECONDS", 1.0)
                await browser.leave(lost)
            async with visiting(browser, "") as visit:
                await visit.page("about:blank")
            assert not psutil.wait_procs(former, timeout=20)[1]
            left = browser.processes
        assert not psutil.wait_procs(left, timeout=20)[1]


@on_the_loop_of_the_browser
class TestTheCheckOfAccessibility:
    @pytest.mark.parametrize(
        ("body", "told"),
        [
            ("<p style='color: #bbb; background: #fff'>Pale</p>", "color-contrast"),
            ("<input type='text'>", "label"),
            ("<p style='width: 2000px'>Wide</p>", "390 px: the page scrolls sideways"),
        ],
    )
    async def test_finds_what_is_wrong(self, browser: Browser, body: str, told: str) -> None:
        async with visiting(browser, "") as visit:
            page = await visit.page("about:blank")
            await page.set_content(page_of(body, "default-src * 'unsafe-inline'"))
            with pytest.raises(AssertionError, match=told):
                await check_accessible(page)


class TestAMissingBrowser:
    def test_is_a_reason_to_skip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(harness.EXECUTABLE, raising=False)
        monkeypatch.delenv(harness.REQUIRED, raising=False)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(pytest.skip.Exception, match="no chromium here"):
            harness.skip_without_browser()

    def test_is_a_failure_where_there_has_to_be_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(harness.EXECUTABLE, raising=False)
        monkeypatch.setenv(harness.REQUIRED, "1")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(pytest.fail.Exception, match="no chromium here"):
            harness.skip_without_browser()


@on_the_loop_of_the_browser
@pytest.mark.timeout(240)  # a very long page
class TestTheReference:
    async def test_is_a_page_for_people(self, browser: Browser, daemon: Daemon, admin: Caller) -> None:
        origin = f"http://127.0.0.1:{daemon.operator_port}"
        async with visiting(browser, origin, http_credentials={"username": "me", "password": admin.token}) as visit:
            reference = await visit.page("/reference")
            assert "acs-bridge" in await reference.title()
            await check_accessible(reference)
            await photograph(reference, "reference")
