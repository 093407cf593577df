"""Reports over real HTTP, as gateways post them to the PHAN URL that they were given."""

import asyncio
import gzip
import json
import zlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from acs_bridge.domain.phan import redact
from acs_bridge.parts import Parts
from acs_bridge.services.pages import Ask
from acs_bridge.services.profiles.profiles import load_profiles
from acs_bridge.services.queue.queue import Queue
from acs_bridge.services.records.associations import Associations
from acs_bridge.services.records.devices import Devices
from acs_bridge.settings import Settings
from acs_bridge.simulator.models import TR181
from acs_bridge.simulator.schema import STRING, UNSIGNED, ParameterSpec
from cwmp.bulkdata import JSON_TYPE, Form, Record, Report, write
from tests.web.device.conftest import OUI, Acs, settings
from tests.web.device.wire import Answer, answered, chunked, connected, request

WHEN = datetime(2026, 3, 14, 15, 0, tzinfo=UTC)
SENT = "Device.WiFi.Radio.1.Stats.BytesSent"
MAX_BYTES = 64 * 1024
PER_HOUR = 12
FORMS = list(Form)


@pytest.fixture
def configured() -> Settings:
    return settings(
        reports={
            "path": "/r",
            "max_bytes": MAX_BYTES,
            "reports_per_line_per_hour": PER_HOUR,
            "bytes_per_line_per_hour": 5 * MAX_BYTES,
        }
    )


def report(sent: int = 1, form: Form = Form.NAME_VALUE_PAIR, when: datetime | None = WHEN) -> bytes:
    return write(Report(form, (Record(when, {SENT: sent, "Device.DeviceInfo.UpTime": 5}),), when is not None))[0]


def headers_of(form: Form) -> list[tuple[str, str]]:
    return list(write(Report(form, (), is_timed=False))[1].items())


NVP = headers_of(Form.NAME_VALUE_PAIR)


async def post(acs: Acs, target: str, body: bytes, *headers: tuple[str, str], **how: Any) -> Answer:
    async with connected(acs.port) as wire:
        return await wire.ask(request(body, *headers, target=target, **how))


def query(serial: str = "S1", oui: str = OUI, **more: str) -> str:
    pairs = {"oui": oui, "pc": "SimGW", "sn": serial} | more
    return "&".join(f"{name}={value}" for name, value in pairs.items())


class Line:
    """A line whose gateway has its URL, and what is noted of its reports."""

    def __init__(self, acs: Acs, url: str) -> None:
        self.acs = acs
        self.target = urlsplit(url).path
        self.shown = redact(url)

    async def post(self, body: bytes, *headers: tuple[str, str], said: str = query(), **how: Any) -> int:
        return (await post(self.acs, f"{self.target}?{said}", body, *(headers or NVP), **how)).status

    async def noted(self) -> dict[str, Any] | None:
        row = await self.acs.database.fetchrow("select * from reporting")
        return None if row is None else dict(row)


async def provisioned(acs: Acs, serial: str = "S1", line: str = "LOS-1", code: str = "C-1") -> Line:
    write_id = await acs.provision(serial, line, code)
    await acs.gateway(serial).session()
    assert await acs.state(write_id) == "verified"
    return Line(acs, await acs.url_of(write_id))


@pytest.fixture
async def line(acs: Acs) -> Line:
    return await provisioned(acs)


