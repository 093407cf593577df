"""What is seen of an import: a bar on a terminal, plain lines everywhere else, and the rows that failed."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from acs_bridge.cli.imports.results import Result, Word

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_ROWS_A_LINE: Final = 10_000
_FAILURES_SHOWN: Final = 20
"""When every result can be read elsewhere; otherwise all of them are shown."""


class Progress:
    """Counts, and tells standard error."""

    def __init__(self, *, results_are_kept: bool, bar: "tuple[RichProgress, TaskID] | None") -> None:
        self._bar = bar
        self._most = _FAILURES_SHOWN if results_are_kept else None
        self._counts: Counter[str] = Counter()
        self._skipped = 0
        self._told = 0

    @property
    def failed(self) -> int:
        """So many rows could not be done."""
        return self._counts[Word.FAILED]

    def skip(self, rows: int) -> None:
        """Count rows that an import before has done."""
        self._skipped += rows

    def take(self, results: Sequence[Result], bytes_read: int) -> None:
        """Show what came of some rows."""
        for result in results:
            self._counts[result.result] += 1
            if result.result == Word.FAILED and (self._most is None or self.failed <= self._most):
                self._say(f"line {result.line}: {result.error}")
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=bytes_read, said=self.sentence())
        elif self._rows() - self._told >= _ROWS_A_LINE:
            self._told = self._rows()
            self._say(self.sentence())

    def sentence(self) -> str:
        """Say how it stands."""
        counted = {
            "created": self._counts[Word.CREATED],
            "would be created": self._counts[Word.WOULD_CREATE],
            "were there already": self._counts[Word.UNCHANGED],
            "done before": self._skipped,
            "failed": self.failed,
        }
        parts = [f"{count:,} {what}" for what, count in counted.items() if count or what == "failed"]
        return f"{self._rows():,} rows: {', '.join(parts)}"

    def _rows(self) -> int:
        return self._counts.total() + self._skipped

    def _say(self, text: str) -> None:
        if self._bar is None:
            print(text, file=sys.stderr)
        else:
            self._bar[0].console.print(text, markup=False, highlight=False)


@contextmanager
def progress(total_bytes: int | None, *, results_are_kept: bool) -> Iterator[Progress]:
    """Show progress while the block runs; `total_bytes` is None for what has no size, such as a pipe."""
    if not sys.stderr.isatty():
        yield Progress(results_are_kept=results_are_kept, bar=None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.fields[said]}"))
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("import", total=total_bytes, said="")
        yield Progress(results_are_kept=results_are_kept, bar=(bar, task))
