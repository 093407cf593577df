"""SOAP over HTTP: `GET /soap/provisioning?wsdl` for everybody, `POST /soap/provisioning` for those with a token.

spyne and the schema are loaded when somebody first asks for them, in a thread. A message that is large enough to hold
up others is read in one too: reading is the only part that takes long.
"""

import asyncio
from functools import cache
from typing import TYPE_CHECKING, Final

from aiohttp import web

from acs_bridge.web.operator.doors import Door
from acs_bridge.web.operator.problems import HEADERS, UnreadableBody, WrongMediaType
from acs_bridge.web.operator.serving import ACTOR
from acs_bridge.web.operator.soap.faults import FAULTS
from acs_bridge.web.operator.soap.refusals import NotThatVersion
from acs_bridge.web.operator.soap.vocabulary import MEDIA_TYPE, MEDIA_TYPE_12, PATH

if TYPE_CHECKING:  # at run time this is the end of a circle, and spyne
    from acs_bridge.web.operator.application import Services
    from acs_bridge.web.operator.soap.interface import Interface

DOOR: Final = Door(FAULTS, open_to=frozenset({"GET", "HEAD"}), takes_basic=True, decides_roles=True)
LARGE: Final = 32 * 1024
"""Bytes from which on a message is read in a thread."""

_CODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})


class SoapEndpoint:
    """The door, and what is behind it once somebody has come."""

    def __init__(self, services: "Services", public_url: str) -> None:
        self._services = services
        self._address = public_url + PATH
        self._loading: asyncio.Task[Interface] | None = None

    async def describe(self, request: web.Request) -> web.Response:
        """Give the WSDL."""
        if request.query_string.lower() != "wsdl":
            return await self.refuse(request)
        interface = await self._interface()
        return _xml(interface.wsdl(self._address))

    async def serve(self, request: web.Request) -> web.Response:
        """Do what a message asks for."""
        charset = _checked(request)
        body = await _body(request)
        interface = await self._interface()
        actor = request[ACTOR]
        if len(body) < LARGE:
            asked = interface.read(body, charset, actor.role)
        else:
            asked = await asyncio.to_thread(interface.read, body, charset, actor.role)
        return _xml(await interface.answer(asked, self._services, actor))

    async def refuse(self, request: web.Request) -> web.Response:
        """Take no other method."""
        raise web.HTTPMethodNotAllowed(request.method, ["POST"])

    async def _interface(self) -> "Interface":
        """Load it once, however many ask at the same moment; a caller who leaves does not take it along."""
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(_load))
        return await asyncio.shield(self._loading)


@cache
def _load() -> "Interface":
    """Load spyne and make the interface: once a process, since it belongs to no application."""
    from acs_bridge.web.operator.soap.interface import Interface  # noqa: PLC0415 -- see `library`

    return Interface()


def _checked(request: web.Request) -> str | None:
    """Refuse what is no SOAP 1.1 by its headers; gives the charset that they name."""
    if "Content-Type" not in request.headers:
        raise WrongMediaType(f"this address takes {MEDIA_TYPE}")
    if request.content_type == MEDIA_TYPE_12:
        raise NotThatVersion("this service speaks SOAP 1.1, not 1.2")
    if request.content_type != MEDIA_TYPE:
        raise WrongMediaType(f"this address takes {MEDIA_TYPE}")
    if request.headers.get("Content-Encoding", "").strip().lower() not in _CODINGS:
        raise WrongMediaType("this address takes bodies that are not compressed, or with gzip or deflate")
    return request.charset


async def _body(request: web.Request) -> bytes:
    """Read the body; the HTTP server inflates it, and counts what comes out."""
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError):
        raise UnreadableBody("the body ended before it was complete, or is not compressed as it claims") from None


def _xml(document: bytes) -> web.Response:
    return web.Response(body=document, content_type=MEDIA_TYPE, charset="utf-8", headers=HEADERS)


def add_soap(application: web.Application, services: "Services", public_url: str) -> None:
    """Serve SOAP."""
    endpoint = SoapEndpoint(services, public_url)
    application.router.add_get(PATH, endpoint.describe)
    application.router.add_post(PATH, endpoint.serve)
    application.router.add_route("*", PATH, endpoint.refuse)
