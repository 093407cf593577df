"""What the one search box takes, over HTTP, on the lines that are there."""

import random
import time
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

import aiohttp

GOAL_MS: Final = 100.0
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class SearchFigure:
    """One way of searching; wall time of whole calls in milliseconds."""

    search: str
    rows: int
    searches: int
    median_ms: float
    p95_ms: float
    worst_ms: float
    complete: int


def queries(rows: int, count: int) -> dict[str, list[str]]:
    """What people type, for records that are there and for some that are not."""
    choose = random.Random(7)
    numbers = [str(choose.randrange(1, rows + 1)) for _ in range(count)]
    return {
        "a code": [f"OLD-{number}" for number in numbers],
        "a line, no separator": [f"old{number}" for number in numbers],
        "a name": [f"subscriber {number}" for number in numbers],
        "a MAC address": [f"00:00:5E:{number}" for number in numbers],
        "its last digits": [number[-_DIGITS:] for number in numbers],
        "one or two letters": [number[:2] for number in numbers],
        "what all have": ["subs" for _ in numbers],
        "what none has": [f"x{number}q" for number in numbers],
    }


async def measure(port: int, token: str, rows: int, count: int) -> list[SearchFigure]:
    """Search in turn, so that all kinds meet the same machine."""
    asked = queries(rows, count)
    times: dict[str, list[float]] = {kind: [] for kind in asked}
    complete = dict.fromkeys(asked, 0)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as client:
        for turn in range(count):
            for kind, texts in asked.items():
                begun = time.perf_counter()
                async with client.get("/v1/search", params={"q": texts[turn]}) as response:
                    response.raise_for_status()
                    complete[kind] += bool((await response.json())["complete"])
                times[kind].append((time.perf_counter() - begun) * 1000)
    return [
        SearchFigure(kind, rows, count, median(took), quantiles(took, n=20)[-1], max(took), complete[kind])
        for kind, took in times.items()
    ]
