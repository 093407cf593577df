"""Workers where the kernel refuses a process; tests/acceptance/test_workers.py has everything else."""

import json
import subprocess
import sys

import pytest

# In a Python of its own: a process of tests has threads, which no fork survives. What it is given are the forks that
# the kernel refuses: the first makes the nursery, each that follows a worker. A worker knocks, and ends.
PROGRAM = """
import asyncio, errno, os, socket, sys
from acs_bridge import log
from acs_bridge.errors import AcsBridgeError
from acs_bridge.web.device import workers
from acs_bridge.web.device.nursery import Nursery
from acs_bridge.web.listener import Bound

forks, refused, kernel = 0, set(map(int, sys.argv[1:])), os.fork

def fork():
    global forks
    forks += 1
    if forks in refused:
        raise OSError(errno.EAGAIN, "refused")
    return kernel()

def work(line, listener):
    socket.create_connection(listener.getsockname()).close()

async def main(nursery, listener):
    async with workers.Workers(nursery, 1, Bound("device", listener), {}, 1) as running:
        replacing = asyncio.create_task(running.keep_running())
        for _ in range(2):
            (await asyncio.to_thread(listener.accept))[0].close()
        replacing.cancel()

os.fork, workers.RESTART_SECONDS = fork, 0.01
log.configure()
with Nursery.forked(work) as nursery, socket.create_server(("127.0.0.1", 0)) as listener:
    try:
        asyncio.run(main(nursery, listener))
    except AcsBridgeError as error:
        sys.exit(str(error))
"""


def run(*refused: int) -> tuple[list[str], str]:
    """The events that are logged by two workers, one after the other, and what is said on standard error."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, refused)], capture_output=True, text=True, timeout=60, check=False
    )
    return [json.loads(line)["event"] for line in ended.stdout.splitlines()], ended.stderr


@pytest.mark.parametrize("refusals", [0, 1, 2])
def test_a_worker_that_cannot_be_replaced_is_replaced_when_it_can(refusals):
    events, errors = run(*range(3, 3 + refusals))
    assert events[:2] == ["listening", "worker_ended"]
    assert events.count("worker_not_started") == refusals
    assert (events[-1], errors) == ("listener_closed", "")


def test_without_a_first_worker_the_daemon_does_not_start():
    assert run(2) == ([], "a worker cannot be started: Resource temporarily unavailable\n")
