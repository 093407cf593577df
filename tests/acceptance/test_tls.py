"""`serve --workers 2` behind its own TLS, and an Authorization that is shown twice."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
import trustme

from acs_bridge.simulator.behaviour import Behaviour
from tests.acceptance.programs import eventually
from tests.acceptance.site import Daemon, Site, event_of, port_of
from tests.acceptance.test_workers import stopped, workers
from tests.web.device.wire import XML, Cpe, answered, connected


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


def issue(ca: trustme.CA, file: Path) -> None:
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)


@pytest.fixture
def daemon(site: Site, ca: trustme.CA) -> Iterator[Daemon]:
    issue(ca, site.folder / "tls.pem")
    ca.cert_pem.write_to_path(site.folder / "ca.pem")
    with site.serving("--workers", "2", settings={"device_listener.tls_certificate": "tls.pem"}) as daemon:
        daemon.program.out.until(port_of("device"), count=3)
        yield daemon


def serial_shown(daemon: Daemon, ca: trustme.CA) -> str:
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    with (
        socket.create_connection(("127.0.0.1", daemon.device_port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as inside,
    ):
        certificate = inside.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


class TestTls:
    def test_serves_a_fleet_and_a_renewed_certificate_without_a_restart(self, daemon: Daemon, ca: trustme.CA) -> None:
        site = daemon.site
        url = f"https://127.0.0.1:{daemon.device_port}/acs"
        pair = ("--username", site.credentials.username, "--password", site.credentials.password)
        ended = site.run("simulate", "--acs-url", url, "--ca", "ca.pem", "--gateways", "3", *pair)
        assert ended.code == 0, ended
        distrusted = site.run("simulate", "--acs-url", url, "--gateways", "1", *pair)
        assert distrusted.code == 1
        before = serial_shown(daemon, ca)
        issue(ca, site.folder / "tls.pem")
        one, other = workers(daemon)
        for silent in (one, other):
            with stopped(silent):
                assert serial_shown(daemon, ca) != before

    def test_that_cannot_be_set_up_is_one_line_and_exit_code_1(self, site: Site, ca: trustme.CA) -> None:
        file = site.folder / "tls.pem"
        issue(ca, file)
        file.write_bytes(file.read_bytes()[:-200])
        for arguments in (("serve",), ("serve", "--workers", "2"), ("config", "check")):
            ended = site.run(*arguments, settings={"device_listener.tls_certificate": "tls.pem"})
            assert ended.code == 1
            assert ended.err.count("\n") == 1
            assert "device_listener.tls_certificate: " in ended.err


class TestTwoWorkers:
    async def test_take_one_authorization_for_one_inform(self, site: Site) -> None:
        """A-05, A-06"""
        with site.serving("--workers", "2") as daemon:
            daemon.program.out.until(port_of("device"), count=3)
            one, other = workers(daemon)
            credentials = site.credentials
            name, password = credentials.username, credentials.password
            with stopped(other):
                async with connected(daemon.device_port) as wire:
                    challenge = (await wire.post()).get("www-authenticate") or ""
                shown = answered(challenge, username=name, password=password)
                async with connected(daemon.device_port) as wire:
                    assert (await wire.post(Cpe("ONCE1").inform(), XML, shown)).status == 200
            with stopped(one):
                for serial in ("ONCE1", "ONCE2"):
                    async with connected(daemon.device_port) as wire:
                        answer = await wire.post(Cpe(serial).inform(), XML, shown)
                        assert (answer.status, "stale=true" in (answer.get("www-authenticate") or "")) == (401, True)
                async with connected(daemon.device_port) as wire:
                    again = answered(challenge, username=name, password=password, number=2)
                    assert (await wire.post(Cpe("ONCE2").inform(), XML, again)).status == 200

    async def test_speak_sha_256(self, site: Site) -> None:
        """A-07"""
        with site.serving("--workers", "2") as daemon:
            behaviour = Behaviour(sha_256=True, reconnects=True)
            assert (await daemon.gateway("SHA", behaviour=behaviour).session()).completed


def test_a_hangup_ends_nothing(site: Site) -> None:
    """Tools that renew certificates send SIGHUP: it reads the profiles again, and does no harm."""
    import signal

    with site.serving() as daemon:
        daemon.program.send(signal.SIGHUP)
        daemon.program.send(signal.SIGTERM)
        assert daemon.program.ended(20).code == 0
        assert "listener_closed" in {event_of(line).get("event") for line in daemon.program.out.text.splitlines()}
        eventually(lambda: psutil.pid_exists(daemon.program.process.pid), lambda alive: not alive)
