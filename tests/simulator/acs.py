"""A small ACS that does what a test tells it: real HTTP, challenges, cookies, and a script for each session."""

import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Self

from aiohttp import web

from cwmp.envelope import Envelope, read, write
from cwmp.messages import (
    CPE_REQUESTS,
    EmptyPost,
    GetRPCMethods,
    GetRPCMethodsResponse,
    Inform,
    InformResponse,
    Message,
    TransferComplete,
    TransferCompleteResponse,
)

Challenge = Callable[[web.Request], web.Response | None]
COOKIE = "session"
ANSWERS: dict[type[Message], Message] = {
    GetRPCMethods: GetRPCMethodsResponse(("Inform", "GetRPCMethods", "TransferComplete")),
    TransferComplete: TransferCompleteResponse(),
}


@dataclass(frozen=True)
class Seen:
    """One POST that was let in."""

    envelope: Envelope
    cookie: str
    authorization: str
    headers: dict[str, str]
    peer: tuple[str, int]

    @property
    def message(self) -> Message:
        return self.envelope.message


@dataclass
class ScriptedAcs:
    """Sends `script` in every session, and remembers what gateways said."""

    script: Sequence[Message] = ()
    challenge: Challenge = lambda _: None
    """Gives the 401 for a request that is not let in."""
    instead: dict[int, Callable[[], web.StreamResponse]] = field(default_factory=dict)
    """What the n-th POST that was let in (from 1) is answered with, whatever it is."""
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    challenges: int = 0
    _sessions: dict[str, deque[Message]] = field(default_factory=dict)
    _of_peer: dict[tuple[str, int], str] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def messages(self) -> list[Message]:
        return [each.message for each in self.seen]

    @property
    def informs(self) -> list[Inform]:
        return [message for message in self.messages if isinstance(message, Inform)]

    async def post(self, request: web.Request) -> web.StreamResponse:
        refusal = self.challenge(request)
        body = await request.read()
        if refusal is not None:
            self.challenges += 1
            return refusal
        seen = self._note(request, read(body))
        replaced = self.instead.get(len(self.seen))
        return replaced() if replaced is not None else self._answer(seen)

    def _note(self, request: web.Request, envelope: Envelope) -> Seen:
        assert request.transport is not None
        seen = Seen(
            envelope,
            request.headers.get("Cookie", ""),
            request.headers.get("Authorization", ""),
            dict(request.headers),
            request.transport.get_extra_info("peername"),
        )
        self.seen.append(seen)
        return seen

    def _answer(self, seen: Seen) -> web.Response:
        envelope = seen.envelope
        if isinstance(envelope.message, Inform):
            return self._open(seen)
        if type(envelope.message) in CPE_REQUESTS:
            return xml(envelope, ANSWERS[type(envelope.message)], envelope.header.id)
        key = seen.cookie or self._of_peer.get(seen.peer, "")
        script = self._sessions.get(key)
        assert script is not None, "a message outside every session"
        if not script:
            return web.Response(status=204)
        return xml(None, script.popleft(), f"acs-{next(self._numbers)}", self._namespace(seen))

    def _open(self, seen: Seen) -> web.Response:
        value = f"{COOKIE}={next(self._numbers):032x}"
        self._sessions[value] = deque(self.script)
        self._of_peer[seen.peer] = value
        response = xml(seen.envelope, InformResponse(), seen.envelope.header.id)
        response.headers["Set-Cookie"] = f"{value}; Path=/"
        return response

    def _namespace(self, seen: Seen) -> str:
        return seen.envelope.namespace or self.informs_namespace

    @property
    def informs_namespace(self) -> str:
        return next(each.envelope.namespace for each in reversed(self.seen) if isinstance(each.message, Inform))

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Self]:
        app = web.Application()
        app.router.add_post("/acs", self.post)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        host, port = runner.addresses[0]
        self.url = f"{'https' if tls else 'http'}://{host}:{port}/acs"
        try:
            yield self
        finally:
            await runner.cleanup()


def xml(to: Envelope | None, message: Message, id: str | None, namespace: str = "") -> web.Response:
    if isinstance(message, EmptyPost):
        return web.Response(status=204)
    body = write(message, namespace=to.namespace if to else namespace, id=id)
    return web.Response(body=body, headers={"Content-Type": "text/xml; charset=utf-8"})
