"""`acs-bridge users`: logins for the console. It works beside a running daemon."""

import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run
from acs_bridge.domain.actor import Role
from acs_bridge.errors import InvalidField

if TYPE_CHECKING:
    from pathlib import Path

    from acs_bridge.services.access.users import Users
    from acs_bridge.store.users import UserRow

app = typer.Typer(help="Logins for the console.", no_args_is_help=True)

T = TypeVar("T")
_LONGEST_LINE: Final = 1024

Name = Annotated[str, typer.Argument(help="The name that the user logs in with.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Take the password from a line on standard input. Without it one is made, for one login, and printed.",
    ),
]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(metavar="admin|csr", help="What the user may do.")],
    password_stdin: PasswordStdin = False,
    config: ConfigFile = None,
) -> None:
    """Make a user, and print the password for the first login, alone, if none was given."""
    password = _password() if password_stdin else None
    _tell(_do(config, lambda users: users.add(name, role, operator(), password)))


@app.command("list")
def list_users(config: ConfigFile = None) -> None:
    """List every user: name, role, standing, last login."""
    for row in _do(config, lambda users: users.list()):
        seen = "never logged in" if row.last_login_at is None else f"last login {row.last_login_at:%Y-%m-%d %H:%M}Z"
        print("\t".join((row.name, row.role, _standing(row), seen)))


@app.command()
def disable(name: Name, config: ConfigFile = None) -> None:
    """Let nobody log in by this name any more, and end its sessions, from this moment on."""
    _do(config, lambda users: users.disable(name, operator()))
    print(f"{name} cannot log in any more")


@app.command()
def enable(name: Name, config: ConfigFile = None) -> None:
    """Let a user log in again that was disabled, with the password as it was."""
    _do(config, lambda users: users.enable(name, operator()))
    print(f"{name} can log in")


@app.command()
def passwd(name: Name, password_stdin: PasswordStdin = False, config: ConfigFile = None) -> None:
    """Give a user another password, end their sessions, and forget attempts that hold their logins back.

    Prints the password for the next login, alone, if none was given.
    """
    password = _password() if password_stdin else None
    _tell(_do(config, lambda users: users.set_password(name, operator(), password)))


def _do(config: "Path | None", work: "Callable[[Users], Awaitable[T]]") -> T:
    from acs_bridge.services.access.users import Users

    async def on_the_database() -> T:
        async with database_of(settings_of(config)) as database:
            return await work(Users(database, utc_now, secrets.token_bytes))

    return run(on_the_database())


def _password() -> str:
    line = sys.stdin.buffer.readline(_LONGEST_LINE)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidField("password", "must be UTF-8") from None


def _tell(made: str | None) -> None:
    if made is not None:
        print(made)


def _standing(row: "UserRow") -> str:
    if row.disabled_at is not None:
        return f"disabled {row.disabled_at:%Y-%m-%d}"
    return "must choose a password" if row.must_change else "can log in"
