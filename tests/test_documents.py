"""The documents say what is so: their links lead somewhere, and what they have people type is there."""

import json
import re
from collections.abc import Iterator

import pytest
import typer

from acs_bridge.cli.main import app
from tests.typed import DOCUMENTS, ROOT, Call, call, command, lines

NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
FILES = re.compile(r"`(\w[\w./-]*\.(?:py|sql|js|toml|md))`")
FOLDERS = ("acs_bridge", "cwmp", "tests", "config", "schemas")


@pytest.fixture(scope="module")
def calls_there_are() -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]] = json.loads((ROOT / "schemas/openapi.json").read_text())["paths"]
    return paths


@pytest.fixture(scope="module")
def files() -> set[str]:
    """Everything of the project that a document could name, below a slash."""
    found = {f"/{path.name}" for path in ROOT.iterdir()}
    for folder in FOLDERS:
        found |= {
            f"/{path.relative_to(ROOT)}" for path in (ROOT / folder).rglob("*.*") if "node_modules" not in path.parts
        }
    return found


def anchor(heading: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def typed(name: str) -> Iterator[str]:
    return lines((ROOT / name).read_text("utf-8"))


def described(there: dict[str, dict[str, dict[str, object]]], asked: Call) -> dict[str, object] | None:
    """What the description of the API has for a call."""
    for template, methods in there.items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), asked.path):
            return methods.get(asked.method.lower())
    return None


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    headings = {f"#{anchor(heading)}" for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert [link for link in links if link not in headings and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_is_named_is_there(name: str, files: set[str]) -> None:
    named = set(FILES.findall((ROOT / name).read_text("utf-8")))
    assert sorted(file for file in named if not any(path.endswith(f"/{file}") for path in files)) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_one_that_there_is(name: str) -> None:
    for line in typed(name):
        if words := command(line):
            group = typer.main.get_command(app)
            while words and words[0] in (subcommands := getattr(group, "commands", {})):
                group, words = subcommands[words[0]], words[1:]
            group.make_context("acs-bridge", words)  # raises what a person would be told


@pytest.mark.parametrize("name", NAMES)
def test_every_curl_asks_for_something_that_there_is(
    name: str, calls_there_are: dict[str, dict[str, dict[str, object]]]
) -> None:
    for line in typed(name):
        if asked := call(line):
            found = described(calls_there_are, asked)
            assert found is not None, line
            parameters = found.get("parameters", [])
            assert isinstance(parameters, list)
            assert set(asked.query) <= {parameter["name"] for parameter in parameters}, line


def test_the_readme_begins_with_what_is_read_to_the_end() -> None:
    begin, reference, _ = (ROOT / "README.md").read_text("utf-8").partition("\n# Reference\n")
    assert reference
    assert len(begin.splitlines()) <= 170
