"""What a person types: the commands in the code blocks of our documents, as a shell would take them."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

ROOT: Final = Path(__file__).resolve().parents[1]
DOCUMENTS: Final = sorted(ROOT.glob("*.md"))


def lines(text: str) -> Iterator[str]:
    """The commands of the indented blocks, each whole, however many lines it has."""
    begun = ""
    for line in text.splitlines():
        begun += line.removeprefix("    ") + "\n" if begun or line.startswith("    ") else ""
        if begun and not begun.endswith("\\\n") and _is_whole(begun):
            yield begun.replace("\\\n", " ").strip()
            begun = ""
        elif not line:
            begun = ""  # it was no command


def command(line: str) -> list[str]:
    """The words of our own command in a line: alone, behind a pipe, or to make a variable of what it says."""
    words = shlex.split(re.sub(r"^\w+=\$\((.*?)\)", r"\1", line), comments=True)
    try:
        words = words[words.index("acs-bridge") + 1 :]
    except ValueError:
        return []
    return words[: words.index(">")] if ">" in words else words


@dataclass(frozen=True, slots=True)
class Call:
    """What a curl asks of /v1."""

    method: str
    path: str
    query: tuple[str, ...]
    target: str
    body: str | None


def call(line: str) -> Call | None:
    """Read a curl; None for anything else."""
    words = shlex.split(line, comments=True) if line.startswith("curl ") else []
    target = next((word.removeprefix("$V") for word in words if word.startswith("$V")), None)
    if target is None:
        return None
    body = _after(words, "-d")
    method = _after(words, "-X") or ("GET" if body is None else "POST")
    parts = urlsplit(target)
    names = tuple(name for name, _ in parse_qsl(parts.query))
    return Call(method, f"/v1{parts.path}", names, f"/v1{target}", body)


def _after(words: Sequence[str], option: str) -> str | None:
    return words[words.index(option) + 1] if option in words else None


def _is_whole(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True
