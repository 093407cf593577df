"""`phan rotate` beside a daemon with two workers, which is killed in the middle: no URL dies before its time."""

from collections.abc import Iterator

import pytest

from acs_bridge.simulator.behaviour import Behaviour
from tests.acceptance.programs import eventually
from tests.acceptance.site import BASE_URL, PHAN_URL, Caller, Daemon, Site, port_of

SERIALS = [f"TURN{number}" for number in range(2)]


@pytest.fixture
def daemon(site: Site) -> Iterator[Daemon]:
    with site.serving("--workers", "2") as daemon:
        daemon.program.out.until(port_of("device"), count=3)
        yield daemon


def rotate(site: Site, *arguments: str) -> str:
    ended = site.run("phan", "rotate", *arguments)
    assert (ended.code, ended.err) == (0, ""), ended
    return ended.out


@pytest.mark.timeout(150)
async def test_a_key_is_rotated_without_a_restart_and_a_kill_in_the_middle_is_not_missed(
    daemon: Daemon, site: Site
) -> None:
    admin = daemon.caller(site.token("admin", "admin"))
    gateways = [daemon.gateway(serial, behaviour=Behaviour(reconnects=True)) for serial in SERIALS]
    for serial, gateway in zip(SERIALS, gateways, strict=True):
        admin.provision(serial)
        assert (await gateway.session()).completed
    former = [gateway.value(PHAN_URL) for gateway in gateways]
    assert rotate(site, "--no-wait", "--per-minute", "60").endswith("0 of 2 lines done, 0 under way, 2 waiting\n")
    key_id = admin.get("/v1/phan/rotation")["key_id"]
    await check_that_new_lines_get_the_new_key(daemon, admin, key_id)
    eventually(lambda: lines(admin)["under_way"], lambda under_way: under_way >= 1)
    daemon.kill()
    with site.serving("--workers", "2") as again:
        again.program.out.until(port_of("device"), count=3)
        admin = again.caller(admin.token)
        assert active(admin, former) == [True] * len(SERIALS)
        rotate(site, "--no-wait", "--per-minute", "6000")
        eventually(lambda: lines(admin)["waiting"], lambda waiting: waiting == 0)
        for serial in SERIALS:
            moved = again.gateway(serial, behaviour=Behaviour(reconnects=True))
            assert (await moved.session()).completed
            assert moved.value(PHAN_URL).startswith(f"{BASE_URL}{key_id}")
        eventually(lambda: admin.get("/v1/phan/rotation")["finished_at"], bool)
        check_that_the_former_key_opens_nothing(site, admin, former)


async def check_that_new_lines_get_the_new_key(daemon: Daemon, admin: Caller, key_id: str) -> None:
    """Whichever of the workers they meet: nobody was restarted."""
    for number in range(2):
        admin.provision(f"NEW{number}")
        gateway = daemon.gateway(f"NEW{number}", behaviour=Behaviour(reconnects=True))
        assert (await gateway.session()).completed
        assert gateway.value(PHAN_URL).startswith(f"{BASE_URL}{key_id}")


def check_that_the_former_key_opens_nothing(site: Site, admin: Caller, former: list[str]) -> None:
    eventually(lambda: admin.call("POST", "/v1/phan/open", {"url": former[0]}).status, lambda status: status == 422)
    assert lines(admin)["done"] == lines(admin)["total"] == len(SERIALS)
    assert (site.folder / "var" / "phan.keyring").stat().st_mode & 0o777 == 0o600


def lines(admin: Caller) -> dict[str, int]:
    counted: dict[str, int] = admin.get("/v1/phan/rotation")["lines"]
    return counted


def active(admin: Caller, urls: list[str]) -> list[bool]:
    items = admin.post("/v1/phan/open", {"urls": urls}, status=200)["items"]
    return [item["active"] for item in items]
