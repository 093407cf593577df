"""`acs-bridge doctor`: looks at everything that can be seen before serving, and says it in a table.

Exit code 0: `serve` would work; 1: something would keep it from that. Warnings do not count.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

import typer

from acs_bridge.cli.doctor.findings import Finding, Verdict, refused, table
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.settings import Settings
    from acs_bridge.store.condition import Condition

_CLOCKS_DIFFER: Final = 2.0  # seconds
_CLOCKS_WRONG: Final = 60.0  # by then one-time logins and leases are not what they seem


def doctor(config: ConfigFile = None) -> None:
    """Check everything that can be checked before serving."""
    findings = run(_examine(config))
    print(table(findings))
    failed = sum(finding.verdict is Verdict.FAILED for finding in findings)
    warnings = sum(finding.verdict is Verdict.WARNING for finding in findings)
    print(f"{failed} failed, {warnings} to look at, {len(findings)} in all")
    raise typer.Exit(1 if failed else 0)


async def _examine(config: "ConfigFile") -> list[Finding]:
    from acs_bridge.cli.doctor.place import of_machine, of_settings
    from acs_bridge.errors import AcsBridgeError
    from acs_bridge.settings import Settings

    try:
        settings = Settings.load(config)
    except AcsBridgeError as error:
        return [refused("settings", error)]
    findings = [*of_settings(settings), *of_machine(settings)]
    return findings + [finding async for finding in _database(settings)]


async def _database(settings: "Settings") -> AsyncIterator[Finding]:
    from acs_bridge.errors import AcsBridgeError
    from acs_bridge.store.condition import examine
    from acs_bridge.store.opening import connection_to, open_postgres

    place = settings.database
    if place.url is None and not place.data_dir.exists():
        yield Finding(
            "database", Verdict.SKIPPED, f"the embedded Postgres is made in {place.data_dir} by the first serve"
        )
        yield _keyring_of_nothing(settings)
        return
    try:
        if place.url is not None:
            async with connection_to(place.url.get_secret_value()) as connection:
                condition = await examine(connection)
        else:
            async with (
                open_postgres(None, place.data_dir, _now(), may_attach=True) as postgres,
                connection_to(postgres.url) as connection,
            ):
                condition = await examine(connection)
    except AcsBridgeError as error:
        yield refused("database", error)
        yield Finding("keyring", Verdict.SKIPPED, "cannot be held against a database that cannot be asked")
        return
    for finding in _of_condition(condition, _now()):
        yield finding
    yield await _keyring(settings, condition)


def _of_condition(condition: "Condition", now: datetime) -> list[Finding]:
    from acs_bridge.store.migrations import OLDEST_POSTGRES, USABLE

    is_good = condition.is_recent and condition.encoding == "UTF8"
    words = f"Postgres {condition.version}, {condition.encoding}, as {condition.role}"
    needs = "" if is_good else f": Postgres {OLDEST_POSTGRES} or newer with the encoding UTF8 is needed"
    apart = abs((condition.now - now).total_seconds())
    clocks = Verdict.FAILED if apart > _CLOCKS_WRONG else Verdict.WARNING if apart > _CLOCKS_DIFFER else Verdict.OK
    usable = condition.schema.state in USABLE
    return [
        Finding("database", Verdict.OK if is_good else Verdict.FAILED, words + needs),
        Finding("schema", Verdict.OK if usable else Verdict.FAILED, condition.schema.sentence),
        _privileges(condition, usable=usable),
        Finding("clock", clocks, f"the clocks here and of the database differ by {apart:.1f} s"),
    ]


def _privileges(condition: "Condition", *, usable: bool) -> Finding:
    if not usable:
        return Finding("privileges", Verdict.SKIPPED, "the tables are not those of this version")
    if condition.lacks:
        return Finding("privileges", Verdict.FAILED, f"{condition.role} lacks: {', '.join(condition.lacks)}")
    return Finding("privileges", Verdict.OK, f"{condition.role} may do what the daemon does")


async def _keyring(settings: "Settings", condition: "Condition") -> Finding:
    from acs_bridge.cli.operators import database_of
    from acs_bridge.errors import AcsBridgeError
    from acs_bridge.services.urls.keyring import verify_keyring
    from acs_bridge.store.keyring import known_keys
    from acs_bridge.store.migrations import USABLE

    if condition.schema.state not in USABLE:
        return Finding("keyring", Verdict.SKIPPED, "cannot be held against a database of another version")
    try:
        async with database_of(settings) as database:
            if not await known_keys(database):
                return _keyring_of_nothing(settings)
            keyring = await verify_keyring(settings.phan.keyring, database)
    except AcsBridgeError as error:
        return refused("keyring", error)
    former = len(keyring.keys) - 1
    words = f"{settings.phan.keyring} is that of this database: current key {keyring.current_key_id}, {former} former"
    return Finding("keyring", Verdict.OK, words)


def _keyring_of_nothing(settings: "Settings") -> Finding:
    path = settings.phan.keyring
    if path.exists():
        return Finding(
            "keyring", Verdict.WARNING, f"{path}: the database knows no key yet: the first serve takes these over"
        )
    return Finding("keyring", Verdict.OK, f"{path} is made by the first serve")


def _now() -> datetime:
    from acs_bridge.cli.operators import utc_now

    return utc_now()
