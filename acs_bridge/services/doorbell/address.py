"""Where a connection request may lead. The URL is a gateway's own word, so whoever plays a gateway chooses it.

Only plain http, and only an address that the configured access networks have, or that the gateway's sessions come from.
What is checked is the very address that is connected to: a name is looked up once, every spelling of an IPv4 address
that a resolver would take is read as that address, and one that is wrapped into an IPv6 address counts as itself.
Addresses that are nobody's gateway (this machine, its links, a cloud's metadata) need a network that names just them.
"""

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Final

from acs_bridge.domain.networks import Address, Kind, Network, kind, read, within
from acs_bridge.domain.ring import RingResult

_URL = re.compile(r"http://(?P<authority>[^/?#\\@%]+)(?P<target>(?:[/?][^#]*)?)(?:#.*)?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{0,5}))?")
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:0[xX][0-9A-Fa-f]*|[0-9]+)")  # so that no resolver takes it for a name
_PRINTABLE = re.compile(r"[!-~]+")
_HTTP_PORT: Final = 80
_LARGEST_PORT: Final = 65535

_GUARDED: Final = frozenset((Kind.LOOPBACK, Kind.LINK_LOCAL, Kind.MULTICAST, Kind.RESERVED))
_METADATA: Final = frozenset(
    read(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
"""Where clouds hand out the credentials of their machines."""


class NotRung(Exception):
    """A ring ended before a gateway was asked."""

    def __init__(self, result: RingResult) -> None:
        super().__init__(result.value)
        self.result = result


@dataclass(frozen=True, slots=True)
class Bell:
    """A connection request URL, taken apart."""

    host: str
    port: int
    authority: str
    target: str = field(repr=False)  # path and query: often all that keeps strangers from ringing

    @classmethod
    def of(cls, url: str) -> "Bell":
        """Take a URL apart. Raises NotRung for one that cannot be used, with user information among others."""
        url = url.strip()
        whole = _URL.fullmatch(url) if _PRINTABLE.fullmatch(url) else None
        found = None if whole is None else _AUTHORITY.fullmatch(whole["authority"])
        if whole is None or found is None:
            raise NotRung(RingResult.UNUSABLE_URL)
        port = int(found["port"] or _HTTP_PORT)
        host = found["host"].strip("[]").removesuffix(".")
        if not 0 < port <= _LARGEST_PORT or not host:
            raise NotRung(RingResult.UNUSABLE_URL)
        target = whole["target"]
        return cls(host, port, whole["authority"], target if target.startswith("/") else f"/{target}")


@dataclass(frozen=True, slots=True)
class Access:
    """Which addresses may be rung."""

    networks: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()
    """Where sessions come from that say nothing of where their gateways are."""

    def refusal(self, address: Address, source: Address | None) -> RingResult | None:
        """Say why an address may not be rung; None when it may. `source`: where the gateway's sessions come from."""
        named = [network for network in self.networks if within(address, (network,))]
        its_kind = kind(address)
        if address in _METADATA:
            return None if any(network.num_addresses == 1 for network in named) else RingResult.FORBIDDEN_ADDRESS
        if its_kind in _GUARDED:
            opened = any(_is_all_of(network, its_kind) for network in named)
            return None if opened else RingResult.FORBIDDEN_ADDRESS
        if named or (address == source and not within(address, self.proxies)):
            return None
        return RingResult.FORBIDDEN_ADDRESS if its_kind is Kind.PUBLIC else RingResult.PRIVATE_ADDRESS

    def choose(self, addresses: Sequence[Address], source: Address | None) -> Address:
        """Choose the first address that may be rung. Raises NotRung when there is none."""
        refusals = [self.refusal(address, source) for address in addresses]
        for address, refusal in zip(addresses, refusals, strict=True):
            if refusal is None:
                return address
        raise NotRung(next(filter(None, refusals), RingResult.UNREACHABLE))


def _is_all_of(network: Network, its_kind: Kind) -> bool:
    """Tell whether somebody who configured this network meant addresses of this kind, and not the whole world."""
    ends = {kind(network.network_address), kind(network.broadcast_address)}
    return ends == {its_kind} and network.prefixlen > 0


def source_of(text: str) -> Address | None:
    """The peer's address of an Inform, as its row has it."""
    try:
        return read(text)
    except ValueError:
        return None


def literal(host: str) -> Address | None:
    """The address that a host spells, as resolvers read it (`0x7f.1` is 127.0.0.1); None for a name."""
    if ":" not in host and _ENDS_IN_A_NUMBER.fullmatch(host):
        try:
            return IPv4Address(socket.inet_aton(host))
        except OSError:
            raise NotRung(RingResult.UNUSABLE_URL) from None
    if ":" not in host:
        return None
    address = source_of(host)
    if address is None:
        raise NotRung(RingResult.UNUSABLE_URL)
    return address


async def addresses_of(bell: Bell) -> list[Address]:
    """The addresses behind a host, looked up once. Raises NotRung when it has none."""
    spelt = literal(bell.host)
    if spelt is not None:
        return [spelt]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(bell.host, bell.port, type=socket.SOCK_STREAM)
    except OSError:
        raise NotRung(RingResult.UNREACHABLE) from None
    return [read(str(sockaddr[0])) for *_, sockaddr in found]
