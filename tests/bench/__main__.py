"""`make bench`: what a session costs the daemon and Postgres, as a ratio to the floor, how much the intake takes,
how long a search, and what a report costs.

CPU time is what the kernel has booked on the processes; wall time on a shared machine says little and is only shown.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench import intake, processes, reports, search
from tests.bench.driver import Login
from tests.bench.sessions import Figure, Sessions, run, table_of

LOGIN = Login("bootstrap", "bench-only-" + "x" * 20)
SETTINGS = {
    "ACS_BRIDGE_CPE_AUTH__USERNAME": LOGIN.username,
    "ACS_BRIDGE_CPE_AUTH__PASSWORD": LOGIN.password,
    "ACS_BRIDGE_CPE_AUTH__BOOTSTRAP": "provision",
}


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


def figures_of(running: processes.Running, folder: Path, options: argparse.Namespace) -> list[Figure]:
    """Provision so many gateways, then let them inform with nothing to do."""
    serials = [f"B{number:06d}" for number in range(options.sessions)]
    token = new_token(processes.environment_of(folder, SETTINGS))
    run(drop_requests(running.operator_port, token, serials))
    with processes.floor() as floor:
        sessions = Sessions(running, floor, LOGIN, options.concurrency)
        sessions.warm_up()
        return [sessions.measure(serials, options.rounds, provisions=provisions) for provisions in (True, False)]


def bench_single(console: Console, count: int) -> intake.SingleFigure:
    """Single requests and bare INSERTs in turn, on a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres passes through
        with processes.daemon(folder, SETTINGS) as running:
            token = new_token(processes.environment_of(folder, SETTINGS))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                single = runner.run(intake.measure_single(running, folder, token, count))
    console.print(
        f"single requests: {single.request_us:.0f} µs at the median, a bare INSERT {single.insert_us:.0f} µs: "
        f"{single.ratio:.1f} times (goal {intake.GOALS['single']:.0f}); {single.daemon_us:.0f} µs of the daemon"
    )
    return single


def bench_intake(
    console: Console, requests: int, rows: int, searches: int
) -> tuple[list[intake.BulkFigure], list[search.SearchFigure]]:
    """Upload into an empty and into a full database, and search, on a daemon of its own."""
    console.print(f"{requests} requests in one upload, into an empty database and beside {rows} lines …")
    with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres passes through
        with processes.daemon(folder, SETTINGS) as running:
            token = new_token(processes.environment_of(folder, SETTINGS))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                figures = [runner.run(intake.measure_upload(running, token, "empty", 0, requests))]
                runner.run(intake.fill(folder, rows))
                figures.append(runner.run(intake.measure_upload(running, token, "full", rows, requests)))
                found = runner.run(search.measure(running.operator_port, token, rows, searches)) if searches else []
    console.print(table_of_uploads(figures))
    if found:
        console.print(table_of_searches(found))
    return figures, found


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


def bench_reports(console: Console, count: int) -> reports.ReportFigures:
    """Reports and tokens of some lines, to a daemon of its own."""
    with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the account that runs Postgres passes through
        settings = {**SETTINGS, **reports.SETTINGS, "ACS_BRIDGE_REPORTS__FOLDER": str(folder / "reports")}
        with processes.daemon(folder, settings) as running, asyncio.Runner() as runner:
            token = new_token(processes.environment_of(folder, settings))
            serials = [f"R{number:06d}" for number in range(100)]
            runner.run(drop_requests(running.operator_port, token, serials))
            found = reports.measure(running, token, serials, count, runner.run)
    console.print(
        f"reports of {found.report_bytes} bytes, kept and written into files: {found.reports_per_second:.0f} a second, "
        f"{found.report_daemon_us:.0f} µs of the daemon, {found.report_postgres_us:.0f} µs of Postgres\n"
        f"tokens, {reports.BATCH} at a time: {found.tokens_per_second:.0f} a second (goal {reports.GOAL}), "
        f"{found.token_daemon_us:.0f} µs and {found.token_postgres_us:.0f} µs\n"
        f"refusals, ms at the median: {found.refusals_ms}; apart by {found.refusals_apart:.2f} of their spread"
    )
    return found


def measured(console: Console, options: argparse.Namespace) -> list[dict[str, object]]:
    """Measure everything that was asked for, a part after the other."""
    shown: list[dict[str, object]] = []
    if options.singles:
        single = bench_single(console, options.singles)
        shown.append(asdict(single) | {"ratio": round(single.ratio, 2)})
    if options.requests:
        uploads, searches = bench_intake(console, options.requests, options.rows, options.searches)
        shown += [asdict(figure) for figure in uploads] + [asdict(figure) for figure in searches]
    if options.reports:
        shown.append(asdict(bench_reports(console, options.reports)))
    if options.sessions:
        console.print(f"{options.sessions} gateways, {options.concurrency} sessions at a time …")
        with tempfile.TemporaryDirectory(prefix="acs-bridge-bench-") as name:
            folder = Path(name)
            with processes.daemon(folder, SETTINGS) as running:
                figures = figures_of(running, folder, options)
        console.print(table_of(figures))
        shown += [asdict(figure) for figure in figures]
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sessions", type=int, default=3000, help="gateways; 0 leaves sessions out")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=10, help="in which floor and daemon take turns")
    parser.add_argument("--singles", type=int, default=1000, help="single requests; 0 leaves them out")
    parser.add_argument("--requests", type=int, default=100_000, help="of each bulk upload; 0 leaves uploads out")
    parser.add_argument("--rows", type=int, default=1_000_000, help="lines in the full database")
    parser.add_argument("--searches", type=int, default=100, help="of each kind, beside so many lines; 0 leaves it out")
    parser.add_argument("--reports", type=int, default=2000, help="of gateways to their PHAN URLs; 0 leaves it out")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    if min(options.concurrency, options.rounds) < 1:
        parser.error("--concurrency and --rounds are at least 1")
    console = Console()
    shown = measured(console, options)
    console.print_json(json.dumps(shown))
    if options.json:
        options.json.write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