class TestAReport:
    @pytest.mark.parametrize(("form", "method"), list(product(FORMS, ["POST", "PUT"])))
    async def test_is_taken_in_every_form_and_noted(self, line, clock, form, method):
        """B-01, B-06"""
        assert await line.post(report(form=form), *headers_of(form), method=method) == 200
        noted = await line.noted()
        assert (noted["first_at"], noted["since"], noted["last_at"]) == (clock(), clock(), clock())
        assert noted["unread"] == 0

    async def test_is_taken_in_chunks_and_after_a_hundred_continue(self, line):
        """B-01"""
        target = f"{line.target}?{query()}"
        async with connected(line.acs.port) as wire:
            head = request(b"", *NVP, ("Transfer-Encoding", "chunked"), target=target, length=None)
            assert (await wire.ask(head + chunked(report(1), size=7))).status == 200
        async with connected(line.acs.port) as wire:
            body = report(2)
            await wire.send(request(body, *NVP, ("Expect", "100-continue"), target=target)[: -len(body)])
            assert (await wire.answer()).status == 100
            assert (await wire.ask(body)).status == 200
        assert (await line.noted())["window_reports"] == 2

    @pytest.mark.parametrize(
        ("coding", "packed"),
        [
            ("gzip", gzip.compress),
            ("deflate", zlib.compress),
            ("deflate", lambda body: zlib.compress(body, wbits=-15)),
            ("identity", bytes),
        ],
    )
    async def test_may_be_compressed(self, line, coding, packed):
        """B-07"""
        assert await line.post(packed(report()), *NVP, ("Content-Encoding", coding)) == 200
        noted = await line.noted()
        assert (noted["unread"], noted["window_bytes"]) == (0, len(report()))

    async def test_in_a_coding_that_nobody_knows_is_not_taken(self, line):
        """B-07"""
        assert await line.post(report(), *NVP, ("Content-Encoding", "br")) == 415
        assert await line.noted() is None

    async def test_says_since_when_its_gateway_reports_and_when_it_last_did(self, line, clock):
        begun = clock()
        for number in range(3):
            assert await line.post(report(number)) == 200
            clock.advance(seconds=300)
        noted = await line.noted()
        assert (noted["first_at"], noted["since"]) == (begun, begun)
        assert noted["last_at"] == begun + timedelta(seconds=600)

    async def test_that_comes_again_is_taken_and_counts_once(self, line):
        """B-05"""
        for _ in range(5):
            assert await line.post(report()) == 200
        assert await line.post(report(2)) == 200
        for _ in range(2):
            assert await line.post(report(when=None)) == 200
        assert len((await line.noted())["recent"]) == 2  # who says no time may mean the same twice

    @pytest.mark.parametrize("body", [b"", b"garbage", b"[" * 10_000, gzip.compress(b"{}", mtime=0), b'{"Report": 1}'])
    async def test_that_cannot_be_read_is_taken_and_said_and_is_no_report(self, line, body):
        """B-04, B-08: it would come again for ever"""
        assert await line.post(body) == 200
        noted = await line.noted()
        assert (noted["first_at"], noted["last_at"], noted["unread"]) == (None, None, 1)
        assert noted["unread_words"]

    async def test_that_does_not_inflate_or_contradicts_its_header_is_taken_and_said(self, line):
        """B-06, B-07"""
        assert await line.post(b"no gzip", *NVP, ("Content-Encoding", "gzip")) == 200
        assert await line.post(report(), ("Content-Type", JSON_TYPE), ("BBF-Report-Format", "ParameterPerRow")) == 200
        assert (await line.noted())["unread"] == 2

    async def test_waits_outside_while_the_database_is_away(self, line, postgres, database_name, owner):
        """B-04"""
        await owner.execute("alter table reporting rename to gone")
        assert await line.post(report()) == 503
        await owner.execute("alter table gone rename to reporting")
        assert await line.post(report()) == 200

    async def test_of_a_gateway_that_was_not_provisioned_by_bulk_data_needs_no_query(self, line):
        """B-02"""
        assert (await post(line.acs, line.target, report(), *NVP)).status == 200


