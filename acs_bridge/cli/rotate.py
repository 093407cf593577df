"""`acs-bridge phan rotate`: a new key, and what becomes of it. The daemon does the work; this begins it and watches.

It runs where the keyring's file is, as whoever owns that. Ctrl-C ends the watching and nothing else.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.settings import Settings
    from acs_bridge.store.rotations import RotationRow

_LOOK_SECONDS: Final = 1.0
_HIGHEST: Final = 6000
Show = Callable[["RotationRow"], None]


def rotate(
    *,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=_HIGHEST, help="Lines that are written again in a minute (600 unless said before)."),
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Only say how far it is.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Begin it, and do not watch it.")] = False,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Only put the next key into the file, to copy that to other hosts first."),
    ] = False,
    retire_now: Annotated[
        bool,
        typer.Option("--retire-now", help="Former keys open nothing from now on, whatever is in the field."),
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Seal new PHAN URLs with a new key, write every line again, and retire the former key when all are verified.

    Run again it goes on with what is under way. `queue pause --batch` holds it back.
    """
    if [status, no_wait, prepare, retire_now].count(True) > 1:
        raise typer.BadParameter("--status, --no-wait, --prepare and --retire-now exclude each other")
    settings = settings_of(config)
    if prepare:
        _show_prepared(settings, run(_prepare(settings)))
    elif retire_now:
        print(f"retired: {', '.join(run(_retire_now(settings)))}")
    elif status:
        _show_status(run(_status(settings)))
    else:
        _watch(settings, per_minute, wait=not no_wait)


def _watch(settings: "Settings", per_minute: int | None, *, wait: bool) -> None:
    try:
        standing = run(_rotate(settings, per_minute, wait=wait))
    except KeyboardInterrupt:
        print("the rotation goes on: run this again to watch it", file=sys.stderr)
        raise typer.Exit(130) from None
    print(sentence(standing))
    if standing.finished_at is not None:
        print(f"back {settings.phan.keyring} up again: copies from before do not have key {standing.key_id}")


def sentence(standing: "RotationRow") -> str:
    """Say how far a rotation is."""
    words = f"key {standing.key_id}: {standing.done} of {standing.lines} lines done"
    if standing.finished_at is not None:
        return f"{words}, finished {standing.finished_at:%Y-%m-%d %H:%M:%S}Z; former keys open nothing any more"
    parts = [words, f"{standing.under_way} under way", f"{standing.waiting} waiting"]
    if standing.unsuccessful:
        parts.append(f"{standing.unsuccessful} came to nothing: see their writes")
    if standing.paused:
        parts.append("paused")
    return ", ".join(parts)


def _show_prepared(settings: "Settings", key_id: str) -> None:
    print(f"key {key_id} is in {settings.phan.keyring}: copy that to every host, then run phan rotate")


def _show_status(standing: "RotationRow | None") -> None:
    if standing is None:
        print("the keys have never been rotated")
        return
    print(sentence(standing))
    begun = f"{standing.started_at:%Y-%m-%d %H:%M:%S}Z by {standing.started_by}"
    print(f"begun {begun}, {standing.per_minute} lines a minute")
    print(f"batch {standing.id}")
    if standing.former_keys:
        print(f"former keys: {', '.join(standing.former_keys)}")


async def _rotate(settings: "Settings", per_minute: int | None, *, wait: bool) -> "RotationRow":
    from acs_bridge.services.urls.rotation import RotationDesk

    async with database_of(settings) as database:
        desk = RotationDesk(settings.phan.keyring, database, utc_now)
        standing = await desk.start(operator(), per_minute)
        if not wait:
            return standing
        with _progress(standing.lines) as show:
            while standing.finished_at is None:
                show(standing)
                await asyncio.sleep(_LOOK_SECONDS)
                standing = await desk.status() or standing
            show(standing)
        return standing


async def _status(settings: "Settings") -> "RotationRow | None":
    from acs_bridge.services.urls.rotation import RotationDesk

    async with database_of(settings) as database:
        return await RotationDesk(settings.phan.keyring, database, utc_now).status()


async def _prepare(settings: "Settings") -> str:
    from acs_bridge.services.urls.rotation import RotationDesk

    async with database_of(settings) as database:
        return await RotationDesk(settings.phan.keyring, database, utc_now).prepare(operator())


async def _retire_now(settings: "Settings") -> tuple[str, ...]:
    from acs_bridge.services.urls.rotation import RotationDesk

    async with database_of(settings) as database:
        return await RotationDesk(settings.phan.keyring, database, utc_now).retire_now(operator())


@contextmanager
def _progress(lines: int) -> "Iterator[Show]":
    """Show a bar on a terminal; elsewhere a line whenever something has changed."""
    if not sys.stderr.isatty():
        told: list[str] = []

        def tell(standing: "RotationRow") -> None:
            if [sentence(standing)] != told:
                told[:] = [sentence(standing)]
                print(*told, file=sys.stderr)

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("rotation", total=lines or 1, said="")
        yield lambda standing: bar.update(task, completed=standing.done, said=sentence(standing))
