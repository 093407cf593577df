"""`acs-bridge import`: provisioning requests out of a file, by the same code and with the same results as over `/v1`.

It works beside a running daemon, which need not know of it. Every row is done whole or not at all, and the same row
again changes nothing: whatever ends an import, the same command again does the rest.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, redirect_stdout
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast
from uuid import UUID

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.cli.imports.progress import Progress
    from acs_bridge.cli.imports.results import Result, Results
    from acs_bridge.cli.imports.rows import Format, Row, Rows
    from acs_bridge.services.intake.bulk import BulkIntake
    from acs_bridge.services.intake.orders import Order, Outcome
    from acs_bridge.settings import Settings

    Take = Callable[[Sequence[Order], UUID], Awaitable[list[Outcome]]]

_CHUNK_ROWS: Final = 500
_FAILED: Final = 1
_INTERRUPTED: Final = 130
_STDIN: Final = "-"


def import_requests(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A .csv or .ndjson file; - reads standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep a result for every row in this .csv or .ndjson file; where it has some of these rows already, "
            "those that were done are skipped. By default NDJSON on standard output, when that is not a terminal.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --results also where its first rows are other ones now.")
    ] = False,
    batch: Annotated[
        UUID | None,
        typer.Option(help="Put the writes into this batch, such as one that is paused. By default a new one."),
    ] = None,
    format: Annotated[
        str | None, typer.Option(metavar="csv|ndjson", help="What FILE is, where its name does not tell.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Provision the lines that a file lists: a request a row, done whole or not at all.

    CSV needs a header with the columns subscriber_name, subscriber_code and line_of_service, and may have oui,
    product_class and serial_number; NDJSON has the bodies of POST /v1/provisioning-requests. The same row again changes
    nothing, so that the same command may be run again whatever ended it. 0: every row is done or was there already;
    1: some row failed, and its result says why.

    --dry-run takes the rows by the same code in transactions of 500 rows that are rolled back. It cannot know what rows
    further apart do to each other, nor what others change until the import.
    """
    from acs_bridge import log
    from acs_bridge.cli.imports.progress import progress

    kind = _format(file, format)
    if resume and (results is None or dry_run):
        raise typer.BadParameter("needs --results, and no --dry-run", param_hint="--resume")
    with ExitStack() as stack:
        source, size = stack.enter_context(_source(file))
        kept = stack.enter_context(_results(results, again=not dry_run, sure=resume))
        shown = stack.enter_context(progress(size, results_are_kept=kept.are_kept))
        job = _Import(_rows(source, kind), kept, shown, dry_run=dry_run)
        settings = settings_of(config)
        log.configure("console", "info")
        stack.enter_context(redirect_stdout(sys.stderr))  # standard output is for results alone
        run(job.work(settings, batch))
    _end(job, shown, dry_run=dry_run)


def _end(job: "_Import", shown: "Progress", *, dry_run: bool) -> None:
    said = f"dry run, nothing was written: {shown.sentence()}" if dry_run else shown.sentence()
    print(f"{said}; batch {job.batch_id}" if job.has_created else said, file=sys.stderr)
    if job.stopped_by:
        print(f"acs-bridge: {job.stopped_by}: run the same command again for the rest", file=sys.stderr)
    if job.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if shown.failed or job.stopped_by:
        raise typer.Exit(_FAILED)


