"""COMPATIBILITY.md and the tests say the same: every rule has a row, and what is done has a test that names it."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
# How many rules each chapter has: none can be forgotten.
CHAPTERS = {
    "T": 30,
    "A": 21,
    "S": 32,
    "V": 10,
    "X": 19,
    "R": 23,
    "F": 2,
    "E": 6,
    "C": 10,
    "D": 9,
    "P": 7,
    "B": 12,
    "SEC": 13,
}
RULE = re.compile(rf"\b(?:{'|'.join(CHAPTERS)})-\d\d\b")
ROW = re.compile(r"\| ([A-Z]+-\d+) \| (.+) \| (done|part|not yet|n/a)(?:: ([^|]+))? \| (.*?) ?\|")


def rows() -> list[tuple[str, str, str]]:
    """Each rule, its state, and where that is shown."""
    found = []
    for line in (ROOT / "COMPATIBILITY.md").read_text("utf-8").splitlines():
        if RULE.match(line.removeprefix("| ")):
            row = ROW.fullmatch(line)
            assert row, line
            assert row[3] == "done" or row[4], f"{row[1]} does not say why"
            found.append((row[1], row[3], row[5]))
    return found


def files(where: str) -> list[str]:
    """The files of a row: one without a folder is in that of the file before it."""
    named: list[str] = []
    for name in re.findall(r"`([^`]+)`", where):
        folder = named[-1].rpartition("/")[0] if named and "/" not in name else ""
        named.append(f"{folder}/{name}".lstrip("/"))
    return named


@cache
def named_in(file: str) -> frozenset[str]:
    return frozenset(RULE.findall((TESTS / file).read_text("utf-8")))


def test_every_rule_has_one_row():
    wanted = [f"{chapter}-{number:02}" for chapter, count in CHAPTERS.items() for number in range(1, count + 1)]
    assert sorted(rule for rule, _, _ in rows()) == sorted(wanted)


@pytest.mark.parametrize(("rule", "state", "where"), rows(), ids=[rule for rule, _, _ in rows()])
def test_what_is_done_is_named_by_the_tests_of_its_row_and_nothing_else_is(rule, state, where):
    assert bool(files(where)) is (state in ("done", "part"))
    assert [file for file in files(where) if rule not in named_in(file)] == []


def test_no_test_names_a_rule_whose_row_does_not_know_it():
    known = {rule: set(files(where)) for rule, _, where in rows()}
    names = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py")} - {Path(__file__).name}
    assert not [f"{file}: {rule}" for file in sorted(names) for rule in named_in(file) if file not in known[rule]]
