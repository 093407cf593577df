"""Proxies that are trusted because of their address, and what they say of those for whom they speak.

Anybody else may send the same headers, and nothing comes of it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

from multidict import CIMultiDictProxy, istr

_FORWARDED, _FORWARDED_FOR = istr("Forwarded"), istr("X-Forwarded-For")
_FORWARDED_PROTO: Final = istr("X-Forwarded-Proto")
_ADDRESSES_KEPT: Final = 4096
# RFC 7239 4: elements apart by commas, pairs in them apart by semicolons, values that may be quoted.
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PAIR: Final = re.compile(r'(?:^|;)\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^;\s]*))')
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")  # [2001:db8::1]:80, 192.0.2.1:80

Headers = CIMultiDictProxy[str]
Networks = Iterable[IPv4Network | IPv6Network]


class Told(NamedTuple):
    """For whom a proxy speaks."""

    peer: str  # its address
    secure: bool  # TLS was spoken with it


class Proxies:
    """The proxies that are trusted."""

    def __init__(self, networks: Networks) -> None:
        self._networks = tuple(networks)
        self._shown = lru_cache(_ADDRESSES_KEPT)(lambda peer: address(peer) or "")
        self._is_trusted = lru_cache(_ADDRESSES_KEPT)(lambda peer: within(peer, self._networks))

    def trusts(self, peer: str) -> bool:
        """Whether a trusted proxy has this address."""
        return bool(self._networks) and self._is_trusted(peer)

    def told(self, proxy: str, headers: Headers) -> Told | None:
        """Whom a trusted proxy names: the last address that no trusted proxy has; None where it names nobody.

        Where both kinds of headers are there they have to agree: one of them may be the sender's own, which the proxy
        does not know and let through. Then it is the proxy that is believed to have sent the request.
        """
        told = {self._last(proxy, hops) for hops in (_forwarded(headers), _x_forwarded(headers)) if hops}
        if len(told) > 1:
            return Told(proxy, secure=False)
        return told.pop() if told else None

    def _last(self, proxy: str, hops: list[tuple[str, str]]) -> Told:
        told = Told(proxy, secure=False)
        for hop, protocol in reversed(hops):
            peer = address(hop)
            if peer is None:
                break
            told = Told(peer, protocol.lower() == "https")
            if not self._is_trusted(peer):
                break
        return told

    def sender(self, peer: str, headers: Headers) -> str:
        """The address of who sent a request that came from this end of a connection."""
        shown = self._shown(peer)
        told = self.told(shown, headers) if self.trusts(shown) else None
        return shown if told is None else told.peer


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
    if len(protocols) == 1:  # one proxy of several has said it, of the sender
        protocols *= len(addresses)
    elif missing > 0:
        protocols = [""] * missing + protocols
    return list(zip(addresses, protocols[-len(addresses) :], strict=True)) if addresses else []


def _listed(headers: Headers, name: str) -> list[str]:
    return [each.strip() for each in ",".join(headers.getall(name, [])).split(",") if each.strip()]


def address(text: str) -> str | None:
    """An address as we write it: without port and zone, IPv4 where IPv6 only carries it; None where it is none."""
    found = _WITH_PORT.fullmatch(text)
    read = _read((found[1] or found[2]) if found else text)
    return None if read is None else str(read)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        read = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # Only what a socket itself does with IPv4: other addresses that carry one can be made up by whoever has IPv6.
    return getattr(read, "ipv4_mapped", None) or read


def within(peer: str, networks: Networks) -> bool:
    """Tell whether an address lies in one of these networks."""
    read = _read(peer)
    return read is not None and any(read.version == network.version and read in network for network in networks)
