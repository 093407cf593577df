"""The walls of the house that no other tool watches: who may touch what, and what the project's files may not say."""

import ast
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("acs_bridge", "cwmp")
LONGEST_MODULE = 400


@dataclass(frozen=True)
class Wall:
    """Names that only some modules may use, and why those may."""

    names: str
    allowed: tuple[str, ...]


WALLS = {
    "the environment is for the settings, and for handing some of it on to Postgres": Wall(
        r"os\.(environb?|getenvb?|putenv|unsetenv)", ("acs_bridge/settings.py", "acs_bridge/store/embedded/process.py")
    ),
    "the wall clock is read where it is handed in: by commands and by the composition roots": Wall(
        r"(datetime\.)?datetime\.(now|utcnow|today)|(datetime\.)?date\.today|time\.(time|time_ns|localtime|gmtime)",
        ("acs_bridge/app.py", "acs_bridge/cli/", "acs_bridge/simulator/surroundings.py"),
    ),
    "an HTTP server is for the listeners": Wall(
        r"aiohttp\.(web|web_\w+|abc|test_utils)(\..+)?", ("acs_bridge/app.py", "acs_bridge/parts.py", "acs_bridge/web/")
    ),
    "an HTTP client is for the simulator, for commands that ask a daemon, and for posting to webhooks": Wall(
        r"aiohttp\.(Client\w+|client\w*|request)(\..+)?",
        ("acs_bridge/cli/", "acs_bridge/services/notifications/posting.py", "acs_bridge/simulator/"),
    ),
    "SOAP for BSSs is for its own package": Wall(r"spyne(\..+)?", ("acs_bridge/web/operator/soap/",)),
    "ids, keys and tokens are made in few places, of the system's randomness": Wall(
        r"uuid\.uuid\d|os\.urandom|random\..+|secrets\.token.+",
        (
            "acs_bridge/parts.py",
            "acs_bridge/cli/",
            "acs_bridge/domain/ids.py",
            "acs_bridge/domain/keyring.py",
            "acs_bridge/services/access/tokens.py",
            "acs_bridge/simulator/surroundings.py",
            "acs_bridge/store/embedded/",
            "cwmp/envelope.py",  # which messages have their names looked at: no result depends on it
        ),
    ),
    "nothing sleeps on the event loop; the process that watches Postgres has none": Wall(
        r"time\.sleep", ("acs_bridge/store/embedded/launcher.py",)
    ),
    "XML is read by our own reader": Wall(r"xml\..+", ()),
}

IO_OF_THE_PROTOCOL = {"asyncio", "os", "pathlib", "secrets", "socket", "ssl", "time", "uuid"}


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def used_by(path: Path) -> frozenset[str]:
    """Every dotted name that a module uses; each is read once for all walls."""
    return frozenset(used(path.read_text("utf-8")))


