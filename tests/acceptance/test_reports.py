"""Reports of a gateway to a whole daemon, whose platform is away, comes back, and whose daemon is killed in between."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any
from urllib.parse import urlsplit

import pytest

from cwmp.bulkdata import Form, Record, Report, write
from tests.acceptance.programs import eventually
from tests.acceptance.site import OUI, PHAN_URL, SETTINGS, Daemon, new_site

PATIENCE_SECONDS = 60.0
TOKEN = "platform-token-0815"
WHEN = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)


@contextmanager
def platform(reserved: socket.socket, statuses: list[int]) -> Iterator["Queue[dict[str, Any]]"]:
    """The reports that arrive at an address from now on, of those that were taken; `statuses` go first."""
    arrived: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = statuses.pop(0) if statuses else 202
            if status == 202 and self.headers["Authorization"] == f"Bearer {TOKEN}":
                for line in body.splitlines():
                    arrived.put(json.loads(line))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    address = reserved.getsockname()
    reserved.close()
    server = ThreadingHTTPServer(address, Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield arrived
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(daemon: Daemon, url: str, serial: str, number: int) -> int:
    """Report as a gateway does; the status of the answer."""
    body, headers = write(Report(Form.NAME_VALUE_PAIR, (Record(WHEN, {"Device.Number": number}),), is_timed=True))
    connection = http.client.HTTPConnection("127.0.0.1", daemon.device_port, timeout=20)
    connection.request("POST", f"{urlsplit(url).path}?oui={OUI}&pc=SimGW&sn={serial}", body, headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


@pytest.mark.timeout(180)
async def test_nothing_is_lost_while_the_platform_is_away_and_the_daemon_is_killed() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and nobody listens
        place = f"http://127.0.0.1:{reserved.getsockname()[1]}/reports"
        settings = {
            **SETTINGS,
            "reports.path": "/r",
            "reports.forward_url": place,
            "reports.forward_http": "true",
            "reports.forward_token": TOKEN,
        }
        with new_site(settings) as site:
            with site.serving("--workers", "2") as daemon:
                admin = daemon.caller(site.token("admin", "admin"))
                made = admin.provision("REPORTING")
                gateway = daemon.gateway("REPORTING")
                await gateway.session()
                url = gateway.value(PHAN_URL)
                assert [send(daemon, url, "REPORTING", number) for number in (1, 2, 2)] == [200] * 3
                assert send(daemon, url[:-1], "REPORTING", 3) == 404
                daemon.kill()
            with site.serving(settings=daemon.ports) as daemon:
                assert send(daemon, url, "REPORTING", 4) == 200
                admin = daemon.caller(site.token("admin-2", "admin"))
                shown = admin.get(f"/v1/associations/{made['association_id']}")
                assert shown["report_state"] == "reporting"
                with platform(reserved, [500]) as arrived:
                    received = [arrived.get(timeout=PATIENCE_SECONDS) for _ in range(3)]
                    assert send(daemon, url, "REPORTING", 5) == 200
                    received.append(arrived.get(timeout=PATIENCE_SECONDS))
                    eventually(lambda: _waiting(daemon, admin), lambda reports: reports == 0)
                    daemon.kill()
                    with site.serving(settings=daemon.ports) as third:
                        assert send(third, url, "REPORTING", 6) == 200
                        received.append(arrived.get(timeout=PATIENCE_SECONDS))
            assert [each["records"][0]["parameters"]["Device.Number"] for each in received] == [1, 2, 4, 5, 6]
            assert len({each["id"] for each in received}) == 5
            assert {each["line_of_service"] for each in received} == {shown["line_of_service"]}
            assert {each["gateway"]["serial_number"] for each in received} == {"REPORTING"}
            said = "".join(program.out.text for program in site.programs)
            assert TOKEN not in said
            assert "Device.Number" not in said
            site.check_discreet()


def _waiting(daemon: Daemon, admin: Any) -> float:
    return float(admin.metrics()["acs_bridge_report_spool_reports"])
