"""`serve --workers 2`: a session belongs to no process, and a process that ends is not missed."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

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


def workers(daemon: Daemon) -> list[psutil.Process]:
    """The two processes that serve gateways."""
    children = psutil.Process(daemon.program.process.pid).children()
    found = [child for child in children if child.name() != "postgres"]
    assert len(found) == 2
    return found


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
