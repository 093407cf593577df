"""The ACS URL: HTTP in, HTTP out, and in between one message of CWMP.

What a gateway may not do is answered before it has any effect: a wrong path or method, a coding that we do not know, a
body that is too large, credentials that are missing or wrong. Nothing of a request or an answer is ever logged.
"""

import asyncio
from functools import lru_cache
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDictProxy, istr

from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.errors import Unavailable, where
from acs_bridge.services.visit import Replayed
from acs_bridge.web.device import body
from acs_bridge.web.device.answer import Answer
from acs_bridge.web.device.connection import Connection, Connections
from acs_bridge.web.device.dialogue import Dialogue, Reply
from acs_bridge.web.device.gate import FAILURES_BEFORE_CLOSE, STALE, Admission, Gate
from acs_bridge.web.device.load import Load, Refusal
from acs_bridge.web.device.measures import DeviceMeasures
from acs_bridge.web.device.origin import Origin
from acs_bridge.web.device.protocol import SERVER
from acs_bridge.web.device.recorder import Recorder
from acs_bridge.web.device.ticket import COOKIE, TicketSeal
from cwmp import envelope
from cwmp.errors import RemoteProtocolError

ANSWER_SECONDS: Final = 8.0  # of our own work on a request: gateways give up after 30 s, and come back in numbers
ALOUD: Final = 32 * 1024  # up to this size a message is read on the event loop, in less than some 10 ms
READ_ASIDE: Final = 2  # larger ones that are read at a time, each worth some 100 MiB while it lasts
_SERVER: Final = {hdrs.SERVER: SERVER}
_FORWARDED, _FORWARDED_FOR, _REAL_IP = istr("Forwarded"), istr("X-Forwarded-For"), istr("X-Real-IP")
_NOT_CWMP: Final = ("application/x-www-form-urlencoded", "multipart/", "application/json")


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
    ) -> None:
        self._path = path.rstrip("/")
        self._gate = gate
        self._tickets = tickets
        self._dialogue = dialogue
        self._connections = connections
        self._load = load
        self._measures = measures
        self._recorder = recorder
        self._aside = asyncio.Semaphore(READ_ASIDE)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is, in time."""
        connection = self._connections.begin(request.protocol)
        try:
            response = await self._answer_always(request, connection)
        finally:
            self._connections.end(request.protocol)
        self._measures.answered(response.status)
        return response

    async def _answer_always(self, request: web.BaseRequest, connection: Connection) -> web.StreamResponse:
        try:
            return await self._answer(request, connection)
        except web.HTTPException as refusal:
            return _plain(refusal.status, refusal.reason, close=True)
        except (TimeoutError, Unavailable) as error:
            peer = self._connections.origin(connection, request.headers).peer
            self._load.say("message_unanswered", str(error) or "the daemon took too long", peer)
            return _busy(self._load.come_back())
        except Exception as error:  # noqa: BLE001 - the outermost frame of a request
            # Our own mistake: the gateway gets an answer, its write is left as it stands, and nobody else notices.
            name, place = type(error).__qualname__, where(error)
            self._load.say("message_failed", name, connection.origin.peer, kind=f"{name} {place}", ours=True, **place)
            return _busy(self._load.come_back())

    async def _answer(self, request: web.BaseRequest, connection: Connection) -> web.StreamResponse:
        headers = request.headers
        origin = self._connections.origin(connection, headers)
        refusal = self._refusal(request, connection, origin)
        if refusal is not None:
            return refusal
        async with asyncio.timeout(ANSWER_SECONDS) as patience:
            admission = await self._gate.admit(
                origin, headers.get(hdrs.AUTHORIZATION), request.method, request.raw_path
            )
            principal = admission.principal
            if principal is not None:
                if self._has_no_room_for(principal, connection, headers):
                    return self._turn_away(Refusal.BOOTSTRAP, origin)
                connection.proved(origin, principal)
            admitted = principal is not None or connection.knows(origin)
            content = body.arrived(request, admitted=admitted)
            if content is None:
                content = await body.read(request, patience, admitted=admitted)
            if content and _is_foreign(headers) and content.strip():
                return _unsupported()
            if not admitted or admission.failed:
                return self._challenge(connection, origin, admission)
            self._connections.keep(request.protocol)
            self._load.begins(principal)
            try:
                response = await self._converse(request, content, connection, origin, admission)
            finally:
                self._load.ends(principal)
        if isinstance(response, Answer) and response.is_the_end:
            self._connections.may_go(request.protocol)
        return response

    def _refusal(self, request: web.BaseRequest, connection: Connection, origin: Origin) -> web.Response | None:
        """What is answered without a look at who asks, or at what: the request's own line and headers are enough."""
        headers = request.headers
        # As it nearly always came; else percent-escapes, a query or one slash more are looked at.
        if request.raw_path != self._path and request.path.rstrip("/") != self._path:
            return _plain(404, "this is not the ACS URL")
        if request.method != hdrs.METH_POST:
            return _plain(405, "gateways POST here", allow=hdrs.METH_POST)
        if self._load.is_full and not self._goes_on(headers, connection):
            return self._turn_away(Refusal.SESSIONS, origin)
        if not connection.needs_cookies:
            connection.needs_cookies = connection.is_proxy or _is_forwarded(headers)
        if body.coding(headers) not in body.CODINGS or (request.content_length and _is_foreign(headers)):
            return _unsupported()
        guessing = hdrs.AUTHORIZATION in headers and self._load.is_guessing(origin.peer)
        if guessing and not self._goes_on(headers, connection):
            return self._turn_away(Refusal.LOGINS, origin)
        return None

    def _has_no_room_for(self, principal: Principal, connection: Connection, headers: CIMultiDictProxy[str]) -> bool:
        bootstrap = principal.kind is Kind.BOOTSTRAP
        return bootstrap and self._load.is_full_for_bootstrap and not self._goes_on(headers, connection)

    def _goes_on(self, headers: CIMultiDictProxy[str], connection: Connection) -> bool:
        """Whether a request belongs to a session that has begun: asked only where new ones are turned away."""
        cookie = self._tickets.open(headers.getall(hdrs.COOKIE, []))
        return self._dialogue.goes_on(connection, cookie)

    def _turn_away(self, why: Refusal, origin: Origin) -> web.Response:
        """503, before anything of the message is read."""
        return _busy(self._load.turned_away(why, origin.peer))

    async def _converse(
        self, request: web.BaseRequest, content: bytes, connection: Connection, origin: Origin, admission: Admission
    ) -> web.StreamResponse:
        response: web.StreamResponse
        refusal = opened = None
        cookie = self._tickets.open(request.headers.getall(hdrs.COOKIE, []))
        try:
            received = await self._received(content, request.headers)
            reply = await self._dialogue.answer(received, connection, origin, admission, cookie)
        except RemoteProtocolError as error:
            refusal = str(error)
            self._measures.protocol_errors.inc()
            self._load.say("message_refused", refusal, origin.peer, kind=str(error.fault), method=error.method)
            if error.answerable:
                response = self._response(Reply.fault(error))
            else:
                response = _plain(400, "this is no message of CWMP that makes sense here", close=True)
        except web.HTTPException as error:
            response, refusal = _plain(error.status, error.reason, close=True), error.reason
        except Replayed:
            response = self._challenge(connection, origin, STALE)
        else:
            if reply is None:
                response = self._challenge(connection, origin, admission)
            else:
                response, opened = self._response(reply), reply.ticket
                if reply.kept_out:
                    self._load.turned_away(Refusal.INBOX, origin.peer)
        session = self._dialogue.recorded(connection, origin, cookie, opened)
        if session is not None:
            await self._recorder.exchange(session, request, content, response, refusal)
        return response

    async def _received(self, content: bytes, headers: CIMultiDictProxy[str]) -> envelope.Envelope:
        """The message in a body; a large one is read in a thread, so that nobody else waits for it."""
        if not content:
            return envelope.read(content)
        coding, charset = body.coding(headers), body.charset(headers.get(hdrs.CONTENT_TYPE, ""))
        if len(content) <= ALOUD and coding in ("", "identity"):
            return envelope.read(content, charset=charset)
        async with self._aside:
            return await asyncio.to_thread(_read_all, content, coding, charset)

    def _response(self, reply: Reply) -> Answer:
        if reply.message is None:
            return Answer.nothing(as_200=reply.empty_200)
        content = envelope.write(reply.message, namespace=reply.namespace, id=reply.id, use_version=reply.use_version)
        if reply.ticket is None:
            return Answer.message(content)
        self._measures.sessions.inc()
        return Answer.message(content, f"{COOKIE}={self._tickets.seal(reply.ticket)}; Path=/")

    def _challenge(self, connection: Connection, origin: Origin, admission: Admission) -> web.StreamResponse:
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
            return _plain(403, "gateways show who they are inside TLS only, or by a certificate", close=True)
        self._measures.challenges.inc()
        return Answer.challenge(challenges, close=connection.failures >= FAILURES_BEFORE_CLOSE)


