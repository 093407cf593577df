"""Who calls: by a bearer token, or by the session of somebody who is logged in to the console.

A session travels in a cookie, which a browser shows whoever makes it ask: what changes something has to show a second
secret, which only our own pages know, and has to come from them as far as the browser says where from.
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from acs_bridge.domain.actor import Actor
from acs_bridge.errors import Forbidden, Unauthenticated
from acs_bridge.services.access.logins import Logins, Session
from acs_bridge.services.access.tokens import Tokens
from acs_bridge.web.operator.doors import door, template
from acs_bridge.web.operator.rates import Rates
from acs_bridge.web.proxies import Proxies

READING: Final = ("GET", "HEAD")
CSRF_HEADER: Final = "X-CSRF-Token"
_BEARER: Final = "bearer"
_BASIC: Final = "basic"
_OUR_OWN: Final = ("same-origin", "none")  # none: the person behind the browser, and no page


class Forged(Forbidden):
    """A request with somebody's session that none of our pages has made."""

    title = "This request does not come from a page of the console"

    def __init__(self) -> None:
        """Say what to do when it is not an attack."""
        super().__init__("this request does not come from a page of the console: load the page again and repeat it")


class PasswordFirst(Forbidden):
    """A user who has to choose a password does something else."""

    title = "A password has to be chosen first"


@dataclass(frozen=True, slots=True)
class Callers:
    """Knows who calls."""

    tokens: Tokens
    logins: Logins
    rates: Rates
    proxies: Proxies
    public_url: str

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by TLS."""
        return self.public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the cookie: with TLS one that no other host and no plain HTTP can set."""
        return "__Host-acs-bridge" if self.secure else "acs-bridge"

    def sender(self, request: web.Request) -> str:
        """Give the address that a call comes from."""
        return self.proxies.sender(request.remote or "", request.headers)

    async def caller(self, request: web.Request, *, used: bool = True) -> Actor:
        """Say who calls; Unauthenticated when nobody does whose token or session counts.

        `used`: somebody is at work, and not only a page that is open.
        """
        if "Authorization" in request.headers or self.cookie not in request.cookies:
            address = self.sender(request)
            async with self.rates.strangers.knocking(address):
                return await self.tokens.check(_token(request), address)
        session = await self.session(request, used=used)
        if request.method not in READING and not session.admits(request.headers.get(CSRF_HEADER, "")):
            await self.refused(session.actor, "request_forged", request)
            raise Forged
        if session.must_change:
            raise PasswordFirst
        return session.actor

    async def bearer(self, token: str, address: str) -> Actor:
        """Say who calls with this token from this address; Unauthenticated when it does not count."""
        async with self.rates.strangers.knocking(address):
            return await self.tokens.check(token, address)

    def recalled(self, request: web.Request) -> Actor | None:
        """Say who calls without looking, unconfirmed; None when nobody called with this token a moment ago."""
        if "Authorization" not in request.headers:
            return None
        return self.tokens.recall(_token(request), self.sender(request))

    async def session(self, request: web.Request, *, used: bool = True) -> Session:
        """Say whose session a request shows; SessionOver when it is nobody's, Forged when another site asks."""
        address = self.sender(request)
        async with self.rates.strangers.knocking(address):
            session = await self.logins.session(request.cookies.get(self.cookie, ""), address, used=used)
        if request.method not in READING and not self.is_from_us(request):
            await self.refused(session.actor, "request_forged", request)
            raise Forged
        return session

    def is_from_us(self, request: web.Request) -> bool:
        """Tell whether a request comes from a page of ours; a browser says so in one header at least."""
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is None and origin is None:
            return False
        named = urlsplit(self.public_url)
        ours = (f"{named.scheme}://{named.netloc}", f"http://{request.host}", f"https://{request.host}")
        return (site is None or site in _OUR_OWN) and (origin is None or origin in ours)

    async def refused(self, actor: Actor, action: str, request: web.Request) -> None:
        """Write down what a user of the console may not, and asked for."""
        if actor.kind == "user":
            await self.logins.refused(actor, action, f"{request.method} {template(request)}")


def _token(request: web.Request) -> str:
    """Give the token that a caller shows."""
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == _BEARER:
        return shown.strip()
    if scheme.lower() == _BASIC and door(request).takes_basic:
        return _password(shown)
    raise Unauthenticated


def _password(credentials: str) -> str:
    """Give the password of a pair as HTTP Basic carries it (RFC 7617, 2); its user name says nothing."""
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeError):
        raise Unauthenticated from None
