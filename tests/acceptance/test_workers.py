"""`serve --workers 2`: a session belongs to no process, and a process that ends is not missed."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from acs_bridge.simulator.behaviour import Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from tests.acceptance.programs import eventually, inhabitants, survivors
from tests.acceptance.site import Caller, Daemon, Site, event_of, port_of

END_SECONDS = 10.0
RECONNECTS = Behaviour(reconnects=True)
SESSIONS = "acs_bridge_sessions_opened_total"


@pytest.fixture
def daemon(site: Site) -> Iterator[Daemon]:
    """With two workers that both serve already."""
    with site.serving("--workers", "2") as daemon:
        daemon.program.out.until(port_of("device"), count=3)  # the parent has the socket, each worker serves it
        yield daemon


@pytest.fixture
def admin(daemon: Daemon) -> Caller:
    return daemon.caller(daemon.site.token("admin", "admin"))


def nursery(daemon: Daemon) -> psutil.Process:
    """The process that forks off those that serve gateways."""
    children = psutil.Process(daemon.program.process.pid).children()
    (found,) = [child for child in children if child.name() != "postgres"]
    return found


def workers(daemon: Daemon) -> list[psutil.Process]:
    """The two processes that serve gateways."""
    found = nursery(daemon).children()
    assert len(found) == 2
    return list(found)


@contextmanager
def stopped(worker: psutil.Process) -> Iterator[None]:
    """The worker gets no time, as if its machine were gone."""
    worker.suspend()
    eventually(worker.status, lambda status: status == psutil.STATUS_STOPPED)
    try:
        yield
    finally:
        worker.resume()


async def held(daemon: Daemon, serial: str, hold: asyncio.Event) -> tuple[SimulatedGateway, asyncio.Task]:
    """A gateway in a session, with a request that it does not answer yet; every POST of it is a new connection."""
    gateway = daemon.gateway(serial, behaviour=Behaviour(reconnects=True, hold=hold))
    session = asyncio.create_task(gateway.session())
    await gateway.until(lambda gateway: gateway.holding)
    return gateway, session


def check_counted(daemon: Daemon, admin: Caller) -> None:
    """Soon, what all workers counted together is what there was: each gateway here has one session."""
    eventually(lambda: admin.metrics().get(SESSIONS, 0.0), lambda opened: opened == len(daemon.site.gateways))


class TestASession:
    async def test_may_be_begun_by_one_and_ended_by_the_other(self, daemon: Daemon, admin: Caller) -> None:
        one, other = workers(daemon)
        for number, (first, second) in enumerate(((one, other), (other, one))):
            receipt = admin.provision(f"TURNS{number}")
            hold = asyncio.Event()
            with stopped(second):
                _, session = await held(daemon, f"TURNS{number}", hold)
            with stopped(first):
                hold.set()
                report = await session
            assert (report.completed, report.exchanges) == (True, 5), report.error
            assert admin.state(receipt["write_id"]) == "verified"
        check_counted(daemon, admin)
        self.check_sigterm_ends_all(daemon)

    def check_sigterm_ends_all(self, daemon: Daemon) -> None:
        daemon.program.send(signal.SIGTERM)
        ended = daemon.program.ended(END_SECONDS)
        assert (ended.code, ended.err) == (0, "")
        assert daemon.site.left_behind() == []


class TestAKilledWorker:
    async def test_is_replaced_and_neither_a_session_nor_a_count_is_lost(self, daemon: Daemon, admin: Caller) -> None:
        """S-20."""
        serials = [f"KILL{number}" for number in range(6)]
        writes = [admin.provision(serial)["write_id"] for serial in serials]
        hold = asyncio.Event()
        gateways = await asyncio.gather(*(held(daemon, serial, hold) for serial in serials))
        check_counted(daemon, admin)
        victim, _ = workers(daemon)
        victim.kill()
        hold.set()
        reports = [await session for _, session in gateways]
        assert [report.error for report in reports if not report.completed] == []
        assert {admin.state(write) for write in writes} == {"verified"}
        ended = daemon.program.out.until(lambda line: event_of(line).get("code"))
        assert ended == [-signal.SIGKILL]
        daemon.program.out.until(port_of("device"), count=4)
        assert victim not in workers(daemon)
        assert (await daemon.gateway("KILL-LAST", behaviour=RECONNECTS).session()).completed
        check_counted(daemon, admin)
        self.check_kill_ends_all(daemon)

    def check_kill_ends_all(self, daemon: Daemon) -> None:
        """No worker, and no Postgres, outlives the daemon."""
        orphans = inhabitants(daemon.site.folder)
        daemon.kill()
        assert survivors(orphans, END_SECONDS) == []
        assert daemon.site.left_behind() == []


PROFILE = """
name = "ours"
[match]
root = "Device."
product_class = "*"
[[parameter]]
name = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
value = "{phan_url}"
clear = ""
"""
BLOCK = '[[block]]\nreason = "wait for the next firmware"\n'


class TestProfilesThatAreReadAgain:
    async def test_hold_in_every_worker_at_once_and_in_those_that_come_later(self, site: Site) -> None:
        folder = site.folder / "profiles"
        folder.mkdir()
        file = folder / "ours.toml"
        file.write_text(PROFILE + BLOCK)
        site.settings["profiles.dirs"] = str(folder)
        with site.serving("--workers", "2") as daemon:
            daemon.program.out.until(port_of("device"), count=3)
            admin = daemon.caller(site.token("admin", "admin"))
            writes = [admin.provision(f"AGAIN{number}")["write_id"] for number in range(4)]
            gateways = [daemon.gateway(f"AGAIN{number}", behaviour=RECONNECTS) for number in range(4)]
            assert [(await gateway.session()).exchanges for gateway in gateways] == [3] * 4
            assert {admin.get(f"/v1/writes/{write}")["waiting_for"] for write in writes} == {
                "the profile of its gateway blocks it: wait for the next firmware"
            }
            self.check_mistake(admin, file)
            file.write_text(PROFILE)
            assert admin.post("/v1/profiles/reload", None, 200)["warnings"] == []
            assert [(await gateway.session()).exchanges for gateway in gateways] == [5] * 4
            assert {admin.state(write) for write in writes} == {"verified"}
            self.check_hangup(daemon, file)
            write = admin.provision("LATER")["write_id"]
            assert (await daemon.gateway("LATER", behaviour=RECONNECTS).session()).exchanges == 3
            assert admin.state(write) == "queued"
            self.check_end_of_the_nursery(daemon)

    def check_mistake(self, admin: Caller, file: Path) -> None:
        file.write_text(PROFILE.replace("clear", "cleer"))
        refused = admin.call("POST", "/v1/profiles/reload")
        assert refused.status == 422
        assert f"{file}: parameter[1].cleer: is not known; did you mean clear?" in refused.body["detail"]
        (ours,) = [each for each in admin.get("/v1/profiles")["items"] if each["name"] == "ours"]
        assert ours["blocks"][0]["reason"] == "wait for the next firmware"

    def check_hangup(self, daemon: Daemon, file: Path) -> None:
        """A worker that is started later has what was checked, whatever stands in the files by then."""
        file.write_text(PROFILE + BLOCK)
        daemon.program.send(signal.SIGHUP)
        daemon.program.out.until(lambda line: event_of(line).get("event") == "profiles_reloaded" or None, count=2)
        file.write_text("no profile")
        for victim in workers(daemon):
            victim.kill()
        daemon.program.out.until(port_of("device"), count=5)

    def check_end_of_the_nursery(self, daemon: Daemon) -> None:
        """Without what makes workers the daemon says so and ends, with its workers and its Postgres."""
        nursery(daemon).kill()
        ended = daemon.program.ended(END_SECONDS)
        assert (ended.code, ended.err) == (1, "acs-bridge: The process that starts workers has ended\n")
        assert daemon.site.left_behind() == []
