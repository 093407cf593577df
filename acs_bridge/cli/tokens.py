"""`acs-bridge tokens`: bearer tokens for callers of `/v1`. It works beside a running daemon."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run
from acs_bridge.domain.actor import Role

if TYPE_CHECKING:
    from acs_bridge.settings import Settings
    from acs_bridge.store.tokens import TokenRow

app = typer.Typer(help="Bearer tokens for callers of the API.", no_args_is_help=True)

_YEAR = 365
_LONGEST = 36_500


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for; no other token ever has this name.")],
    role: Annotated[Role, typer.Option(help="What its bearer may do.")],
    days: Annotated[int, typer.Option(min=0, max=_LONGEST, help="How long it counts; 0: until it is revoked.")] = _YEAR,
    config: ConfigFile = None,
) -> None:
    """Make a token and print it, alone, on standard output: nobody will see it again."""
    print(run(_create(settings_of(config), name, role, timedelta(days=days) if days else None)))


@app.command("list")
def list_tokens(config: ConfigFile = None) -> None:
    """List every token that was ever made: name, role, standing, last use."""
    for row in run(_list(settings_of(config))):
        used = "never used" if row.last_used_at is None else f"last used {row.last_used_at:%Y-%m-%d %H:%M}Z"
        print(f"{row.name}\t{row.role}\t{_standing(row)}\t{used}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="The token's name.")],
    config: ConfigFile = None,
) -> None:
    """Make a token count no more, from this moment on."""
    run(_revoke(settings_of(config), name))
    print(f"{name} counts no more")


def _standing(row: "TokenRow") -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at is None:
        return "until revoked"
    return f"{'expired' if row.expires_at <= utc_now() else 'until'} {row.expires_at:%Y-%m-%d}"


async def _create(settings: "Settings", name: str, role: Role, lifetime: timedelta | None) -> str:
    from acs_bridge.services.tokens import Tokens

    async with database_of(settings) as database:
        return await Tokens(database, utc_now).create(name, role, operator(), lifetime)


async def _list(settings: "Settings") -> "list[TokenRow]":
    from acs_bridge.services.tokens import Tokens

    async with database_of(settings) as database:
        return await Tokens(database, utc_now).list()


async def _revoke(settings: "Settings", name: str) -> None:
    from acs_bridge.services.tokens import Tokens

    async with database_of(settings) as database:
        await Tokens(database, utc_now).revoke(name, operator())
