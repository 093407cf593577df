"""Reports that are handed on, from the gateway to files and to a platform."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from acs_bridge.services.notifications.posting import Poster
from acs_bridge.services.reports.destinations import Files, Platform, platform_rules
from acs_bridge.services.reports.handing import RETRY, HandingOn
from acs_bridge.settings import Settings
from acs_bridge.store import spool
from cwmp.bulkdata import Form
from tests.web.device.conftest import Acs, settings
from tests.web.device.test_reports import SENT, WHEN, Line, headers_of, provisioned, report

MIB = 1024 * 1024


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    reports = {"path": "/r", "folder": str(tmp_path / "out"), "file_seconds": 60, "spool_bytes": MIB}
    return settings(reports={**reports, "bytes_per_line_per_hour": 64 * MIB})


@pytest.fixture
async def line(acs: Acs) -> Line:
    return await provisioned(acs)


def files_of(acs: Acs, **changes: Any) -> Files:
    reports = acs.parts.settings.reports.model_copy(update=changes)
    assert reports.folder is not None
    return Files(reports.folder, reports, acs.clock)


def handing(acs: Acs, destination: Any, counted: dict[str, int] | None = None) -> HandingOn:
    def count(outcome: str, reports: int) -> None:
        if counted is not None:
            counted[outcome] = counted.get(outcome, 0) + reports

    return HandingOn(acs.database, acs.clock, destination, lambda: 0.5, count)


def written(acs: Acs) -> list[dict[str, Any]]:
    folder = acs.parts.settings.reports.folder
    assert folder is not None
    return [json.loads(line) for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]


class TestAReport:
    @pytest.mark.parametrize("form", list(Form))
    async def test_is_handed_on_with_whose_it_is_and_what_it_says(self, line, acs, clock, form):
        came = clock()
        assert await line.post(report(2**63, form), *headers_of(form)) == 200
        clock.advance(seconds=60)
        await handing(acs, files_of(acs)).step()
        (found,) = written(acs)
        value = str(2**63) if form is Form.PARAMETER_PER_COLUMN else 2**63
        assert found["records"][0]["parameters"][SENT] == value
        assert found["records"][0]["collected_at"] == WHEN.isoformat()
        assert (found["line_of_service"], found["generation"], found["unread"]) == ("LOS-1", 1, None)
        assert found["gateway"] | {"id": 0} == {
            "id": 0,
            "oui": "00005E",
            "product_class": "SimGW",
            "serial_number": "S1",
        }
        assert found["received_at"] == came.isoformat()
        assert (await spool.waiting(acs.database)).reports == 0

    async def test_is_handed_on_as_it_came_where_that_is_wanted_or_it_cannot_be_read(self, line, acs, clock):
        """B-04"""
        for body in (report(), b"garbage \xc3\xa7", b"\xff\xfe\xff"):
            assert await line.post(body) == 200
        clock.advance(seconds=60)
        await handing(acs, files_of(acs, hand_on_as="body")).step()
        whole, garbage, binary = written(acs)
        assert (whole["body"], whole["unread"]) == (report().decode(), None)
        assert (garbage["body"], bool(garbage["unread"])) == ("garbage ç", True)
        assert binary["body_base64"] == "//7/"

    async def test_has_one_id_however_often_it_comes(self, line, acs, clock):
        """B-05"""
        numbers = [1, *range(2, 12), 1, 1]  # the first one has been forgotten meanwhile
        for number in numbers:
            assert await line.post(report(number)) == 200
        clock.advance(seconds=60)
        await handing(acs, files_of(acs)).step()
        ids = [each["id"] for each in written(acs)]
        assert (len(ids), len(set(ids))) == (12, 11)

    async def test_that_found_no_room_is_kept_by_its_gateway_and_taken_later(self, line, acs, clock):
        """B-04"""
        body = json.dumps({"Report": [{"CollectionTime": 1, "A": list_of_noise()}]}).encode()
        statuses = [await line.post(body + b" " * number) for number in range(4)]
        assert statuses == [200, 200, 503, 503]
        assert (await spool.waiting(acs.database)).bytes <= MIB
        clock.advance(seconds=60)
        await handing(acs, files_of(acs)).step()
        assert await line.post(body + b" " * 3) == 200
        assert (await spool.waiting(acs.database)).reports == 1


def list_of_noise() -> str:
    return "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=600_000))


class TestFiles:
    async def test_wait_for_company_and_are_whole_when_they_are_there(self, line, acs, clock):
        files = files_of(acs)
        for number in range(3):
            assert await line.post(report(number)) == 200
        assert await handing(acs, files).step() > 0
        assert written(acs) == []
        clock.advance(seconds=60)
        assert await handing(acs, files).step() == 0
        assert len(written(acs)) == 3
        folder = acs.parts.settings.reports.folder
        assert folder is not None
        assert [path.suffix for path in folder.iterdir()] == [".ndjson"]

    async def test_that_cannot_be_written_leave_their_reports_where_they_are(self, line, acs, clock):
        folder = acs.parts.settings.reports.folder
        assert folder is not None
        folder.write_text("in the way")
        assert await line.post(report()) == 200
        clock.advance(seconds=60)
        assert await handing(acs, files_of(acs)).step() == RETRY.delay(1, lambda: 0.5).total_seconds()
        assert (await spool.waiting(acs.database)).reports == 1
        folder.unlink()
        await handing(acs, files_of(acs)).step()
        assert len(written(acs)) == 1


@asynccontextmanager
async def platform(acs: Acs, answer: Any) -> AsyncIterator[tuple[Platform, list[list[dict[str, Any]]]]]:
    """A platform that says to each POST what `answer` says to its reports, and what it has had."""
    taken: list[list[dict[str, Any]]] = []

    async def handle(request: web.Request) -> web.Response:
        reports = [json.loads(line) for line in (await request.read()).splitlines()]
        status = answer(reports)
        if status < 300:
            taken.append(reports)
        return web.Response(status=status)

    application = web.Application(client_max_size=1 << 26)
    application.router.add_post("/reports", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/reports"
    update = {"folder": None, "forward_url": url, "forward_http": True}
    reports = acs.parts.settings.reports.model_copy(update=update)
    try:
        async with Poster(platform_rules(reports)).open() as poster:
            yield Platform(poster, reports), taken
    finally:
        await runner.cleanup()


class TestAPlatform:
    async def test_gets_many_at_a_time_in_the_order_in_which_they_came(self, line, acs):
        for number in range(5):
            assert await line.post(report(number)) == 200
        async with platform(acs, lambda _: 200) as (destination, taken):
            await handing(acs, destination).step()
        assert [[each["records"][0]["parameters"][SENT] for each in post] for post in taken] == [[0, 1, 2, 3, 4]]

    @pytest.mark.parametrize("status", [500, 503, 401, 404, 429, 302])
    async def test_that_takes_nothing_now_gets_all_of_it_later(self, line, acs, status):
        assert await line.post(report()) == 200
        statuses = [status, status, 200]
        counted: dict[str, int] = {}
        async with platform(acs, lambda _: statuses.pop(0)) as (destination, taken):
            hands = handing(acs, destination, counted)
            assert [await hands.step() for _ in range(2)] == [
                RETRY.delay(n, lambda: 0.5).total_seconds() for n in (1, 2)
            ]
            assert await hands.step() == 0
        assert (len(taken), counted) == (1, {"handed_on": 1})

    async def test_that_will_not_have_one_gets_all_others_and_that_one_is_given_up_in_the_end(self, line, acs, clock):
        for number in range(5):
            assert await line.post(report(number)) == 200
        refuses = lambda reports: 422 if any(_number(each) == 2 for each in reports) else 200  # noqa: E731
        counted: dict[str, int] = {}
        async with platform(acs, refuses) as (destination, taken):
            hands = handing(acs, destination, counted)
            for _ in range(8):
                await hands.step()
            assert sorted(_number(each) for post in taken for each in post) == [0, 1, 3, 4]
            assert (await spool.waiting(acs.database)).reports == 1
            for _ in range(8):
                clock.advance(hours=6)
                await hands.step()
        assert (await spool.waiting(acs.database)).reports == 0
        assert counted["given_up"] == 1

    async def test_that_dies_with_reports_in_its_hands_gets_them_again(self, line, acs, clock):
        assert await line.post(report()) == 200
        (claimed,) = await spool.claim(acs.database, clock(), clock() + timedelta(seconds=120), 10, MIB)
        async with platform(acs, lambda _: 200) as (destination, taken):
            assert await handing(acs, destination).step() > 0
            clock.advance(seconds=120)
            await handing(acs, destination).step()
        assert [each["id"] for post in taken for each in post] == [str(claimed.id)]

    async def test_of_which_nobody_takes_anything_for_ever_is_forgotten_about(self, line, acs, clock):
        assert await line.post(report()) == 200
        assert await spool.clean(acs.database, clock(), 10) == 0
        assert await spool.clean(acs.database, clock() + timedelta(seconds=1), 10) == 1
        assert await spool.waiting(acs.database) == spool.Waiting(0, 0, None)


def _number(report: dict[str, Any]) -> int:
    return int(report["records"][0]["parameters"][SENT])
