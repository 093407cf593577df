"""Where gateways report: `POST` and `PUT` of `{reports.path}/{token}` (TR-069 Annex N.2).

Everything that a sender could find out about a token, it could find out by what it gets and by how long that takes:
bodies are read and understood before anybody looks whether the URL counts, and whoever may not report hears the same.
"""

import asyncio
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from multidict import istr

from acs_bridge.services.reports.reports import Examined, Sender, Taking, as_examined, examine
from acs_bridge.store.reports import Verdict
from acs_bridge.web.device import body
from acs_bridge.web.device.answer import SERVER, Answer
from acs_bridge.web.device.connection import Connection, Connections
from acs_bridge.web.device.load import Load, Refusal
from acs_bridge.web.device.measures import ReportMeasures
from acs_bridge.web.device.origin import Origin
from acs_bridge.web.device.reports.login import ReportGate
from acs_bridge.web.device.reports.room import NoRoom, Room
from acs_bridge.web.device.tally import Tally

ANSWER_SECONDS: Final = 8.0  # of our own work
ALOUD: Final = 32 * 1024  # bytes that are read on the event loop; more in a thread, so many at a time:
READ_ASIDE: Final = 2
QUOTA_SECONDS: Final = 600  # when a line whose hour is full may ask again
_FORMAT: Final = istr("BBF-Report-Format")
_METHODS: Final = (hdrs.METH_POST, hdrs.METH_PUT)
_LONGEST_TYPE: Final = 200  # characters of a header that is handed on
_QUERY_FIELDS: Final = 64