def imported(tree: ast.Module) -> dict[str, str]:
    """Every name that an import gives a module, and what it stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def used(source: str) -> Iterator[str]:
    """Every dotted name that a module imports or reaches through an import."""
    tree = ast.parse(source)
    names = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            parts = ast.unparse(node).split(".")
            if parts[0] in names:
                yield ".".join([names[parts[0]], *parts[1:]])


class TestWalls:
    @pytest.mark.parametrize("rule", WALLS)
    def test_are_kept_by_every_module(self, rule):
        wall = WALLS[rule]
        broken = [
            f"{name_of(path)}: {name}"
            for path in modules()
            if not name_of(path).startswith(wall.allowed or ("-",))
            for name in sorted(used_by(path))
            if re.fullmatch(wall.names, name)
        ]
        assert not broken, rule

    @pytest.mark.parametrize(
        ("source", "rule"),
        [
            ("import os\nos.environ['A']", "the environment"),
            ("from os import environ", "the environment"),
            ("import os as system\nsystem.getenv('A')", "the environment"),
            ("from datetime import datetime\ndatetime.now()", "the wall clock"),
            ("import datetime as dt\ndt.datetime.utcnow()", "the wall clock"),
            ("from time import time", "the wall clock"),
            ("from aiohttp import web", "an HTTP server"),
            ("import aiohttp.web_request", "an HTTP server"),
            ("import aiohttp\naiohttp.ClientSession()", "an HTTP client"),
            ("def later():\n    import spyne.application", "SOAP"),
            ("from time import sleep", "nothing sleeps"),
            ("import uuid\nuuid.uuid4()", "ids, keys and tokens"),
        ],
    )
    def test_are_seen_to_break_however_the_name_is_reached(self, source, rule):
        names = next(wall.names for text, wall in WALLS.items() if text.startswith(rule))
        assert any(re.fullmatch(names, name) for name in used(source))

    def test_the_protocol_does_no_io_and_has_no_clock(self):
        broken = [
            f"{name_of(path)}: {name}"
            for path in modules()
            if name_of(path).startswith("cwmp/")
            for name in sorted(used_by(path))
            if name.partition(".")[0] in IO_OF_THE_PROTOCOL | {"acs_bridge"}
        ]
        assert not broken


class TestModules:
    def test_each_says_what_it_is(self):
        assert not [name_of(path) for path in modules() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]

    def test_none_is_so_long_that_it_has_two_subjects(self):
        lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in modules()}
        assert not {name: length for name, length in lengths.items() if length > LONGEST_MODULE}


class TestRequirements:
    PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    def pins(self, file: str) -> dict[str, list[Requirement]]:
        pins: dict[str, list[Requirement]] = {}
        for line in (ROOT / file).read_text("utf-8").splitlines():
            if line and not line.startswith((" ", "#")):
                pin = Requirement(line.rstrip("\\ "))
                pins.setdefault(pin.name, []).append(pin)
        return pins

    def wanted(self, *groups: str) -> list[Requirement]:
        return [
            Requirement(text)
            for text in [
                *self.PYPROJECT["project"]["dependencies"],
                *(text for group in groups for text in self.PYPROJECT["dependency-groups"][group]),
            ]
        ]

    @pytest.mark.parametrize(
        ("file", "groups"), [("requirements.txt", ("build",)), ("requirements-dev.txt", ("build", "dev"))]
    )
    def test_every_dependency_is_pinned_within_its_range(self, file, groups):
        pins = self.pins(file)
        for wanted in self.wanted(*groups):
            versions = [next(iter(pin.specifier)).version for pin in pins[wanted.name]]
            assert all(wanted.specifier.contains(version) for version in versions), wanted

    def test_the_development_pins_are_those_of_the_daemon_and_more(self):
        runtime, development = self.pins("requirements.txt"), self.pins("requirements-dev.txt")
        assert {name: development[name] for name in runtime} == runtime

    @pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt", "requirements-fuzz.txt"])
    def test_every_pin_has_a_hash_and_none_a_host(self, file):
        text = (ROOT / file).read_text("utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*-(?!-hash=sha256:)", text, re.MULTILINE)
        for block in re.split(r"\n(?=\S)", text):
            assert block.startswith("#") or "--hash=sha256:" in block

    @pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
    def test_no_python_that_we_support_gets_two_pins_of_one_package(self, version):
        python = {"python_version": version, "python_full_version": f"{version}.9", "sys_platform": "linux"}
        for pins in self.pins("requirements-dev.txt").values():
            assert sum(pin.marker is None or pin.marker.evaluate(python) for pin in pins) <= 1


class TestFiles:
    FOREIGN = re.compile(r"(?<![\w.-])/(?:wor[k]|roo[t])/|//[\w.-]*(?:pyp[i]|pythonhoste[d]|npmj[s])\.\w+")
    PRIVATE = re.compile(r"(^|/)(var/|uv\.lock$|\.env$)|\.(keyring|key|pem)$")

    def tracked(self) -> list[str]:
        git = shutil.which("git")
        assert git
        listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]

    def test_none_names_a_path_of_the_machine_it_was_written_on_or_a_registry(self):
        texts = {name: (ROOT / name).read_text("utf-8", errors="replace") for name in self.tracked()}
        assert not {name: found[0] for name, text in texts.items() if (found := self.FOREIGN.search(text))}

    def test_none_is_a_secret_a_lock_or_the_data_of_a_daemon(self):
        assert not [name for name in self.tracked() if self.PRIVATE.search(name)]
