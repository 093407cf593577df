"""What nobody learns from a daemon: its log at its most talkative, and the pages of those who may not see a URL."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import Credentials
from acs_bridge.simulator.report import Outcome
from cwmp.messages import Fault, ParameterFault
from tests.acceptance.programs import line_with
from tests.acceptance.site import BASE_URL, BOOTSTRAP, PHAN_URL, SHAPES, Caller, Daemon, Site
from tests.bench import driver

SECRET = "a-password-that-is-wrong"


@pytest.fixture
def talkative(site: Site) -> Iterator[Daemon]:
    """Told to log everything; what it has said is looked through when it ends."""
    with site.serving(settings={"log.level": "debug"}) as daemon:
        yield daemon


class TestALook:
    """`check_discreet` ends every test here; so it is shown to see what it looks for."""

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("a PHAN URL", f"sent {BASE_URL}AbCdEf1"),
            ("a bearer token", "acsb_0123456789"),
            ("a session cookie", f"cwmpsid={'0a' * 41};"),
            ("a URL with a password", "postgresql://somebody:something@host/name"),
            ("a traceback", "Traceback (most recent call last):"),
        ],
    )
    def test_finds_what_has_the_shape_of_a_secret(self, kind: str, said: str) -> None:
        assert [name for name, shape in SHAPES.items() if shape.search(said)] == [kind]

    def test_lets_what_may_be_shown_of_a_phan_url_pass(self) -> None:
        assert not SHAPES["a PHAN URL"].search(f"{BASE_URL}AbCdEf…")


class TestADaemon:
    async def test_says_no_secret_whatever_it_is_told(self, site: Site, talkative: Daemon) -> None:
        daemon = talkative
        admin = daemon.caller(site.token("admin", "admin"))
        url = await self.url_of_a_gateway(daemon, admin)
        self.calls_with_secrets_in_the_wrong_places(admin, url)
        await self.gateways_that_nobody_believes(daemon, url)
        for event in ("request_served", "message_refused"):
            daemon.program.out.until(line_with(event))
        said = daemon.program.out.text
        assert SECRET not in said
        assert url.removeprefix(BASE_URL)[:40] not in said

    async def url_of_a_gateway(self, daemon: Daemon, admin: Caller) -> str:
        receipt = admin.provision("TALK1")
        gateway = daemon.gateway("TALK1")
        await gateway.session()
        return str(admin.post(f"/v1/associations/{receipt['association_id']}/reveal", {}, 200)["phan_url"])

    def calls_with_secrets_in_the_wrong_places(self, admin: Caller, url: str) -> None:
        token = url.removeprefix(BASE_URL)
        stranger = replace(admin, token=SECRET)
        assert stranger.call("GET", "/v1/queue").status == 401
        assert admin.call("GET", f"/v1/subscribers/{token}").status == 422
        assert admin.call("GET", f"/v1/devices/{token[:60]}").status == 404
        assert admin.call("GET", f"/v1/subscribers?token={admin.token}").status == 422
        assert admin.call("GET", f"/{url}").status == 404
        assert admin.call("POST", "/v1/phan/open", {"url": url, "password": SECRET}).status == 422
        assert admin.call("POST", "/v1/phan/open", {"url": f"{url}x"}).status != 500

    async def gateways_that_nobody_believes(self, daemon: Daemon, url: str) -> None:
        stranger = daemon.gateway("TALK3", credentials=Credentials(BOOTSTRAP.username, SECRET))
        assert (await stranger.session()).outcome is Outcome.UNAUTHORIZED
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.device_port)
        exchange = driver.Exchange(reader, writer)
        _, head, _ = await exchange.post(driver.request(driver.inform("TALK4")))
        login = driver.Login(BOOTSTRAP.username, BOOTSTRAP.password).answer(head)
        status, _, _ = await exchange.post(driver.request(f"<!DOCTYPE {url}><{SECRET}".encode(), login))
        assert status == 400
        writer.close()

    async def test_keeps_no_url_that_a_gateway_repeats_in_its_fault(self, daemon: Daemon, admin: Caller) -> None:
        url = await self.url_of_a_gateway(daemon, admin)
        receipt = admin.provision("ECHO1")
        echo = Fault(9003, f"cannot set {url}", (ParameterFault(f"Device.{PHAN_URL}", 9007, f"{url} is too long"),))
        gateway = daemon.gateway("ECHO1", behaviour=Behaviour(faults={"SetParameterValues": echo}))
        await gateway.session()
        write = admin.get(f"/v1/writes/{receipt['write_id']}")
        assert (write["state"], write["fault"]["code"]) == ("rejected", 9003)
        pages = [write, admin.get(f"/v1/associations/{receipt['association_id']}/timeline")]
        assert not SHAPES["a PHAN URL"].search(json.dumps(pages))
