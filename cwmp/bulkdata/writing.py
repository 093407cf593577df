"""From a report to bytes, as a gateway sends it: strictly by Annex N.3."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any, Final

from cwmp.bulkdata.csv_form import ROW, TIMESTAMP
from cwmp.bulkdata.json_form import COLLECTION_TIME
from cwmp.bulkdata.report import Form, Record, Report, Value

JSON_TYPE: Final = "application/json; charset=UTF-8"
CSV_TYPE: Final = "text/csv; charset=UTF-8; header=present"


def write(report: Report) -> tuple[bytes, dict[str, str]]:
    """The body of a report, and the headers that say what it is."""
    headers = {"Content-Type": JSON_TYPE if report.form.is_json else CSV_TYPE, "BBF-Report-Format": report.form.value}
    if report.form.is_json:
        elements = [_element(record, report.form) for record in report.records]
        return json.dumps({"Report": elements}, separators=(",", ":")).encode(), headers
    rows = _by_row(report) if report.form is Form.PARAMETER_PER_ROW else _by_column(report)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(), headers


def _element(record: Record, form: Form) -> dict[str, Any]:
    element: dict[str, Any] = {}
    if record.collected_at is not None:
        element[COLLECTION_TIME] = int(record.collected_at.timestamp())
    if form is Form.NAME_VALUE_PAIR:
        return {**element, **record.parameters}
    for name, value in record.parameters.items():
        *objects, last = name.split(".")
        place = element
        for each in objects:
            place = place.setdefault(each, {})
        place[last] = value
    return element


def _by_row(report: Report) -> list[list[str]]:
    rows = [list(ROW)]
    for record in report.records:
        when = _iso(record.collected_at)
        rows += [[when, name, _text(value), _type(value)] for name, value in record.parameters.items()]
    return rows


def _by_column(report: Report) -> list[list[str]]:
    names = list(dict.fromkeys(name for record in report.records for name in record.parameters))
    return [
        [TIMESTAMP, *names],
        *(
            [_iso(record.collected_at), *(_text(record.parameters.get(name)) for name in names)]
            for record in report.records
        ),
    ]


def _iso(when: datetime | None) -> str:
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def _type(value: Value) -> str:
    return "boolean" if isinstance(value, bool) else "long" if isinstance(value, int) else "string"
