"""Receivers of webhooks: real HTTP servers, which check signatures with code of their own."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def verified(secret: str, headers: Any, body: bytes) -> bool:
    """Whether a message is from who has the secret; written against the standard, not against our code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(each.split(",", 1) == ["v1", right] for each in headers["webhook-signature"].split(" "))


@dataclass
class Receiver:
    """What arrived, and how it is answered."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """What is answered next; then 200."""
    messages: list[Any] = field(default_factory=list)
    calls: list[tuple[Any, bytes]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    answer: web.StreamResponse | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.calls.append((request.headers.copy(), body))
        if self.hold is not None:
            await self.hold.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.messages.append(json.loads(body))
        if status in {301, 307}:
            return web.Response(status=status, headers={"Location": self.url})
        return self.answer or web.Response(status=status, text="secret words of the receiver")

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.calls]


@asynccontextmanager
async def receiving(context: ssl.SSLContext | None = None, port: int = 0, **how: Any) -> AsyncIterator[Receiver]:
    """Listen until the block ends; with a context, inside TLS."""
    receiver = Receiver(**how)
    application = web.Application()
    application.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    _, port = runner.addresses[0]
    receiver.url = f"{'http' if context is None else 'https'}://127.0.0.1:{port}/hook"
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        await runner.cleanup()
