"""SQL lives in `sql/*.sql`, several named statements a file; this module hands them out by name.

It builds no SQL: a statement is sent to Postgres exactly as it stands in its file, less the comment above it.
Statements that begin alike share that part: it stands once, under `-- part: <name>`, and each of them says
`-- begins with: <name>`.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_NAME_LINE = re.compile(r"^-- (name|part):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_BEGINS_WITH = "-- begins with: "
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
    """Cut a file at its `-- name:` and `-- part:` lines; the parts are in the statements that begin with them."""
    preamble, *sections = _NAME_LINE.split(text)
    if _body(preamble, {}, source):
        raise BrokenStatementFile(f"{source}: SQL above the first `-- name:` line")
    found: dict[str, dict[str, str]] = {"part": {}, "name": {}}
    for kind, name, section in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
        if not _NAME.fullmatch(name):
            raise BrokenStatementFile(f"{source}: {name!r} is no name in snake case")
        if any(name in each for each in found.values()):
            raise BrokenStatementFile(f"{source}: {name} stands there twice")
        if not (body := _body(section, found["part"], source)):
            raise BrokenStatementFile(f"{source}: {name} is empty")
        found[kind][name] = body
    return found["name"]


def _body(section: str, parts: dict[str, str], source: str) -> str:
    """Put the part that it begins with in the place of the comment, and cut off the semicolon below it."""
    lines = section.strip().splitlines()
    begin = []
    while lines and (lines[0].lstrip().startswith("--") or not lines[0].strip()):
        comment = lines.pop(0)
        if comment.startswith(_BEGINS_WITH):
            name = comment.removeprefix(_BEGINS_WITH)
            if name not in parts:
                raise BrokenStatementFile(f"{source}: no part {name!r} stands above what begins with it")
            begin.append(parts[name])
    return "\n".join([*begin, *lines]).rstrip().removesuffix(";").rstrip()
