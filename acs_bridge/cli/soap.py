"""`acs-bridge soap`: the WSDL and the schema of `/soap/provisioning`, without a daemon.

Both are made from the operations, and stand in `schemas/soap` for those who look before they install.
"""

import typer

app = typer.Typer(help="The SOAP service for BSSs: its WSDL and its XML schema.", no_args_is_help=True)

_USUAL = "http://127.0.0.1:8080"


@app.command()
def wsdl() -> None:
    """Print the WSDL, with the address that the daemon has by default; a daemon's own says its public_url."""
    from acs_bridge.web.operator.soap.interface import Interface
    from acs_bridge.web.operator.soap.vocabulary import PATH

    print(Interface().wsdl(_USUAL + PATH).decode(), end="")


@app.command()
def xsd() -> None:
    """Print the XML schema of requests, answers and faults."""
    from acs_bridge.web.operator.soap.interface import Interface

    print(Interface().schema().decode(), end="")
