"""`acs-bridge adopt`: URLs that work in gateways already are recorded, and never written again."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from acs_bridge.cli.operators import database_of, operator, settings_of, utc_now
from acs_bridge.cli.options import ConfigFile
from acs_bridge.cli.running import run

if TYPE_CHECKING:
    from acs_bridge.services.adoption import Adopted
    from acs_bridge.settings import Settings


def adopt(
    url: Annotated[str, typer.Argument(help="A PHAN URL, or its token; - reads it from standard input.")],
    *,
    subscriber_code: Annotated[
        str | None, typer.Option(help="Whose line it is, where the database does not know it.")
    ] = None,
    subscriber_name: Annotated[str | None, typer.Option(help="The name of that subscriber.")] = None,
    config: ConfigFile = None,
) -> None:
    """Record a URL that `serve --observe` has seen in a gateway, for the line that it says. Nothing is written."""
    if (subscriber_code is None) != (subscriber_name is None):
        raise typer.BadParameter("--subscriber-code and --subscriber-name go together")
    subscriber = None
    if subscriber_name is not None and subscriber_code is not None:
        subscriber = (subscriber_name, subscriber_code)
    settings = settings_of(config)
    adopted = run(_adopt(settings, (sys.stdin.readline() if url == "-" else url).strip(), subscriber))
    known = "recorded" if adopted.is_new else "was known already"
    print(f"line of service {adopted.line_of_service}, gateway {adopted.gateway_id}: {known}")


async def _adopt(settings: "Settings", url: str, subscriber: tuple[str, str] | None) -> "Adopted":
    from acs_bridge.domain.phan import PhanUrls
    from acs_bridge.services.adoption import Adoption
    from acs_bridge.services.keyring import verify_keyring

    async with database_of(settings) as database:
        keyring = await verify_keyring(settings.phan.keyring, database)
        return await Adoption(database, utc_now, PhanUrls(keyring)).adopt(url, subscriber, operator())
