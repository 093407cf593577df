"""`acs-bridge config`: an annotated sample of the settings, and a check of those that are in force.

The sample is made from the fields, so that it cannot be out of date; a secret is never printed.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, SecretStr

from acs_bridge.cli.options import ConfigFile

app = typer.Typer(help="The settings: an annotated sample, and a check.", no_args_is_help=True)

_WIDTH = 100
_OPENING = """\
acs-bridge: every setting with its default, or with an example where it has none. Take the # from before a setting to
change it.

A setting comes from this file, then from the environment (`port` of [device_listener] is
ACS_BRIDGE_DEVICE_LISTENER__PORT), then from flags; the later wins. A secret may stand in a file of its own:
`password_file = "/run/secrets/password"`, or ACS_BRIDGE_CPE_AUTH__PASSWORD_FILE. A path that does not begin with /
starts in the folder where the daemon was started. ACS_BRIDGE_CONFIG names this file for every command.
"""


@app.command()
def example() -> None:
    """Print every setting with its default and what it means, as a file to begin with."""
    from acs_bridge.settings import Settings

    print(sample(Settings), end="")


@app.command()
def check(config: ConfigFile = None) -> None:
    """Say what is wrong with the settings and the profiles, or print the settings in force, without secrets."""
    from acs_bridge.services.profiles.profiles import load_profiles
    from acs_bridge.settings import Settings
    from acs_bridge.web.device.tls import Tls

    settings = Settings.load(config)
    settings.check_servable()
    load_profiles(settings.profiles.dirs, settings.profiles.packaged)
    Tls.open(settings.device_listener)
    print("\n".join(_in_force(settings)))


def sample(settings: type[BaseModel]) -> str:
    """Return the annotated sample of a model whose fields are sections."""
    return "\n".join(_sample_lines(settings)) + "\n"


def _sample_lines(settings: type[BaseModel]) -> Iterator[str]:
    opening, sources = _OPENING.split("\n\n")
    yield from (*_comment(opening), "#", *_comment(sources))
    for name, section in settings.model_fields.items():
        model = type(section.default)
        properties = model.model_json_schema()["properties"]
        yield from ("", f"[{name}]", *_comment(model.__doc__ or ""))
        for key, field in model.model_fields.items():
            value = field.examples[0] if field.examples else field.default
            yield from ("", *_comment(f"{field.description} {_bounds(properties[key])}"))
            yield f"#{key} = {_literal(value)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    bounded = next((each for each in schema.get("anyOf", [schema]) if "maximum" in each), None)
    return f"({bounded['minimum']} to {bounded['maximum']})" if bounded else ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _in_force(settings: BaseModel) -> Iterator[str]:
    for name, section in settings:
        yield f"[{name}]"
        for key, value in section:
            yield f"# {key} is not set" if value is None else f"{key} = {_literal(value)}"
        yield ""


def _literal(value: object) -> str:
    """Write a value as TOML."""
    match value:
        case SecretStr():
            return '"[hidden]"'
        case list() | tuple():
            return f"[{', '.join(map(_literal, value))}]"
        case Enum():
            return _literal(value.value)
        case Path() | IPv4Network() | IPv6Network():
            return _literal(str(value))
    return json.dumps(value, ensure_ascii=False)
