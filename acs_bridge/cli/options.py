"""The options that several commands have, so that they are called and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="The settings file (without: what ACS_BRIDGE_CONFIG names)."),
]