@lru_cache(body.TYPES_KEPT)
def _is_not_cwmp(content_type: str) -> bool:
    return content_type.strip().lower().startswith(_NOT_CWMP)


def _is_foreign(headers: CIMultiDictProxy[str]) -> bool:
    """Whether a message is said to be what CWMP never is. Of an empty POST libcurl says that it is a form."""
    return _is_not_cwmp(headers.get(hdrs.CONTENT_TYPE, ""))


def _is_forwarded(headers: CIMultiDictProxy[str]) -> bool:
    """Whether a proxy sent this: it may put the messages of any gateway on a connection."""
    return hdrs.VIA in headers or _FORWARDED_FOR in headers or _FORWARDED in headers or _REAL_IP in headers


def _read_all(content: bytes, coding: str, charset: str | None) -> envelope.Envelope:
    return envelope.read(body.inflated(content, coding), charset=charset)


def _plain(status: int, words: str, *, close: bool = False, allow: str | None = None) -> web.Response:
    response = web.Response(status=status, text=words, headers=_SERVER)
    if allow is not None:
        response.headers[hdrs.ALLOW] = allow
    if close:
        response.force_close()
    return response


def _unsupported() -> web.Response:
    return _plain(415, "this coding or type is not taken", close=True)


def _busy(seconds: str) -> web.Response:
    """503: come back. Never an empty answer, which the gateway would take for success."""
    response = _plain(503, "come back later", close=True)
    response.headers[hdrs.RETRY_AFTER] = seconds
    return response
