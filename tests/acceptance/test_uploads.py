"""An upload that is cut off, by a daemon that is told to end, a client, or a daemon that is killed, and sent again."""

import json
import signal
import socket
from collections.abc import Generator
from contextlib import closing
from typing import Any

from tests.acceptance.site import Caller, Site

LINES = 4000
ANSWERED_BEFORE = 1000  # lines that have their result when the client, or the daemon, is gone


def request(number: int) -> dict[str, Any]:
    return {
        "subscriber": {"name": f"Subscriber {number}", "code": f"C-{number}"},
        "line_of_service": f"LOS-{number}",
        "gateway": {"oui": "00005E", "product_class": "SimGW", "serial_number": f"UP{number:05}"},
    }


CONTENT = b"".join(json.dumps(request(number)).encode() + b"\n" for number in range(LINES))


def results(caller: Caller, content: bytes, length: int) -> Generator[dict[str, Any], None, None]:
    """Send what there is of an upload of this length, and give its results as they come, until they end."""
    with closing(socket.create_connection(("127.0.0.1", caller.port))) as client:
        client.settimeout(30)
        head = (
            "POST /v1/provisioning-requests HTTP/1.0\r\nContent-Type: application/x-ndjson\r\n"
            f"Authorization: Bearer {caller.token}\r\nContent-Length: {length}\r\n\r\n"
        )
        client.sendall(head.encode() + content)
        with client.makefile("rb") as answer:
            while answer.readline().strip():
                pass  # the head
            for line in answer:
                if line.endswith(b"\n"):
                    yield json.loads(line)


class TestCutOff:
    def test_everything_sent_again_ends_with_one_provisioning_for_each_line(self, site: Site) -> None:
        with site.serving() as first:
            token = site.token("bss", "intake")
            arriving = results(first.caller(token), CONTENT[: len(CONTENT) // 2], len(CONTENT))
            told = [next(arriving) for _ in range(ANSWERED_BEFORE)]
            first.program.send(signal.SIGTERM)
            told += list(arriving)
            assert first.program.ended().code == 0
        cut = told.pop()
        assert (cut["line"], cut["status"]) == (len(told) + 1, 503), "it says which line is the first that is not done"
        assert "send this line and those after it again" in cut["detail"]
        assert [result["line"] for result in told] == list(range(1, len(told) + 1))
        with site.serving(settings=first.ports) as second:
            admin = site.token("admin", "admin")
            assert second.caller(admin).get("/v1/queue")["counts"]["queued"] == len(told), "nothing else was done"
            arriving = results(second.caller(token), CONTENT[: len(CONTENT) // 2], len(CONTENT))
            told += [next(arriving) for _ in range(ANSWERED_BEFORE)]
            arriving.close()  # the client vanishes
            arriving = results(second.caller(token), CONTENT, len(CONTENT))
            told += [next(arriving) for _ in range(2 * ANSWERED_BEFORE)]
            second.kill()
            told += list(arriving)
        with site.serving(settings=first.ports) as third:
            caller = third.caller(token)
            last = list(results(caller, CONTENT, len(CONTENT)))
            assert [result["line"] for result in last] == list(range(1, LINES + 1))
            assert {result["status"] for result in last} <= {200, 201}
            ids = {result["line"]: result["id"] for result in last}
            assert len(set(ids.values())) == LINES
            assert {result["status"] for result in told} <= {200, 201}
            assert all(ids[result["line"]] == result["id"] for result in told), "what was answered was done"
            counts = third.caller(admin).get("/v1/queue")["counts"]
            assert sum(counts.values()) == counts["queued"] == LINES
        assert site.left_behind() == []
