"""What a session costs: rounds of real sessions, each beside as many POSTs to the floor.

A machine that is busy with something else makes everything dearer, and not evenly. Floor and daemon therefore take
turns of a few hundred sessions; a ratio is that of one round, and the medians of all rounds are what is shown.
"""

import asyncio
import os
import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any, Final

import uvloop
from rich.table import Table

from tests.bench import driver, processes
from tests.bench.driver import Login

WARM_UP: Final = 200
GOALS: Final = {"provisioning": 2.5, "idle": 2.0, "postgres": 1.5}


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of each; times in microseconds of CPU a session."""

    daemon_us: float
    floor_us: float
    postgres_us: float
    sessions_per_second: float
    transactions: float  # of the database, for each session


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of session: the medians of its rounds."""

    kind: str
    sessions: int
    posts: int
    daemon_us: float
    floor_us: float
    ratio: float
    lowest_ratio: float
    highest_ratio: float
    postgres_us: float
    postgres_ratio: float
    sessions_per_second: float
    transactions: float
    load: float  # of the machine, in processes that want a CPU: beyond what the bench needs it is somebody else's

    @classmethod
    def of(cls, kind: str, sessions: int, posts: int, rounds: Sequence[Round]) -> "Figure":
        ratios = [each.daemon_us / each.floor_us for each in rounds]
        medians = {name: median(asdict(each)[name] for each in rounds) for name in Round.__slots__}
        return cls(
            kind,
            sessions,
            posts,
            ratio=median(ratios),
            lowest_ratio=min(ratios),
            highest_ratio=max(ratios),
            postgres_ratio=median(each.postgres_us / each.daemon_us for each in rounds),
            load=os.getloadavg()[0],
            **medians,
        )


class Sessions:
    """Measures a daemon beside a floor."""

    def __init__(self, running: processes.Running, floor: tuple[int, int], login: Login, concurrency: int) -> None:
        """`floor`: its pid and its port."""
        self._running = running
        self._floor_pid, self._floor_port = floor
        self._login = login
        self._concurrency = concurrency

    def warm_up(self) -> None:
        """Let caches fill, on both sides."""
        serials = [f"W{number:06d}" for number in range(WARM_UP)]
        self._measure_round(serials, provisions=False)

    def measure(self, serials: Sequence[str], rounds: int, *, provisions: bool) -> Figure:
        """Drive one session for each gateway, in so many rounds."""
        turns = [turn for start in range(rounds) if (turn := serials[start::rounds])]
        measured = [self._measure_round(turn, provisions=provisions) for turn in turns]
        kind, posts = ("provisioning", 5) if provisions else ("idle", 3)
        return Figure.of(kind, len(serials), posts, measured)

    def _measure_round(self, serials: Sequence[str], *, provisions: bool) -> Round:
        running, count = self._running, len(serials)
        before = processes.cpu_seconds([self._floor_pid])
        self._drive(self._floor_port, serials, partial(driver.floor_session, provisions=provisions))
        floor = processes.cpu_seconds([self._floor_pid]) - before
        transactions = running.transactions()
        daemon, postgres, wall = running.cpu_seconds(), running.postgres_cpu_seconds(), time.perf_counter()
        session = partial(driver.daemon_session, login=self._login, provisions=provisions)
        self._drive(running.device_port, serials, session)
        return Round(
            daemon_us=(running.cpu_seconds() - daemon) / count * 1e6,
            floor_us=floor / count * 1e6,
            postgres_us=(running.postgres_cpu_seconds() - postgres) / count * 1e6,
            sessions_per_second=count / (time.perf_counter() - wall),
            transactions=(running.transactions() - transactions) / count,
        )

    def _drive(self, port: int, serials: Sequence[str], session: Any) -> None:
        run(driver.drive(port, serials, self._concurrency, session))


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run the driver on uvloop too: what it costs is not measured, but takes the machine from what is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def table_of(figures: Sequence[Figure]) -> Table:
    """Make the table that is printed."""
    table = Table(title="CPU time of one session, in µs: medians of all rounds")
    headings = (
        "session",
        "POSTs",
        "daemon",
        "floor",
        "ratio",
        "from to",
        "Postgres",
        "to daemon",
        "a second",
        "commits",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "session" else "right")
    for figure in figures:
        table.add_row(
            figure.kind,
            str(figure.posts),
            f"{figure.daemon_us:.0f}",
            f"{figure.floor_us:.0f}",
            f"{figure.ratio:.2f} (goal {GOALS[figure.kind]})",
            f"{figure.lowest_ratio:.1f} to {figure.highest_ratio:.1f}",
            f"{figure.postgres_us:.0f}",
            f"{figure.postgres_ratio:.2f} (goal {GOALS['postgres']})",
            f"{figure.sessions_per_second:.0f}",
            f"{figure.transactions:.2f}",
        )
    table.caption = (
        f"load of the machine at the end: {figures[-1].load:.1f} on {os.cpu_count()} CPUs; idle: provisioned gateways,"
        " each Inform compared with what was verified; commits: of the database, for each session, those of the"
        " daemon's chores among them"
    )
    return table
