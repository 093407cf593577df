"""Provisioning requests as a table: CSV (RFC 4180), a request a row, under a header that names the columns.

A row is a line: no value that may stand in it has a line break, so that a quote that is never closed spoils its own row
only. Cells may stand between commas, semicolons or tabs, whichever the header has. What we write ourselves is harmless
to a spreadsheet: a cell that it would take for a formula begins with an apostrophe.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from pydantic import ValidationError

from acs_bridge.errors import InvalidField, InvalidInput
from acs_bridge.web.operator.models.provisioning import NewRequest
from acs_bridge.web.operator.problems import UnreadableBody, invalid

REQUIRED: Final = ("subscriber_name", "subscriber_code", "line_of_service")
GATEWAY: Final = ("oui", "product_class", "serial_number")
COLUMNS: Final = REQUIRED + GATEWAY

_FIELDS: Final = {
    "subscriber.name": "subscriber_name",
    "subscriber.code": "subscriber_code",
    **{f"gateway.{column}": column for column in GATEWAY},
}
_DELIMITERS: Final = ",;\t"
_FORMULA: Final = frozenset("=+-@\t\r")
_SHOWN: Final = 40  # characters of a name that is none of ours


class Table:
    """Reads the rows under one header."""

    def __init__(self, columns: Sequence[str], delimiter: str) -> None:
        """`columns` stand in the order of the cells."""
        self._columns = tuple(columns)
        self._delimiter = delimiter

    @classmethod
    def of(cls, header: bytes) -> "Table":
        """Read the header; InvalidInput names every column that is unknown, missing or there twice."""
        text = _decoded(header, "header")
        read = {delimiter: _names(text, delimiter) for delimiter in _DELIMITERS}
        delimiter = max(_DELIMITERS, key=lambda each: len({*COLUMNS}.intersection(read[each])))
        names = read[delimiter]
        problems = [f"has an unknown column {name[:_SHOWN]!r}" for name in names if name not in COLUMNS]
        problems += [f"has no column {column}" for column in REQUIRED if column not in names]
        problems += [f"has the column {column} twice" for column in COLUMNS if names.count(column) > 1]
        if problems:
            known = f"the columns are {', '.join(REQUIRED)}, and if known {', '.join(GATEWAY)}"
            raise InvalidField("header", f"{', '.join(problems)}; {known}")
        return cls(names, delimiter)

    def parse(self, content: bytes) -> NewRequest:
        """Read a row, or say which of its columns cannot be taken."""
        cells = _cells(_decoded(content, "row"), self._delimiter)
        if len(cells) != len(self._columns):
            raise UnreadableBody(f"the row has {len(cells)} values, and the header {len(self._columns)} columns")
        row = dict(zip(self._columns, cells, strict=True))
        gateway = {column: row[column] for column in GATEWAY if row.get(column, "").strip()}
        body = {
            "subscriber": {"name": row["subscriber_name"], "code": row["subscriber_code"]},
            "line_of_service": row["line_of_service"],
            **({"gateway": gateway} if gateway else {}),
        }
        try:
            return NewRequest.model_validate(body)
        except ValidationError as error:
            fields = invalid(error).errors
            raise InvalidInput(
                *(InvalidField(_FIELDS.get(each.field, each.field), each.message) for each in fields)
            ) from None

    def is_blank(self, content: bytes) -> bool:
        """Tell whether a row has no values at all: spreadsheets leave such rows at the end."""
        return not content.strip(b' \t\r"' + self._delimiter.encode())


def row_of(cells: Iterable[object]) -> str:
    """Write a row, which ends with CR LF (RFC 4180, 2); None is nothing."""
    written = StringIO()
    csv.writer(written).writerow(["" if cell is None else neutral(str(cell)) for cell in cells])
    return written.getvalue()


def neutral(text: str) -> str:
    """Give a text as no spreadsheet computes it (OWASP, CSV injection); the same when it is given that again."""
    return f"'{text}" if text[:1] in _FORMULA else text


def _decoded(content: bytes, what: str) -> str:
    try:
        return content.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise UnreadableBody(f"the {what} is not UTF-8: byte 0x{byte:02X} at position {error.start + 1}") from None


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        raise UnreadableBody("the row has a quotation mark that is not closed, or that is not doubled inside") from None


def _names(header: str, delimiter: str) -> list[str]:
    try:
        return [name.strip().lower() for name in _cells(header, delimiter)]
    except UnreadableBody:
        return []
