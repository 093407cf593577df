"""What the listener looks at in the headers of every request, found once; all of them for who asks for more."""

from typing import Final, NamedTuple, Self

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy, istr

from acs_bridge.web.ordinary import Head, Header
from acs_bridge.web.proxies import Headers

_FORWARDING: Final = tuple(map(istr, ("Via", "Forwarded", "X-Forwarded-For", "X-Real-IP")))
_FORWARDING_IN_SMALL: Final = frozenset(name.lower() for name in _FORWARDING)
_ABSENT: Final[Header] = (istr(""), "")


class Fields(NamedTuple):
    """The headers of one request."""

    authorization: str | None
    cookies: tuple[str, ...]  # one for each header
    content_type: str  # without one: empty, as is
    coding: str  # of the body
    is_forwarded: bool  # by a proxy, which may put the messages of any gateway on a connection
    source: Headers | Head

    @classmethod
    def of(cls, headers: Headers) -> Self:
        """What is looked at in any headers."""
        return cls(
            headers.get(hdrs.AUTHORIZATION),
            tuple(headers.getall(hdrs.COOKIE, ())),
            headers.get(hdrs.CONTENT_TYPE, ""),
            headers.get(hdrs.CONTENT_ENCODING, "").strip().lower(),
            any(name in headers for name in _FORWARDING),
            headers,
        )

    @classmethod
    def of_head(cls, head: Head) -> Self:
        """The same of an ordinary request, which has each header once, and a body that is not coded."""
        return cls(
            head["authorization"][1] if "authorization" in head else None,
            (head["cookie"][1],) if "cookie" in head else (),
            head.get("content-type", _ABSENT)[1],
            "",
            not _FORWARDING_IN_SMALL.isdisjoint(head),
            head,
        )

    @property
    def headers(self) -> Headers:
        """All of them."""
        if isinstance(self.source, CIMultiDictProxy):
            return self.source
        return CIMultiDictProxy(CIMultiDict(self.source.values()))
