"""The rows of a file of provisioning requests, in bounded memory: CSV, or the bodies of the API as NDJSON."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel

from acs_bridge.errors import AcsBridgeError, InvalidField
from acs_bridge.web.operator.bodies import parsed
from acs_bridge.web.operator.models.provisioning import NewRequest
from acs_bridge.web.operator.ndjson import Line, LineSplitter
from acs_bridge.web.operator.tables import Table
from acs_bridge.web.operator.uploads import LineTooLong

_READ_BYTES: Final = 65_536


class Format(StrEnum):
    """What a file is."""

    CSV = "csv"
    NDJSON = "ndjson"

    @classmethod
    def of(cls, name: str) -> "Format | None":
        """Tell by the name of a file."""
        ending = Path(name).suffix.lower()
        return {".csv": cls.CSV, ".ndjson": cls.NDJSON, ".jsonl": cls.NDJSON}.get(ending)


class NotATable(AcsBridgeError):
    """A CSV file whose first line is not the header."""


class Row(NamedTuple):
    """A row that can be read, or what is wrong with it; lines are counted from 1, the header's among them."""

    line: int
    body: NewRequest | AcsBridgeError


class Rows:
    """Reads a file from its beginning to its end."""

    def __init__(self, file: BufferedIOBase, format: Format) -> None:
        """`file` may be a pipe."""
        self._file = file
        self._format = format
        self.bytes_read = 0

    def chunks(self, size: int) -> Iterator[list[Row]]:
        """Give the rows, so many at a time; NotATable before the first of them."""
        rows = self._rows()
        while chunk := list(islice(rows, size)):
            yield chunk

    def _rows(self) -> Iterator[Row]:
        lines = self._lines()
        if self._format is Format.NDJSON:
            take: Callable[[bytes], BaseModel] = partial(parsed, NewRequest, what="line")
            for line in lines:
                yield _row(line, take)
            return
        table = _table(next(lines, None))
        for line in lines:
            if line.content is None or not table.is_blank(line.content):
                yield _row(line, table.parse)

    def _lines(self) -> Iterator[Line]:
        splitter = LineSplitter()
        while data := self._file.read1(_READ_BYTES):
            self.bytes_read += len(data)
            yield from splitter.feed(data)
        yield from splitter.end()


def _table(header: Line | None) -> Table:
    if header is None:
        raise NotATable("the file is empty: its first line names the columns")
    if header.content is None:
        raise NotATable("the first line is too long for a header; lines end with LF or CR LF")
    try:
        return Table.of(header.content)
    except InvalidField as error:
        raise NotATable(f"the {error.field} {error.message}") from None


def _row(line: Line, take: Callable[[bytes], BaseModel]) -> Row:
    if line.content is None:
        return Row(line.number, LineTooLong())
    try:
        body = take(line.content)
    except AcsBridgeError as error:
        return Row(line.number, error)
    assert isinstance(body, NewRequest)  # noqa: S101 -- both readers make nothing else
    return Row(line.number, body)
