"""What came of each row: a line of NDJSON or a row of CSV for every row of the import, in the same order.

The file is whole at any moment: lines are written a chunk at a time, after what they say is committed. An import that
finds results of the same rows goes on where that one ended: it reads them beside the rows, keeps those of rows that
were done, and replaces the file at its end. Results of other rows are never touched.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO
from uuid import UUID

from acs_bridge.cli.imports.rows import Format, Row
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.intake.orders import Outcome, Receipt
from acs_bridge.web.operator.models.provisioning import NewRequest
from acs_bridge.web.operator.tables import neutral, row_of

_CREATED: Final = 201
_THERE: Final = 200


class NoResults(AcsBridgeError):
    """A file that is not what an import has written."""


class OtherRows(AcsBridgeError):
    """A file of results that is about other rows than those that are imported."""

    def __init__(self, path: Path, line: int) -> None:
        """Say what to do."""
        super().__init__(
            f"{path}: its line {line} is about another row than the file has there now: name another file for the "
            "results, or go on with this one by --resume"
        )


class Word(StrEnum):
    """What became of a row, in a word."""

    CREATED = "created"
    UNCHANGED = "unchanged"  # the same request was accepted before
    WOULD_CREATE = "would_create"  # in a dry run
    FAILED = "failed"


DONE: Final = (Word.CREATED, Word.UNCHANGED)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a row; `status` is what the API would have answered."""

    line: int
    status: int
    result: str
    subscriber_code: str | None = None
    line_of_service: str | None = None
    id: str | None = None
    association_id: str | None = None
    write_id: str | None = None
    state: str | None = None
    batch_id: str | None = None
    error: str | None = None


_COLUMNS: Final = tuple(field.name for field in fields(Result))


def result_of(row: Row, outcome: Outcome, batch_id: UUID, *, dry_run: bool) -> Result:
    """Say what came of a row. Ids of a dry run mean nothing, and are left out."""
    code, line = _named(row)
    if isinstance(outcome, AcsBridgeError):
        return Result(row.line, int(outcome.status), Word.FAILED, code, line, error=str(outcome))
    status = _CREATED if outcome.created else _THERE
    if dry_run and outcome.created:
        return Result(row.line, status, Word.WOULD_CREATE, code, line)
    return _receipt(outcome, Result(row.line, status, Word.CREATED, code, line, batch_id=str(batch_id)))


def _receipt(receipt: Receipt, result: Result) -> Result:
    word, batch_id = (Word.CREATED, result.batch_id) if receipt.created else (Word.UNCHANGED, None)
    return Result(
        line=result.line,
        status=result.status,
        result=word,
        subscriber_code=result.subscriber_code,
        line_of_service=result.line_of_service,
        id=str(receipt.id),
        association_id=str(receipt.association_id),
        write_id=str(receipt.write_id),
        state=receipt.state,
        batch_id=batch_id,
    )


def _named(row: Row) -> tuple[str | None, str | None]:
    if not isinstance(row.body, NewRequest):
        return None, None
    return row.body.subscriber.code, row.body.line_of_service


class Earlier:
    """The results of an import before, read beside the rows of this one."""

    def __init__(self, path: Path, file: TextIO, format: Format, *, sure: bool) -> None:
        """`sure`: these are results of the rows that are imported, also where they name others."""
        self._path = path
        self._results = _read(file, path, format)
        self._format = format
        self._sure = sure
        self._next: Result | None = None

    def done(self, row: Row) -> Result | None:
        """Give the result of a row that was done; None when it is to be done (again).

        The first row that was done decides whether both are about the same rows: OtherRows when they are not.
        """
        while self._next is None or self._next.line < row.line:
            self._next = next(self._results, None)
            if self._next is None:
                return None
        found = self._next
        if found.line != row.line or found.result not in DONE:
            return None
        is_same = self._same(found, row)
        if not (is_same or self._sure):
            raise OtherRows(self._path, row.line)
        self._sure = True
        return found if is_same else None

    def after(self, line: int) -> Iterator[Result]:
        """Give what it says of the rows behind a line."""
        if self._next is not None and self._next.line > line:
            yield self._next
        yield from (result for result in self._results if result.line > line)

    def _same(self, result: Result, row: Row) -> bool:
        said = (result.subscriber_code or "", result.line_of_service or "")
        code, line = (text or "" for text in _named(row))
        return said == (code, line) or (self._format is Format.CSV and said == (neutral(code), neutral(line)))


