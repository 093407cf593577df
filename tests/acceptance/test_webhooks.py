"""A webhook of a whole daemon that is killed after a write has settled and before anybody was told."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest

from tests.acceptance.site import SETTINGS, new_site
from tests.services.receivers import verified

PATIENCE_SECONDS = 90.0  # what was under way when the daemon died is tried again when its lease is over
OPEN = {**SETTINGS, "webhooks.allow_http": "true", "webhooks.allowed_networks": "127.0.0.0/8"}


@contextmanager
def receiver(reserved: socket.socket) -> Iterator["Queue[tuple[Any, bytes]]"]:
    """What arrives at an address from now on."""
    arrived: Queue[tuple[Any, bytes]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
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


@pytest.mark.timeout(150)
def test_what_settled_before_a_kill_is_told_after_it() -> None:
    with new_site(OPEN) as site, socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/hook"
        with site.serving() as daemon:
            admin = daemon.caller(site.token("admin", "admin"))
            webhook = admin.post("/v1/webhooks", {"url": url})
            assert admin.post(f"/v1/webhooks/{webhook['id']}/test", {}, 200)["delivered"] is False
            write = admin.provision("TOLD")["write_id"]
            admin.post(f"/v1/writes/{write}/cancel", {}, 200)
            daemon.kill()
        with receiver(reserved) as arrived, site.serving() as daemon:
            headers, body = arrived.get(timeout=PATIENCE_SECONDS)
            assert verified(webhook["secret"], headers, body)
            assert json.loads(body)["data"]["write_id"] == write
        assert webhook["secret"] not in "".join(program.out.text for program in site.programs)