async def standing(acs: Acs) -> tuple[Any, ...]:
    """How the one line stands, as lists and records say it alike."""
    services = Associations(acs.database, acs.clock, acs.parts.lines, acs.parts.seals)
    lines = Devices(acs.database, acs.clock, acs.parts.lines, acs.parts.binding)
    (row,) = (await services.page(Ask())).items
    shown = row.report_state, row.reporting_since, row.last_report_at
    counted = (await Queue(acs.database, acs.clock).overview()).reports
    for state in ("waiting", "reporting", "silent"):
        assert getattr(counted, state) == (row.report_state == state)
    (device,) = (await lines.page(Ask(), report_state=row.report_state)).items
    (again,) = (await services.page(Ask(), report_state=row.report_state)).items
    for other in {"waiting", "reporting", "silent"} - {row.report_state}:
        assert (await services.page(Ask(), report_state=other)).items == []
        assert (await lines.page(Ask(), report_state=other)).items == []
    one = await lines.find(row.line_of_service)
    for each in (again, device, one, await services.find(row.id), *await services.of_lines([row.line_of_service])):
        assert (each.report_state, each.reporting_since, each.last_report_at) == shown
    return shown


class TestALine:
    DAY = timedelta(days=1)

    @pytest.fixture(autouse=True)
    async def announced(self, acs):
        await acs.parts.reports.expecting.announce()

    async def test_waits_for_its_first_report_reports_and_is_silent_after_three_intervals(self, line, acs, clock):
        verified = clock()
        clock.set(verified + 3 * self.DAY)
        assert await standing(acs) == ("waiting", None, None)
        clock.advance(microseconds=1)
        assert await standing(acs) == ("silent", None, None)
        first = clock()
        assert await line.post(report()) == 200
        assert await standing(acs) == ("reporting", first, first)
        last = clock.advance(days=2)
        assert await line.post(report(2)) == 200
        clock.set(last + 3 * self.DAY)
        assert await standing(acs) == ("reporting", first, last)
        clock.advance(microseconds=1)
        assert await standing(acs) == ("silent", first, last)

    async def test_of_which_nothing_is_expected_stands_in_no_way(self, acs, clock):
        await acs.provision()
        clock.advance(days=9)
        assert await standing(acs) == (None, None, None)

    async def test_whose_reports_only_the_platform_gets_stands_in_no_way(self, line, acs, clock, database):
        elsewhere = Parts(settings(), database, acs.parts.keyring, load_profiles(), clock)
        await elsewhere.reports.expecting.announce()
        clock.advance(days=9)
        assert await standing(acs) == (None, None, None)

    async def test_that_is_over_is_not_expected_to_report(self, line, acs, clock):
        assert await line.post(report()) == 200
        await acs.database.execute("update association set ended_at = $1, ended_by = 'ann'", clock())
        clock.advance(days=9)
        found = await Associations(acs.database, clock, acs.parts.lines, acs.parts.seals).page(Ask())
        assert [row.report_state for row in found.items] == [None]


