"""`acs-bridge phan`: what a PHAN URL says, and the keyring kept safe.

It works beside a running daemon. It never makes a keyring, and nothing but `open`'s argument ever holds a URL.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.rotate import rotate

if TYPE_CHECKING:
    from acs_bridge.domain.keyring import Keyring
    from acs_bridge.services.urls.phan import PhanUrlStanding
    from acs_bridge.settings import Settings
    from acs_bridge.store.database import Database

app = typer.Typer(help="PHAN URLs and the keys that seal them.", no_args_is_help=True)
keys = typer.Typer(help="The keyring: is it the right one, and a copy of it.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.command()(rotate)

_POOL_SIZE = 1
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


@app.command("open")
def open_url(
    url: Annotated[str, typer.Argument(help="A PHAN URL, or its token; - reads it from standard input.")],
    config: ConfigFile = None,
) -> None:
    """Say which line a PHAN URL reports for, and whether it counts today."""
    from acs_bridge.settings import Settings

    standing = asyncio.run(_standing(Settings.load(config), sys.stdin.readline() if url == "-" else url))
    said = {
        **{name: value for name, value in asdict(standing).items() if name != "gateway_matches"},  # none is named here
        "association_id": str(standing.association_id),
        "issued_at": f"{standing.issued_at:{_INSTANT}}",
    }
    print(json.dumps(said, indent=2, ensure_ascii=False))


@keys.command()
def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A backup (without: the keyring's file itself).")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Check that the keyring's file, or a backup of it, is the one that this database has known."""
    from acs_bridge.settings import Settings

    settings = Settings.load(config)
    path = file or settings.phan.keyring
    keyring = asyncio.run(_verified(settings, path))
    for key in keyring.keys.values():
        current = ", current" if key.id == keyring.current_key_id else ""
        print(f"{key.id}: of {key.created_at:%Y-%m-%d}{current}")
    print(f"{path} is the keyring of this database")


@keys.command()
def backup(
    destination: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    config: ConfigFile = None,
) -> None:
    """Copy the keyring, once it is verified, into a new file that only its owner can read."""
    from acs_bridge.services.urls.keyring import write_keyring
    from acs_bridge.settings import Settings

    settings = Settings.load(config)
    write_keyring(destination, asyncio.run(_verified(settings, settings.phan.keyring)))
    print(f"{destination} holds the keyring: who has it can read and make PHAN URLs")


async def _verified(settings: "Settings", path: Path) -> "Keyring":
    from acs_bridge.services.urls.keyring import verify_keyring

    async with _database(settings) as database:
        return await verify_keyring(path, database)


async def _standing(settings: "Settings", url: str) -> "PhanUrlStanding":
    from acs_bridge.domain.phan import PhanUrls
    from acs_bridge.services.urls.keyring import verify_keyring
    from acs_bridge.services.urls.phan import PhanLookup

    async with _database(settings) as database:
        keyring = await verify_keyring(settings.phan.keyring, database)
        return await PhanLookup(database, PhanUrls(keyring)).open(url)


@asynccontextmanager
async def _database(settings: "Settings") -> "AsyncIterator[Database]":
    from acs_bridge.store.opening import open_database

    place = settings.database
    url = place.url.get_secret_value() if place.url else None
    async with open_database(url, place.data_dir, _POOL_SIZE, datetime.now(UTC), may_attach=True) as database:
        yield database
