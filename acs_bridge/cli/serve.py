"""`acs-bridge serve`: the daemon, until somebody ends it."""

import asyncio
import signal
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from acs_bridge.cli.options import ConfigFile

if TYPE_CHECKING:
    from acs_bridge.app import Forking
    from acs_bridge.settings import Settings
    from acs_bridge.web.device.nursery import Nursery


MAX_WORKERS = 16


def serve(
    config: ConfigFile = None,
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Processes that serve gateways.")] = 1,
    *,
    observe: Annotated[
        bool, typer.Option("--observe", help="Take sessions, read each gateway once, and write nothing into any.")
    ] = False,
) -> None:
    """Serve gateways and operators until SIGTERM or Ctrl-C; then let every request under way finish."""
    from acs_bridge import log
    from acs_bridge.cli.open_files import allow_connections
    from acs_bridge.cli.running import run
    from acs_bridge.settings import Settings

    settings = Settings.load(config, {"device_listener": {"observe": True}} if observe else None)
    settings.check_servable()
    log.configure(settings.log.format, settings.log.level, phan_base_url=settings.phan.base_url)
    allow_connections(settings.device_listener.max_connections)  # workers inherit what it allows
    if workers == 1:
        run(_serve(settings, None))
        return
    from acs_bridge.app import Forking

    with _nursery(settings) as nursery:
        run(_serve(settings, Forking(nursery, workers)))


def _nursery(settings: "Settings") -> "Nursery":
    """Fork off what makes workers, with everything that they will need."""
    from acs_bridge.cli.worker import work
    from acs_bridge.web.device.nursery import Nursery

    return Nursery.forked(partial(work, settings))


async def _serve(settings: "Settings", workers: "Forking | None") -> None:
    from acs_bridge.app import serving_daemon
    from acs_bridge.cli.first_admin import make_first_admin
    from acs_bridge.cli.running import settle

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)  # until there is something to read again
    async with serving_daemon(settings, workers=workers) as daemon:
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)  # certificates are looked at with every connection anyway
        await make_first_admin(settings, daemon.database, daemon.console_url)
        settle()
        kept = asyncio.ensure_future(daemon.until_it_fails())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((kept, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if kept.done():
            await kept
        kept.cancel()
        await asyncio.wait((kept,))
