"""Every setting: a field with a sentence, a default and its bounds.

They come from a TOML file, then from the environment (`ACS_BRIDGE_SECTION__KEY`), then from flags; the later wins. This
is the only module that reads the environment. A setting that the daemon does not have is refused, never ignored, and no
message shows a value: it might be a secret.
"""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic import model_validator as check
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from acs_bridge.settings_device import CpeAuth, CpeAuthMode, DeviceListener
from acs_bridge.settings_layers import Layer, SettingsError, merged, read_file, words
from acs_bridge.settings_reports import Reports
from acs_bridge.settings_types import (
    Folder,
    Host,
    Networks,
    Port,
    Secret,
    Section,
    listener_url,
    postgres_url,
    printable,
    reporting_url,
    split_folders,
    split_words,
)

_PREFIX = "ACS_BRIDGE_"
_CONFIG_VARIABLE = f"{_PREFIX}CONFIG"
_DAY = 86_400


class LogFormat(StrEnum):
    """For a log collector, or for a person."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """The least important line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class OperatorListener(Section):
    """Where people and BSSs reach the daemon. Put a TLS proxy before it when it leaves this machine."""

    host: Host = Field("127.0.0.1", description="The address to listen on.")
    port: Port = Field(8080, description="The port; 0 picks a free one, which the log line `listening` names.")
    public_url: Annotated[str, Field(max_length=200), AfterValidator(listener_url)] | None = Field(
        None,
        description="How callers reach it, as the WSDL says: the address of the proxy. Not set: made of host and port.",
        examples=["https://acs.example.net"],
    )
    trusted_proxies: Networks = Field(
        (),
        description="Proxies that are believed when they say for whom they speak (Forwarded, X-Forwarded-For). Without "
        "them the address of a caller, which a token may be bound to, is that of the connection.",
        examples=[["127.0.0.1"]],
    )
    requests_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        30_000,
        description="How many requests a token may make in a minute, if it has no limit of its own; then they get 429. "
        "An upload is one request, however many lines it has.",
    )
    strangers_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        300,
        description="How many calls without a valid token one address may make in a minute; then those get 429. Tokens "
        "that count are taken from there all the same.",
    )


class Database(Section):
    """Where everything is kept."""

    url: Annotated[Secret, AfterValidator(postgres_url)] | None = Field(
        None,
        description="A Postgres of version 15 or newer. Not set: the embedded Postgres, under `data_dir`.",
        examples=["postgresql://acs_bridge@db1.example.net,db2.example.net/acs_bridge?target_session_attrs=primary"],
    )
    owner_url: Annotated[Secret, AfterValidator(postgres_url)] | None = Field(
        None,
        description="The same database on the role that owns its tables, for `acs-bridge migrate` alone, which gives "
        "the role of `url` what the daemon needs: then the daemon cannot change tables, nor the audit trail.",
        examples=["postgresql://acs_bridge_owner@db1.example.net,db2.example.net/acs_bridge"],
    )
    data_dir: Folder = Field(Path("var/postgres"), description="The folder of the embedded Postgres.")
    pool_size: Annotated[int, Field(ge=1, le=100)] = Field(
        8, description="Connections for each worker; more than 8 seldom helps."
    )


class Phan(Section):
    """The PHAN URLs that gateways get."""

    base_url: Annotated[str, Field(max_length=200), AfterValidator(reporting_url)] | None = Field(
        None,
        description="What stands before the token of every PHAN URL: https, and / at its end. `serve` needs it.",
        examples=["https://phan.example.net/r/"],
    )
    keyring: Folder = Field(
        Path("var/phan.keyring"),
        description="The file of the keys, made with an empty database. Back it up: without it no URL can be read.",
    )


class Profiles(Section):
    """Which parameters of which gateways get the PHAN URL."""

    dirs: Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(split_folders)] = Field(
        (),
        description="Folders of profile files, beside the packaged ones; a later folder overrides an earlier one.",
        examples=[["/etc/acs-bridge/profiles"]],
    )
    packaged: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_words)] = Field(
        ("plain-tr098", "plain-tr181"),
        description="The packaged profiles that are in force, by their names (config/profiles).",
    )


