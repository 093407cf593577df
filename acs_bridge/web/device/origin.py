"""Where a request comes from: what the transport says of its sender, and what a trusted proxy says in its stead.

A proxy is believed because of its address (`device_listener.trusted_proxies`), also when it hands on a certificate.

Of `Forwarded` and `X-Forwarded-For` neither goes first: a proxy that sets one may pass a gateway's own other one on, so
where both are there and differ, neither is believed. There is no PROXY protocol: it would have to be read before TLS.
"""

from asyncio import BaseTransport
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from multidict import istr

from acs_bridge.domain import identities
from acs_bridge.web.proxies import Headers, Networks, Proxies, address, within

_ADDRESSES_KEPT: Final = 4096
_NOBODY: Final = frozenset[str]()


class Origin(NamedTuple):
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
        self._proxies = Proxies(trusted_proxies)
        self._management = tuple(management_networks)
        self._certificate_header = None if certificate_header is None else istr(certificate_header)
        self._is_managed = lru_cache(_ADDRESSES_KEPT)(lambda peer: within(peer, self._management))

    def of(self, transport: BaseTransport) -> Origin:
        """The other end of a connection."""
        peername = transport.get_extra_info("peername")
        peer: str = peername[0] if peername else ""
        if ":" in peer:  # the system writes IPv4 as we do
            peer = address(peer) or ""
        secure = transport.get_extra_info("sslcontext") is not None
        if secure:
            return self._origin(peer, secure=True, names=_names_in(transport.get_extra_info("peercert")))
        return self._origin(peer, secure=False)

    def is_proxy(self, origin: Origin) -> bool:
        """Whether this end of a connection is believed when it says for whom it speaks."""
        return self.trusts(origin.peer)

    def trusts(self, address: str) -> bool:
        """Whether a trusted proxy has this address."""
        return self._proxies.trusts(address)

    def behind(self, proxy: Origin, headers: Headers) -> Origin:
        """The sender of a request that came through a trusted proxy, which is that proxy itself where it names none."""
        told = self._proxies.told(proxy.peer, headers)
        if told is None:
            return proxy
        return self._origin(told.peer, secure=told.secure, names=self._names_told(headers) if told.secure else ())

    def _origin(self, peer: str, *, secure: bool, names: Iterable[str] = ()) -> Origin:
        exposed = not secure and not (self._management and self._is_managed(peer))
        return Origin(peer, secure, exposed, identities.of_gateways(names) if names else _NOBODY)

    def _names_told(self, headers: Headers) -> Iterable[str]:
        values = [] if self._certificate_header is None else headers.getall(self._certificate_header, [])
        return identities.in_subject(values[0]) if len(values) == 1 else ()


def _names_in(certificate: dict[str, Any] | None) -> Iterator[str]:
    """The common and the alternative names of a certificate as Python's `ssl` reads it."""
    if certificate:
        for attributes in certificate.get("subject", ()):
            yield from (value for name, value in attributes if name == "commonName")
        yield from (value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")
