"""`make bench`: what a session costs the daemon and Postgres, as a ratio to the floor, how much the intake takes, and
how long a search.

CPU time is what the kernel has booked on the processes; wall time on a shared machine says little and is only shown.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench import driver, intake, processes, search
from tests.bench.driver import Login

LOGIN = Login("bootstrap", "bench-only-" + "x" * 20)
SETTINGS = {
    "ACS_BRIDGE_CPE_AUTH__USERNAME": LOGIN.username,
    "ACS_BRIDGE_CPE_AUTH__PASSWORD": LOGIN.password,
    "ACS_BRIDGE_CPE_AUTH__BOOTSTRAP": "provision",
}
WARM_UP = 200
SINGLE_REQUESTS = 1000
GOALS = {"provisioning": 2.5, "idle": 2.0, "postgres": 1.5}


@dataclass(frozen=True, slots=True)
class Figure:
    """One kind of session; times in microseconds of CPU a session."""

    kind: str
    sessions: int
    posts: int
    daemon_us: float
    floor_us: float
    postgres_us: float
    sessions_per_second: float
    transactions: float  # of the database, for each session

    @property
    def ratio(self) -> float:
        """The daemon to its floor."""
        return self.daemon_us / self.floor_us

    @property
    def postgres_ratio(self) -> float:
        """Postgres to the daemon."""
        return self.postgres_us / self.daemon_us


def measure_floor(serials: list[str], concurrency: int, *, provisions: bool) -> float:
    """CPU seconds a session of the bare handler."""
    with processes.floor() as (pid, port):
        session = partial(driver.floor_session, provisions=provisions)
        run(driver.drive(port, serials[:WARM_UP], concurrency, session))
        before = processes.cpu_seconds([pid])
        run(driver.drive(port, serials, concurrency, session))
        return (processes.cpu_seconds([pid]) - before) / len(serials)


def measure(running: processes.Running, serials: list[str], concurrency: int, *, provisions: bool) -> Figure:
    """Drive real sessions through the daemon, and the same number of POSTs through the floor."""
    floor = measure_floor(serials, concurrency, provisions=provisions)
    session = partial(driver.daemon_session, login=LOGIN, provisions=provisions)
    transactions = running.transactions()
    before = running.cpu_seconds(), running.postgres_cpu_seconds(), time.perf_counter()
    run(driver.drive(running.device_port, serials, concurrency, session))
    wall = time.perf_counter() - before[2]
    count = len(serials)
    return Figure(
        kind="provisioning" if provisions else "idle",
        sessions=count,
        posts=5 if provisions else 3,
        daemon_us=(running.cpu_seconds() - before[0]) / count * 1e6,
        floor_us=floor * 1e6,
        postgres_us=(running.postgres_cpu_seconds() - before[1]) / count * 1e6,
        sessions_per_second=count / wall,
        transactions=(running.transactions() - transactions) / count,
    )


async def drop_requests(port: int, token: str, serials: list[str]) -> None:
    """One provisioning request for each gateway, through the intake API."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:

        async def worker(left: "list[str]") -> None:
            while left:
                serial = left.pop()
                body = {
                    "subscriber": {"name": f"Subscriber {serial}", "code": f"C-{serial}"},
                    "line_of_service": f"LOS-{serial}",
                    "gateway": {"oui": "00005E", "product_class": "BENCH", "serial_number": serial},
                }
                async with client.post("/v1/provisioning-requests", json=body) as response:
                    response.raise_for_status()

        left = list(serials)
        await asyncio.gather(*(worker(left) for _ in range(8)))


def new_token(environment: dict[str, str]) -> str:
    command = [sys.executable, "-m", "acs_bridge", "tokens", "create", "bench", "--role", "admin"]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def table_of(figures: list[Figure]) -> Table:
    table = Table(title="CPU time of one session, in µs")
    for heading in ("session", "POSTs", "daemon", "floor", "ratio", "Postgres", "to daemon", "a second", "commits"):
        table.add_column(heading, justify="left" if heading == "session" else "right")
    for figure in figures:
        table.add_row(
            figure.kind,
            str(figure.posts),
            f"{figure.daemon_us:.0f}",
            f"{figure.floor_us:.0f}",
            f"{figure.ratio:.2f} (goal {GOALS[figure.kind]})",
            f"{figure.postgres_us:.0f}",
            f"{figure.postgres_ratio:.2f} (goal {GOALS['postgres']})",
            f"{figure.sessions_per_second:.0f}",
            f"{figure.transactions:.2f}",
        )
    table.caption = (
        "idle: provisioned gateways, each Inform compared with what was verified; commits: of the database, for each"
        " session, those of the daemon's chores among them"
    )
    return table


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run the driver on uvloop too: what it costs is not measured, but takes the machine from what is."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def figures_of(running: processes.Running, folder: Path, sessions: int, concurrency: int) -> list[Figure]:
    """Provision so many gateways, then let them inform with nothing to do."""
    serials = [f"B{number:06d}" for number in range(sessions)]
    token = new_token(processes.environment_of(folder, SETTINGS))
    run(drop_requests(running.operator_port, token, serials))
    warm_up = [f"W{number:06d}" for number in range(WARM_UP)]
    idle = partial(driver.daemon_session, login=LOGIN, provisions=False)
    run(driver.drive(running.device_port, warm_up, concurrency, idle))
    return [measure(running, serials, concurrency, provisions=provisions) for provisions in (True, False)]


