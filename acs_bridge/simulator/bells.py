"""Where simulated gateways are rung: one listener for all of them, on which each has a path of its own.

A ring is an HTTP GET with Digest (TR-069 3.2.2); one that is let in makes its gateway open a session at once, or after
the one that is open. What firmware gets wrong about that is switched on by `Behaviour.bell_quirks`.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final, Self

from acs_bridge.simulator.behaviour import BellQuirk
from acs_bridge.simulator.gateway import Credentials, SimulatedGateway
from acs_bridge.simulator.report import SessionReport
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.digest import Authorization, Challenge, ha1, verify

REALM: Final = "gateway"
_NONCES_KEPT: Final = 1000
_HEAD_END: Final = b"\r\n\r\n"
_HEAD_LIMIT: Final = 16_384
_GET: Final = "GET"
_CLOSE: Final = ("Connection", "close")

Headers = tuple[tuple[str, str], ...]


def _nobody_counts(_: SessionReport) -> None:
    pass


class Bells:
    """The bells of some gateways; what is rung is answered while `listening`."""

    def __init__(
        self, surroundings: Surroundings, on_session: Callable[[SessionReport], object] = _nobody_counts
    ) -> None:
        """`on_session` is told of each session that a ring led to."""
        self.rings = 0
        """How many were let in."""
        self._new_nonce = surroundings.new_cnonce
        self._on_session = on_session
        self._gateways: dict[str, SimulatedGateway] = {}
        self._nonces: deque[str] = deque(maxlen=_NONCES_KEPT)
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(
        self, host: str, gateways: Iterable[SimulatedGateway], pair: Credentials | None
    ) -> AsyncIterator[Self]:
        """Listen on a free port; the gateways say in their Informs where.

        `pair` is what they have from the factory for those who ring; an ACS may write another. Without any they answer
        503 to everybody.
        """
        server = await asyncio.start_server(self._serve, host, 0, limit=_HEAD_LIMIT)
        bound, port = server.sockets[0].getsockname()[:2]
        place = f"[{bound}]" if ":" in bound else bound
        for number, gateway in enumerate(gateways):
            target = f"/{number}/{self._new_nonce()}"  # which nobody guesses
            self._gateways[target] = gateway
            gateway.model.fix("ManagementServer.ConnectionRequestURL", f"http://{place}:{port}{target}")
            if pair is not None:
                gateway.model.fix("ManagementServer.ConnectionRequestUsername", pair.username)
                gateway.model.fix("ManagementServer.ConnectionRequestPassword", pair.password)
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            while self._tasks:
                await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._keep(task)
        try:
            closes = False
            while not closes:
                head = (await reader.readuntil(_HEAD_END)).decode("latin-1")
                answer, closes = self._answer(head)
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, head: str) -> tuple[bytes, bool]:
        """Answer one request, and say whether the connection ends."""
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        target = rest.rpartition(" ")[0]
        gateway = self._gateways.get(target)
        if gateway is None:
            return _response("404 Not Found", (_CLOSE,)), True
        if method != _GET:
            return _response("405 Method Not Allowed", (_CLOSE,)), True
        quirks = gateway.behaviour.bell_quirks
        username = gateway.value("ManagementServer.ConnectionRequestUsername")
        if BellQuirk.THROTTLES in quirks or not username:
            return _response("503 Service Unavailable", (_CLOSE,)), True
        shown = next(
            (line.partition(":")[2].strip() for line in lines if line.lower().startswith("authorization:")), ""
        )
        if not self._is_let_in(gateway, username, shown, target):
            return self._challenge(quirks), BellQuirk.CLOSES in quirks
        self.rings += 1
        self._keep(asyncio.create_task(self._come(gateway)))
        return _response("200 OK", ()), False

    def _is_let_in(self, gateway: SimulatedGateway, username: str, header: str, target: str) -> bool:
        shown = Authorization.parse(header)
        if shown is None or shown.nonce not in self._nonces or shown.username != username:
            return False
        password = gateway.value("ManagementServer.ConnectionRequestPassword")
        secret = ha1(username, REALM, password, shown.algorithm)
        return verify(shown, secret, method=_GET, target=target, realm=REALM)

    def _challenge(self, quirks: frozenset[BellQuirk]) -> bytes:
        nonce = self._new_nonce()
        self._nonces.append(nonce)
        challenge = Challenge(REALM, nonce).render()
        if BellQuirk.NO_COMMAS in quirks:
            challenge = challenge.replace(",", "")
        if BellQuirk.FOLDS not in quirks:
            return _response("401 Unauthorized", (("WWW-Authenticate", challenge),))
        folded = challenge.replace(" ", "\n\t", 1).replace(", ", ",\n\t")
        return f"HTTP/1.1 401 Unauthorized\nWWW-Authenticate: {folded}\nContent-Length: 0\n\n".encode()

    async def _come(self, gateway: SimulatedGateway) -> None:
        report = await gateway.answer_ring()
        if report is not None:
            self._on_session(report)

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _response(status: str, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers), "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()
