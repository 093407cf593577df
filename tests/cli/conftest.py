"""Running a command as a shell would, in this process: its exit code and what it printed where."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from acs_bridge.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys) -> Run:
    """Run `acs-bridge` with these arguments, in an empty folder and without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ACS_BRIDGE_")]:
        monkeypatch.delenv(name)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["acs-bridge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(code is not None), *capsys.readouterr())

    return run
