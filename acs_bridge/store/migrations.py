"""Bringing a database to the schema of this version, and saying what schema a database has.

Migrations go forward only: files `NNNN_name.sql`, each run once, in order, in a transaction of its own, under a lock
against two starters. Nothing here changes a database that is not ours, or that an older daemon could no longer use
without saying so: the line `-- oldest daemon: X.Y.Z` of a migration names the oldest that may use the schema from then
on, and travels with it into the database.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

import asyncpg

import acs_bridge
from acs_bridge.errors import Unavailable
from acs_bridge.store.database import whole
from acs_bridge.store.pool import Connection

OLDEST_POSTGRES = 15
LOCK = 0x6163_735F_6272_6964
"""Any number will do, as long as all versions of the daemon take the same one."""

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_OLDEST_DAEMON = re.compile(r"^-- oldest daemon: (\d+\.\d+\.\d+)$", re.MULTILINE)

_CREATE_TABLE = """
    create table if not exists schema_migration (
        version         integer primary key,
        name            text not null,
        checksum        text not null,
        oldest_daemon   text not null,
        applied_at      timestamptz not null
    )"""
_RECORD = "insert into schema_migration values ($1, $2, $3, $4, $5)"
_APPLIED = "select version, name, checksum, oldest_daemon from schema_migration order by version"
_IS_OURS = "select to_regclass('schema_migration') is not null"
_HOLDS_TABLES = """
    select exists (
        select from pg_class
        where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
        and not exists (select from pg_depend where objid = pg_class.oid and deptype = 'e')
    )"""


class SchemaRefused(Unavailable):
    """The database cannot be used as it is; the text says what to do."""

    title = "The database has a schema that this version cannot use"


class BrokenMigration(SchemaRefused):
    """A migration failed; nothing of it was kept."""

    title = "A migration failed"


class SchemaState(StrEnum):
    """What the schema of a database is to this version of the daemon."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER_ADMITTED = "newer_admitted"
    NEWER_REFUSED = "newer_refused"
    FOREIGN = "foreign"
    CHANGED = "changed"


USABLE = frozenset((SchemaState.CURRENT, SchemaState.NEWER_ADMITTED))
MIGRATABLE = frozenset((SchemaState.EMPTY, SchemaState.OLDER))


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `sql` is empty for a step that a newer daemon made."""

    version: int
    name: str
    checksum: str
    oldest_daemon: str
    sql: str = ""

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class Schema:
    """A database's state, with one sentence for a person."""

    state: SchemaState
    sentence: str
    pending: tuple[Migration, ...] = ()

    def require_usable(self) -> None:
        """Refuse to serve on it, in that sentence."""
        if self.state not in USABLE:
            raise SchemaRefused(self.sentence)


def migrations_folder() -> Path:
    """Find the .sql files: inside the package where it was installed from a wheel, beside it in a checkout."""
    package = Path(str(files(acs_bridge)))
    installed = package / "_data" / "schemas" / "postgres"
    return installed if installed.is_dir() else package.parent / "schemas" / "postgres"


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """Read every migration of a folder; numbers start at 1 and have no gap."""
    migrations = tuple(_read(file) for file in sorted(folder.glob("*.sql")))
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)) or not migrations:
        raise BrokenMigration(f"the migrations in {folder} are not numbered 0001, 0002, … without a gap")
    return migrations


def _read(file: Path) -> Migration:
    sql = file.read_text(encoding="utf-8")
    named, oldest = _FILE.fullmatch(file.name), _OLDEST_DAEMON.search(sql)
    if named is None or oldest is None:
        raise BrokenMigration(f"{file.name} is not named NNNN_name.sql or has no line `-- oldest daemon: X.Y.Z`")
    checksum = hashlib.sha256(sql.encode()).hexdigest()
    return Migration(int(named["version"]), named["name"], checksum, oldest[1], sql)


@cache
def _ours() -> tuple[Migration, ...]:
    return read_migrations(migrations_folder())


async def schema_state(connection: Connection, migrations: Sequence[Migration] | None = None) -> Schema:
    """Compare the database with our migrations (or those given), and change nothing."""
    _require_postgres(connection)
    ours = _ours() if migrations is None else migrations
    if not await connection.fetchval(_IS_OURS):
        if await connection.fetchval(_HOLDS_TABLES):
            return _FOREIGN
        return _compare((), ours)
    return _compare([Migration(*row) for row in await connection.fetch(_APPLIED)], ours)


_FOREIGN = Schema(
    SchemaState.FOREIGN, "the database holds tables that are not ours: give acs-bridge an empty database of its own"
)


def _compare(applied: Sequence[Migration], ours: Sequence[Migration]) -> Schema:
    if not applied:
        return Schema(SchemaState.EMPTY, "the database is empty: run acs-bridge migrate", tuple(ours))
    for theirs, mine in zip(applied, ours, strict=False):
        if (theirs.version, theirs.checksum) != (mine.version, mine.checksum):
            return Schema(
                SchemaState.CHANGED,
                f"the database was made by another {theirs} than ours ({mine}): it cannot be told what schema it has",
            )
    newer = applied[len(ours) :]
    if not newer:
        return _up_to(applied[-1], ours)
    oldest = max((step.oldest_daemon for step in newer), key=_release)
    if _release(oldest) <= _release(acs_bridge.__version__):
        return Schema(SchemaState.NEWER_ADMITTED, f"the schema is newer ({newer[-1]}) and admits this version")
    return Schema(
        SchemaState.NEWER_REFUSED,
        f"the schema is newer ({newer[-1]}) and needs acs-bridge {oldest} or newer; this is {acs_bridge.__version__}",
    )


def _up_to(last: Migration, ours: Sequence[Migration]) -> Schema:
    pending = tuple(ours[last.version :])
    if not pending:
        return Schema(SchemaState.CURRENT, f"the schema is that of this version ({last})")
    return Schema(
        SchemaState.OLDER,
        f"the schema is older ({last}) than this version's ({pending[-1]}): run acs-bridge migrate",
        pending,
    )


def _release(version: str) -> tuple[int, ...]:
    """Order releases; what stands behind the third number (a pre-release) does not count."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


async def migrate(
    connection: Connection, now: datetime, migrations: Sequence[Migration] | None = None
) -> tuple[Migration, ...]:
    """Run what is pending and say what that was; a second starter waits for the first and finds nothing to do."""
    _require_postgres(connection)
    ours = _ours() if migrations is None else migrations
    async with _alone(connection):
        schema = await schema_state(connection, ours)
        if schema.state not in MIGRATABLE:
            schema.require_usable()
            return ()
        await connection.execute(_CREATE_TABLE)
        for migration in schema.pending:
            await _apply(connection, migration, now)
    return schema.pending


async def admit(connection: Connection, role: str) -> None:
    """Let a role that does not own the tables use them as a daemon does."""
    try:
        await connection.execute("select admit_daemon($1)", role)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SchemaRefused(
            f"{error}: database.owner_url must have the role that owns every table of this database"
        ) from error


async def _apply(connection: Connection, migration: Migration, now: datetime) -> None:
    try:
        async with whole(connection):
            await connection.execute(migration.sql)
            await connection.execute(
                _RECORD, migration.version, migration.name, migration.checksum, migration.oldest_daemon, now
            )
    except asyncpg.PostgresError as error:
        raise BrokenMigration(f"migration {migration} failed, and nothing of it was kept: {error}") from error


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", LOCK)


def _require_postgres(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_POSTGRES:
        raise SchemaRefused(
            f"the server is Postgres {version.major}.{version.minor}: acs-bridge needs {OLDEST_POSTGRES} or newer"
        )
