"""What kind of address an address is: whether somebody outside may make the daemon dial it.

An address that carries another one (IPv4 in IPv6, in its several dresses) is the one that it carries: a packet to it
ends there. Names are not looked up here: what counts is the address that is dialled.
"""

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_SHARED: Final = IPv4Network("100.64.0.0/10")  # RFC 6598: behind a carrier's address translation
_UNIQUE_LOCAL: Final = IPv6Network("fc00::/7")  # RFC 4193
_SITE_LOCAL: Final = IPv6Network("fec0::/10")  # RFC 3879: deprecated, and still never public
_PRIVATE: Final = tuple(IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))  # RFC 1918
_CARRIERS: Final = (
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291 2.5.5.1
    IPv6Network("::ffff:0:0/96"),  # IPv4-mapped, RFC 4291 2.5.5.2
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
)
_NO_CARRIERS: Final = (IPv6Address("::"), IPv6Address("::1"))  # unspecified and loopback, inside of ::/96
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")  # RFC 3056: the IPv4 address stands in bits 16 to 48
_IPV4_BITS: Final = 0xFFFF_FFFF
_SITE_BITS: Final = 64  # of an IPv6 address; whoever has one may vary the rest as they like


class Kind(StrEnum):
    """Whom an address belongs to."""

    PUBLIC = "public"
    PRIVATE = "private"
    SHARED = "shared"  # 100.64.0.0/10
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"  # where clouds keep their metadata
    MULTICAST = "multicast"
    RESERVED = "reserved"  # unspecified, broadcast, documentation, and what nobody has been given


def read(text: str) -> Address:
    """Read an address, without its zone; what it carries is what it is. ValueError for what is none."""
    address = ip_address(text.partition("%")[0])
    return address if isinstance(address, IPv4Address) else _carried(address) or address


def site(text: str) -> str:
    """What stands for all addresses that one caller may take in turns: an IPv6 network, or the address itself."""
    if ":" not in text:
        return text
    try:
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return text
    return str(address.ipv4_mapped or IPv6Network((int(address), _SITE_BITS), strict=False))


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in _NO_CARRIERS:  # by value: Python 3.13 calls ::ffff:127.0.0.1 a loopback too
        return None
    if any(address in network for network in _CARRIERS):
        return IPv4Address(int(address) & _IPV4_BITS)
    return IPv4Address(int(address) >> 80 & _IPV4_BITS) if address in _SIX_TO_FOUR else None


def kind(address: Address) -> Kind:
    """Say what kind of address this is, as `read` gives it."""
    asked: tuple[tuple[Kind, bool], ...] = (
        (Kind.LOOPBACK, address.is_loopback),
        (Kind.LINK_LOCAL, address.is_link_local),
        (Kind.MULTICAST, address.is_multicast),
        (Kind.SHARED, address.version == _SHARED.version and address in _SHARED),
        (Kind.PRIVATE, within(address, (*_PRIVATE, _UNIQUE_LOCAL, _SITE_LOCAL))),
        (Kind.RESERVED, not address.is_global),
    )
    return next((kind for kind, is_it in asked if is_it), Kind.PUBLIC)


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address lies in one of these networks."""
    return any(address.version == network.version and address in network for network in networks)


def may_be_dialled(address: Address, allowed: Iterable[Network]) -> bool:
    """Tell whether an address is public, or in one of the networks that the settings allow."""
    return kind(address) is Kind.PUBLIC or within(address, allowed)
