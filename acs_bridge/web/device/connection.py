"""What is remembered of one TCP connection, and only as long as it lives.

Nothing here is needed to go on with a session: it spares a login on every POST, a database read on every answer, and it
carries the session of those gateways that never return a cookie.
"""

import asyncio
import logging
from asyncio import TimerHandle, Transport, get_running_loop
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest
from typing import Final, Protocol, TypeAlias

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from acs_bridge.domain.principal import Principal
from acs_bridge.services.session.visit import Visit
from acs_bridge.web.device.answer import Answer
from acs_bridge.web.device.fields import Fields
from acs_bridge.web.device.load import Load, Refusal
from acs_bridge.web.device.origin import Origin, Origins
from acs_bridge.web.device.protocol import DeviceProtocol
from acs_bridge.web.device.ticket import Ticket
from acs_bridge.web.listener import WithoutContent
from acs_bridge.web.ordinary import Answering, Head, OrdinaryProtocol, Seconds

Speaker: TypeAlias = RequestHandler | OrdinaryProtocol  # what speaks HTTP on a connection

KEEP_ALIVE_SECONDS: Final = 660.0  # longer than a session may last: only the gateway ends one
FIRST_REQUEST_SECONDS: Final = 30.0  # until its headers are in: who never asks anything must not keep a descriptor
LAST_SECONDS: Final = 0.5  # to write what was answered at the last moment
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Server: acs-bridge\r\nRetry-After: %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
VISITS_KEPT: Final = 16  # a proxy may mix the sessions of many gateways on one connection
LOGINS_KEPT: Final = 64  # as it may mix their logins, from so many addresses,
PRINCIPALS_KEPT: Final = 64  # and from one of so many gateways


@dataclass(slots=True)
class Connection:
    """One TCP connection from a gateway, or from a proxy that speaks for several."""

    origin: Origin = field(default_factory=Origin)  # its other end, which may be
    is_proxy: bool = False  # one that is believed when it says for whom it speaks
    # Who has shown who it is here, by its address.
    logins: dict[str, tuple[Principal, ...]] = field(default_factory=dict)
    failures: int = 0
    latest: Ticket | None = None
    latest_cookie: str = ""
    needs_cookies: bool = False  # it does not belong to one gateway, or to one that returns cookies
    visits: dict[tuple[int, int], Visit] = field(default_factory=dict)
    first_request: TimerHandle | None = None  # by when it must be there

    def asks(self) -> None:
        """A request is here: only its keep-alive bounds this connection from now on."""
        if self.first_request is not None:
            self.first_request.cancel()
            self.first_request = None

    def proved(self, origin: Origin, principal: Principal) -> None:
        """A request from there has shown who it is: those behind it need not show it again."""
        before = self.logins.get(origin.peer, ())
        if principal not in before:
            self.logins[origin.peer] = (*before[1 - PRINCIPALS_KEPT :], principal)
            while len(self.logins) > LOGINS_KEPT:
                del self.logins[next(iter(self.logins))]

    def knows(self, origin: Origin) -> bool:
        """Whether somebody at this address has shown who it is."""
        return origin.peer in self.logins

    def may_go_on(self, origin: Origin, ticket: Ticket) -> bool:
        """Whether somebody at this address has shown what a session needs: principal and cookie must agree."""
        return any(map(ticket.is_for, self.logins.get(origin.peer, ())))

    def opened(self, ticket: Ticket, visit: Visit) -> None:
        """A session was opened here."""
        self.needs_cookies |= self.latest is not None and self.latest.gateway_id != ticket.gateway_id
        self.latest, self.latest_cookie = ticket, ""
        self._keep(visit)

    def gets_cookie(self, ticket: Ticket, cookie: str) -> None:
        """The session that was opened here last is called this, by us."""
        if ticket is self.latest:
            self.latest_cookie = cookie

    def is_cookie(self, shown: str) -> bool:
        """Whether a Cookie header is just what that session was given: then it need not be opened."""
        known = self.latest_cookie
        return bool(known) and compare_digest(shown.encode("utf-8", "surrogateescape"), known.encode())

    def ticket_without_cookie(self) -> Ticket | None:
        """The session of a gateway that returns no cookie: only while nobody else can be on this connection."""
        return None if self.needs_cookies else self.latest

    def visit(self, ticket: Ticket, *, work_due: bool) -> Visit:
        """What this worker knows of a session; nothing, when it was opened elsewhere."""
        key = (ticket.gateway_id, ticket.session_number)
        visit = self.visits.get(key)
        if visit is None:
            visit = Visit(*key, work_due=work_due, timeout=timedelta(seconds=ticket.timeout))
            self._keep(visit)
        return visit

    def _keep(self, visit: Visit) -> None:
        self.visits[visit.gateway_id, visit.session_number] = visit
        while len(self.visits) > VISITS_KEPT:
            del self.visits[next(iter(self.visits))]


