"""Calls that carry an Idempotency-Key: done once, however often they come, and answered with the same answer.

A key belongs to its caller. The answer is written in the transaction of what it tells, so that after any accident both
are there or neither is. A second call that comes meanwhile waits for the first and then gets its answer: a caller that
repeats a call wants to know what became of it, and not that it should ask again. Kept are answers that were decided:
what was done, and what stood in the way. Errors of ours, of the moment, or of a body that could not be read are not:
the same call may succeed later. An answer that has a secret is kept sealed, for its caller and its key only.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.errors import AcsBridgeError, Conflict, InvalidInput, NotFound
from acs_bridge.store import answers
from acs_bridge.store.answers import KeptAnswer
from acs_bridge.store.database import Database
from acs_bridge.store.rows import Contended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class KeyReused(AcsBridgeError):
    """The key of a call stands for another call."""

    status = 422
    title = "The Idempotency-Key stands for another request"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("this Idempotency-Key was used for another request: take a new key for a new request")


class AnswerLost(AcsBridgeError):
    """What was answered was sealed with another keyring."""

    status = HTTPStatus.GONE
    title = "What was answered here cannot be read any more"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "this was done, and its answer was sealed with another keyring: take a new key for a new request"
        )


class Repeats:
    """Does calls once."""

    def __init__(self, database: Database, clock: Clock, keyring: Keyring) -> None:
        """`database` is the one that the services use which do the work."""
        self._database = database
        self._clock = clock
        self._sealer = keyring.sealer("answer under an Idempotency-Key")
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def once(
        self,
        key: str,
        fingerprint: bytes,
        actor: Actor,
        work: Callable[[], Awaitable[KeptAnswer]],
        refusal: Callable[[AcsBridgeError], KeptAnswer],
        *,
        secret: bool = False,
    ) -> tuple[KeptAnswer, bool]:
        """Do the work, or give the answer that it got before (then the second value is true).

        `refusal` makes the answer of an error; `secret`: the answer is nobody else's to read. KeyReused when the key
        was given to another call.
        """
        owner = actor.label
        async with self._turn(owner, key), self._database.together() as connection:
            await answers.claim(connection, owner, key)
            kept = await answers.find(connection, owner, key)
            if kept is not None:
                if kept.fingerprint != fingerprint:
                    raise KeyReused
                return (self._opened(kept, owner, key) if secret else kept), True
            try:
                async with self._database.transaction():
                    answer = await work()
            except (Conflict, InvalidInput, NotFound) as error:
                if isinstance(error, Contended):
                    raise
                answer = refusal(error)
            sealed = self._sealed(answer, owner, key) if secret else answer
            await answers.keep(connection, owner, key, sealed, self._clock())
            return answer, False

    def _sealed(self, answer: KeptAnswer, owner: str, key: str) -> KeptAnswer:
        sealed = self._sealer.seal(answer.body.encode(), _context(owner, key))
        return replace(answer, body=json.dumps({"sealed": b64encode(sealed).decode()}))

    def _opened(self, kept: KeptAnswer, owner: str, key: str) -> KeptAnswer:
        sealed = b64decode(json.loads(kept.body)["sealed"])
        body = self._sealer.open(sealed, _context(owner, key))
        if body is None:
            raise AnswerLost
        return replace(kept, body=body.decode())

    @asynccontextmanager
    async def _turn(self, owner: str, key: str) -> "AsyncIterator[None]":
        """Wait for the same key in this process without a connection, so that nobody else has to wait for one."""
        lock = self._turns.setdefault((owner, key), asyncio.Lock())
        async with lock:
            yield


def _context(owner: str, key: str) -> bytes:
    return f"{owner} {key}".encode()
