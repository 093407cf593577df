"""`acs-bridge worker`: a process of `serve --workers N`. Nobody types it: its errand comes through a pipe."""

import asyncio
import json
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


def worker() -> None:
    """Serve gateways on a listener that the parent has bound, until the parent says or ends."""
    from acs_bridge import log
    from acs_bridge.cli.running import run
    from acs_bridge.settings import Settings

    errand = json.loads(sys.stdin.readline())
    settings = Settings.model_validate(errand["settings"])
    log.configure(settings.log.format, settings.log.level, phan_base_url=settings.phan.base_url)
    run(_work(settings, errand))


async def _work(settings: Any, errand: dict[str, Any]) -> None:  # noqa: ANN401 - Settings, which is imported late
    from acs_bridge.app import serving_worker

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the whole group: the parent decides
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    loop.add_reader(sys.stdin.fileno(), stop.set)  # nothing more is ever written there: it can only end
    listener = socket.socket(fileno=errand["descriptor"])
    async with serving_worker(settings, errand["postgres_url"], listener) as registry:
        reporting = asyncio.create_task(_report(registry, errand["report_to"]))
        await stop.wait()
        reporting.cancel()
        await asyncio.wait((reporting,))


async def _report(registry: "CollectorRegistry", report_to: int) -> None:
    """Tell the parent now and then what was counted here."""
    from acs_bridge.web.device.workers import REPORT_SECONDS, samples

    while True:
        os.write(report_to, json.dumps(samples(registry)).encode() + b"\n")
        await asyncio.sleep(REPORT_SECONDS)
