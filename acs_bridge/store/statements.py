"""SQL lives in `sql/*.sql`, several named statements a file; this module hands them out by name.

It builds no SQL: a statement is sent to Postgres exactly as it stands in its file, less the comment above it.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_NAME_LINE = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class BrokenStatementFile(ValueError):
    """A file of `store/sql` cannot be taken apart; it is a bug in the file."""


class Statements:
    """The statements of one file, each an attribute; iterating gives (name, sql) in the order of the file."""

    def __init__(self, source: str, statements: dict[str, str]) -> None:
        """`source` is named when somebody asks for a statement that the file does not have."""
        self.__dict__.update(statements)
        self._source = source
        self._statements = statements

    def __getattr__(self, name: str) -> str:
        raise AttributeError(f"{self._source} has no statement named {name!r}", name=name, obj=self)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._statements.items())


@cache
def load(subject: str) -> Statements:
    """Read the statements of `sql/<subject>.sql`, once."""
    file = files("acs_bridge.store").joinpath("sql", f"{subject}.sql")
    return Statements(f"{subject}.sql", parse(file.read_text(encoding="utf-8"), f"{subject}.sql"))


def subjects() -> tuple[str, ...]:
    """Say what `load` can be asked for."""
    folder = files("acs_bridge.store").joinpath("sql")
    return tuple(sorted(file.name.removesuffix(".sql") for file in folder.iterdir() if file.name.endswith(".sql")))


def parse(text: str, source: str) -> dict[str, str]:
    """Cut a file at its `-- name:` lines."""
    preamble, *parts = _NAME_LINE.split(text)
    if _body(preamble):
        raise BrokenStatementFile(f"{source}: SQL above the first `-- name:` line")
    statements: dict[str, str] = {}
    for name, part in zip(parts[::2], parts[1::2], strict=True):
        if not _NAME.fullmatch(name):
            raise BrokenStatementFile(f"{source}: {name!r} is no name in snake case")
        if name in statements:
            raise BrokenStatementFile(f"{source}: {name} stands there twice")
        if not (body := _body(part)):
            raise BrokenStatementFile(f"{source}: {name} is empty")
        statements[name] = body
    return statements


def _body(part: str) -> str:
    """Cut off the comment above the statement and the semicolon below it."""
    lines = part.strip().splitlines()
    while lines and (lines[0].lstrip().startswith("--") or not lines[0].strip()):
        del lines[0]
    return "\n".join(lines).rstrip().removesuffix(";").rstrip()
