"""`acs-bridge simulate`: gateways against any ACS, and a report."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cwmp.digest import Authorization, Challenge, ha1, verify
from cwmp.messages import ParameterValueStruct, SetParameterValues
from tests.simulator.acs import ScriptedAcs

NOWHERE = "http://127.0.0.1:1/acs"
PASSWORD = "s3cret-pässword"


@pytest.fixture
async def acs():
    async with ScriptedAcs().listening() as listening:
        yield listening


@asynccontextmanager
async def command(*arguments):
    """Run the command in a process of its own, which is not left behind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "acs_bridge", "simulate", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(*arguments, stdin=b""):
    async with command(*arguments) as process:
        out, err = await process.communicate(stdin)
        return process.returncode, out.decode(), err.decode()


def door(request):
    """Let in who knows the password."""
    shown = Authorization.parse(request.headers.get("Authorization", ""))
    secret = ha1("gw", "acs", PASSWORD)
    if shown is not None and verify(shown, secret, method="POST", target=request.path_qs, realm="acs"):
        return None
    return web.Response(status=401, headers={"WWW-Authenticate": Challenge("acs", "n1").render()})


async def test_prints_a_table_and_ends_well_when_every_session_did(acs):
    code, out, err = await ended("--acs-url", acs.url, "--gateways", "3", "--sessions", "2")
    assert (code, err) == (0, "")
    assert "Sessions/s" in out
    assert "Inform" in out
    assert "\x1b" not in out
    assert len(acs.informs) == 6


async def test_prints_json_that_says_the_same(acs):
    code, out, err = await ended("--acs-url", acs.url, "--gateways", "3", "--concurrency", "2", "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["gateways"], report["sessions"], report["completed"], report["failed"]) == (3, 3, 3, 0)


async def test_the_gateways_are_what_the_options_say(acs):
    await ended(
        *("--acs-url", acs.url, "--gateways", "2", "--root", "both", "--oui", "abcdef", "--serial-prefix", "T"),
        *("--product-class", "Box", "--events", "0 BOOTSTRAP, 1 BOOT"),
    )
    assert {inform.root for inform in acs.informs} == {"Device.", "InternetGatewayDevice."}
    assert sorted(inform.device_id.serial_number for inform in acs.informs) == ["T000001", "T000002"]
    assert {(inform.device_id.oui, inform.device_id.product_class) for inform in acs.informs} == {("ABCDEF", "Box")}
    assert [event.code for event in acs.informs[0].events] == ["0 BOOTSTRAP", "1 BOOT"]


@pytest.mark.parametrize("source", ["option", "file", "standard input"])
async def test_the_password_comes_from_an_option_a_file_or_standard_input(acs, tmp_path, source):
    acs.challenge = door
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    options = {
        "option": ("--password", PASSWORD),
        "file": ("--password-file", str(file)),
        "standard input": ("--password-file", "-"),
    }[source]
    code, out, err = await ended("--acs-url", acs.url, "--username", "gw", *options, stdin=f"{PASSWORD}\n".encode())
    assert (code, len(acs.informs)) == (0, 1)
    assert PASSWORD not in out + err


async def test_ends_with_1_and_counts_the_errors_when_a_session_failed(acs):
    acs.instead[1] = lambda: web.Response(status=503)
    code, out, _ = await ended("--acs-url", acs.url, "--gateways", "2", "--concurrency", "1")
    assert code == 1
    assert "1 times: http error: HTTP 503" in out


async def test_ends_with_1_and_counts_the_answers_when_a_report_was_not_taken(acs):
    url = ParameterValueStruct(
        "Device.X_ACSBRIDGE_HomeAnalytics.URL", acs.url.replace("/acs", "/r/token"), "xsd:string"
    )
    acs.script = [SetParameterValues((url,), "key")]
    code, out, err = await ended("--acs-url", acs.url, "--reports", "--json")
    report = json.loads(out)
    assert (code, err, report["failed"], report["reports"]) == (1, "", 0, {"HTTP 404": 1})


async def test_an_acs_that_is_not_there_is_a_report_and_no_traceback():
    code, out, err = await ended("--acs-url", NOWHERE, "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["failed"] == 1


class HoldingAcs(ScriptedAcs):
    """Answers nothing before it is released."""

    def __init__(self):
        super().__init__()
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def post(self, request):
        self.reached.set()
        await self.released.wait()
        return await super().post(request)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_it_ends_the_sessions_under_way_and_reports(number):
    async with (
        HoldingAcs().listening() as acs,
        command("--acs-url", acs.url, "--sessions", "1000", "--json") as process,
    ):
        await acs.reached.wait()
        process.send_signal(number)
        acs.released.set()
        out, err = await process.communicate()
    report = json.loads(out)
    assert (process.returncode, err) == (0, b"")
    assert report["sessions"] < 1000
    assert (report["completed"], report["failed"]) == (report["sessions"], 0)


async def test_interrupted_twice_it_breaks_off_and_reports():
    async with HoldingAcs().listening() as acs, command("--acs-url", acs.url, "--json") as process:
        await acs.reached.wait()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
        acs.released.set()
    assert err == b""
    assert json.loads(out)["sessions"] == 0


class TestWrongUsage:
    """2, before anything is sent."""

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (("--gateways", "0"), "--gateways"),
            (("--gateways", "100001"), "--gateways"),
            (("--concurrency", "10001"), "--concurrency"),
            (("--sessions", "1000001"), "--sessions"),
            (("--interval", "-1"), "--interval"),
            (("--interval", "nan"), "--interval"),
            (("--interval", "inf"), "--interval"),
            (("--oui", "00005"), "--oui"),
            (("--oui", "00005Z"), "--oui"),
            (("--root", "igd2"), "--root"),
            (("--serial-prefix", "x" * 59), "--serial-prefix"),
            (("--serial-prefix", "a\nb"), "--serial-prefix"),
            (("--product-class", "x" * 65), "--product-class"),
            (("--product-class", "a\x00b"), "--product-class"),
            (("--username", "u", "--password", "p", "--password-file", "f"), "--password-file"),
            (("--username", "u", "--password-file", "missing"), "--password-file"),
            (("--password", "p"), "--username"),
            (("--events", "x" * 65), "--events"),
        ],
    )
    def test_a_number_or_a_name_that_makes_no_sense(self, run, arguments, named):
        ended = run("simulate", "--acs-url", NOWHERE, *arguments)
        assert (ended.code, ended.out) == (2, "")
        assert named in ended.err
        assert "Traceback" not in ended.err

    @pytest.mark.parametrize("url", ["", "acs", "ftp://acs.example.net/", "http://"])
    def test_a_url_that_nothing_can_be_posted_to(self, run, url):
        ended = run("simulate", "--acs-url", url)
        assert ended.code == 2
        assert "--acs-url" in ended.err

    def test_no_url_at_all(self, run):
        assert run("simulate").code == 2