class ReportsEndpoint:
    """Answers what comes to the device listener, and not to the ACS URL."""

    def __init__(  # noqa: PLR0913 - what it is made of, by name
        self,
        *,
        path: str,
        limit: int,
        taking: Taking,
        gate: ReportGate,
        room: Room,
        refused: Tally,
        connections: Connections,
        load: Load,
        measures: ReportMeasures,
    ) -> None:
        """`limit` is that of a report's bytes; `load` only says what happens, in its own time."""
        self._prefix = f"{path}/"
        self._limit = limit
        self._taking = taking
        self._gate = gate
        self._room = room
        self._refused = refused
        self._connections = connections
        self._load = load
        self._measures = measures
        self._aside = asyncio.Semaphore(READ_ASIDE)

    async def answer(self, request: web.BaseRequest, connection: Connection, origin: Origin) -> Answer:
        """Answer one request. Raises Unavailable, and what aiohttp answers by itself."""
        refusal = self._refusal(request, origin)
        if refusal is not None:
            return refusal
        self._connections.keep(request.protocol)
        try:
            return await self._take(request, connection, origin)
        except NoRoom:
            return self._busy(Refusal.REPORTS, origin)
        except web.HTTPRequestEntityTooLarge:
            return self._end(413, "too_large")
        finally:
            self._connections.may_go(request.protocol)

    def _refusal(self, request: web.BaseRequest, origin: Origin) -> Answer | None:
        """What is answered without a look at the token, or at what came with it."""
        if not request.path.startswith(self._prefix):
            return _refused(404)
        if request.method not in _METHODS:
            return _refused(405, f"{hdrs.ALLOW}: POST, PUT\r\n")
        if body.coding(request.headers) not in body.CODINGS:
            return self._end(415, "unsupported")
        return self._busy(Refusal.REPORTS, origin) if self._room.is_full else None

    async def _take(self, request: web.BaseRequest, connection: Connection, origin: Origin) -> Answer:
        claims = self._taking.claims(request.path.removeprefix(self._prefix))
        # Behind one address there may be many gateways: a token of ours is looked up whatever its neighbours do.
        if self._refused.is_too_much(origin.peer) and not self._taking.is_sealed(claims):
            return self._busy(Refusal.REFUSED_REPORTS, origin)
        if self._taking.is_full(claims):
            return self._over_quota()
        async with asyncio.timeout(ANSWER_SECONDS) as patience:
            with self._room.place(origin.peer) as grow:
                content = body.arrived(request, self._limit)
                if content is None:
                    content = await body.read(request, patience, self._limit, grow)
                else:
                    grow(len(content))
                with self._room.taking():
                    report = await self._examined(request, content)
                    authorization = request.headers.get(hdrs.AUTHORIZATION)
                    logins = self._gate.shown(origin, authorization, request.method, request.raw_path, claims)
                    verdict = await self._taking.take(claims, Sender.of(_query(request), logins), report)
        return self._answered(verdict, report, connection, origin, str(claims.association_id))

    async def _examined(self, request: web.BaseRequest, content: bytes) -> Examined:
        headers = request.headers
        coding = body.coding(headers)
        asked = (
            content,
            coding,
            self._limit,
            self._taking.hands_on,
            _header(headers.get(hdrs.CONTENT_TYPE, "")),
            _header(headers.get(_FORMAT, "")),
        )
        if len(content) <= ALOUD and coding in ("", "identity"):
            return _examine(*asked)
        async with self._aside:
            return await asyncio.to_thread(_examine, *asked)

    def _answered(
        self, verdict: Verdict, report: Examined, connection: Connection, origin: Origin, association: str
    ) -> Answer:
        if verdict in (Verdict.TAKEN, Verdict.REPEAT):
            is_unread = verdict is Verdict.TAKEN and report.unread is not None
            self._measures.report("unread" if is_unread else verdict)
            if is_unread:
                self._load.say("report_unread", report.unread or "", origin.peer, association=association)
            # Who has reported has nothing more to say for minutes; a proxy has.
            return Answer(200, _head(200), close=not connection.is_proxy)
        if verdict is Verdict.QUOTA:
            return self._over_quota()
        if verdict is Verdict.FULL:
            return self._full(origin)
        if verdict is Verdict.STRANGER:
            self._measures.report(verdict)
            return Answer.challenge(self._gate.challenges(origin), close=False)
        self._refused.failed(origin.peer)
        if verdict is Verdict.FOREIGN:
            why = "the gateway that it names is not that of the line"
            self._load.say("report_refused", why, origin.peer, association=association)
        return self._end(404, verdict)

    def _full(self, origin: Origin) -> Answer:
        self._load.say("report_spool_full", "what is handed on is not taken as fast as it comes", origin.peer)
        return self._end(503, Verdict.FULL, f"{hdrs.RETRY_AFTER}: {self._load.come_back()}\r\n")

    def _over_quota(self) -> Answer:
        return self._end(429, Verdict.QUOTA, f"{hdrs.RETRY_AFTER}: {QUOTA_SECONDS}\r\n")

    def _end(self, status: int, outcome: str, fields: str = "") -> Answer:
        self._measures.report(outcome)
        return _refused(status, fields)

    def _busy(self, why: Refusal, origin: Origin) -> Answer:
        return self._end(503, "shed", f"{hdrs.RETRY_AFTER}: {self._load.turned_away(why, origin.peer)}\r\n")


def _examine(content: bytes, coding: str, limit: int, pack: bool, *types: str) -> Examined:  # noqa: FBT001 - of a thread
    content_type, report_format = types
    try:
        text = body.inflated(content, coding, limit)
    except web.HTTPBadRequest:
        return as_examined(content, (content_type, report_format), "it does not inflate", pack=pack)
    return examine(text, content_type, report_format, pack=pack)


def _header(text: str) -> str:
    return text[:_LONGEST_TYPE] if text.isprintable() else ""


def _query(request: web.BaseRequest) -> dict[str, str]:
    """The fields of the query by their names, the first of each; a base URL may have had a query of its own."""
    text = request.raw_path.partition("?")[2].replace("?", "&")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_QUERY_FIELDS)
    except ValueError:
        return {"oui": "?", "sn": "?"}  # so many that nobody can mean it
    return {name.lower(): value for name, value in reversed(pairs)}


def _head(status: int, fields: str = "") -> str:
    return f" {status} {HTTPStatus(status).phrase}\r\nServer: {SERVER}\r\n{fields}Content-Length: 0\r\n"


def _refused(status: int, fields: str = "") -> Answer:
    return Answer(status, _head(status, fields), close=True)