class _Import:
    """One run over the rows."""

    def __init__(self, rows: "Rows", results: "Results", progress: "Progress", *, dry_run: bool) -> None:
        self._rows = rows
        self._results = results
        self._progress = progress
        self._dry_run = dry_run
        self.batch_id: UUID | None = None
        self.has_created = False
        self.interrupted = False
        self.stopped_by = ""

    async def work(self, settings: "Settings", batch_id: UUID | None) -> None:
        """Do every row that is not done."""
        async with _bulk_of(settings) as bulk:
            self.batch_id = batch_id or bulk.begin()
            for chunk in self._rows.chunks(_CHUNK_ROWS):
                await self._chunk(chunk, bulk)
                if self.stopped_by:
                    return
            self._results.end()

    async def _chunk(self, chunk: "list[Row]", bulk: "BulkIntake") -> None:
        earlier = {row.line: done for row in chunk if (done := self._results.done(row)) is not None}
        self._progress.skip(len(earlier))
        new = {
            result.line: result for result in await self._do([row for row in chunk if row.line not in earlier], bulk)
        }
        self._results.write((earlier | new)[row.line] for row in chunk)
        self._progress.take(list(new.values()), self._rows.bytes_read)

    async def _do(self, rows: "list[Row]", bulk: "BulkIntake") -> "list[Result]":
        from acs_bridge.cli.imports.results import Word, result_of
        from acs_bridge.errors import AcsBridgeError, Unavailable

        assert self.batch_id is not None  # noqa: S101 -- `work` names it first
        orders = [row.body.order for row in rows if not isinstance(row.body, AcsBridgeError)]
        outcomes = await self._taken(orders, bulk, self.batch_id)
        for outcome in outcomes:
            if isinstance(outcome, Unavailable):
                self.stopped_by = str(outcome)
        ordered = iter(outcomes)
        results = [
            result_of(
                row,
                row.body if isinstance(row.body, AcsBridgeError) else next(ordered),
                self.batch_id,
                dry_run=self._dry_run,
            )
            for row in rows
        ]
        self.has_created |= any(result.result == Word.CREATED for result in results)
        return results

    async def _taken(self, orders: "list[Order]", bulk: "BulkIntake", batch_id: UUID) -> "list[Outcome]":
        """Have some rows done. The first interrupt lets them be finished; the second one does not wait for anything."""
        take = bulk.rehearse if self._dry_run else bulk.provision
        taking = asyncio.ensure_future(take(orders, operator(), batch_id))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            self.interrupted, self.stopped_by = True, "interrupted"
            return await taking


def _format(file: str, named: str | None) -> "Format":
    from acs_bridge.cli.imports.rows import Format

    if named is not None:
        if named not in [*Format]:
            raise typer.BadParameter("must be csv or ndjson", param_hint="--format")
        return Format(named)
    told = Format.of(file)
    if told is None:
        raise typer.BadParameter("its name does not end with .csv or .ndjson: say --format", param_hint="FILE")
    return told


@contextmanager
def _source(file: str) -> "Iterator[tuple[BufferedIOBase, int | None]]":
    """Open what is read, and say how long it is."""
    if file == _STDIN:
        yield cast("BufferedIOBase", sys.stdin.buffer), None
        return
    path = Path(file)
    try:
        source = path.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="FILE") from None
    with source:
        yield source, path.stat().st_size or None


def _rows(source: BufferedIOBase, kind: "Format") -> "Rows":
    from acs_bridge.cli.imports.rows import Rows

    return Rows(source, kind)


@contextmanager
def _results(path: Path | None, *, again: bool, sure: bool) -> "Iterator[Results]":
    from acs_bridge.cli.imports.results import Results, results_in
    from acs_bridge.cli.imports.rows import Format

    if path is None:
        yield Results(None if sys.stdout.isatty() else sys.stdout, Format.NDJSON)
        return
    kind = Format.of(path.name)
    if kind is None:
        raise typer.BadParameter("its name must end with .csv or .ndjson", param_hint="--results")
    with ExitStack() as stack:
        try:
            kept = stack.enter_context(results_in(path, kind, again=again, sure=sure))
        except FileExistsError:
            raise typer.BadParameter(f"{path} exists: name another one for a dry run", param_hint="--results") from None
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--results") from None
        yield kept


@asynccontextmanager
async def _bulk_of(settings: "Settings") -> "AsyncIterator[BulkIntake]":
    """Make the bulk intake, on the database and with the keyring of the daemon."""
    from acs_bridge.parts import Parts
    from acs_bridge.services.profiles.profiles import load_profiles
    from acs_bridge.services.urls.keyring import verify_keyring

    profiles = load_profiles(settings.profiles.dirs, settings.profiles.packaged)
    async with database_of(settings) as database:
        keyring = await verify_keyring(settings.phan.keyring, database)
        parts = Parts(settings, database, keyring, profiles, utc_now)
        async with parts.pulse.telling():
            yield parts.bulk
