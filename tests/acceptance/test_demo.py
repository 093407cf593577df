"""`acs-bridge demo`: the main job shown on any machine, with nothing set up and nothing left behind."""

import re
import shlex
from urllib.parse import urlsplit

import pytest

from tests.acceptance.programs import Program, inhabitants, line_with
from tests.acceptance.site import Caller, Site


@pytest.fixture(autouse=True)
def never_set_up(site: Site) -> None:
    site.settings.clear()


def caller_of(curl: str) -> tuple[Caller, str]:
    """Who asks what, by what a person would paste."""
    _, _, header, url = shlex.split(curl)
    name, _, token = header.partition("Bearer ")
    assert name == "Authorization: "
    return Caller(urlsplit(url).port or 0, token), urlsplit(url).path


class TestOnce:
    @pytest.mark.parametrize("count", [8, 30])
    def test_shows_every_gateway_verified_and_leaves_nothing_behind(self, site: Site, count: int) -> None:
        ended = site.start("demo", "--once", *([] if count == 8 else ["--gateways", str(count)])).ended()
        assert (ended.code, ended.err) == (0, "")
        lines = [f"LINE-{number + 1:04d}: verified, gateway DEMO{number + 1:06d}" for number in range(count)]
        assert [line for line in lines if line not in ended.out] == []
        reporting = re.findall(r"LINE-(\d+): reporting since \d\d:\d\d:\d\d UTC", ended.out)
        assert sorted(map(int, reporting)) == list(range(1, count + 1))
        assert not re.search(r"/r/[\w-]{7}", ended.out)
        assert f"{count} of {count} lines verified" in ended.out
        assert f"; {count} of them report" in ended.out
        shown = re.findall(r"URL ([\w-]+)…", ended.out)
        assert (len(shown), {len(token) for token in shown}) == (count, {6})
        assert site.left_behind() == []
        site.check_discreet()

    def test_is_interrupted_by_ctrl_c_and_leaves_nothing_behind(self, site: Site) -> None:
        demo = site.start("demo", "--once", "--gateways", "1000")
        demo.out.until(line_with("verified"))
        demo.interrupt()
        ended = demo.ended()
        assert (ended.code, ended.err) == (130, "")
        assert site.left_behind() == []


class TestStaying:
    @pytest.fixture
    def demo(self, site: Site) -> Program:
        demo = site.start("demo", "--gateways", "2")
        demo.out.until(line_with("Ctrl-C ends everything"))
        return demo

    def test_answers_the_curl_that_it_shows_until_ctrl_c(self, site: Site, demo: Program) -> None:
        assert "postgres" in {process.name() for process in inhabitants(site.folder)}
        caller, path = caller_of(demo.out.until(line_with("  curl "))[0])
        assert caller.get(path)["counts"]["verified"] == 2
        (spare,) = caller.get("/v1/gateways?unclaimed=true")["items"]
        assert spare["serial_number"] in demo.out.text
        demo.interrupt()
        ended = demo.ended()
        assert (ended.code, ended.err) == (0, "")
        assert "2 of 2 lines verified" in ended.out
        assert site.left_behind() == []
