"""How every command ends: its exit code, and one line for what acs-bridge foresaw."""

import re
import subprocess
import sys

import pytest
import typer

from acs_bridge import __version__
from acs_bridge.cli import main as command_line
from acs_bridge.errors import AcsBridgeError, InvalidField, InvalidInput


@pytest.fixture
def raising(monkeypatch):
    """Put a command `raise` beside the others that raises what the test says."""

    def put(error: BaseException) -> None:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.callback()(lambda: None)

        def command() -> None:
            raise error

        app.command("raise")(command)
        monkeypatch.setattr(command_line, "app", app)

    return put


def test_the_version_is_printed_alone(run):
    ended = run("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"acs-bridge {__version__}\n", "")


def test_a_known_error_is_one_line_and_exit_code_1(run, raising):
    raising(AcsBridgeError("the database does not answer"))
    ended = run("raise")
    assert (ended.code, ended.out, ended.err) == (1, "", "acs-bridge: the database does not answer\n")


def test_errors_that_leave_a_task_group_together_are_a_line_each(run, raising):
    inner = ExceptionGroup("workers", [AcsBridgeError("two")])
    raising(ExceptionGroup("tasks", [AcsBridgeError("one"), inner]))
    ended = run("raise")
    assert (ended.code, ended.err) == (1, "acs-bridge: one\nacs-bridge: two\n")


def test_a_bug_is_not_hidden_among_known_errors(run, raising):
    raising(ExceptionGroup("tasks", [AcsBridgeError("one"), ZeroDivisionError("bug")]))
    with pytest.raises(ExceptionGroup) as caught:
        run("raise")
    assert [type(error) for error in caught.value.exceptions] == [ZeroDivisionError]


def test_an_interrupted_command_ends_with_130(run, raising):
    raising(KeyboardInterrupt())
    assert run("raise").code == 130


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"], ["config", "no-such-command"], []])
def test_wrong_usage_ends_with_2(run, arguments):
    assert run(*arguments).code == 2


def test_every_command_explains_itself(run):
    commands = list(typer.main.get_command(command_line.app).commands)  # type: ignore[attr-defined]
    assert {"config", "migrate"} <= set(commands)
    for command in commands:
        ended = run(command, "--help")
        assert ended.code == 0
        assert re.search(r"Usage: acs-bridge " + command, ended.out)


def test_help_loads_nothing_that_only_a_running_command_needs():
    """`--help` and a wrong argument answer at once, also on a small machine."""
    script = "import sys, acs_bridge.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"aiohttp", "asyncpg", "cryptography", "lxml", "prometheus_client", "pydantic_settings", "uvloop"}
    assert not heavy & set(loaded)


def test_the_module_is_the_same_command():
    ended = subprocess.run(
        [sys.executable, "-m", "acs_bridge", "--version"], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"acs-bridge {__version__}\n"


class TestErrors:
    def test_an_error_without_words_of_its_own_says_its_title(self):
        assert str(AcsBridgeError()) == AcsBridgeError.title

    def test_a_field_is_named_with_what_is_wrong_with_it(self):
        error = InvalidField("code", "must have 1 to 64 characters")
        assert str(error) == "code: must have 1 to 64 characters"
        assert error.errors == (error,)

    def test_several_fields_are_one_error(self):
        name, code = InvalidField("name", "is missing"), InvalidField("code", "is missing")
        assert InvalidInput(name, code).errors == (name, code)
        assert str(InvalidInput(name, code)) == "name: is missing; code: is missing"


def commands(command):
    """A command, and every one below it."""
    return [command, *(each for below in getattr(command, "commands", {}).values() for each in commands(below))]


def test_no_help_has_what_its_printer_would_swallow():
    """rich takes words in square brackets for markup, and shows nothing of them."""
    everything = commands(typer.main.get_command(command_line.app))
    assert len(everything) > 20
    for command in everything:
        for text in (command.help, *(getattr(parameter, "help", None) for parameter in command.params)):
            assert "[" not in (text or ""), (command.name, text)
