"""`acs-bridge audit`: is the audit trail what it was. It works beside a running daemon."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from acs_bridge.cli.operators import database_of, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.services.audit import Verdict
    from acs_bridge.settings import Settings

app = typer.Typer(help="The audit trail, and whether it is what it was.", no_args_is_help=True)

_LINK = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})", re.ASCII)


def _link(text: str) -> tuple[int, bytes]:
    """Read a link as `verify` prints it."""
    found = _LINK.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter("must be a number, a colon and 64 hexadecimal digits, as `audit verify` prints it")
    return int(found[1]), bytes.fromhex(found[2])


@app.command()
def verify(
    noted: Annotated[
        str | None,
        typer.Option(metavar="N:HASH", help="A link that was noted elsewhere, as this command and the log say it."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Follow the chain of the audit trail from its beginning, and name the first place where it is broken."""
    verdict = run(_verify(settings_of(config), None if noted is None else _link(noted)))
    chain = verdict.chain
    if chain.cut is not None:
        print(f"begins behind link {chain.cut.n}: what is from before {chain.cut.before:%Y-%m-%d} was cut off")
    if verdict.broken is not None:
        print(f"acs-bridge: the audit trail is broken: {verdict.broken}", file=sys.stderr)
        raise typer.Exit(1)
    print(f"{verdict.links} links, none of them broken")
    print(f"{chain.head.n}:{chain.head.hash.hex()}")


async def _verify(settings: "Settings", noted: "tuple[int, bytes] | None") -> "Verdict":
    from acs_bridge.services.audit import AuditTrail
    from acs_bridge.store.audit import Link

    async with database_of(settings) as database:
        return await AuditTrail(database, utc_now).verify(None if noted is None else Link(*noted))
