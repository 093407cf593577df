"""A process of `serve --workers N`: it serves gateways on the listener that the daemon has bound.

Its line to the daemon brings the errand, then profiles that were read again; what it has counted goes back. The daemon
is gone, or wants it to end, when the line ends.
"""

import asyncio
import json
import signal
import socket
from contextlib import suppress
from typing import Any, Final

from prometheus_client import CollectorRegistry

from acs_bridge.app import serving_worker
from acs_bridge.cli.running import run, settle
from acs_bridge.parts import Parts
from acs_bridge.services.profiles.profiles import parse_profiles
from acs_bridge.settings import Settings
from acs_bridge.web.device.workers import REPORT_SECONDS, TAKEN, samples

LONGEST_MESSAGE: Final = 1 << 26  # bytes: every profile file of an installation


def work(settings: Settings, line: socket.socket, listener: socket.socket) -> None:
    """Serve until the line ends."""
    run(_work(settings, line, listener))


async def _work(settings: Settings, line: socket.socket, listener: socket.socket) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    messages, reports = await asyncio.open_unix_connection(sock=line, limit=LONGEST_MESSAGE)
    errand = await messages.readline()
    if not errand:
        return
    said: dict[str, Any] = json.loads(errand)
    async with serving_worker(settings, said["postgres_url"], listener, said["profiles"]) as parts:
        chores = (
            asyncio.create_task(_report(parts.registry, reports)),
            asyncio.create_task(_listen(messages, parts, reports, stop)),
        )
        settle()
        await stop.wait()
        for chore in chores:
            chore.cancel()
        await asyncio.wait(chores)
    reports.close()


async def _listen(
    messages: asyncio.StreamReader, parts: Parts, reports: asyncio.StreamWriter, stop: asyncio.Event
) -> None:
    """Take over the profiles that the daemon has read and checked; when it ends, so do we."""
    with suppress(ConnectionError):
        while line := await messages.readline():
            parts.profiles.take(parse_profiles(json.loads(line)["profiles"]))
            await _say(reports, TAKEN)
    stop.set()


async def _report(registry: CollectorRegistry, reports: asyncio.StreamWriter) -> None:
    """Tell the daemon now and then what was counted here."""
    with suppress(ConnectionError):  # the daemon is gone, as the end of its messages says
        while True:
            await _say(reports, samples(registry))
            await asyncio.sleep(REPORT_SECONDS)


async def _say(reports: asyncio.StreamWriter, report: object) -> None:
    reports.write(json.dumps(report).encode() + b"\n")
    await reports.drain()
