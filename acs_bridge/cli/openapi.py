"""`acs-bridge openapi`: the description of `/v1`, without a daemon.

Both forms are made from the routes and their models, and stand in `schemas` for those who look before they install.
"""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from acs_bridge.web.operator.openapi.document import Document

app = typer.Typer(help="The description of the API: OpenAPI 3.1, and as a page.", no_args_is_help=True)

_USUAL = "http://127.0.0.1:8080"


@app.command("json")
def as_json() -> None:
    """Print the document, with the address that the daemon has by default; a daemon's own says its public_url."""
    from acs_bridge.web.operator.openapi.document import written

    print(written(_document()), end="")


@app.command("html")
def as_html() -> None:
    """Print it as a page that needs no network."""
    from acs_bridge.web.operator.openapi.page import page

    print(page(_document()), end="")


def _document() -> "Document":
    from acs_bridge.web.operator.application import described
    from acs_bridge.web.operator.openapi.document import document

    return document(described(), _USUAL)
