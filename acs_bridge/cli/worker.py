"""`acs-bridge worker`: a process of `serve --workers N`. Nobody types it: its errand comes through a pipe."""

import asyncio
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from acs_bridge.parts import Parts

LONGEST_MESSAGE = 1 << 26  # bytes: every profile file of an installation


def worker() -> None:
    """Serve gateways on a listener that the parent has bound, until the parent says or ends."""
    from acs_bridge import log
    from acs_bridge.cli.running import run
    from acs_bridge.settings import Settings

    parent = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # reads no further than to the line's end
    errand = json.loads(parent.readline())
    settings = Settings.model_validate(errand["settings"])
    log.configure(settings.log.format, settings.log.level, phan_base_url=settings.phan.base_url)
    run(_work(settings, errand, parent))


async def _work(settings: Any, errand: dict[str, Any], parent: BinaryIO) -> None:  # noqa: ANN401 - Settings, imported late
    from acs_bridge.app import serving_worker
    from acs_bridge.cli.running import settle

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the whole group: the parent decides
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # likewise: it tells us what it has read
    messages = asyncio.StreamReader(limit=LONGEST_MESSAGE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(messages), parent)
    listener = socket.socket(fileno=errand["descriptor"])
    async with serving_worker(settings, errand["postgres_url"], listener, errand["profiles"]) as parts:
        chores = (
            asyncio.create_task(_report(parts.registry, errand["report_to"])),
            asyncio.create_task(_listen(messages, parts, errand["report_to"], stop)),
        )
        settle()
        await stop.wait()
        for chore in chores:
            chore.cancel()
        await asyncio.wait(chores)


async def _listen(messages: asyncio.StreamReader, parts: "Parts", report_to: int, stop: asyncio.Event) -> None:
    """Take over the profiles that the parent has read and checked; when it ends, so do we."""
    from acs_bridge.services.profiles import parse_profiles
    from acs_bridge.web.device.workers import TAKEN

    while line := await messages.readline():
        parts.profiles.take(parse_profiles(json.loads(line)["profiles"]))
        os.write(report_to, json.dumps(TAKEN).encode() + b"\n")
    stop.set()


async def _report(registry: "CollectorRegistry", report_to: int) -> None:
    """Tell the parent now and then what was counted here."""
    from acs_bridge.web.device.workers import REPORT_SECONDS, samples

    while True:
        os.write(report_to, json.dumps(samples(registry)).encode() + b"\n")
        await asyncio.sleep(REPORT_SECONDS)
