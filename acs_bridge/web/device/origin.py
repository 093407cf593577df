"""Where a request comes from: what the transport says of its sender, and what a trusted proxy says in its stead.

A proxy is believed because of its address (`device_listener.trusted_proxies`). Anybody else may send the same headers,
and nothing comes of it.
"""

import re
from asyncio import BaseTransport
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

from multidict import CIMultiDictProxy, istr

from acs_bridge.domain import identities

_FORWARDED, _FORWARDED_FOR = istr("Forwarded"), istr("X-Forwarded-For")
_FORWARDED_PROTO: Final = istr("X-Forwarded-Proto")
_ADDRESSES_KEPT: Final = 4096
# RFC 7239 4: elements apart by commas, pairs in them apart by semicolons, values that may be quoted.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PAIR: Final = re.compile(r'(?:^|;)\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^;\s]*))')
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")  # [2001:db8::1]:80, 192.0.2.1:80

Headers = CIMultiDictProxy[str]
Networks = Iterable[IPv4Network | IPv6Network]


@dataclass(frozen=True, slots=True)
class Origin:
    """The sender of one request; on a direct connection the same for all of its requests."""

    peer: str = ""  # the gateway's address
    secure: bool = False  # it came inside TLS
    exposed: bool = True  # neither inside TLS nor from a management network: no PHAN URL and no password goes there
    identities: frozenset[str] = frozenset()  # the gateways that its client certificate names, which was verified


class Origins:
    """Tells origins."""

    def __init__(
        self, trusted_proxies: Networks, management_networks: Networks, certificate_header: str | None
    ) -> None:
        self._trusted = tuple(trusted_proxies)
        self._management = tuple(management_networks)
        self._certificate_header = None if certificate_header is None else istr(certificate_header)
        self._is_managed = lru_cache(_ADDRESSES_KEPT)(lambda peer: _within(peer, self._management))
        self._is_trusted = lru_cache(_ADDRESSES_KEPT)(lambda peer: _within(peer, self._trusted))

    def of(self, transport: BaseTransport) -> Origin:
        """The other end of a connection."""
        peername = transport.get_extra_info("peername")
        peer = _address(peername[0]) or "" if peername else ""
        secure = transport.get_extra_info("sslcontext") is not None
        return self._origin(
            peer, secure=secure, names=_names_in(transport.get_extra_info("peercert")) if secure else ()
        )

    def is_proxy(self, origin: Origin) -> bool:
        """Whether this end of a connection is believed when it says for whom it speaks."""
        return self.trusts(origin.peer)

    def trusts(self, address: str) -> bool:
        """Whether a trusted proxy has this address."""
        return bool(self._trusted) and self._is_trusted(address)

    def behind(self, proxy: Origin, headers: Headers) -> Origin:
        """The sender of a request that came through a trusted proxy, which is that proxy itself where it names none.

        Where both kinds of headers are there they have to agree: one of them may be a gateway's own, which the proxy
        does not know and let through.
        """
        told = {self._told(proxy, hops) for hops in (_forwarded(headers), _x_forwarded(headers)) if hops}
        if not told:
            return proxy
        if len(told) > 1:
            return self._origin(proxy.peer, secure=False)
        ((peer, secure),) = told
        return self._origin(peer, secure=secure, names=self._names_told(headers) if secure else ())

    def _origin(self, peer: str, *, secure: bool, names: Iterable[str] = ()) -> Origin:
        exposed = not secure and not self._is_managed(peer)
        return Origin(peer, secure, exposed, identities.of_gateways(names))

    def _told(self, proxy: Origin, hops: list[tuple[str, str]]) -> tuple[str, bool]:
        """The last address that no trusted proxy has, and whether TLS was spoken with it."""
        peer, secure = proxy.peer, False
        for hop, protocol in reversed(hops):
            address = _address(hop)
            if address is None:
                break
            peer, secure = address, protocol.lower() == "https"
            if not self._is_trusted(address):
                break
        return peer, secure

    def _names_told(self, headers: Headers) -> Iterable[str]:
        values = [] if self._certificate_header is None else headers.getall(self._certificate_header, [])
        return identities.in_subject(values[0]) if len(values) == 1 else ()


def _forwarded(headers: Headers) -> list[tuple[str, str]]:
    """Each hop's address and protocol (RFC 7239), the first proxy's first."""
    hops = []
    for element in _ELEMENT.findall(",".join(headers.getall(_FORWARDED, []))):
        pairs = {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(element.strip())}
        hops.append((pairs.get("for", ""), pairs.get("proto", "")))
    return hops


def _x_forwarded(headers: Headers) -> list[tuple[str, str]]:
    """The same from those headers that everybody uses and nobody defined."""
    addresses = _listed(headers, _FORWARDED_FOR)
    protocols = _listed(headers, _FORWARDED_PROTO)
    missing = len(addresses) - len(protocols)
    if len(protocols) == 1:  # one proxy of several has said it, of the gateway
        protocols *= len(addresses)
    elif missing > 0:
        protocols = [""] * missing + protocols
    return list(zip(addresses, protocols[-len(addresses) :], strict=True)) if addresses else []


def _listed(headers: Headers, name: str) -> list[str]:
    return [each.strip() for each in ",".join(headers.getall(name, [])).split(",") if each.strip()]


def _address(text: str) -> str | None:
    """An address as we write it: without port and zone, IPv4 where IPv6 only carries it; None where it is none."""
    found = _WITH_PORT.fullmatch(text)
    address = _read((found[1] or found[2]) if found else text)
    return None if address is None else str(address)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # Only what a socket itself does with IPv4: other addresses that carry one can be made up by whoever has IPv6.
    return getattr(address, "ipv4_mapped", None) or address


def _within(peer: str, networks: Networks) -> bool:
    address = _read(peer)
    return address is not None and any(
        address.version == network.version and address in network for network in networks
    )


def _names_in(certificate: dict[str, Any] | None) -> Iterator[str]:
    """The common and the alternative names of a certificate as Python's `ssl` reads it."""
    if certificate:
        for attributes in certificate.get("subject", ()):
            yield from (value for name, value in attributes if name == "commonName")
        yield from (value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")
