"""The ACS URL: HTTP in, HTTP out, and in between one message of CWMP.

What a gateway may not do is answered before it has any effect: a wrong path or method, a coding that we do not know, a
body that is too large, credentials that are missing or wrong. Nothing of a request or an answer is ever logged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web

from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.errors import Unavailable, where
from acs_bridge.services.session.visit import Replayed
from acs_bridge.web.device import body
from acs_bridge.web.device.answer import Answer
from acs_bridge.web.device.connection import Connection, Connections, Speaker
from acs_bridge.web.device.dialogue import Dialogue, Reply
from acs_bridge.web.device.fields import Fields
from acs_bridge.web.device.gate import FAILURES_BEFORE_CLOSE, STALE, Admission, Gate
from acs_bridge.web.device.load import Load, Refusal
from acs_bridge.web.device.measures import DeviceMeasures
from acs_bridge.web.device.origin import Origin
from acs_bridge.web.device.protocol import Response
from acs_bridge.web.device.recorder import Recorder
from acs_bridge.web.device.ticket import COOKIE, Ticket, TicketSeal
from cwmp import envelope
from cwmp.errors import RemoteProtocolError

ANSWER_SECONDS: Final = 8.0  # of our own work on a request: gateways give up after 30 s, and come back in numbers
ALOUD: Final = 32 * 1024  # up to this size a message is read on the event loop, in less than some 10 ms
READ_ASIDE: Final = 2  # larger ones that are read at a time, each worth some 100 MiB while it lasts
_NOT_CWMP: Final = ("application/x-www-form-urlencoded", "multipart/", "application/json")

Elsewhere = Callable[[web.BaseRequest, Connection, Origin], Awaitable[Answer]]


class DeviceEndpoint:
    """Answers every request that reaches the device listener."""

    def __init__(  # noqa: PLR0913 - what it is made of, by name
        self,
        *,
        path: str,
        gate: Gate,
        tickets: TicketSeal,
        dialogue: Dialogue,
        connections: Connections,
        load: Load,
        measures: DeviceMeasures,
        recorder: Recorder,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`elsewhere` answers what is not for the ACS URL; without one, nobody does."""
        self._target = path  # of an ordinary request; all others may be spelled otherwise
        self._path = path.rstrip("/")
        self._gate = gate
        self._tickets = tickets
        self._dialogue = dialogue
        self._connections = connections
        self._load = load
        self._measures = measures
        self._recorder = recorder
        self._elsewhere = elsewhere
        self._aside = asyncio.Semaphore(READ_ASIDE)

    @property
    def seconds(self) -> float:
        """How long our own work on a request may last."""
        return ANSWER_SECONDS

    async def ordinary(self, speaker: Speaker, fields: Fields, content: bytes) -> Answer:
        """Answer one ordinary request: a POST to our path, with its body."""
        connection = self._connections.begin(speaker)
        try:
            answer = await self._ordinary(speaker, fields, content, connection)
        except Exception as error:  # noqa: BLE001 - the outermost frame of a request
            answer = self._failed(error, fields, connection)
        finally:
            self._connections.end(speaker)
        return self._answered(answer, speaker)

    async def __call__(self, request: web.BaseRequest) -> Response:
        """Answer one request that is odd in any way, in time."""
        connection = self._connections.begin(request.protocol)
        fields = Fields.of(request.headers)
        try:
            answer = await self._odd(request, fields, connection)
        except Exception as error:  # noqa: BLE001 - the outermost frame of a request
            answer = self._failed(error, fields, connection)
        finally:
            self._connections.end(request.protocol)
        return Response(self._answered(answer, request.protocol))

    def too_late(self, speaker: Speaker, fields: Fields) -> Answer:
        """503, for who has waited for as long as we let anybody wait."""
        answer = self._away("the daemon took too long", fields, self._connections.of(speaker))
        self._measures.answered(answer.status)
        return answer

    def _failed(self, error: Exception, fields: Fields, connection: Connection) -> Answer:
        """The answer to a request at which something went wrong."""
        if isinstance(error, web.HTTPException):
            return Answer.plain(error.status, error.reason, close=True)
        if isinstance(error, TimeoutError | Unavailable):
            return self._away(str(error) or "the daemon took too long", fields, connection)
        # Our own mistake: the gateway gets an answer, its write is left as it stands, and nobody else notices.
        name, place = type(error).__qualname__, where(error)
        self._load.say("message_failed", name, connection.origin.peer, kind=f"{name} {place}", ours=True, **place)
        return _busy(self._load.come_back())

    def _answered(self, answer: Answer, speaker: Speaker) -> Answer:
        self._measures.answered(answer.status)
        if answer.is_the_end:
            self._connections.may_go(speaker)
        return answer

    def _away(self, why: str, fields: Fields, connection: Connection) -> Answer:
        self._load.say("message_unanswered", why, self._connections.origin(connection, fields).peer)
        return _busy(self._load.come_back())

    async def _ordinary(self, speaker: Speaker, fields: Fields, content: bytes, connection: Connection) -> Answer:
        origin = self._connections.origin(connection, fields)
        refusal = self._refusal(fields, connection, origin, has_content=bool(content))
        if refusal is not None:
            return refusal
        admission = await self._gate.admit(origin, fields.authorization, hdrs.METH_POST, self._target)
        if self._has_no_room_for(admission.principal, connection, fields):
            return self._turn_away(Refusal.BOOTSTRAP, origin)
        admitted = self._is_admitted(admission, connection, origin)
        if len(content) > body.BEFORE_LOGIN:  # as nearly none is
            body.check(len(content), body.limit(admitted=admitted))
        if not admitted:
            return self._challenge(connection, origin, admission)
        self._connections.keep(speaker)
        return await self._converse(fields, content, connection, origin, admission)

    async def _odd(self, request: web.BaseRequest, fields: Fields, connection: Connection) -> Answer:
        # As it nearly always came; else percent-escapes, a query or one slash more are looked at.
        if request.raw_path != self._path and request.path.rstrip("/") != self._path:
            if self._elsewhere is None:
                return Answer.plain(404, "this is not the ACS URL")
            return await self._elsewhere(request, connection, self._connections.origin(connection, fields))
        if request.method != hdrs.METH_POST:
            return Answer.plain(405, "gateways POST here", f"Allow: {hdrs.METH_POST}")
        origin = self._connections.origin(connection, fields)
        refusal = self._refusal(fields, connection, origin, has_content=bool(request.content_length))
        if refusal is not None:
            return refusal
        async with asyncio.timeout(ANSWER_SECONDS) as patience:
            return await self._taken_in(request, fields, connection, origin, patience)

    async def _taken_in(
        self,
        request: web.BaseRequest,
        fields: Fields,
        connection: Connection,
        origin: Origin,
        patience: asyncio.Timeout,
    ) -> Answer:
        """Answer a request whose body may still have to come, when it is known whether that is worth waiting for."""
        admission = await self._gate.admit(origin, fields.authorization, request.method, request.raw_path)
        if self._has_no_room_for(admission.principal, connection, fields):
            return self._turn_away(Refusal.BOOTSTRAP, origin)
        admitted = self._is_admitted(admission, connection, origin)
        limit = body.limit(admitted=admitted)
        content = body.arrived(request, limit)
        if content is None:
            content = await body.read(request, patience, limit)
        if content and _is_not_cwmp(fields.content_type) and content.strip():
            return _unsupported()
        if not admitted:
            return self._challenge(connection, origin, admission)
        self._connections.keep(request.protocol)
        return await self._converse(fields, content, connection, origin, admission)

    def _refusal(self, fields: Fields, connection: Connection, origin: Origin, *, has_content: bool) -> Answer | None:
        """What is answered without a look at who asks, or at what: the headers are enough."""
        if self._load.is_full and not self._goes_on(fields, connection):
            return self._turn_away(Refusal.SESSIONS, origin)
        if not connection.needs_cookies:
            connection.needs_cookies = connection.is_proxy or fields.is_forwarded
        if fields.coding not in body.CODINGS or (has_content and _is_not_cwmp(fields.content_type)):
            return _unsupported()
        guessing = fields.authorization is not None and self._load.is_guessing(origin.peer)
        if guessing and not self._goes_on(fields, connection):
            return self._turn_away(Refusal.LOGINS, origin)
        return None

    def _has_no_room_for(self, principal: Principal | None, connection: Connection, fields: Fields) -> bool:
        bootstrap = principal is not None and self._load.is_full_for_bootstrap and principal.kind is Kind.BOOTSTRAP
        return bootstrap and not self._goes_on(fields, connection)

    def _is_admitted(self, admission: Admission, connection: Connection, origin: Origin) -> bool:
        """Whether a request is heard: it has shown who sent it, or one before it on this connection has."""
        if admission.principal is None:
            return not admission.failed and connection.knows(origin)
        connection.proved(origin, admission.principal)
        return True

    def _goes_on(self, fields: Fields, connection: Connection) -> bool:
        """Whether a request belongs to a session that has begun: asked only where new ones are turned away."""
        return self._dialogue.goes_on(connection, self._cookie(fields, connection))

    def _cookie(self, fields: Fields, connection: Connection) -> Ticket | None:
        """The session that a request's cookies name; nearly always it is the one that was opened on its connection."""
        if not fields.cookies:
            return None
        if len(fields.cookies) == 1 and connection.is_cookie(fields.cookies[0]):
            return connection.latest
        return self._tickets.open(fields.cookies)

    def _turn_away(self, why: Refusal, origin: Origin) -> Answer:
        """503, before anything of the message is read."""
        return _busy(self._load.turned_away(why, origin.peer))

    async def _converse(
        self, fields: Fields, content: bytes, connection: Connection, origin: Origin, admission: Admission
    ) -> Answer:
        cookie, opened, refusal = self._cookie(fields, connection), None, None
        self._load.begins(admission.principal)
        try:
            try:
                if len(content) <= ALOUD and fields.coding in body.PLAIN:
                    received = envelope.read(content, charset=body.charset(fields.content_type))
                else:
                    received = await self._read_aside(content, fields)
                reply = await self._dialogue.answer(received, connection, origin, admission, cookie)
            except (RemoteProtocolError, web.HTTPException, Replayed) as error:
                answer, refusal = self._refused(error, connection, origin)
            else:
                if reply is None:
                    answer = self._challenge(connection, origin, admission)
                else:
                    answer, opened = self._said(reply, connection, origin), reply.ticket
            session = self._dialogue.recorded(connection, origin, cookie, opened)
            if session is not None:
                # In a task of its own: nothing may have waited yet, and time-outs ask for a task (see `ordinary.py`).
                exchange = self._recorder.exchange(session, fields, content, answer, refusal)
                await asyncio.create_task(exchange)
        finally:
            self._load.ends(admission.principal)
        return answer

    def _refused(
        self, error: RemoteProtocolError | web.HTTPException | Replayed, connection: Connection, origin: Origin
    ) -> tuple[Answer, str | None]:
        """The answer to a message that is not taken, and why in our words."""
        if isinstance(error, Replayed):
            return self._challenge(connection, origin, STALE), None
        if isinstance(error, web.HTTPException):
            return Answer.plain(error.status, error.reason, close=True), error.reason
        self._measures.protocol_errors.inc()
        self._load.say("message_refused", str(error), origin.peer, kind=str(error.fault), method=error.method)
        if error.answerable:
            return self._said(Reply.fault(error), connection, origin), str(error)
        return Answer.plain(400, "this is no message of CWMP that makes sense here", close=True), str(error)

    async def _read_aside(self, content: bytes, fields: Fields) -> envelope.Envelope:
        """Read a large message in a thread, so that nobody else waits for it."""
        async with self._aside:
            return await asyncio.to_thread(_read_all, content, fields.coding, body.charset(fields.content_type))

    def _said(self, reply: Reply, connection: Connection, origin: Origin) -> Answer:
        if reply.kept_out:
            self._load.turned_away(Refusal.INBOX, origin.peer)
        if reply.message is None:
            return Answer.nothing(as_200=reply.empty_200)
        content = envelope.write(reply.message, namespace=reply.namespace, id=reply.id, use_version=reply.use_version)
        if reply.ticket is None:
            return Answer.message(content)
        self._measures.sessions.inc()
        cookie = f"{COOKIE}={self._tickets.seal(reply.ticket)}"
        connection.gets_cookie(reply.ticket, cookie)
        return Answer.message(content, f"{cookie}; Path=/")

    def _challenge(self, connection: Connection, origin: Origin, admission: Admission) -> Answer:
        """401: say who you are. The connection stays open, because most gateways repeat the request on it.

        403 where there is no way to say it: inside TLS there would be one, or with a certificate.
        """
        if admission.failed:
            connection.failures += not connection.is_proxy  # which speaks for others, too
            self._load.failed(origin.peer)
            self._load.say("login_refused", "wrong credentials", origin.peer)
        challenges = self._gate.challenges(origin, stale=admission.stale)
        if not challenges:
            self._load.say("login_impossible", "inside TLS" if origin.secure else "without TLS", origin.peer)
            return Answer.plain(403, "gateways show who they are inside TLS only, or by a certificate", close=True)
        self._measures.challenges.inc()
        return Answer.challenge(challenges, close=connection.failures >= FAILURES_BEFORE_CLOSE)


@lru_cache(body.TYPES_KEPT)
def _is_not_cwmp(content_type: str) -> bool:
    """Whether a message is said to be what CWMP never is. Of an empty POST libcurl says that it is a form."""
    return content_type.strip().lower().startswith(_NOT_CWMP)


def _read_all(content: bytes, coding: str, charset: str | None) -> envelope.Envelope:
    return envelope.read(body.inflated(content, coding), charset=charset)


def _unsupported() -> Answer:
    return Answer.plain(415, "this coding or type is not taken", close=True)


def _busy(seconds: str) -> Answer:
    """503: come back. Never an empty answer, which the gateway would take for success."""
    return Answer.plain(503, "come back later", f"Retry-After: {seconds}", close=True)