class Connections(dict[Speaker, Connection]):
    """The open connections of a listener, by the protocol object that aiohttp keeps for each."""

    def __init__(self, origins: Origins) -> None:
        super().__init__()
        self._origins = origins
        self._under_way: set[Speaker] = set()
        self._quiet: asyncio.Event | None = None  # where somebody waits for that
        self._expendable: dict[Speaker, None] = {}  # the one that has been so for longest first

    def of(self, speaker: Speaker) -> Connection:
        """The connection that a request came on."""
        connection = self.get(speaker)
        if connection is None:
            return Connection()  # it has been forgotten meanwhile
        if connection.first_request is not None:
            connection.asks()
        return connection

    def made(self, speaker: Speaker, transport: Transport) -> Origin:
        """Begin to remember one; its other end."""
        origin = self._origins.of(transport)
        self[speaker] = Connection(origin, self._origins.is_proxy(origin))
        return origin

    def hand_over(self, speaker: Speaker, successor: Speaker) -> Connection:
        """Another one speaks on a connection."""
        connection = self[successor] = self.pop(speaker)
        if speaker in self._expendable:
            del self._expendable[speaker]
            self._expendable[successor] = None
        return connection

    def origin(self, connection: Connection, fields: Fields) -> Origin:
        """Who sent a request: the other end of its connection, or whom that one speaks for."""
        return self._origins.behind(connection.origin, fields.headers) if connection.is_proxy else connection.origin

    def begin(self, speaker: Speaker) -> Connection:
        """A request is being taken in and answered: until its `end` the connection is not closed."""
        self._under_way.add(speaker)
        return self.of(speaker)

    def end(self, speaker: Speaker) -> None:
        """It has been answered."""
        self._under_way.discard(speaker)
        if self._quiet is not None and not self._under_way:
            self._quiet.set()

    def keep(self, speaker: Speaker) -> None:
        """A session goes on here."""
        self._expendable.pop(speaker, None)

    def may_go(self, speaker: Speaker) -> None:
        """Nothing would be lost here: nobody has logged in yet, or a session is finished."""
        if speaker in self:
            self._expendable[speaker] = None

    def forget(self, speaker: Speaker) -> Connection | None:
        """It is lost."""
        self._expendable.pop(speaker, None)
        return self.pop(speaker, None)

    def expendable(self, address: str | None) -> Speaker | None:
        """The connection (of this address) on which nothing would be lost, and that has been so for longest."""
        return next((each for each in self._expendable if address in (None, self[each].origin.peer)), None)

    def idle(self) -> list[Speaker]:
        """The connections on which nothing is under way."""
        return [speaker for speaker in self if speaker not in self._under_way]

    async def until_quiet(self) -> None:
        """Return when nothing is under way any more."""
        if self._under_way:
            self._quiet = asyncio.Event()
            await self._quiet.wait()


