"""Where a request comes from: what the transport says of its sender, before any of its own words are believed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The sender of one request; on a direct connection the same for all of its requests."""

    peer: str = ""  # the gateway's address
    secure: bool = False  # it came inside TLS
    exposed: bool = False  # neither inside TLS nor from a management network: no PHAN URL and no password goes there
    identities: frozenset[str] = frozenset()  # whom its client certificate names, which was verified
