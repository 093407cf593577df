"""Provisioning requests one at a time, as a BSS sends them: the busiest call of `/v1`, and always the same one.

An ordinary one (`web/ordinary.py`) is read and answered without aiohttp, which spends more on it than the daemon does.
What becomes of it is what `middleware.py` and `serving.py` would make of it, rule by rule in their order:
`tests/web/operator/test_single.py` holds every answer equal to theirs.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict, CIMultiDictProxy

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import Unavailable, Unconfirmed
from acs_bridge.web.operator.bodies import parsed
from acs_bridge.web.operator.callers import Callers
from acs_bridge.web.operator.measures import OperatorMeasures
from acs_bridge.web.operator.middleware import Served, refusal, tell
from acs_bridge.web.operator.models.base import NoQuery
from acs_bridge.web.operator.problems import HEADERS, PROBLEMS, ReadsOnly, WrongRole
from acs_bridge.web.operator.rates import Standing
from acs_bridge.web.operator.registry import Answer, AnyRoute, Call
from acs_bridge.web.operator.serving import JSON
from acs_bridge.web.ordinary import Head

SECONDS: Final = 60.0
"""How long our own work on one may last: a database that hangs says nothing."""
_KINDS: Final = (JSON, f"{JSON}; charset=utf-8", f"{JSON};charset=utf-8")
_BEARER: Final = "bearer "
_NOT_HERE: Final = frozenset(("idempotency-key", "batch-id"))
_FORWARDING: Final = frozenset(("forwarded", "x-forwarded-for", "x-forwarded-proto"))
_UNASKED: Final = NoQuery()
_NONE: Final[CIMultiDictProxy[str]] = CIMultiDictProxy(CIMultiDict())


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as bytes."""

    content: bytes
    close: bool = False

    def written(self) -> bytes:
        """All of them."""
        return self.content


@dataclass(slots=True)
class _Asked:
    """A call, and what is known of its caller so far."""

    address: str
    token: str = field(repr=False)
    content: bytes = field(repr=False)
    begun: float
    actor: Actor | None = None
    standing: Standing | None = None


class SingleRequests:
    """Answers the ordinary calls of one route whose handler takes unconfirmed callers."""

    def __init__(
        self, route: AnyRoute, callers: Callers, measures: OperatorMeasures, on_change: Callable[[], None]
    ) -> None:
        """`on_change` hears of every call that changed something."""
        self.start = f"{route.method} {route.path} HTTP/1.1\r\n".encode()
        self._starts = {status: _start(status, {**HEADERS, "Content-Type": JSON}) for status in route.answers}
        self._route = route
        self._callers = callers
        self._measures = measures
        self._on_change = on_change

    def takes(self, head: Head) -> bool:
        """Tell whether a call shows a bearer token, says nothing but JSON, and asks for nothing else."""
        return (
            "authorization" in head
            and head["authorization"][1][: len(_BEARER)].lower() == _BEARER
            and "content-type" in head
            and head["content-type"][1].lower() in _KINDS
            and _NOT_HERE.isdisjoint(head)
        )

    async def answer(self, peer: str, head: Head, content: bytes) -> Reply:
        """Answer one, whatever happens."""
        asked = self._asked(peer, head, content)
        try:
            answer = await self._served(asked)
        except Exception as error:  # noqa: BLE001 -- the outermost frame of a call
            return self._refused(asked, error)
        self._answered(asked, answer.status.value)
        place = "" if answer.location is None else f"Location: {answer.location}\r\n"
        made = b"" if answer.model is None else answer.content or answer.model.model_dump_json().encode()
        return _written(f"{self._starts[answer.status]}{place}", asked.standing, made)

    def too_late(self, peer: str, head: Head) -> Reply:
        """Answer one on which we have worked for too long."""
        asked = self._asked(peer, head, b"")
        asked.begun -= SECONDS
        return self._refused(asked, Unavailable("the daemon took too long"))

    def _asked(self, peer: str, head: Head, content: bytes) -> _Asked:
        headers = _NONE if _FORWARDING.isdisjoint(head) else CIMultiDictProxy(CIMultiDict(head.values()))
        address = self._callers.proxies.sender(peer, headers)
        token = head["authorization"][1][len(_BEARER) :].strip()
        return _Asked(address, token, content, time.perf_counter())

    async def _served(self, asked: _Asked) -> Answer:
        recalled = self._callers.tokens.recall(asked.token, asked.address)
        if recalled is not None:
            try:
                return await self._admitted(asked, recalled)
            except Unconfirmed:
                asked.actor = None
            except Exception:
                asked.actor = None
                asked.actor = await self._callers.bearer(asked.token, asked.address)
                raise
        return await self._admitted(asked, await self._callers.bearer(asked.token, asked.address))

    async def _admitted(self, asked: _Asked, actor: Actor) -> Answer:
        asked.actor = actor
        if asked.standing is None:
            asked.standing = self._callers.rates.count(actor)
            asked.standing.check()
        if actor.role is Role.CSR:
            raise ReadsOnly
        if actor.role not in self._route.roles:
            raise WrongRole(self._route.roles, actor.role)
        body = parsed(self._route.body, asked.content)
        return await self._route.handler(Call(actor, {}, _UNASKED, body))

    def _refused(self, asked: _Asked, error: Exception) -> Reply:
        response = refusal(error, PROBLEMS, self._route.path)
        self._answered(asked, response.status)
        content = response.body
        assert isinstance(content, bytes)  # noqa: S101 -- no problem streams
        return _written(_start(response.status, response.headers), asked.standing, content)

    def _answered(self, asked: _Asked, status: int) -> None:
        seconds = time.perf_counter() - asked.begun
        asyncio.get_running_loop().call_soon(self._sent, asked, status, seconds)

    def _sent(self, asked: _Asked, status: int, seconds: float) -> None:
        """Let others know of a call, after its caller does."""
        if status < HTTPStatus.BAD_REQUEST:
            self._on_change()
        route = self._route
        tell(self._measures, Served(route.method, route.path, status, seconds, asked.actor, asked.address))


def _start(status: int, fields: Mapping[str, str]) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{_lines(fields)}"


def _lines(fields: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in fields.items()])


def _written(start: str, standing: Standing | None, content: bytes) -> Reply:
    more = "" if standing is None else _lines(standing.headers)
    last = f"Content-Length: {len(content)}\r\nDate: {rfc822_formatted_time()}\r\n\r\n"
    return Reply(f"{start}{more}{last}".encode() + content)
