"""How the answer to an upload is written: a line of NDJSON, or a row of CSV, for each of its lines."""

import json
from typing import Final, Protocol
from uuid import UUID

from pydantic import BaseModel

from acs_bridge.web.operator.problems import Problem
from acs_bridge.web.operator.registry import Answer, LineAnswer
from acs_bridge.web.operator.tables import row_of

_FIRST: Final = ("line", "status", "batch_id")


class Results(Protocol):
    """Writes the answer to each line: its number, its status, and what the answer alone would say."""

    media_type: str

    def head(self) -> bytes:
        """Write what stands before the first line."""

    def line(self, number: int, answer: LineAnswer) -> bytes:
        """Write one."""


class NdjsonResults:
    """Results for programs."""

    media_type = "application/x-ndjson"

    def __init__(self, batch_id: UUID) -> None:
        """`batch_id` stands in every line."""
        self._batch_id = batch_id

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def line(self, number: int, answer: LineAnswer) -> bytes:
        """Write an object, or a problem."""
        status = int(answer.status)
        if isinstance(answer, Answer):
            text = "{}" if answer.model is None else answer.model.model_dump_json()
        else:
            problem = Problem.of(answer).document()
            del problem["status"]
            text = json.dumps(problem, ensure_ascii=False)
        begin = f'{{"line":{number},"status":{status},"batch_id":"{self._batch_id}"'
        return (f"{begin}}}\n" if text == "{}" else f"{begin},{text[1:]}\n").encode()


class CsvResults:
    """Results for spreadsheets: what was answered in its columns, and what stood in the way in the last one."""

    media_type = "text/csv"

    def __init__(self, batch_id: UUID, line: type[BaseModel]) -> None:
        """`line` is what a line of the answer says when all goes well."""
        self._batch_id = batch_id
        self._columns = tuple(name for name in line.model_fields if name not in _FIRST)

    def head(self) -> bytes:
        """Name the columns."""
        return row_of((*_FIRST, *self._columns, "error")).encode()

    def line(self, number: int, answer: LineAnswer) -> bytes:
        """Write a row."""
        said: dict[str, object] = {}
        error = None
        if not isinstance(answer, Answer):
            error = str(answer)
        elif answer.model is not None:
            said = answer.model.model_dump(mode="json")
        cells = (_cell(said.get(name)) for name in self._columns)
        return row_of((number, int(answer.status), self._batch_id, *cells, error)).encode()


def _cell(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, list) else value