class Queue(Section):
    """How writes reach gateways."""

    writes_per_minute: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="A ceiling for all workers together. Not set: none.", examples=[6000]
    )
    writes_per_gateway_per_day: Annotated[int, Field(ge=1, le=10_000)] = Field(
        20,
        description="How many writes one gateway is sent in 24 hours: what becomes a loop all the same, stops there.",
    )
    recheck_hours: Annotated[int, Field(ge=0, le=8760)] | None = Field(
        None,
        description="How often a value that was found right is read again, in hours, at the next Inform; a profile may "
        "say otherwise. Not set, or 0: only where the gateway shows that something has changed.",
        examples=[168],
    )
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="After so many attempts that faltered a write has failed."
    )
    lease_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        90, description="How long a gateway may take to answer one request before its session counts as lost."
    )
    retry_initial_seconds: Annotated[int, Field(ge=0, le=_DAY)] = Field(
        30, description="The wait before the second attempt; it doubles with every further one."
    )
    retry_max_seconds: Annotated[int, Field(ge=0, le=30 * _DAY)] = Field(21_600, description="The longest such wait.")
    staged_seconds: Annotated[int, Field(ge=0, le=365 * _DAY)] = Field(
        _DAY,
        description="How long a value that applies only after a reboot may take to show before it is written again.",
    )

    @check(mode="after")
    def _waits(self) -> Self:
        if self.retry_max_seconds < self.retry_initial_seconds:
            raise ValueError("retry_max_seconds must be at least retry_initial_seconds")
        return self


