"""Reports as CSV (Annex N.3.4, RFC 4180): a row for each parameter, or a column for each."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from cwmp.bulkdata.report import MOST_VALUES, Form, Record, Report, UnreadableReport, Value
from cwmp.bulkdata.times import instant

TIMESTAMP: Final = "ReportTimestamp"
NAME, VALUE, TYPE = "ParameterName", "ParameterValue", "ParameterType"
ROW: Final = (TIMESTAMP, NAME, VALUE, TYPE)
_SEPARATORS: Final = ",;\t|"  # FieldSeparator is configurable; these are in use
_INTEGERS: Final = frozenset(("int", "unsignedint", "long", "unsignedlong"))
_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}
_LONGEST_INTEGER: Final = 20  # characters of a 64-bit number


def read_csv(text: str, form: Form | None, *, has_header: bool | None) -> Report:
    """Read it. Without a form, the names of the columns say which one it is."""
    rows = list(_rows(text))
    if not rows:
        raise UnreadableReport("it is empty")
    titles = [title.strip() for title in rows[0]]
    has_pairs = {NAME, VALUE} <= set(titles)
    if form is None:
        form = Form.PARAMETER_PER_ROW if has_pairs else Form.PARAMETER_PER_COLUMN
    if form is Form.PARAMETER_PER_ROW:
        if not has_pairs and TIMESTAMP in titles:
            raise UnreadableReport(f"its first row does not name {NAME} and {VALUE}")
        return _per_row(rows[1:], titles) if has_pairs else _per_row(rows, ROW)
    if has_header is False or has_pairs:
        raise UnreadableReport("its first row does not name a column for each parameter")
    return _per_column(rows[1:], titles)


def _rows(text: str) -> Iterator[list[str]]:
    values = 0
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True):
            values += len(row)
            if values > MOST_VALUES:
                raise UnreadableReport(f"it has more than {MOST_VALUES} values")
            if row:
                yield row
    except csv.Error:
        raise UnreadableReport("it is not CSV") from None


def _separator(text: str) -> str:
    """What stands between the columns: whatever stands most often in the first line."""
    first = text[:8192].partition("\n")[0]
    return max(_SEPARATORS, key=first.count)


def _per_row(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> Report:
    places = {title: place for place, title in enumerate(titles)}
    name, value, timestamp, type = places[NAME], places[VALUE], places.get(TIMESTAMP), places.get(TYPE)
    intervals: dict[str, dict[str, Value]] = {}
    try:
        for row in rows:
            when = "" if timestamp is None else row[timestamp].strip()
            kind = row[type] if type is not None and type < len(row) else ""
            intervals.setdefault(when, {})[row[name].strip()] = _typed(row[value], kind)
    except IndexError:
        raise UnreadableReport("a row has fewer columns than a parameter needs") from None
    records = tuple(Record(instant(when), parameters) for when, parameters in intervals.items())
    return Report(Form.PARAMETER_PER_ROW, records, bool(intervals) and all(intervals))


def _per_column(rows: Sequence[Sequence[str]], titles: Sequence[str]) -> Report:
    if any(len(row) > len(titles) for row in rows):
        raise UnreadableReport("a row has more columns than have names")
    records, times = [], []
    for row in rows:
        parameters: dict[str, Value] = dict(zip(titles, row, strict=False))  # what is missing was not reported
        times.append(str(parameters.pop(TIMESTAMP, "")).strip())
        records.append(Record(instant(times[-1]), parameters))
    return Report(Form.PARAMETER_PER_COLUMN, tuple(records), bool(times) and all(times))


def _typed(text: str, type: str) -> Value:
    """A value as the type beside it says; as text where it is not what it says."""
    kind = type.strip().lower().removeprefix("xsd:")
    if kind == "boolean":
        return _BOOLEANS.get(text.strip().lower(), text)
    if kind in _INTEGERS and len(text) <= _LONGEST_INTEGER:
        try:
            return int(text)
        except ValueError:
            return text
    return text