_log = logging.getLogger(__name__)
_log.addFilter(WithoutContent())


class Endpoint(Protocol):
    """What answers requests."""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one that is odd in any way."""

    def ordinary(self, speaker: OrdinaryProtocol, fields: Fields, content: bytes) -> Answering:
        """Answer an ordinary one."""

    def too_late(self, speaker: OrdinaryProtocol, fields: Fields) -> Answer:
        """Answer an ordinary one that we have worked at for `seconds`."""

    @property
    def seconds(self) -> float:
        """How long our own work on a request may last."""


class DeviceServer(web.Server):
    """What makes the connections of a listener: ours for ordinary requests, aiohttp's for all others."""

    def __init__(self, endpoint: Endpoint, path: str, connections: Connections, load: Load) -> None:
        super().__init__(endpoint)
        self._endpoint = endpoint
        self._start = f"POST {path} HTTP/1.1\r\n".encode()
        self._remembered = connections
        self._load = load

    def __call__(self) -> OrdinaryProtocol:  # type: ignore[override] # aiohttp's own comes later
        """Make what serves one connection."""
        seconds = Seconds(FIRST_REQUEST_SECONDS, KEEP_ALIVE_SECONDS, self._endpoint.seconds)
        return OrdinaryProtocol(self, self._loop, self._start, seconds)

    def answer(self, speaker: OrdinaryProtocol, head: Head, content: bytes) -> Answering:
        """Answer an ordinary request."""
        return self._endpoint.ordinary(speaker, Fields.of_head(head), content)

    def too_late(self, speaker: OrdinaryProtocol, head: Head) -> Answer:
        """Answer one that we have worked at for too long."""
        return self._endpoint.too_late(speaker, Fields.of_head(head))

    def connected(self, speaker: OrdinaryProtocol, transport: Transport) -> None:
        """Begin to remember a connection."""
        peer = self._remembered.made(speaker, transport).peer
        crowded = self._load.connected(peer)
        if crowded is None or self._make_room(speaker, transport, crowded, peer):
            self._remembered.may_go(speaker)

    def _make_room(self, speaker: OrdinaryProtocol, transport: Transport, crowded: Refusal, peer: str) -> bool:
        """End a connection for this one; False: all others are needed, and it is this one that ends."""
        leaving = self._remembered.expendable(peer if crowded is Refusal.ADDRESS else None)
        if leaving is None:
            leaving = speaker
            transport.write(_FULL % self._load.turned_away(crowded, peer).encode())
        leaving.force_close()
        self.disconnected(leaving)
        return leaving is not speaker

    def hand_over(self, speaker: OrdinaryProtocol, transport: Transport, expires: float | None) -> DeviceProtocol:
        """Let aiohttp speak on a connection."""
        loop = get_running_loop()
        successor = DeviceProtocol(self, loop, self._load, _log, KEEP_ALIVE_SECONDS)
        connection = self._remembered.hand_over(speaker, successor)
        if expires is not None:
            connection.first_request = loop.call_at(expires, transport.close)
        successor.connection_made(transport)
        return successor

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection on which aiohttp spoke."""
        super().connection_lost(handler, exc)
        self.disconnected(handler)

    def disconnected(self, speaker: Speaker) -> None:
        """Forget a connection."""
        connection = self._remembered.forget(speaker)
        if connection is not None:
            connection.asks()
            self._load.disconnected(connection.origin.peer)

    def pre_shutdown(self) -> None:
        """Close who says nothing. aiohttp would close all, and drop the rest of a message that is still arriving."""
        for speaker in self._remembered.idle():
            speaker.force_close()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as aiohttp calls it
        """Let what is under way arrive and be answered, for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._remembered.until_quiet()
        for speaker in tuple(self._remembered):
            if isinstance(speaker, OrdinaryProtocol):
                speaker.force_close()
        await super().shutdown(LAST_SECONDS)
