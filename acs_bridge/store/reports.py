"""Reports: those that arrive together share one statement, which looks them up and notes them."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from acs_bridge.store.batching import Batcher
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Executor, many
from acs_bridge.store.statements import load

_SQL: Final = load("reports")
QUIET: Final = frozenset(("silent", "waiting"))
"""States in which a line is because nothing comes."""

_as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


class Verdict(StrEnum):
    """What becomes of a report."""

    TAKEN = "taken"
    REPEAT = "repeat"  # the same one was taken before
    UNKNOWN = "unknown"  # its URL counts no more, or never did
    FOREIGN = "foreign"  # its gateway is not that of the line
    STRANGER = "stranger"  # its profile has a login, which it did not show
    QUOTA = "quota"  # its line has had its reports of this hour
    FULL = "full"  # there is no room in the spool


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report, as the statement takes it."""

    id: UUID
    association_id: UUID
    generation: int
    oui: str | None  # as the query says; None: it does not
    serial_number: str | None
    shown: tuple[str, ...]  # the profiles whose login it has shown
    mark: int | None  # 64 bits of its hash; None: the same once more would be another one
    content_type: str
    report_format: str
    unread: str | None  # why it cannot be read
    size: int  # bytes, inflated
    body: bytes = field(repr=False)  # zlib; empty where nothing is handed on


_FIELDS: Final = tuple(name for name in ReportRow.__slots__ if name != "body")


@dataclass(frozen=True, slots=True)
class Law:
    """What holds for all reports."""

    logins: Sequence[str]  # the names of the profiles with a login
    reports_per_hour: int  # of one line
    bytes_per_hour: int
    spool_bytes: int | None  # that the spool may have; None: nothing is handed on


class Reports:
    """The door to the statement."""

    def __init__(self, database: Database, law: Callable[[], Law]) -> None:
        """`law` is asked for each batch."""
        self._database = database
        self._law = law
        self._batches: Batcher[tuple[ReportRow, datetime], Verdict] = Batcher(
            self._take, lambda row: row[0].association_id
        )

    async def take(self, row: ReportRow, now: datetime) -> Verdict:
        """Say what becomes of a report, and note it. Raises Unavailable."""
        return await self._batches.add((row, now))

    async def _take(self, rows: Sequence[tuple[ReportRow, datetime]]) -> list[Verdict]:
        """Take a batch; of one association one report at a time."""
        verdicts = [Verdict.UNKNOWN] * len(rows)
        places: dict[UUID, list[int]] = defaultdict(list)
        for place, (row, _) in enumerate(rows):
            places[row.association_id].append(place)
        for turn in range(max(map(len, places.values()))):
            chosen = [of_one[turn] for of_one in places.values() if turn < len(of_one)]
            found = await self._statement([rows[place][0] for place in chosen], max(now for _, now in rows))
            for place, verdict in zip(chosen, found, strict=True):
                verdicts[place] = verdict
        return verdicts

    async def _statement(self, rows: Sequence[ReportRow], now: datetime) -> list[Verdict]:
        batch = [_as_json({name: getattr(row, name) for name in _FIELDS}) for row in rows]
        law = self._law()
        records = await self._database.fetch(
            _SQL.take,
            batch,
            now,
            list(law.logins),
            law.reports_per_hour,
            law.bytes_per_hour,
            [row.body for row in rows],
            law.spool_bytes,
        )
        verdicts = {record["place"]: Verdict(record["verdict"]) for record in records}
        return [verdicts[place] for place in range(1, len(rows) + 1)]


async def expect(executor: Executor, intervals: Mapping[str, int]) -> None:
    """Write down how often gateways report, in seconds by profile; under "" for all others. Empty: nobody does."""
    await executor.execute(_SQL.expect, list(intervals), list(intervals.values()))


@dataclass(frozen=True, slots=True)
class QuietLine:
    """A line of which nothing comes."""

    association_id: UUID
    device_id: int


async def quiet_lines(
    executor: Executor, state: str, before: UUID | int | None, limit: int, now: datetime, *, by_line: bool
) -> list[QuietLine]:
    """Find lines in a state of `QUIET`, newest first; `before`: a known association, or with `by_line` a known line."""
    of = (None, before) if by_line else (before, None)
    return await many(executor, QuietLine, _SQL.quiet, of[0], now, state, by_line, of[1], limit)


async def count(executor: Executor, now: datetime) -> dict[str, int]:
    """Say how many lines stand in which way; nothing where no reports are expected."""
    rows = await executor.fetch(_SQL.count, now)
    return {row["state"]: row["lines"] for row in rows if row["state"] is not None}
