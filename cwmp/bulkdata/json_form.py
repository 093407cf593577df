"""Reports as JSON (Annex N.3.5): `{"Report": [{…}, …]}`, with an object for each interval."""

import json
import math
from typing import Any, Final, NoReturn

from cwmp.bulkdata.report import MOST_VALUES, Form, Record, Report, UnreadableReport, Value
from cwmp.bulkdata.times import instant

COLLECTION_TIME: Final = "CollectionTime"
_DEEPEST: Final = 64  # objects in each other: the deepest path of TR-181 has some twenty parts


def _no_constant(_: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def read_json(text: str, form: Form | None) -> Report:
    """Read it. Without a form, an object among the values says which one it is."""
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise UnreadableReport("it is not JSON") from None
    elements = document.get("Report") if isinstance(document, dict) else None
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise UnreadableReport('it has no list of objects under "Report"')
    times = [element.pop(COLLECTION_TIME, None) for element in elements]
    if form is None:
        nested = any(isinstance(value, dict) for element in elements for value in element.values())
        form = Form.OBJECT_HIERARCHY if nested else Form.NAME_VALUE_PAIR
    flat = _pairs if form is Form.NAME_VALUE_PAIR else _leaves
    records = tuple(Record(instant(time), flat(element)) for time, element in zip(times, elements, strict=True))
    if sum(len(record.parameters) for record in records) > MOST_VALUES:
        raise UnreadableReport(f"it has more than {MOST_VALUES} values")
    return Report(form, records, is_timed=bool(times) and all(times))


def _pairs(element: dict[str, Any]) -> dict[str, Value]:
    if any(isinstance(value, dict | list) for value in element.values()):
        raise UnreadableReport("a report of name-value pairs has an object or a list for a value")
    return element


def _leaves(element: dict[str, Any]) -> dict[str, Value]:
    """Every value by its path. No recursion: how deep it goes is the sender's choice."""
    leaves: dict[str, Value] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = [("", 0, element)]
    while waiting:
        above, depth, found = waiting.pop()
        if depth == _DEEPEST:
            raise UnreadableReport(f"its objects lie more than {_DEEPEST} deep")
        for name, value in found.items():
            if "." in name:
                raise UnreadableReport("a report of an object hierarchy has a path for a name")
            if isinstance(value, dict):
                waiting.append((f"{above}{name}.", depth + 1, value))
            elif isinstance(value, list):
                raise UnreadableReport("a report of an object hierarchy has a list for a value")
            else:
                leaves[above + name] = value
    return leaves
