"""The command `acs-bridge`: which commands there are, and how each of them ends.

0 done, 1 failed, 2 wrong usage, 130 interrupted. What acs-bridge foresaw is said in a line on standard error; a
traceback is a bug. Command modules import what they need when they run: `--help` answers at once.
"""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from acs_bridge import __version__
from acs_bridge.cli import (
    adopt,
    audit,
    config,
    demo,
    migrate,
    openapi,
    phan,
    queue,
    serve,
    simulate,
    soap,
    survey,
    tokens,
    users,
)
from acs_bridge.cli.doctor import command as doctor
from acs_bridge.cli.imports import command as imports
from acs_bridge.cli.running import begin
from acs_bridge.errors import AcsBridgeError

app = typer.Typer(
    name="acs-bridge",
    help="A TR-069 ACS that turns a provisioning request into a PHAN URL inside a gateway.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(serve.serve)
app.command()(migrate.migrate)
app.command()(doctor.doctor)
app.command("import")(imports.import_requests)
app.add_typer(phan.app, name="phan")
app.command()(survey.survey)
app.command()(adopt.adopt)
app.command()(simulate.simulate)
app.add_typer(tokens.app, name="tokens")
app.add_typer(users.app, name="users")
app.add_typer(queue.app, name="queue")
app.add_typer(audit.app, name="audit")
app.add_typer(config.app, name="config")
app.add_typer(soap.app, name="soap")
app.add_typer(openapi.app, name="openapi")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"acs-bridge {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take what is said before the command."""


def main() -> None:
    """Run the command line of this process, and end with its exit code."""
    begin()
    problems: list[str] = []
    try:
        app(prog_name="acs-bridge")
    except* AcsBridgeError as errors:
        problems = list(_lines(errors))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        sys.exit(1)


def _lines(error: BaseException) -> Iterator[str]:
    """Give a line for each problem, also of errors that came out of a task group together."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _lines(each)
    else:
        yield from (f"acs-bridge: {line}" for line in str(error).splitlines())
