"""`acs-bridge users`, beside whatever else uses the database, and the first Admin of an installation."""

import io
import re
import stat
import sys

import pytest

from acs_bridge.cli import first_admin
from acs_bridge.settings import Settings

ONE_TIME = re.compile(r"(?:[a-z2-7]{6}-){3}[a-z2-7]{6}")
URL = "https://acs.example.net"


@pytest.fixture
async def served(run, database, database_url, monkeypatch):
    """A database that the settings name."""
    monkeypatch.setenv("ACS_BRIDGE_DATABASE__URL", database_url)
    return database


def test_a_new_user_gets_a_password_for_one_login_printed_alone(run, served):
    ended = run("users", "add", "anna", "--role", "csr")
    assert (ended.code, ended.err) == (0, "")
    assert ONE_TIME.fullmatch(ended.out.strip())
    assert run("users", "list").out == "anna\tcsr\tmust choose a password\tnever logged in\n"


def test_a_password_is_taken_from_standard_input_and_not_said_again(run, served, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("längeres Wort ohne Sinn\n".encode())))
    ended = run("users", "add", "bert", "--role", "admin", "--password-stdin")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert "bert\tadmin\tcan log in" in run("users", "list").out


@pytest.mark.parametrize(
    ("arguments", "typed", "ends"),
    [
        (("add", "anna", "--role", "intake"), "", (1, "role: must be admin or csr")),
        (("add", "an na", "--role", "csr"), "", (1, "name: must be 1 to 64 letters")),
        (("add", "", "--role", "csr"), "", (1, "name: must be 1 to 64 letters")),
        (("add", "anna"), "", (2, "--role")),
        (("add", "anna", "--role", "csr", "--password-stdin"), "short\n", (1, "password: must have 12 to 256")),
        (("add", "anna", "--role", "csr", "--password-stdin"), "\udcff" * 20, (1, "password: must be UTF-8")),
        (("add", "first", "--role", "csr"), "", (1, "there is a user named first already")),
        (("add", "FIRST", "--role", "csr"), "", (1, "there is a user named FIRST already")),
        (("disable", "nobody"), "", (1, "there is no user named nobody")),
        (("passwd", "nobody"), "", (1, "there is no user named nobody")),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run, served, monkeypatch, arguments, typed, ends):
    assert run("users", "add", "first", "--role", "csr").code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode(errors="surrogateescape"))))
    ended = run("users", *arguments)
    code, words = ends
    assert ended.code == code
    assert words in ended.err
    assert run("users", "list").out.count("\n") == 1


def test_a_user_is_disabled_and_enabled(run, served):
    run("users", "add", "anna", "--role", "csr")
    assert run("users", "disable", "ANNA").out == "ANNA cannot log in any more\n"
    assert run("users", "disable", "anna").code == 0
    assert "\tdisabled 2" in run("users", "list").out
    assert run("users", "enable", "anna").code == 0
    assert "must choose a password" in run("users", "list").out
    assert ONE_TIME.fullmatch(run("users", "passwd", "anna").out.strip())


class TestTheFirstAdmin:
    @pytest.fixture
    def settings(self, tmp_path):
        return Settings.model_validate({"phan": {"keyring": tmp_path / "var" / "phan.keyring"}})

    @pytest.fixture
    def file(self, tmp_path):
        return tmp_path / "var" / first_admin.FILE

    async def test_finds_the_password_in_a_file_of_its_own_and_in_no_log(self, database, settings, file, capsys):
        await first_admin.make_first_admin(settings, database, URL)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_text()
        (password,) = ONE_TIME.findall(text)
        assert URL in text
        said = capsys.readouterr()
        assert password not in said.out + said.err
        assert str(file) in said.out
        (row,) = await database.fetch("select name, role, must_change, password_hash from console_user")
        assert (row["name"], row["role"], row["must_change"]) == ("admin", "admin", True)
        assert password not in row["password_hash"]

    async def test_is_made_once(self, database, settings, file):
        await first_admin.make_first_admin(settings, database, URL)
        before = file.read_text()
        await first_admin.make_first_admin(settings, database, URL)
        assert file.read_text() == before
        assert [path.name for path in file.parent.iterdir()] == [file.name]

    async def test_reads_it_at_the_terminal_where_there_is_one(self, database, settings, file, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        await first_admin.make_first_admin(settings, database, URL)
        assert ONE_TIME.search(terminal.getvalue())
        assert not file.parent.exists()

    async def test_is_not_made_where_the_password_could_not_be_told(self, database, settings, tmp_path):
        (tmp_path / "var").write_text("a file where a folder should be")
        with pytest.raises(first_admin.CannotTell, match="cannot be written"):
            await first_admin.make_first_admin(settings, database, URL)
        assert await database.fetchval("select count(*) from console_user") == 0
