"""`acs-bridge simulate`: a fleet of simulated gateways against any ACS, and what came of it.

0 when every session went from Inform to 204 and every report was taken, 1 when any was not, 2 for numbers that make no
sense. Interrupted once, it lets the sessions under way end and reports; interrupted twice, it breaks them off and
reports.
"""

import asyncio
import json
import math
import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

if TYPE_CHECKING:
    import ssl

    from rich.console import Console
    from rich.table import Table

    from acs_bridge.simulator.fleet import Fleet, FleetPlan, Pace
    from acs_bridge.simulator.report import FleetReport

MAX_GATEWAYS: Final = 100_000
MAX_CONCURRENCY: Final = 10_000
MAX_SESSIONS: Final = 1_000_000
MAX_INTERVAL: Final = 7 * 86400.0
MAX_SERIAL_PREFIX: Final = 58
"""With six digits behind it, a serial number has the 64 characters that CWMP allows (TR-069 A.3.3.1)."""

MAX_TEXT: Final = 64
MAX_EVENTS: Final = 64

_OUI = re.compile(r"[0-9A-Fa-f]{6}")
_OTHER_FILES = 64
_PROGRESS_SECONDS = 0.5
_ERRORS_SHOWN = 20
_FAILED = 1
_STDIN = "-"


