"""The bundled bulk data profile, from a request to the report that is handed on, through a whole daemon."""

import asyncio
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from acs_bridge.app import Daemon, serving_daemon, utc_now
from acs_bridge.domain.actor import Actor, Role
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.services.urls.rotation import RotationDesk
from acs_bridge.settings import Settings
from acs_bridge.simulator.gateway import SimulatedGateway
from acs_bridge.simulator.reporters import Reporters
from acs_bridge.simulator.reporting import places, report
from acs_bridge.simulator.surroundings import Surroundings
from acs_bridge.web.listener import Bound, bind
from cwmp.messages import DeviceId
from tests.acceptance.programs import PATIENCE_SECONDS, eventually
from tests.acceptance.site import BOOTSTRAP, OUI, PRODUCT_CLASS, Caller

MAKER = Actor("cli", "test", Role.ADMIN, "")


def settings_of(folder: Path, database_url: str, device: Bound) -> Settings:
    return Settings.model_validate(
        {
            "device_listener": {"host": "127.0.0.1", "port": device.port},
            "operator_listener": {"port": 0},
            "database": {"url": database_url},
            "phan": {"base_url": f"{device.local_url}/r/", "keyring": folder / "phan.keyring"},
            "cpe_auth": {"username": BOOTSTRAP.username, "password": BOOTSTRAP.password, "bootstrap": "provision"},
            "profiles": {"packaged": ["plain-tr098", "bulk-data-tr181"]},
            "reports": {"path": "/r", "folder": folder / "handed-on", "file_seconds": 1},
        }
    )


def lines_in(folder: Path) -> list[dict[str, Any]]:
    """What was handed on."""
    return [json.loads(line) for file in sorted(folder.glob("*.ndjson")) for line in file.read_text().splitlines()]


async def test_a_gateway_reports_to_the_url_that_was_written_before_and_after_its_key_was_rotated(
    tmp_path: Path, database_url: str, clock: Any
) -> None:
    """Inform, AddObject … Enable, verified, its report, handed on; and the former URL counts until it is replaced."""
    device = bind("device", "127.0.0.1", 0)
    settings = settings_of(tmp_path, database_url, device)
    async with serving_daemon(settings, device=device) as daemon:
        kept = asyncio.ensure_future(daemon.until_it_fails())
        try:
            await _reports(tmp_path, settings, daemon, Surroundings(clock=lambda: clock.advance(seconds=1)))
        finally:
            kept.cancel()
            await asyncio.wait([kept])


async def _reports(folder: Path, settings: Settings, daemon: Daemon, around: Surroundings) -> None:
    token = await Tokens(daemon.database, utc_now).create("test", Role.ADMIN, MAKER)
    admin = Caller(daemon.addresses.operator[1], token)
    made = await asyncio.to_thread(admin.provision, "BULK01")
    identity = DeviceId("Example", OUI, PRODUCT_CLASS, "BULK01")
    acs_url = f"http://127.0.0.1:{daemon.addresses.device[1]}/acs"
    gateway = SimulatedGateway(identity, acs_url, BOOTSTRAP, surroundings=around)
    answers: Counter[str] = Counter()
    async with Reporters([gateway], answers).reporting():
        served = (await gateway.session()).served
        assert (served.count("AddObject"), served[-1]) == (2, "GetParameterValues")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await gateway.until(lambda each: bool(each.reported))
    assert answers == {"HTTP 200": 1}
    write = await asyncio.to_thread(admin.get, f"/v1/writes/{made['write_id']}")
    shown = await asyncio.to_thread(admin.get, f"/v1/associations/{made['association_id']}")
    assert (write["state"], shown["report_state"]) == ("verified", "reporting")
    handed_on = partial(lines_in, folder / "handed-on")
    (line,) = await asyncio.to_thread(eventually, handed_on, bool)
    assert (line["line_of_service"], line["gateway"]["serial_number"]) == ("LOS-BULK01", "BULK01")
    assert "Device.DeviceInfo.SerialNumber" in line["records"][0]["parameters"]

    (former,) = places(gateway.model)
    await RotationDesk(settings.phan.keyring, daemon.database, utc_now).start(MAKER, 6000)
    assert await gateway.report() == (200,)  # whether its line has had its turn or not
    await asyncio.to_thread(
        eventually, partial(admin.get, "/v1/phan/rotation"), lambda shown: shown["lines"]["under_way"]
    )
    await gateway.session()
    assert places(gateway.model) != (former,)
    assert await gateway.report() == (200,)
    url = "Device.BulkData.Profile.1.HTTP.URL"
    now = gateway.model.value(url)
    gateway.model.put(url, former.url)
    assert await report(gateway.model, identity, around) == (404,)
    gateway.model.put(url, now)
    await asyncio.to_thread(eventually, handed_on, lambda lines: len(lines) == 3)
