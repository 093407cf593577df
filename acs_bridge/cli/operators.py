"""What the commands for operators have in common: the database of the settings, and who is at the terminal."""

import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from acs_bridge.domain.actor import Actor
    from acs_bridge.settings import Settings
    from acs_bridge.store.database import Database

_POOL_SIZE = 2


def settings_of(config: Path | None) -> "Settings":
    """Read the settings that are in force."""
    from acs_bridge.settings import Settings

    return Settings.load(config)


@asynccontextmanager
async def database_of(settings: "Settings") -> "AsyncIterator[Database]":
    """Open the database, also beside a running daemon."""
    from acs_bridge.store.opening import open_database

    place = settings.database
    url = place.url.get_secret_value() if place.url else None
    async with open_database(url, place.data_dir, _POOL_SIZE, utc_now(), may_attach=True) as database:
        yield database


def operator() -> "Actor":
    """Say who is at the terminal: whoever may read the settings and the data folder may do everything."""
    from acs_bridge.domain.actor import Actor, Role

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Actor("cli", name, Role.ADMIN, "")


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)
