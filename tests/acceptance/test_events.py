"""The stream of events of a whole daemon: moves that happen in workers, a restart in the middle, and its end."""

import asyncio
import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.acceptance.site import OPERATOR_SECONDS, SETTINGS, Daemon, Site, new_site

END_SECONDS = 12.0


@contextmanager
def stream(daemon: Daemon, token: str, last_event_id: str = "") -> Iterator["Stream"]:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.operator_port, timeout=OPERATOR_SECONDS)
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last_event_id} if last_event_id else {})
    connection.request("GET", "/v1/events", headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    try:
        yield Stream(response)
    finally:
        connection.close()


class Stream:
    """Server-sent events, read line by line."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.last_event_id = ""
        while self._line():
            pass

    def _line(self) -> str:
        line = self._response.readline().decode().rstrip("\n")
        if line.startswith("id: "):
            self.last_event_id = line.removeprefix("id: ")
        return line

    def until(self, state: str) -> list[Any]:
        """Events up to the first one into this state."""
        told: list[Any] = []
        while not told or told[-1]["to_state"] != state:
            line = self._line()
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
                assert not self._line()  # the end of this event: its id was read before its data
        return told

    def ends(self) -> bool:
        while self._response.readline():
            pass
        return True


def test_what_workers_move_is_told_also_across_a_kill_and_ends_with_the_daemon() -> None:
    with new_site({**SETTINGS, "cpe_auth.bootstrap": "provision"}) as site:
        token, last = killed_in_the_middle(site)
        with site.serving("--workers", "2") as daemon, stream(daemon, token, last) as events:
            told = events.until("queued")
            assert {event["line_of_service"] for event in told} == {"LOS-LATE"}
            daemon.caller(token).provision("LATER")
            assert events.until("queued")[-1]["line_of_service"] == "LOS-LATER"
            daemon.program.send(signal.SIGTERM)
            assert events.ends()
            assert daemon.program.ended(END_SECONDS).code == 0


def killed_in_the_middle(site: Site) -> tuple[str, str]:
    """A daemon whose stream was followed, and which was killed; the token, and the last event that was seen."""
    with site.serving("--workers", "2") as daemon:
        token = site.token("admin", "admin")
        with stream(daemon, token) as events:
            daemon.caller(token).provision("EARLY")
            assert asyncio.run(daemon.gateway("EARLY").session()).completed
            told = events.until("verified")
            assert [event["to_state"] for event in told] == ["queued", "sent", "applied", "verified"]
            last = events.last_event_id
        daemon.caller(token).provision("LATE")
        daemon.kill()
    return token, last
