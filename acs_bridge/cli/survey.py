"""`acs-bridge survey`: what the gateways that have informed could get, by model and software version.

It counts what a daemon has read that observes (`serve --observe`), and shows no value of any gateway.
"""

from typing import TYPE_CHECKING

from acs_bridge.cli.operators import database_of, settings_of
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.settings import Settings
    from acs_bridge.store.observations import Surveyed

_COUNTS = ("gateways", "provisionable", "missing", "too_short", "no_profile", "refused", "unknown", "with_url")


def survey(config: ConfigFile = None) -> None:
    """Count gateways by model and software version: which could get their URL, and what others lack."""
    rows = run(_survey(settings_of(config)))
    header = ("model", "software", *(name.replace("_", " ") for name in _COUNTS))
    lines = [header, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for row in rows:
        if row.words:
            print(f"{_model(row)} {row.software_version}: {row.words}")


def _cells(row: "Surveyed") -> tuple[str, ...]:
    return (_model(row), row.software_version, *(str(getattr(row, name)) for name in _COUNTS))


def _model(row: "Surveyed") -> str:
    """Name a model; gateways may leave either part out, and say what no terminal should be told."""
    said = f"{row.manufacturer} {row.product_class}".strip()
    return "".join(character if character.isprintable() else "?" for character in said) or "(no name)"


async def _survey(settings: "Settings") -> "list[Surveyed]":
    from acs_bridge.store.observations import survey as counted

    async with database_of(settings) as database:
        return await counted(database)
