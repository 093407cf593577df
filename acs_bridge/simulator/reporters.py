"""Gateways that report by themselves: at once when they are given a URL, and then as often as they were told.

A real gateway lets its first interval pass; here nobody wants to wait for that. A report that does not arrive is
counted, and the next one comes as planned.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

from acs_bridge.simulator.gateway import SimulatedGateway
from acs_bridge.simulator.line import LineError
from acs_bridge.simulator.reporting import Place

AT_A_TIME: Final = 50


class Reporters:
    """Lets some gateways report while `reporting`."""

    def __init__(self, gateways: Sequence[SimulatedGateway], answers: Counter[str], at_a_time: int = AT_A_TIME) -> None:
        """`answers` counts what became of reports: `HTTP 200`, or why one did not arrive; `at_a_time` is the most."""
        self._answers = answers
        self._turn = asyncio.Semaphore(at_a_time)
        self._has: dict[SimulatedGateway, tuple[Place, ...]] = dict.fromkeys(gateways, ())

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[Self]:
        """Let them report until the block ends; in the end those do that were given a URL and had no time for it."""
        tasks = [asyncio.create_task(self._keep_reporting(gateway)) for gateway in self._has]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
        await asyncio.gather(*(self._report(gateway) for gateway in self._has if self._is_told_anew(gateway)))

    async def _keep_reporting(self, gateway: SimulatedGateway) -> None:
        while True:
            seconds = min((place.seconds for place in self._has[gateway]), default=None)
            try:
                async with asyncio.timeout(seconds):
                    await gateway.until(self._is_told_anew)
            except TimeoutError:
                pass  # it is time for the next one
            await self._report(gateway)

    def _is_told_anew(self, gateway: SimulatedGateway) -> bool:
        return not gateway.in_session and gateway.reports_to != self._has[gateway]

    async def _report(self, gateway: SimulatedGateway) -> None:
        places = gateway.reports_to
        async with self._turn:
            try:
                self._answers.update(f"HTTP {status}" for status in await gateway.report())
            except LineError as error:
                self._answers[str(error)] += 1
        self._has[gateway] = places