class TestWhoMayNotReport:
    """All of them hear the same."""

    async def refused(self, line: Line, target: str, said: str = query()) -> tuple[int, list[tuple[str, str]], bytes]:
        before = await line.noted()
        answer = await post(line.acs, f"{target}?{said}", report(7), *NVP)
        assert await line.noted() == before
        return answer.status, [pair for pair in answer.headers if pair[0] != "date"], answer.body

    async def test_is_told_nothing_of_why(self, line, clock, acs):
        """B-02, B-12"""
        other = await provisioned(acs, "S2", "LOS-2", "C-2")
        forged = line.target[:-4] + ("AAAA" if not line.target.endswith("AAAA") else "BBBB")
        refused = [
            await self.refused(line, forged),
            await self.refused(line, line.target[:-1]),
            await self.refused(line, "/r/"),
            await self.refused(line, "/r/x/y"),
            await self.refused(line, line.target, query(serial="S2")),
            await self.refused(line, line.target, query(oui="00005F")),
            await self.refused(line, line.target, query(serial="%00%ff")),
            await self.refused(other, other.target, query(serial="S1")),
        ]
        await acs.database.execute("update association set generation = generation + 1")
        refused.append(await self.refused(line, line.target))
        await acs.database.execute("update association set generation = 1, ended_at = $1, ended_by = 'ann'", clock())
        refused.append(await self.refused(line, line.target))
        assert {status for status, _, _ in refused} == {404}
        assert refused == [refused[0]] * len(refused)

    async def test_is_heard_of_where_a_gateway_reports_for_another_line_and_no_token_is(self, line):
        """B-02, B-12"""
        with capture_logs() as lines:
            assert await line.post(report(), said=query(serial="S2")) == 404
            assert await line.post(b"garbage") == 200
        assert [each["event"] for each in lines] == ["report_refused", "report_unread"]
        assert line.target.removeprefix("/r/") not in str(lines)

    async def test_may_name_its_gateway_in_any_order_case_and_beside_other_fields(self, line):
        """B-02"""
        assert await line.post(report(1), said=f"x=1&sn=S1&Device.X=%2F&OUI={OUI.lower()}") == 200
        assert await line.post(report(2), said=f"profile=a?oui={OUI}&sn=S1&pc=") == 200
        assert await line.post(report(3), said="&".join(f"f{n}=1" for n in range(500))) == 404

    async def test_is_the_old_box_of_a_line_that_has_another_one(self, line, acs, clock):
        assert await line.post(report()) == 200
        begun = clock()
        clock.advance(days=1)
        gateway = await acs.database.fetchval(
            "insert into gateway (oui, product_class, serial_number, created_at) values ($1, 'SimGW', 'S9', $2)"
            " returning id",
            OUI,
            clock(),
        )
        await acs.database.execute("update device set gateway_id = $1", gateway)
        assert await line.post(report(2)) == 404
        assert await line.post(report(2), said=query("S9")) == 200
        noted = await line.noted()
        assert (noted["first_at"], noted["since"]) == (begun, clock())

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
    async def test_is_whoever_does_not_post(self, line, method):
        """B-01"""
        async with connected(line.acs.port) as wire:
            answer = await wire.ask(request(method=method, target=line.target), to_head=method == "HEAD")
        assert (answer.status, answer.get("allow")) == (405, "POST, PUT")

    async def test_leaves_the_acs_url_as_it_is(self, line):
        answer = await post(line.acs, "/rx", b"")
        assert answer.status == 404
        async with connected(line.acs.port) as wire:
            assert (await wire.post()).status == 401


class TestBounds:
    @pytest.mark.parametrize("how", ["said", "chunked", "inflated"])
    async def test_a_report_that_is_too_large_is_not_taken(self, line, how):
        """B-12"""
        target = f"{line.target}?{query()}"
        async with connected(line.acs.port) as wire:
            if how == "said":
                answer = await wire.ask(request(b"", *NVP, target=target, length=str(1 << 30)))
            elif how == "inflated":
                answer = await wire.ask(
                    request(gzip.compress(bytes(1 << 24)), *NVP, ("Content-Encoding", "gzip"), target=target)
                )
            else:
                await wire.send(request(b"", *NVP, ("Transfer-Encoding", "chunked"), target=target, length=None))
                await wire.send(chunked(bytes(MAX_BYTES + 5000), size=4096))
                answer = await wire.answer()
        assert answer.status == 413
        assert await line.noted() is None

    async def test_a_line_has_so_many_reports_an_hour(self, line, clock, acs):
        """B-12"""
        other = await provisioned(acs, "S2", "LOS-2", "C-2")
        statuses = [await line.post(report(number)) for number in range(100)]
        assert statuses == [200] * PER_HOUR + [429] * (100 - PER_HOUR)
        assert await other.post(report(), said=query("S2")) == 200
        clock.advance(hours=1)
        assert await line.post(report(101)) == 200

    async def test_a_line_has_so_many_reports_an_hour_also_when_they_come_together(self, line):
        statuses = await asyncio.gather(*(line.post(report(number)) for number in range(2 * PER_HOUR)))
        assert sorted(statuses) == [200] * PER_HOUR + [429] * PER_HOUR

    async def test_a_line_has_so_many_bytes_an_hour(self, line):
        body = json.dumps({"Report": [{"CollectionTime": 1, "A": "x" * (MAX_BYTES - 100)}]}).encode()
        statuses = [await line.post(body + b" " * number) for number in range(7)]
        assert statuses == [200] * 5 + [429] * 2

    async def test_who_is_refused_all_the_time_is_not_looked_at_any_more(self, acs, line):
        """B-12"""
        most = acs.parts.settings.reports.refused_per_minute
        for _ in range(most):
            assert (await post(acs, "/r/nothing", b"")).status == 404
        assert (await post(acs, "/r/nothing", b"")).status == 503
        assert await line.post(report()) == 200, "a neighbour's report is taken"
        async with connected(acs.port, source="127.0.0.2") as wire:
            answer = await wire.ask(request(b"", target="/r/nothing"))
        assert answer.status == 404


