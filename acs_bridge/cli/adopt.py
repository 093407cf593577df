"""`acs-bridge adopt`: URLs that work in gateways already are recorded, and never written again.

One URL, or a file of many: CSV with the columns `url`, and `subscriber_name` and `subscriber_code` where the database
does not know whose line it is. Each is done whole or not at all, and may be given again; no URL is ever printed.
"""

import csv
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run
from acs_bridge.errors import AcsBridgeError, Conflict, InvalidInput

if TYPE_CHECKING:
    from acs_bridge.services.records.adoption import Adoption
    from acs_bridge.settings import Settings

_STDIN: Final = "-"
_NAME, _CODE = "subscriber_name", "subscriber_code"
_COLUMNS: Final = {"url", _NAME, _CODE}
_SEPARATORS: Final = ",;\t"
_FAILED: Final = 1


class UnreadableFile(AcsBridgeError):
    """The file is none, or not a table of URLs."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A URL, and whose line it is; 0: it has no line in a file."""

    line: int
    url: str = field(repr=False)
    subscriber: tuple[str, str] | None


def adopt(
    url: Annotated[str | None, typer.Argument(help="A PHAN URL, or its token; - reads it from standard input.")] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Many: CSV with url, subscriber_name, subscriber_code; - is standard input."),
    ] = None,
    subscriber_code: Annotated[
        str | None, typer.Option(help="Whose line it is, where the database does not know it.")
    ] = None,
    subscriber_name: Annotated[str | None, typer.Option(help="The name of that subscriber.")] = None,
    config: ConfigFile = None,
) -> None:
    """Record a URL that `serve --observe` has seen in a gateway, for the line that it says. Nothing is written."""
    if (url is None) == (file is None):
        raise typer.BadParameter("a URL or --file is needed, and not both")
    if (subscriber_code is None) != (subscriber_name is None):
        raise typer.BadParameter("--subscriber-code and --subscriber-name go together")
    if file is not None and subscriber_code is not None:
        raise typer.BadParameter("--file has whose lines they are in columns of its own")
    settings = settings_of(config)
    if file is not None:
        refused = run(_adopt_all(settings, list(_rows(file))))
        raise typer.Exit(_FAILED if refused else 0)
    given = (sys.stdin.readline() if url == _STDIN else url or "").strip()
    subscriber = None if subscriber_name is None or subscriber_code is None else (subscriber_name, subscriber_code)
    run(_adopt_one(settings, _Row(0, given, subscriber)))


def _rows(file: str) -> Iterator[_Row]:
    """Read a table. Raises UnreadableFile, which names the line."""
    try:
        text = sys.stdin.read() if file == _STDIN else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UnreadableFile(f"cannot read {file}: {reason}") from None
    lines = text.splitlines()
    header = lines[0] if lines else ""
    table = csv.DictReader(lines, delimiter=max(_SEPARATORS, key=header.count), restkey="", restval="")
    try:
        yield from _read(table, file)
    except csv.Error as error:
        raise UnreadableFile(f"{file}, line {table.reader.line_num}: {error}") from None


def _read(table: "csv.DictReader[str]", file: str) -> Iterator[_Row]:
    names = table.fieldnames or ()
    if "url" not in names or not set(names) <= _COLUMNS:
        raise UnreadableFile(f"the first line of {file} has to name the columns: url, {_NAME} and {_CODE}")
    for row in table:
        if "" in row or bool(row.get(_NAME)) != bool(row.get(_CODE)):
            raise UnreadableFile(f"{file}, line {table.line_num}: too many columns, or {_NAME} without {_CODE}")
        subscriber = (row[_NAME], row[_CODE]) if row.get(_NAME) else None
        yield _Row(table.line_num, row["url"].strip(), subscriber)


async def _adopt_one(settings: "Settings", row: _Row) -> None:
    async with _adoption(settings) as adoption:
        print(await _adopted(adoption, row))


async def _adopt_all(settings: "Settings", rows: Iterable[_Row]) -> int:
    """Adopt one after the other, and say of each what came of it; how many were refused."""
    from acs_bridge.domain.phan import PhanUrlRefused

    refused = done = 0
    async with _adoption(settings) as adoption:
        for row in rows:
            try:
                words = await _adopted(adoption, row)
            except (Conflict, InvalidInput, PhanUrlRefused) as error:
                words = f"refused: {error}"
                refused += 1
            else:
                done += 1
            print(f"line {row.line}: {words}")
    print(f"{done} adopted, {refused} refused")
    return refused


@asynccontextmanager
async def _adoption(settings: "Settings") -> AsyncIterator["Adoption"]:
    from acs_bridge.domain.phan import PhanUrls
    from acs_bridge.services.records.adoption import Adoption
    from acs_bridge.services.urls.keyring import verify_keyring

    async with database_of(settings) as database:
        keyring = await verify_keyring(settings.phan.keyring, database)
        yield Adoption(database, utc_now, PhanUrls(keyring))


async def _adopted(adoption: "Adoption", row: _Row) -> str:
    adopted = await adoption.adopt(row.url, row.subscriber, operator())
    known = "recorded" if adopted.is_new else "was known already"
    return f"line of service {adopted.line_of_service}, gateway {adopted.gateway_id}: {known}"
