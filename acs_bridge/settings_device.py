"""The settings of how gateways reach the daemon, and how they show who they are."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic import model_validator as check

from acs_bridge.settings_types import Folder, Host, Networks, Port, Secret, Section, network, printable, url_path

_MONTH = 30 * 86_400  # seconds
_MANAGEMENT = (  # this machine, private ones (RFC 1918, RFC 4193), and those behind a carrier's translation (RFC 6598)
    *("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10"),
)


class CpeAuthMode(StrEnum):
    """How a gateway shows who it is."""

    DIGEST = "digest"
    BASIC = "basic"
    CERTIFICATE = "certificate"
    NONE = "none"


class Bootstrap(StrEnum):
    """What a gateway gets that showed only the pair that all share."""

    APPROVE = "approve"
    PROVISION = "provision"


class DeviceListener(Section):
    """Where gateways reach the daemon."""

    host: Host = Field("0.0.0.0", description="The address to listen on.")  # noqa: S104 - gateways come from outside
    port: Port = Field(7547, description="The port; 0 picks a free one, which the log line `listening` names.")
    observe: bool = Field(
        default=False,
        description="Take sessions and write nothing: each gateway is read once for each software version, and "
        "`acs-bridge survey` counts what could be provisioned. `serve --observe` says the same.",
    )
    path: Annotated[str, Field(max_length=128), AfterValidator(url_path)] = Field(
        "/acs", description="The path of CWMP, as in the ACS URL that gateways are given."
    )
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = Field(
        8, description="How long requests that are being answered may take to finish after SIGTERM."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10_000,
        description="Connections of one worker. Beyond it the one goes that was silent longest without a session.",
    )
    max_connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        2000, description="The same for one address, so that nobody takes them all."
    )
    sessions_in_flight: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1000,
        description="Requests that one worker answers at a time. Beyond it new sessions hear 503 and when to return, "
        "and sessions under way are served.",
    )
    bootstrap_in_flight: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        500, description="Of these, for gateways that show only the bootstrap pair."
    )
    login_failures_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        300, description="Beyond it no login from that address is looked at for the rest of the minute."
    )
    inbox_rows: Annotated[int, Field(ge=1, le=100_000_000)] = Field(
        100_000,
        description="Gateways that nobody knows, nor has approved, of which a record is kept; about so many. Beyond it "
        "those that were silent for longest are forgotten, and new ones are answered but not recorded.",
    )
    inbox_rows_per_address: Annotated[int, Field(ge=1, le=100_000_000)] = Field(
        5000, description="The same for those that first came from one address."
    )
    inbox_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        30, description="A gateway that nobody knows is forgotten after so many days without an Inform."
    )
    tls_certificate: Folder | None = Field(
        None,
        description="The certificate of the ACS URL's host and those of its issuers, PEM: then the listener speaks "
        "TLS. A file that changes is taken up with the next connection.",
        examples=["/etc/acs-bridge/tls.pem"],
    )
    tls_key: Folder | None = Field(
        None, description="Its key, if that is in a file of its own.", examples=["/etc/acs-bridge/tls.key"]
    )
    tls_ciphers: Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(printable)] = Field(
        "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES128-SHA",
        description="What TLS 1.2 may use, best first, as OpenSSL writes it. The last one is the only one that every "
        "gateway is sure to have. Older versions of TLS are not spoken; what TLS 1.3 uses is not for choice.",
    )
    client_ca: Folder | None = Field(
        None,
        description="The issuers of gateways' certificates, PEM. A certificate with the common or alternative name "
        "OUI-serial or OUI-productclass-serial stands for that gateway and needs no password.",
        examples=["/etc/acs-bridge/gateways-ca.pem"],
    )
    trusted_proxies: Networks = Field(
        (),
        description="Proxies that are believed when they say for whom they speak: Forwarded, X-Forwarded-For, "
        "X-Forwarded-Proto and `certificate_header`. From everybody else these are ignored.",
        examples=[["192.0.2.10", "2001:db8::/64"]],
    )
    certificate_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = Field(
        None,
        description="The header in which a trusted proxy gives the subject (RFC 4514), or the common name alone, of a "
        "client certificate that it has verified. It must remove one that a gateway sends.",
        examples=["X-SSL-Client-S-DN"],
    )
    management_networks: Networks = Field(
        tuple(map(network, _MANAGEMENT)),
        description="The networks of gateways to which PHAN URLs and passwords are sent without TLS; for others "
        "writes wait.",
    )

    @check(mode="after")
    def _tls(self) -> Self:
        if self.tls_certificate is None and (self.tls_key is not None or self.client_ca is not None):
            raise ValueError("tls_key and client_ca need tls_certificate")
        if self.certificate_header is not None and not self.trusted_proxies:
            raise ValueError("certificate_header needs trusted_proxies: from anybody else it is not believed")
        return self


class CpeAuth(Section):
    """How gateways show who they are."""

    mode: CpeAuthMode = Field(
        CpeAuthMode.DIGEST,
        description="`digest` (inside TLS also HTTP Basic, where a gateway prefers it), `basic` (inside TLS only), "
        "`certificate` (a client certificate that names the gateway, and nothing else), or `none`, which trusts every "
        "gateway: for closed laboratories only.",
    )
    username: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(printable)] | None = Field(
        None, description="The user name of the bootstrap pair, which all gateways share.", examples=["bootstrap"]
    )
    password: Secret | None = Field(
        None, description="The password of the bootstrap pair.", examples=["a password of your own"]
    )
    realm: Annotated[str, Field(min_length=1, max_length=64, pattern=r'^[^"\\]*$'), AfterValidator(printable)] = Field(
        "acs-bridge", description="The realm of the Digest challenge. Imported HA1 values hold for one realm only."
    )
    bootstrap: Bootstrap = Field(
        Bootstrap.APPROVE,
        description="What a gateway gets that showed only the shared pair. `approve`: nothing, until an Admin approves "
        "it. `provision`: it is believed to be who it says it is, for access networks that are closed.",
    )

    manage: bool = Field(
        False,  # noqa: FBT003 - the default
        description="Whether the daemon gives gateways credentials of their own, and for connection requests: those "
        "that it believes get a user name and password each, derived from the keyring. Off: it writes nothing of that.",
    )
    periodic_inform_seconds: Annotated[int, Field(ge=1, le=_MONTH)] | None = Field(
        None,
        description="With `manage`: the interval of periodic Informs that gateways get with their credentials. "
        "Not set: theirs is left alone.",
        examples=[21_600],
    )

    @check(mode="after")
    def _pair(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password must be set together")
        if self.manage and self.mode in (CpeAuthMode.NONE, CpeAuthMode.CERTIFICATE):
            raise ValueError("manage needs gateways that log in with a user name: not mode none or certificate")
        return self

    def pair(self) -> tuple[str, str] | None:
        """The bootstrap pair, if there is one."""
        if self.username is None or self.password is None:
            return None
        return self.username, self.password.get_secret_value()
