"""Delivering what waits in the outbox, at least once.

A delivery is claimed for as long as an attempt may take; who dies with it leaves it to the next daemon. Every endpoint
has so many attempts under way at most and so many a second, so that none holds another up; one that keeps failing
rests, and is tried with one message at a time until it takes one.

The outbox has one row for each webhook and settled write, made by a trigger that asks whether there is a webhook at
all, and no foreign keys: no session waits for a webhook's row. A body is made of the history when it is sent.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from acs_bridge.domain import webhooks as law
from acs_bridge.domain.clock import Clock
from acs_bridge.errors import Unavailable
from acs_bridge.services.notifications.notices import WebhookMessage, message_id
from acs_bridge.services.notifications.posting import Posted, Poster
from acs_bridge.services.notifications.webhooks import Secrets
from acs_bridge.services.pulse import Pulse
from acs_bridge.store import webhooks
from acs_bridge.store.database import Database
from acs_bridge.store.webhooks import Claimed, ReadyRow, Result

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.1
TIDY_SECONDS: Final = 60.0
LEASE: Final = timedelta(seconds=30)  # longer than an attempt may take, and than writing down what it came to as a rule
PARKED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one endpoint gets of this daemon."""

    at_once: int = 8
    per_second: int = 100


class Deliveries:
    """Posts what waits."""

    def __init__(  # noqa: PLR0913 - what the use case is made of, by name
        self,
        database: Database,
        clock: Clock,
        secrets: Secrets,
        poster: Poster,
        pulse: Pulse,
        *,
        random: Callable[[], float],
        bounds: Bounds,
        on_attempt: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`random` spreads retries; `on_attempt` hears `delivered`, `failed` or `parked`."""
        self._database = database
        self._clock = clock
        self._secrets = secrets
        self._poster = poster
        self._pulse = pulse
        self._random = random
        self._bounds = bounds
        self._on_attempt = on_attempt
        self._under_way: Counter[UUID] = Counter()
        self._not_before: dict[UUID, float] = {}  # on the event loop's clock
        self._attempts: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled. A database that is away is waited for."""
        time = asyncio.get_running_loop().time
        tidy_at = time()
        try:
            while True:
                beats = self._pulse.beats
                try:
                    if time() >= tidy_at:
                        await self.tidy()
                        tidy_at = time() + TIDY_SECONDS
                    begun = await self.begin()
                except Unavailable as error:
                    _log.warning("deliveries_put_off", reason=str(error))
                    begun = 0
                await asyncio.sleep(PAUSE_SECONDS)
                if not begun:
                    await self._pulse.after(beats, LOOK_SECONDS)
        finally:
            for attempt in self._attempts:
                attempt.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    async def begin(self) -> int:
        """Begin what may be begun now; how many attempts those are."""
        now = self._clock()
        begun = 0
        for webhook in await webhooks.ready(self._database, now):
            room = self._room(webhook)
            if room <= 0:
                continue
            claimed = await webhooks.claim(self._database, webhook.id, now, now + LEASE, room)
            begun += len(claimed)
            self._not_before[webhook.id] = asyncio.get_running_loop().time() + len(claimed) / self._bounds.per_second
            for one in claimed:
                self._begin(webhook, one)
        return begun

    async def finish(self) -> None:
        """Wait for everything that is under way."""
        await asyncio.gather(*self._attempts)

    def _room(self, webhook: ReadyRow) -> int:
        if asyncio.get_running_loop().time() < self._not_before.get(webhook.id, 0.0):
            return 0
        at_once = 1 if webhook.failures >= law.FAILURES_BEFORE_A_REST else self._bounds.at_once
        return at_once - self._under_way[webhook.id]

    def _begin(self, webhook: ReadyRow, claimed: Claimed) -> None:
        self._under_way[webhook.id] += 1
        task = asyncio.create_task(self._attempt(webhook, claimed))
        self._attempts.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._attempts.discard(task)
            self._under_way[webhook.id] -= 1

        task.add_done_callback(ended)

    async def _attempt(self, webhook: ReadyRow, claimed: Claimed) -> None:
        if claimed.event is None:
            posted = Posted(None, 0.0, "what happened then is not kept any more")
        else:
            body = WebhookMessage.of(claimed.event).bytes
            id = message_id(claimed.event.write_id, claimed.event.move)
            headers = law.signed_headers(id, self._clock(), body, self._secrets.of(webhook))
            posted = await self._poster.post(webhook.url, headers, body)
        try:
            await self._settle(webhook, claimed, posted)
        except Unavailable as error:  # it stays claimed for a while, and is told once more then
            _log.warning("delivery_not_written_down", reason=str(error))

    async def _settle(self, webhook: ReadyRow, claimed: Claimed, posted: Posted) -> None:
        now = self._clock()
        result = Result(now, posted.status, round(posted.seconds, 3), posted.words)
        if posted.is_taken:
            await webhooks.delivered(self._database, claimed, result)
            self._on_attempt("delivered")
            return
        is_last = claimed.event is None or now - claimed.begun_at >= law.TRIED_FOR
        due_at = None if is_last else now + law.RETRY.delay(claimed.attempt, self._random)
        rest = now + law.REST.delay(webhook.failures, self._random)
        failing = await webhooks.failed(self._database, claimed, result, due_at, (law.FAILURES_BEFORE_A_REST, rest))
        self._on_attempt("parked" if is_last else "failed")
        if failing is not None and failing[0] == law.FAILURES_BEFORE_A_REST:
            _log.warning("webhook_fails", webhook=str(webhook.id), since=failing[1].isoformat(), words=posted.words)

    async def tidy(self) -> None:
        """Park what waits for endpoints that took nothing for a day."""
        now = self._clock()
        while parked := await webhooks.park_hopeless(self._database, now - law.TRIED_FOR, now, PARKED_AT_ONCE):
            for _ in range(parked):
                self._on_attempt("parked")
