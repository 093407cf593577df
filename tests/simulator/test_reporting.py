"""A simulated gateway reports to where it was told to, and shows what it was given for that."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from acs_bridge.simulator.gateway import SimulatedGateway
from acs_bridge.simulator.models import PLAIN_PARAMETER, TR098, TR181
from acs_bridge.simulator.reporters import Reporters
from acs_bridge.simulator.surroundings import real_surroundings
from cwmp import digest
from cwmp.bulkdata import read
from cwmp.messages import DeviceId

CHALLENGE = digest.Challenge("reports", "65a0b1c20011223344556677").render()


@pytest.fixture
async def received():
    """What arrives at a platform, which asks whoever reports under /login for a login."""
    arrived: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        shown = digest.Authorization.parse(request.headers.get("Authorization", ""))
        if request.path == "/login" and (
            shown is None
            or not digest.verify(
                shown, digest.ha1("u", "reports", "p"), method="POST", target=request.raw_path, realm="reports"
            )
        ):
            return web.Response(status=401, headers={"WWW-Authenticate": CHALLENGE})
        form = request.headers["BBF-Report-Format"]
        found = read(await request.read(), request.headers["Content-Type"], form)
        arrived.append((request.path, dict(request.query), found))
        return web.Response()

    application = web.Application()
    application.router.add_post("/{place}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", arrived
    await runner.cleanup()


def gateway(schema=TR181) -> SimulatedGateway:
    identity = DeviceId("Example", "00005E", "SimGW", "S 1")
    return SimulatedGateway(identity, "http://127.0.0.1:1/acs", schema=schema, surroundings=real_surroundings())


@pytest.mark.parametrize("schema", [TR181, TR098])
async def test_it_reports_to_the_url_in_one_parameter(received, schema):
    url, arrived = received
    box = gateway(schema)
    assert await box.report() == ()
    box.model.put(schema.root + PLAIN_PARAMETER, f"{url}/plain")
    assert await box.report() == (200,)
    ((path, query, report),) = arrived
    assert (path, query) == ("/plain", {"oui": "00005E", "pc": "SimGW", "sn": "S 1"})
    assert report.records[0].parameters[f"{schema.root}DeviceInfo.SerialNumber"] == "S 1"


async def test_it_reports_by_every_bulk_data_profile_that_is_enabled_and_logs_in(received):
    url, arrived = received
    box = gateway()
    for place, enabled in (("/login", "1"), ("/off", "0")):
        profile = f"Device.BulkData.Profile.{box.model.add_object('Device.BulkData.Profile.', 'k')}."
        for name, value in (
            ("Enable", enabled),
            ("HTTP.URL", f"{url}{place}"),
            ("HTTP.Username", "u"),
            ("HTTP.Password", "p"),
        ):
            box.model.put(profile + name, value)
    assert await box.report() == (200,)
    ((path, _, report),) = arrived
    assert (path, report.form) == ("/login", "ObjectHierarchy")


PATIENCE_SECONDS = 30.0
PROFILE = "Device.BulkData.Profile.1."


def told(box: SimulatedGateway, **values: str) -> None:
    """Change what a gateway has in its bulk data profile, and let it notice."""
    for name, value in values.items():
        box.model.put(PROFILE + name.replace("_", "."), value)
    box.reboot()


async def test_reporters_report_at_once_after_each_interval_and_to_another_url(received):
    url, arrived = received
    box, answers = gateway(), Counter[str]()
    async with asyncio.timeout(PATIENCE_SECONDS), Reporters([box], answers).reporting():
        box.model.add_object("Device.BulkData.Profile.", "k")
        told(box, Enable="1", ReportingInterval="1", HTTP_URL=f"{url}/one")
        await box.until(lambda _: len(arrived) == 2)
        told(box, ReportingInterval="86400", HTTP_URL=f"{url}/two")
        await box.until(lambda _: len(arrived) == 3)
        box.model.put(f"{PROFILE}HTTP.URL", f"{url}/last")  # and the end comes first
    assert [path for path, *_ in arrived] == ["/one", "/one", "/two", "/last"]
    assert answers == {"HTTP 200": 4}


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://127.0.0.1:1/r/token", "cannot connect to 127.0.0.1:1"), ("nonsense", "no http or https")],
)
async def test_reports_that_do_not_arrive_are_counted_without_their_url(url, words):
    box, answers = gateway(TR098), Counter[str]()
    async with Reporters([box], answers).reporting():
        box.model.put(TR098.root + PLAIN_PARAMETER, url)
    ((said, count),) = answers.items()
    assert (words in said, "token" in said, count) == (True, False, 1)
