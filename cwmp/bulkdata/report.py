"""What a report is, whichever form it travelled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

Value: TypeAlias = str | int | float | bool | None

MOST_VALUES: Final = 200_000  # of one report: many times the whole tree of a gateway


class Form(StrEnum):
    """How a report is laid out, as the header BBF-Report-Format names it (Annex N.3)."""

    NAME_VALUE_PAIR = "NameValuePair"
    OBJECT_HIERARCHY = "ObjectHierarchy"
    PARAMETER_PER_ROW = "ParameterPerRow"
    PARAMETER_PER_COLUMN = "ParameterPerColumn"

    @property
    def is_json(self) -> bool:
        """Whether it is a form of JSON; the others are forms of CSV."""
        return self in (Form.NAME_VALUE_PAIR, Form.OBJECT_HIERARCHY)


class UnreadableReport(Exception):
    """A body that is no report. Its words repeat nothing of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a gateway said of one interval: one that failed before, or the newest."""

    collected_at: datetime | None  # None: it did not say, or has no clock
    parameters: Mapping[str, Value]  # by name as it came: a path, or an alias


@dataclass(frozen=True, slots=True)
class Report:
    """A report, read."""

    form: Form
    records: tuple[Record, ...]
    is_timed: bool  # every record says a time of its own, believable or not: two that are the same are one