class Results:
    """Where results go."""

    def __init__(self, file: TextIO | None, format: Format, earlier: Earlier | None = None) -> None:
        """`file` None: nowhere."""
        self._file = file
        self._format = format
        self._earlier = earlier
        self._last = 0
        self.is_whole = False
        """Whether it has all that it is to have."""
        if file is not None and format is Format.CSV:
            file.write(_begin(format))

    @property
    def are_kept(self) -> bool:
        """Tell whether anybody can read them later."""
        return self._file is not None

    def done(self, row: Row) -> Result | None:
        """Give the result of a row that an import before has done."""
        return None if self._earlier is None else self._earlier.done(row)

    def write(self, results: Iterable[Result]) -> None:
        """Keep the results of the rows that come next."""
        if self._file is None:
            return
        lines: list[str] = []
        for result in results:
            self._last = result.line
            lines.append(_line(result, self._format))
        self._file.write("".join(lines))
        self._file.flush()

    def end(self) -> None:
        """Say that there are no more rows: what an import before says of others counts no more."""
        self._earlier = None

    def finish(self) -> None:
        """Keep what an import before says of the rows that this one did not reach; nothing, when it reached none."""
        if self._file is None or not self._last:
            return
        if self._earlier is not None:
            for result in self._earlier.after(self._last):
                self._file.write(_line(result, self._format))
        self._file.flush()
        self.is_whole = True


@contextmanager
def results_in(path: Path, format: Format, *, again: bool, sure: bool) -> Iterator[Results]:
    """Open a file of results: a new one, or one to go on with.

    `again`: there may be one, of the same rows; `sure`: it is of the same rows, also where they read otherwise now.
    FileExistsError: there is one, and it may not be. NoResults, OtherRows: it is not what it should be, and stays so.
    """
    if not (again and path.exists()):
        with path.open("x", encoding="utf-8", newline="") as file:
            yield Results(file, format)
        return
    part = path.with_name(f"{path.name}.part")
    is_whole = False
    try:
        with path.open(encoding="utf-8", newline="") as before, part.open("w", encoding="utf-8", newline="") as file:
            results = Results(file, format, Earlier(path, before, format, sure=sure))
            try:
                yield results
            finally:
                results.finish()
                is_whole = results.is_whole
    finally:
        part.replace(path) if is_whole else part.unlink(missing_ok=True)


def _line(result: Result, format: Format) -> str:
    if format is Format.CSV:
        return row_of(getattr(result, name) for name in _COLUMNS)
    said = {name: value for name, value in asdict(result).items() if value is not None}
    return json.dumps(said, ensure_ascii=False) + "\n"


def _read(file: TextIO, path: Path, format: Format) -> Iterator[Result]:
    """Read results. What cannot be read was being written when the import before was killed: its row is done again."""
    first = next(file, "")
    if _begin(format).startswith(first):
        return  # killed before the first of them was written
    if format is Format.CSV:
        if first.rstrip("\r\n") != _begin(format).rstrip("\r\n"):
            raise NoResults(f"{path}: is not a file of results: its header is another one")
    elif (result := _from_json(first)) is not None:
        yield result
    elif first.endswith("\n") or not first.startswith(_begin(format)):
        raise NoResults(f"{path}: is not a file of results: its first line is none")
    for line in file:
        result = _from_csv(line) if format is Format.CSV else _from_json(line)
        if result is not None:
            yield result


def _begin(format: Format) -> str:
    """Give what every file of results begins with."""
    return row_of(_COLUMNS) if format is Format.CSV else '{"line": '


def _from_json(line: str) -> Result | None:
    try:
        said = json.loads(line)
        return Result(**said) if isinstance(said.get("line"), int) else None
    except (ValueError, TypeError, AttributeError):
        return None


def _from_csv(line: str) -> Result | None:
    cells = next(csv.reader([line]), [])
    if len(cells) != len(_COLUMNS) or not line.endswith("\n"):
        return None
    number, status, result, *texts = cells
    try:
        return Result(int(number), int(status), result, *(text or None for text in texts))
    except ValueError:
        return None
