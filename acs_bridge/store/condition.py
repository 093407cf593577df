"""What a database says of itself, for a check before anybody serves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from acs_bridge.store.migrations import OLDEST_POSTGRES, Schema, schema_state
from acs_bridge.store.pool import Connection
from acs_bridge.store.statements import load

_SQL: Final = load("condition")


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database stands."""

    version: str
    is_recent: bool
    encoding: str
    now: datetime  # by its own clock
    role: str
    schema: Schema
    lacks: tuple[str, ...]  # tables with what this role may not do there


async def examine(connection: Connection) -> Condition:
    """Ask a database how it is; nothing is changed."""
    schema = await schema_state(connection)
    row = await connection.fetchrow(_SQL.server)
    if row is None:
        raise RuntimeError("a row of settings cannot be missing")
    lacks = await connection.fetch(_SQL.lacking)
    return Condition(
        version=row["version"],
        is_recent=connection.get_server_version().major >= OLDEST_POSTGRES,
        encoding=row["encoding"],
        now=row["now"],
        role=row["role"],
        schema=schema,
        lacks=tuple(each["lacks"] for each in lacks),
    )