def simulate(  # one parameter for each option
    acs_url: Annotated[str, typer.Option(metavar="URL", help="Where the gateways send their Informs.")],
    gateways: Annotated[int, typer.Option(min=1, max=MAX_GATEWAYS, help="How many gateways there are.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=MAX_CONCURRENCY, help="Sessions at a time, at most.")] = 50,
    sessions: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_SESSIONS, help="Sessions of each gateway (without: 1; with --interval, until interrupted)."
        ),
    ] = None,
    interval: Annotated[
        float,
        typer.Option(
            min=0,
            max=MAX_INTERVAL,
            metavar="SECONDS",
            help="Between two sessions of a gateway; the first ones are spread over it.",
        ),
    ] = 0.0,
    username: Annotated[str, typer.Option(help="What the gateways authenticate with.")] = "",
    password: Annotated[str, typer.Option(help="Shown to everybody on this machine; better: --password-file.")] = "",
    password_file: Annotated[
        str, typer.Option(metavar="FILE", help="Where the password stands; - is standard input.")
    ] = "",
    ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Whose certificates an https ACS is checked with, PEM; the system's without."
        ),
    ] = None,
    root: Annotated[
        Literal["device", "igd", "both"], typer.Option(help="TR-181, TR-098, or each for every other gateway.")
    ] = "device",
    oui: Annotated[str, typer.Option(help="The gateways' OUI: six hexadecimal digits.")] = "00005E",
    product_class: Annotated[str, typer.Option(help="The gateways' product class.")] = "SimGW",
    serial_prefix: Annotated[str, typer.Option(help="What serial numbers begin with; a number follows.")] = "SIM",
    events: Annotated[str, typer.Option(help="The events of each Inform, with commas between.")] = "2 PERIODIC",
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Take connection requests at this address of this machine, with the credentials of the gateways.",
        ),
    ] = "",
    reports: Annotated[
        bool,
        typer.Option("--reports", help="Report to the URLs that the ACS gives: at once, then as it says how often."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Let simulated gateways have sessions with an ACS, and report how they went."""
    from acs_bridge.cli.running import run
    from acs_bridge.simulator.fleet import FleetPlan, Pace, Roots
    from acs_bridge.simulator.gateway import Credentials

    codes = tuple(filter(None, map(str.strip, events.split(","))))
    _check_url(acs_url)
    _check_oui(oui)
    _check_interval(interval)
    _check_text(product_class, "--product-class")
    _check_text(serial_prefix, "--serial-prefix", MAX_SERIAL_PREFIX)
    _check_events(codes)
    _allow_open_files(concurrency + _OTHER_FILES)
    _check_address(listen)
    tls = _trust(ca)
    secret = _password(password, password_file)
    if secret and not username:
        raise typer.BadParameter("a password needs a username", param_hint="--username")
    plan = FleetPlan(
        acs_url=acs_url,
        count=gateways,
        credentials=Credentials(username, secret) if username else None,
        roots=Roots(root),
        oui=oui.upper(),
        product_class=product_class,
        serial_prefix=serial_prefix,
    )
    pace = Pace(
        concurrency=concurrency,
        sessions=sessions or (None if interval else 1),
        interval=interval,
        events=codes,
    )
    report = run(_simulation(plan, pace, _Around(listen, tls, reports=reports), quiet=as_json))
    _print(report, as_json=as_json)
    if report.failed or report.reports_refused:
        raise typer.Exit(_FAILED)


def _check_url(acs_url: str) -> None:
    from acs_bridge.simulator.line import Endpoint

    try:
        Endpoint.of(acs_url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--acs-url") from None


def _trust(ca: Path | None) -> "ssl.SSLContext | None":
    import ssl

    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        reason = error.strerror if not isinstance(error, ssl.SSLError) else "it has no PEM certificate"
        raise typer.BadParameter(f"cannot read it: {reason}", param_hint="--ca") from None


def _check_oui(oui: str) -> None:
    if not _OUI.fullmatch(oui):
        raise typer.BadParameter("an OUI is six hexadecimal digits", param_hint="--oui")


def _check_address(listen: str) -> None:
    if not listen:
        return
    try:
        socket.create_server((listen, 0), family=socket.AF_INET6 if ":" in listen else socket.AF_INET).close()
    except OSError as error:
        reason = error.strerror or error
        raise typer.BadParameter(f"it is no address of this machine: {reason}", param_hint="--listen") from None


def _check_interval(interval: float) -> None:
    if math.isnan(interval):  # it is neither below the minimum nor above the maximum
        raise typer.BadParameter("it is not a number", param_hint="--interval")


def _check_text(text: str, option: str, limit: int = MAX_TEXT) -> None:
    if len(text) > limit or not text.isprintable():
        raise typer.BadParameter(f"at most {limit} printable characters", param_hint=option)


def _check_events(codes: tuple[str, ...]) -> None:
    if len(codes) > MAX_EVENTS:
        raise typer.BadParameter(f"at most {MAX_EVENTS} events", param_hint="--events")
    for code in codes:
        _check_text(code, "--events")


def _allow_open_files(wanted: int) -> None:
    """Ask the system for as many sockets as there are sessions at a time; say so when it will not give them."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise typer.BadParameter(f"this system allows {hard - _OTHER_FILES} at most", param_hint="--concurrency")
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _password(given: str, file: str) -> str:
    if given and file:
        raise typer.BadParameter("give --password or --password-file, not both", param_hint="--password-file")
    if not file:
        return given
    try:
        text = sys.stdin.read() if file == _STDIN else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise typer.BadParameter(f"cannot read it: {reason}", param_hint="--password-file") from None
    return text.rstrip("\r\n")


@dataclass(frozen=True, slots=True)
class _Around:
    """What the gateways do beside their sessions, and whom they trust."""

    listen: str
    tls: "ssl.SSLContext | None"
    reports: bool


async def _simulation(plan: "FleetPlan", pace: "Pace", around: _Around, *, quiet: bool) -> "FleetReport":
    from acs_bridge.simulator.bells import Bells
    from acs_bridge.simulator.fleet import Fleet
    from acs_bridge.simulator.reporters import Reporters
    from acs_bridge.simulator.surroundings import real_surroundings

    surroundings = real_surroundings(around.tls)
    gateways = plan.gateways(surroundings)
    fleet = Fleet(gateways, pace, surroundings)
    loop = asyncio.get_running_loop()
    for interruption in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(interruption, fleet.stop)
    async with AsyncExitStack() as stack:
        if around.listen:
            bells = Bells(surroundings, fleet.report.add)
            await stack.enter_async_context(bells.listening(around.listen, gateways, plan.credentials))
        if around.reports:
            await stack.enter_async_context(Reporters(gateways, fleet.report.reports).reporting())
        await _run(fleet, quiet=quiet)
    return fleet.report


async def _run(fleet: "Fleet", *, quiet: bool) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        await fleet.run()
        return
    showing = asyncio.create_task(_show_progress(fleet, console))
    try:
        await fleet.run()
    finally:
        showing.cancel()
        await asyncio.wait([showing])


async def _show_progress(fleet: "Fleet", console: "Console") -> None:
    of = "" if fleet.planned is None else f" of {fleet.planned}"
    with console.status("Connecting") as status:
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            status.update(f"{fleet.report.sessions}{of} sessions, {fleet.report.failed} failed")


def _print(report: "FleetReport", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_dict(), indent=2))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(_sums(report))
    console.print(_times(report))
    for error, count in report.errors.most_common(_ERRORS_SHOWN):
        console.print(Text(f"{count} times: {error}"), soft_wrap=True)
    for answer, count in report.reports.most_common(_ERRORS_SHOWN):
        console.print(Text(f"{count} reports: {answer}"), soft_wrap=True)


def _sums(report: "FleetReport") -> "Table":
    from rich.table import Table

    table = Table("Gateways", "Sessions", "Failed", "Seconds", "Sessions/s", "Exchanges")
    table.add_row(
        str(report.gateways),
        str(report.sessions),
        str(report.failed),
        f"{report.seconds:.2f}",
        f"{report.sessions_per_second:.1f}",
        str(report.exchanges),
    )
    return table


def _times(report: "FleetReport") -> "Table":
    from rich.table import Table

    rows = {"session": report.session_times.as_milliseconds(), "Inform": report.inform_times.as_milliseconds()}
    table = Table("Milliseconds", *rows["session"])
    for name, times in rows.items():
        table.add_row(name, *(f"{milliseconds:.1f}" for milliseconds in times.values()))
    return table
