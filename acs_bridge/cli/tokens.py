"""`acs-bridge tokens`: bearer tokens for callers of `/v1`. It works beside a running daemon."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run
from acs_bridge.domain.actor import Role

if TYPE_CHECKING:
    from acs_bridge.settings import Settings
    from acs_bridge.store.tokens import TokenRow

app = typer.Typer(help="Bearer tokens for callers of the API.", no_args_is_help=True)

_NEVER = "never"
_LONGEST = 36_500
_HIGHEST_RATE = 10_000_000


def _days(text: str) -> timedelta | None:
    """Read how long a token counts: days, or never to expire."""
    if text.lower() == _NEVER:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LONGEST)) and 1 <= int(text) <= _LONGEST):
        raise typer.BadParameter(f"must be a number of days from 1 to {_LONGEST}, or {_NEVER}")
    return timedelta(days=int(text))


def _network(text: str) -> IPv4Network | IPv6Network:
    """Read a network."""
    from acs_bridge.settings_types import network

    try:
        return network(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the token is for; no other token ever has this name.")],
    role: Annotated[Role, typer.Option(help="What its bearer may do.")],
    expires: Annotated[
        str,
        typer.Option(metavar="DAYS|never", help="When it expires; never: it counts until it is revoked."),
    ] = "365",
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Where it is taken from; may be given several times (without: everywhere)."),
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=_HIGHEST_RATE, help="Its own limit (without: that of the settings)."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Make a token and print it, alone, on standard output: nobody will see it again."""
    wanted = _Wanted(name, role, _days(expires), tuple(_network(each) for each in network or ()), requests_per_minute)
    print(run(_create(settings_of(config), wanted)))


@app.command("list")
def list_tokens(config: ConfigFile = None) -> None:
    """List every token that was ever made: name, role, standing, last use, and what else narrows it."""
    for row in run(_list(settings_of(config))):
        used = "never used" if row.last_used_at is None else f"last used {row.last_used_at:%Y-%m-%d %H:%M}Z"
        print("\t".join((row.name, row.role, _standing(row), used, *_narrowed(row))))


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


def _narrowed(row: "TokenRow") -> list[str]:
    """Say where a token is taken from and how often, as far as it differs from others."""
    networks = [f"from {' '.join(map(str, row.networks))}"] if row.networks else []
    rate = [] if row.requests_per_minute is None else [f"{row.requests_per_minute} requests a minute"]
    return networks + rate


class _Wanted(NamedTuple):
    """A token to make."""

    name: str
    role: Role
    lifetime: timedelta | None
    networks: tuple[IPv4Network | IPv6Network, ...]
    requests_per_minute: int | None


async def _create(settings: "Settings", wanted: _Wanted) -> str:
    from acs_bridge.services.access.tokens import Tokens

    async with database_of(settings) as database:
        return await Tokens(database, utc_now).create(
            wanted.name,
            wanted.role,
            operator(),
            wanted.lifetime,
            networks=wanted.networks,
            requests_per_minute=wanted.requests_per_minute,
        )


async def _list(settings: "Settings") -> "list[TokenRow]":
    from acs_bridge.services.access.tokens import Tokens

    async with database_of(settings) as database:
        return await Tokens(database, utc_now).list()


async def _revoke(settings: "Settings", name: str) -> None:
    from acs_bridge.services.access.tokens import Tokens

    async with database_of(settings) as database:
        await Tokens(database, utc_now).revoke(name, operator())