class ConnectionRequests(Section):
    """Ringing gateways, so that a write need not wait for their next Inform (TR-069 3.2.2)."""

    enabled: bool = Field(
        default=True, description="Whether gateways are rung that wait for a write and say where they can be reached."
    )
    access_networks: Networks = Field(
        (),
        description="Where gateways are. Any other address is rung only when the gateway's sessions come from it; "
        "loopback, link-local and metadata addresses only when a network names just them.",
        examples=[["100.64.0.0/10", "2001:db8:100::/40"]],
    )
    username: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(printable)] | None = Field(
        None,
        description="What gateways want to see that the daemon has not provisioned with a pair of their own.",
        examples=["acs"],
    )
    password: Secret | None = Field(None, description="Its password.", examples=["a password of your own"])
    basic: bool = Field(
        default=False, description="Whether the password may be sent in the clear to a gateway that knows only Basic."
    )
    per_minute: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        600, description="A ceiling for all daemons together; `queue.writes_per_minute` is one as well."
    )
    interval_seconds: Annotated[int, Field(ge=1, le=_DAY)] = Field(
        30, description="The least time between two rings of one gateway."
    )
    address_interval_seconds: Annotated[int, Field(ge=0, le=_DAY)] = Field(
        30, description="The least time between two rings of one address, whichever gateways name it; 0: none."
    )

    @check(mode="after")
    def _pair(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password must be set together")
        return self


Days = Annotated[int, Field(ge=1, le=3650)]


class Retention(Section):
    """How long what is over is kept, in whole days; 397 are thirteen months."""

    history: Days = Field(
        397, description="The history of writes, and with it the events that `/v1/events` can resume."
    )
    idempotency_keys: Days = Field(397, description="What was answered to calls with an Idempotency-Key.")
    outbox: Days = Field(397, description="What was delivered to webhooks, or could not be.")
    quarantine: Days = Field(30, description="Calls that were kept out of a gateway, from the last one on.")
    audit: Annotated[int, Field(ge=30, le=3650)] = Field(
        397, description="The audit trail; the oldest days of its chain are cut off, which the chain itself tells."
    )
    spool: Days = Field(397, description="Reports that could not be handed on.")
    transcripts: Days = Field(7, description="What was recorded of a gateway's sessions for support.")


class Webhooks(Section):
    """Who is told when a write has settled; the endpoints themselves are made over `/v1/webhooks`."""

    allowed_networks: Networks = Field(
        (),
        description="Where endpoints may be beside public addresses: loopback, private and link-local ranges only when "
        "they stand here.",
        examples=[["10.20.0.0/16"]],
    )
    allow_http: bool = Field(default=False, description="Endpoints without TLS, for closed laboratories.")
    ca_certificates: Folder | None = Field(
        None,
        description="A PEM file of authorities to believe beside those of the system.",
        examples=["/etc/acs-bridge/ca.pem"],
    )
    at_once: Annotated[int, Field(ge=1, le=100)] = Field(8, description="Attempts under way to one endpoint.")
    per_second: Annotated[int, Field(ge=1, le=10_000)] = Field(100, description="Attempts a second to one endpoint.")


class Console(Section):
    """Logging in to the console; users are made by `acs-bridge users`."""

    idle_minutes: Annotated[int, Field(ge=1, le=10_080)] = Field(
        120, description="After so many minutes without use a login ends; a page that is only open is not used."
    )
    session_hours: Annotated[int, Field(ge=1, le=720)] = Field(
        12, description="After so many hours a login ends in any case."
    )


class Log(Section):
    """Standard output, one line an event; never a PHAN URL, a password or a token."""

    format: LogFormat = Field(LogFormat.JSON, description="`json` for a collector, `console` for a person.")
    level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")


class Settings(BaseSettings):
    """All sections. Made without `load`, it takes nothing from the environment."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    device_listener: DeviceListener = DeviceListener()
    operator_listener: OperatorListener = OperatorListener()
    database: Database = Database()
    phan: Phan = Phan()
    cpe_auth: CpeAuth = CpeAuth()
    profiles: Profiles = Profiles()
    queue: Queue = Queue()
    connection_requests: ConnectionRequests = ConnectionRequests()
    webhooks: Webhooks = Webhooks()
    reports: Reports = Reports()
    retention: Retention = Retention()
    console: Console = Console()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings gives it by this name
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` has merged, and nothing behind its back."""
        return (init_settings,)

    @classmethod
    def load(cls, path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Self:
        """Merge the file, the environment and `overrides` (by section), or raise every problem at once.

        Without a path the file is the one that ACS_BRIDGE_CONFIG names, if it names one.
        """
        named = path or _named_file()
        layers = [
            *([read_file(named)] if named else []),
            Layer("environment", _environment(cls)),
            Layer("command line", overrides or {}),
        ]
        values = merged(cls, layers)
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(*words(cls, error, layers)) from None

    @check(mode="after")
    def _paths(self) -> Self:
        if self.reports.path == self.device_listener.path:
            raise ValueError("reports.path must not be device_listener.path: that is for CWMP")
        return self

    def check_servable(self) -> None:
        """Refuse what `serve` cannot run with, though every setting for itself is right. Names all of it at once."""
        if problems := (*self._not_servable(), *self._no_way_in()):
            raise SettingsError(*problems)

    def check_cpe_auth(self) -> None:
        """Refuse a way to show who one is that no gateway could go."""
        if problems := tuple(self._no_way_in()):
            raise SettingsError(*problems)

    def _not_servable(self) -> Iterator[str]:
        if self.phan.base_url is None:
            yield "phan.base_url: is not set; serve needs the https address that gateways report to"
        elif not self.phan.base_url.startswith("https://"):
            yield "phan.base_url: must begin with https:// (http is for `acs-bridge demo`)"
        if self.reports.folder is not None and self.reports.forward_url is not None:
            yield "reports.folder: must not be set together with reports.forward_url"

    def _no_way_in(self) -> Iterator[str]:
        mode, listener = self.cpe_auth.mode, self.device_listener
        if mode in {CpeAuthMode.DIGEST, CpeAuthMode.BASIC} and self.cpe_auth.pair() is None:
            yield f"cpe_auth.username: is not set; mode {mode} needs the pair that gateways log in with"
        if mode is CpeAuthMode.BASIC and listener.tls_certificate is None and not listener.trusted_proxies:
            yield "cpe_auth.mode: basic needs TLS; set device_listener.tls_certificate, or trusted_proxies"
        if mode is CpeAuthMode.CERTIFICATE and listener.client_ca is None and listener.certificate_header is None:
            yield "cpe_auth.mode: certificate needs device_listener.client_ca, or certificate_header of a trusted proxy"


def _named_file() -> Path | None:
    name = os.environ.get(_CONFIG_VARIABLE)
    return Path(name) if name else None


def _environment(settings: type[BaseSettings]) -> dict[str, Any]:
    """Return what the environment says, with unknown sections too, so that they are refused like those of a file.

    A name without "__" names no setting of ours: container platforms put names like ACS_BRIDGE_SERVICE_HOST there.
    """
    for section in settings.model_fields:
        if f"{_PREFIX}{section.upper()}" in os.environ:
            raise SettingsError(
                f"{_PREFIX}{section.upper()}: is a section; its keys are set, each after two underscores"
            )
    values = EnvSettingsSource(settings)()
    for name, value in os.environ.items():
        section, separator, key = name.upper().removeprefix(_PREFIX).lower().partition("__")
        if name.upper().startswith(_PREFIX) and separator and value and section not in settings.model_fields:
            values.setdefault(section, {})[key] = value
    return values
