"""A gateway's side of a connection request on a raw socket: every byte of an answer is the test's own."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from acs_bridge.domain.credentials import Pair
from cwmp.digest import Authorization, Challenge, ha1, verify

PAIR = Pair("acs", "open-sesame-4711")
REALM = "HuaweiHomeGateway"
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
HEAD_END = b"\r\n\r\n"

Say = Callable[[bytes], bytes | None]
"""Gives the answer to a request; None: never one. An answer that ends in `CLOSE` ends the connection."""
CLOSE = b"\x00close"


@dataclass
class Door:
    """Takes connections, gives what it is told to, and remembers everything that it was asked."""

    say: Say
    port: int = 0
    requests: list[tuple[int, bytes]] = field(default_factory=list)
    """The number of the connection, and the head of the request."""
    connections: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection has ended."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request has arrived."""

    @property
    def authorizations(self) -> list[str]:
        return [authorization_of(head) for _, head in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while True:
                head = await reader.readuntil(HEAD_END)
                self.requests.append((number, head))
                self.arrived.set()
                said = self.say(head)
                if said is not None:
                    writer.write(said.removesuffix(CLOSE))
                    await writer.drain()
                    if said.endswith(CLOSE):
                        return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            self.ended.set()


@asynccontextmanager
async def door(say: Say, port: int = 0) -> AsyncIterator[Door]:
    opened = Door(say)
    server = await asyncio.start_server(opened._serve, "127.0.0.1", port)
    opened.port = server.sockets[0].getsockname()[1]
    try:
        yield opened
    finally:
        server.close()


def plain(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


CHALLENGE = Challenge(REALM, NONCE)
CHALLENGED = plain("401 Unauthorized", f"WWW-Authenticate: {CHALLENGE.render()}")
WELCOME = plain("200 OK")


def authorization_of(head: bytes) -> str:
    found = re.search(rb"^Authorization: (.*)\r$", head, re.MULTILINE)
    return "" if found is None else found[1].decode()


def target_of(head: bytes) -> str:
    return head.split(b" ")[1].decode()


def knows(head: bytes, challenge: Challenge, pair: Pair = PAIR) -> bool:
    """Whether a request answers a challenge."""
    shown = Authorization.parse(authorization_of(head))
    if shown is None or shown.nonce != challenge.nonce:
        return False
    secret = ha1(pair.username, challenge.realm, pair.password, challenge.algorithm)
    target = target_of(head)
    right = verify(shown, secret, method="GET", target=target, realm=challenge.realm)
    return right and shown.uri == target and shown.opaque == challenge.opaque and shown.qop == challenge.qop


def digest(challenged: bytes, challenge: Challenge = CHALLENGE, welcome: bytes = WELCOME) -> Say:
    """A gateway that answers `challenged` to whoever does not answer that challenge."""
    return lambda head: welcome if knows(head, challenge) else challenged
