"""The board that `demo` shows: each line of service, its gateway, and how its PHAN URL gets there.

It shows what it is told and asks nobody. On a terminal it is a table that changes in place, or only sums where there
are too many lines for one; anywhere else it prints one line of text for each change. A PHAN URL is redacted on the way
in, so that the board never holds one.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from acs_bridge.domain.phan import redact
from acs_bridge.domain.write import SETTLED, WriteState

MAX_ROWS = 20
_REFRESHES_PER_SECOND = 8
_BAR_WIDTH = 50
_NOTHING = "-"

_STYLES = {
    WriteState.VERIFIED: "bold green",
    WriteState.APPLIED: "green",
    WriteState.SENT: "cyan",
    WriteState.STAGED: "cyan",
    WriteState.IN_DOUBT: "yellow",
    WriteState.REJECTED: "bold red",
    WriteState.FAILED: "bold red",
}


@dataclass(frozen=True, slots=True)
class _Row:
    line: str
    since: float
    gateway: str = _NOTHING
    state: WriteState | None = None
    attempts: int = 0
    url: str = _NOTHING
    """As it was read from the gateway, redacted."""
    took: float | None = None
    """Seconds from the first word about the line to `verified`."""
    reporting: str = _NOTHING
    """Since when its gateway reports to that URL, as the daemon says it."""

    def cells(self) -> tuple[Text, ...]:
        return (
            Text(self.line),
            Text(self.gateway),
            Text(self.state or _NOTHING, style=_STYLES.get(self.state, "") if self.state else "dim"),
            Text(str(self.attempts)),
            Text(self.url),
            Text(_seconds(self.took)),
            Text(self.reporting),
        )

    def sentence(self) -> str:
        words = [f"{self.line}: {self.state or _NOTHING}", f"gateway {self.gateway}", f"attempts {self.attempts}"]
        if self.url != _NOTHING:
            words.append(f"URL {self.url}")
        if self.took is not None:
            words.append(f"after {_seconds(self.took)}")
        return ", ".join(words)


class ProvisioningBoard:
    """Shows how many lines of service get their URLs; a context in which `update` may be called at any rate."""

    def __init__(self, expected: int, *, timer: Callable[[], float], console: Console | None = None) -> None:
        """`expected` is how many lines there will be; `timer` counts seconds from anywhere."""
        self._expected = expected
        self._timer = timer
        self._console = console or Console()
        self._rows: dict[str, _Row] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=_REFRESHES_PER_SECOND,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last view standing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def update(
        self,
        line: str,
        state: WriteState | str | None = None,
        *,
        gateway: str | None = None,
        attempts: int | None = None,
        url: str | None = None,
        reporting: str | None = None,
    ) -> None:
        """Take in what is new about a line of service; what is None stays as it was.

        `url` is the PHAN URL that the gateway really holds; an empty one means that it holds none. `reporting` is since
        when it reports there.
        """
        before = self._rows.get(line) or _Row(line, since=self._timer())
        after = self._changed(before, None if state is None else WriteState(state))
        if gateway is not None:
            after = replace(after, gateway=gateway)
        if attempts is not None:
            after = replace(after, attempts=attempts)
        if url is not None:
            after = replace(after, url=redact(url) if url else _NOTHING)
        if reporting is not None:
            after = replace(after, reporting=reporting)
        if after == self._rows.get(line):
            return
        self._rows[line] = after
        if self._live is None:
            only_reports = after == replace(before, reporting=after.reporting)
            words = f"{line}: reporting since {after.reporting}" if only_reports else after.sentence()
            self._console.print(Text(words), soft_wrap=True)

    @property
    def all_verified(self) -> bool:
        """Whether every expected line has got there."""
        return self._count(WriteState.VERIFIED) >= self._expected

    def print_summary(self) -> None:
        """Print how it ended: one line of sums, and each line of service that is not verified."""
        took = [row.took for row in self._rows.values() if row.took is not None]
        words = f"{self._count(WriteState.VERIFIED)} of {self._expected} lines verified"
        if took:
            words += f", in {_seconds(median(took))} at the median and {_seconds(max(took))} at most"
        if reporting := self._reporting():
            words += f"; {reporting} of them report"
        self._console.print(Text(words, style="bold"), soft_wrap=True)
        for row in self._rows.values():
            if row.state is not WriteState.VERIFIED:
                self._console.print(Text(f"not verified: {row.sentence()}"), soft_wrap=True)

    def _changed(self, row: _Row, state: WriteState | None) -> _Row:
        if state is None or state is row.state:
            return row
        took = self._timer() - row.since if state is WriteState.VERIFIED else None
        return replace(row, state=state, took=took)

    def _count(self, state: WriteState) -> int:
        return sum(row.state is state for row in self._rows.values())

    def _reporting(self) -> int:
        return sum(row.reporting != _NOTHING for row in self._rows.values())

    def _render(self) -> RenderableType:
        rows = list(self._rows.values())  # at once: the terminal is refreshed from a thread of its own
        if max(len(rows), self._expected) > MAX_ROWS:
            return self._sums(rows)
        table = Table(
            "Line of service", "Gateway", "Write", "Attempts", "URL in the gateway", "Verified after", "Reporting since"
        )
        for row in rows:
            table.add_row(*row.cells())
        return table

    def _sums(self, rows: list[_Row]) -> RenderableType:
        states = Counter(row.state for row in rows if row.state is not None)
        settled = sum(count for state, count in states.items() if state in SETTLED)
        counts = "   ".join(f"{state} {states[state]}" for state in WriteState if states[state])
        return Group(
            ProgressBar(total=max(self._expected, 1), completed=states[WriteState.VERIFIED], width=_BAR_WIDTH),
            Text(f"{states[WriteState.VERIFIED]} of {self._expected} lines verified, {settled} settled"),
            Text(f"{self._reporting()} report"),
            Text(counts),
        )


def _seconds(seconds: float | None) -> str:
    return _NOTHING if seconds is None else f"{seconds:.2f} s"
