"""What kinds of values settings have, what each of them may not be, and what a section of them is."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

_LARGEST_PORT = 65535
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")  # RFC 3986 2
_POSTGRES_SCHEMES = ("postgres", "postgresql")

Network: TypeAlias = IPv4Network | IPv6Network


def printable(text: str) -> str:
    """Refuse control characters."""
    if not text.isprintable():
        raise ValueError("must not have control characters")
    return text


def printable_path(path: Path) -> Path:
    """Refuse control characters."""
    printable(str(path))
    return path


def printable_secret(secret: SecretStr) -> SecretStr:
    """Refuse control characters."""
    printable(secret.get_secret_value())
    return secret


def url_path(text: str) -> str:
    """Refuse what is not the path of an ACS URL."""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", text):
        raise ValueError("must be a path as in /acs: it begins with / and does not end with one")
    return text


def reporting_url(text: str) -> str:
    """Refuse what a token cannot simply be put behind."""
    _http_address(text, "https://phan.example.net/r/")
    if not text.endswith("/"):
        raise ValueError("must end with /, because the token stands right behind it")
    return text


def listener_url(text: str) -> str:
    """Refuse what a path cannot simply be put behind."""
    _http_address(text, "https://acs.example.net")
    if text.endswith("/"):
        raise ValueError("must not end with /, because paths stand right behind it")
    return text


def platform_url(text: str) -> str:
    """Refuse what cannot be posted to."""
    _http_address(text.partition("?")[0], "https://analytics.example.net/reports")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address as in https://analytics.example.net/reports")
    return text


def _http_address(text: str, example: str) -> None:
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in {"http", "https"} or not _URL_CHARACTERS.fullmatch(text):
        raise ValueError(f"must be an address as in {example}")
    if "@" in url.netloc or "?" in text or "#" in text:
        raise ValueError("must have no user name, no query and no fragment")


def postgres_url(secret: SecretStr) -> SecretStr:
    """Refuse what is not the address of a Postgres."""
    scheme, separator, _ = secret.get_secret_value().partition("://")
    if scheme not in _POSTGRES_SCHEMES or not separator:
        raise ValueError("must be as in postgresql://user@host:5432/name")
    return secret


def split_folders(value: object) -> object:
    """Let the environment name several folders as PATH does."""
    return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value


def split_words(value: object) -> object:
    """Let the environment name several values in one text, apart by commas or blanks."""
    return re.split(r"[\s,]+", value.strip()) if isinstance(value, str) and value.strip() else value or ()


def network(value: Any) -> Network:  # noqa: ANN401 - whatever stands in a file
    """Read an address or a network."""
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError("must be an address or a network as in 192.0.2.0/24") from None


Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(printable)]
Port = Annotated[int, Field(ge=0, le=_LARGEST_PORT)]
Folder = Annotated[Path, AfterValidator(printable_path)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=1024), AfterValidator(printable_secret)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(network)], ...], NoDecode, BeforeValidator(split_words)]
"""Addresses and networks; in the environment apart by commas or blanks."""


class Section(BaseModel):
    """A section of the file; its docstring is the comment that the sample shows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