WITH_LOGIN = TR181.extended(
    *(
        ParameterSpec(f"Device.X_ACSBRIDGE_HomeAnalytics.{name}", type, writable=True, default=default)
        for name, type, default in (
            ("HTTP.Username", STRING, ""),
            ("HTTP.Password", STRING, ""),
            ("ReportingInterval", UNSIGNED, "86400"),
        )
    )
)


class TestALogin:
    """B-03: where the profile of the line gives its gateways one."""

    PROFILE = """
name = "with-login"
[match]
root = "Device."
product_class = "SimGW"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
value = "{phan_url}"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.HTTP.Username"
value = "reporter"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.HTTP.Password"
value = "let-me-report"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.ReportingInterval"
value = "300"
type = "xsd:unsignedInt"
"""

    @pytest.fixture
    def configured(self, tmp_path) -> Settings:
        (tmp_path / "with-login.toml").write_text(self.PROFILE)
        proxy = {"trusted_proxies": ["127.0.0.1"]}
        return settings(reports={"path": "/r"}, profiles={"dirs": [str(tmp_path)]}, device_listener=proxy)

    @pytest.fixture
    async def line(self, acs) -> Line:
        write_id = await acs.provision()
        gateway = acs.gateway(schema=WITH_LOGIN)
        await gateway.session()
        assert await acs.state(write_id) == "verified"
        assert gateway.value("X_ACSBRIDGE_HomeAnalytics.HTTP.Password") == "let-me-report"
        return Line(acs, await acs.url_of(write_id))

    async def post(self, line: Line, *headers: tuple[str, str], target: str | None = None) -> Answer:
        tls = (("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"))
        return await post(line.acs, target or f"{line.target}?{query()}", report(), *NVP, *tls, *headers)

    @pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
    @pytest.mark.parametrize(("password", "status"), [("let-me-report", 200), ("let-me-in", 401)])
    async def test_is_asked_for_and_checked(self, line, algorithm, password, status):
        target = f"{line.target}?{query()}"
        first = await self.post(line)
        assert first.status == 401
        asked = [each for each in first.every("www-authenticate") if f"algorithm={algorithm}" in each]
        shown = answered(asked[0], target=target, username="reporter", password=password)
        assert (await self.post(line, shown)).status == status

    @pytest.mark.parametrize(
        ("pair", "status"),
        [("reporter:let-me-report", 200), ("reporter:no", 401), ("x:let-me-report", 401), ("no", 401)],
    )
    async def test_may_be_shown_at_once_by_basic_inside_tls(self, line, pair, status):
        shown = ("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
        answer = await self.post(line, shown)
        assert answer.status == status
        assert (answer.every("www-authenticate") != []) is (status == 401)

    async def test_is_asked_of_nobody_whose_url_does_not_count(self, line):
        assert (await self.post(line, target=line.target[:-1])).status == 404

    async def test_comes_with_an_interval_after_which_the_line_counts_as_silent(self, line, acs, clock):
        await acs.parts.reports.expecting.announce()
        clock.advance(seconds=900)
        assert (await standing(acs))[0] == "waiting"
        clock.advance(seconds=1)
        assert (await standing(acs))[0] == "silent"