def bench_intake(
    console: Console, requests: int, rows: int, searches: int
) -> tuple[list[intake.BulkFigure], intake.SingleFigure, list[search.SearchFigure]]:
    """Upload into an empty and into a full database, send single requests, and search, on a daemon of its own."""
    console.print(f"{requests} requests in one upload, into an empty database and beside {rows} lines …")
    with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres passes through
        with processes.daemon(folder, SETTINGS) as running:
            token = new_token(processes.environment_of(folder, SETTINGS))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                single = runner.run(intake.measure_single(running, folder, token, SINGLE_REQUESTS))
                figures = [runner.run(intake.measure_upload(running, token, "empty", 0, requests))]
                runner.run(intake.fill(folder, rows))
                figures.append(runner.run(intake.measure_upload(running, token, "full", rows, requests)))
                found = runner.run(search.measure(running.operator_port, token, rows, searches)) if searches else []
    console.print(table_of_uploads(figures))
    console.print(
        f"single requests: {single.request_us:.0f} µs at the median, a bare INSERT {single.insert_us:.0f} µs: "
        f"{single.ratio:.1f} times (goal {intake.GOALS['single']:.0f})"
    )
    if found:
        console.print(table_of_searches(found))
    return figures, single, found


def table_of_searches(figures: list[search.SearchFigure]) -> Table:
    table = Table(title=f"One search box over {figures[0].rows} lines; ms of a call (goal {search.GOAL_MS:.0f})")
    for heading in ("what is typed", "searches", "median", "95 of 100", "worst", "with all hits"):
        table.add_column(heading, justify="left" if heading == "what is typed" else "right")
    for figure in figures:
        times = (figure.median_ms, figure.p95_ms, figure.worst_ms)
        table.add_row(figure.search, str(figure.searches), *(f"{ms:.1f}" for ms in times), str(figure.complete))
    return table


def table_of_uploads(figures: list[intake.BulkFigure]) -> Table:
    table = Table(title="Bulk intake; CPU time of one request, in µs")
    for heading in ("into", "lines there", "requests", "a second", "daemon", "Postgres", "more memory"):
        table.add_column(heading, justify="left" if heading == "into" else "right")
    for figure in figures:
        table.add_row(
            figure.into,
            str(figure.rows),
            str(figure.requests),
            f"{figure.requests_per_second:.0f} (goal {intake.GOALS[figure.into]:.0f})",
            f"{figure.daemon_us:.0f}",
            f"{figure.postgres_us:.0f}",
            f"{figure.more_memory_mib:.0f} MiB (goal {intake.GOALS['memory_mib']:.0f})",
        )
    table.caption = f"full to empty: {figures[-1].requests_per_second / figures[0].requests_per_second:.2f}"
    return table


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sessions", type=int, default=3000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--requests", type=int, default=100_000, help="of each bulk upload; 0 leaves the intake out")
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines in the full database")
    parser.add_argument("--searches", type=int, default=100, help="of each kind, beside so many lines; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    console = Console()
    console.print(f"{options.sessions} gateways, {options.concurrency} sessions at a time …")
    uploads, single, searches = (
        bench_intake(console, options.requests, options.rows, options.searches) if options.requests else ([], None, [])
    )
    with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
        folder = Path(name)
        with processes.daemon(folder, SETTINGS) as running:
            figures = figures_of(running, folder, options.sessions, options.concurrency)
    console.print(table_of(figures))
    shown = [
        asdict(figure) | {"ratio": round(figure.ratio, 3), "postgres_ratio": round(figure.postgres_ratio, 3)}
        for figure in figures
    ]
    shown += [asdict(figure) for figure in uploads] + [asdict(figure) for figure in searches]
    if single is not None:
        shown.append(asdict(single) | {"ratio": round(single.ratio, 2)})
    console.print_json(json.dumps(shown))
    if options.json:
        options.json.write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
