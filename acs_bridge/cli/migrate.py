"""`acs-bridge migrate`: bring the database to the schema of this version."""

import asyncio
from datetime import UTC, datetime

from acs_bridge.cli.options import ConfigFile


def migrate(config: ConfigFile = None) -> None:
    """Bring the database to the schema of this version; running it again changes nothing."""
    from acs_bridge.settings import Settings
    from acs_bridge.store.opening import migrate_database

    database = Settings.load(config).database
    url, owner_url = (each.get_secret_value() if each else None for each in (database.url, database.owner_url))
    migrations = asyncio.run(migrate_database(url, database.data_dir, datetime.now(UTC), owner_url))
    print("\n".join(f"ran {migration}" for migration in migrations) or "nothing to do")
