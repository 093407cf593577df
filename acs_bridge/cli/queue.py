"""`acs-bridge queue`: the brakes, and the queue at a glance. It works beside a running daemon, on all its workers."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.services.queue.queue import Overview
    from acs_bridge.settings import Settings
    from acs_bridge.store.queue import Brake, SetBrake

app = typer.Typer(help="The brakes of the queue, and how it stands.", no_args_is_help=True)

Batch = Annotated[UUID | None, typer.Option(help="Only the writes of this batch.")]
Profile = Annotated[str | None, typer.Option(help="Only writes for gateways that this profile fits.")]
SoftwareVersion = Annotated[str | None, typer.Option(help="Only writes for gateways on this software version.")]


@app.command()
def pause(
    batch: Batch = None, profile: Profile = None, software_version: SoftwareVersion = None, config: ConfigFile = None
) -> None:
    """Hold writes back: all, or those that fit everything that is named. What is being sent is not interrupted."""
    _show(run(_pause(settings_of(config), batch, profile, software_version)))


@app.command()
def resume(
    batch: Batch = None, profile: Profile = None, software_version: SoftwareVersion = None, config: ConfigFile = None
) -> None:
    """Take a brake off again, named exactly as it was set."""
    _show(run(_resume(settings_of(config), batch, profile, software_version)))


@app.command()
def status(config: ConfigFile = None) -> None:
    """Show how many writes are in each state, the brakes and the rate."""
    _show(run(_status(settings_of(config))))


def _show(overview: "Overview") -> None:
    for state, writes in overview.counts.items():
        print(f"{state:<12}{writes:>10}")
    if overview.oldest_queued_seconds is not None:
        print(f"the oldest that is queued waits for {overview.oldest_queued_seconds:.0f} s")
    for brake in overview.brakes:
        print(f"paused: {_named(brake)} since {brake.set_at:%Y-%m-%d %H:%M}Z by {brake.set_by}")
    rate = overview.effective_writes_per_minute
    print("no ceiling" if rate is None else f"at most {rate} writes a minute")


def _named(brake: "SetBrake") -> str:
    named = {"batch": brake.batch_id, "profile": brake.profile, "software version": brake.software_version}
    return ", ".join(f"{what} {value}" for what, value in named.items() if value is not None) or "the whole queue"


def _brake(batch: UUID | None, profile: str | None, software_version: str | None) -> "Brake":
    from acs_bridge.store.queue import Brake

    return Brake(batch, profile, software_version)


async def _pause(
    settings: "Settings", batch: UUID | None, profile: str | None, software_version: str | None
) -> "Overview":
    from acs_bridge.services.queue.queue import Queue

    async with database_of(settings) as database:
        queue = Queue(database, utc_now, settings.queue.writes_per_minute)
        return await queue.pause(_brake(batch, profile, software_version), operator())


async def _resume(
    settings: "Settings", batch: UUID | None, profile: str | None, software_version: str | None
) -> "Overview":
    from acs_bridge.services.queue.queue import Queue

    async with database_of(settings) as database:
        queue = Queue(database, utc_now, settings.queue.writes_per_minute)
        return await queue.resume(_brake(batch, profile, software_version), operator())


async def _status(settings: "Settings") -> "Overview":
    from acs_bridge.services.queue.queue import Queue

    async with database_of(settings) as database:
        return await Queue(database, utc_now, settings.queue.writes_per_minute).overview()
