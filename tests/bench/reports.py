"""What reports cost, how many tokens are opened in batches, and whether refused tokens can be told apart by time.

Every report comes on a connection of its own, as a gateway's does. Times of refusals are compared by their medians: how
far apart the two most different kinds lie, as a part of how far the times of one kind spread.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from tests.bench.processes import Running

SETTINGS: Final = {
    "ACS_BRIDGE_REPORTS__PATH": "/r",
    "ACS_BRIDGE_REPORTS__REFUSED_PER_MINUTE": "1000000",
    "ACS_BRIDGE_REPORTS__REPORTS_PER_LINE_PER_HOUR": "1000000",
}
VALUES: Final = 200  # in a report: some 10 KB
BATCH: Final = 1000
GOAL: Final = 10_000  # tokens a second


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """CPU times in microseconds a report, or a token."""

    reports: int
    report_bytes: int
    reports_per_second: float
    report_daemon_us: float
    report_postgres_us: float
    tokens_per_second: float
    token_daemon_us: float
    token_postgres_us: float
    refusals_ms: dict[str, float]
    refusals_apart: float  # medians that differ most, as a part of the spread of one kind


def body_of(number: int) -> bytes:
    """A report of one interval, unlike every other."""
    values = {f"Device.WiFi.AccessPoint.{n}.Stats.BytesSent": n * number for n in range(1, VALUES + 1)}
    return json.dumps({"Report": [{"CollectionTime": 1_700_000_000 + number, **values}]}).encode()


async def post(port: int, url: str, serial: str, body: bytes) -> int:
    """Report once; the status."""
    target = f"{urlsplit(url).path}?oui=00005E&pc=BENCH&sn={serial}"
    head = (
        f"POST {target} HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"BBF-Report-Format: NameValuePair\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(answer.split(b" ", 2)[1])


async def urls_of(running: Running, token: str, serials: Sequence[str]) -> dict[str, str]:
    """The PHAN URL of each gateway's line."""
    headers = {"Authorization": f"Bearer {token}"}
    found: dict[str, str] = {}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.operator_port}", headers=headers) as client:
        for serial in serials:
            async with client.get("/v1/associations", params={"line_of_service": f"LOS-{serial}"}) as response:
                (item,) = (await response.json())["items"]
            async with client.post(f"/v1/associations/{item['id']}/reveal") as response:
                found[serial] = (await response.json())["phan_url"]
    return found


async def send_all(port: int, urls: dict[str, str], count: int, concurrency: int) -> None:
    """So many reports, of one line after the other."""
    left = [
        (serial, number) for number, serial in zip(range(count), list(urls) * (count // len(urls) + 1), strict=False)
    ]

    async def worker() -> None:
        while left:
            serial, number = left.pop()
            status = await post(port, urls[serial], serial, body_of(number))
            if status != 200:
                raise RuntimeError(f"a report was answered {status}")

    await asyncio.gather(*(worker() for _ in range(concurrency)))


async def open_all(running: Running, token: str, urls: dict[str, str], batches: int) -> None:
    """So many batches of tokens."""
    several = [{"url": url, "oui": "00005E", "serial_number": serial} for serial, url in urls.items()]
    body = {"urls": (several * (BATCH // len(several) + 1))[:BATCH]}
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.operator_port}", headers=headers) as client:
        for _ in range(batches):
            async with client.post("/v1/phan/open", json=body) as response:
                response.raise_for_status()
                items = (await response.json())["items"]
                if not all(item["active"] and item["gateway_matches"] for item in items):
                    raise RuntimeError("a token did not count")


async def time_refusals(port: int, urls: dict[str, str], ended: str, count: int) -> dict[str, list[float]]:
    """Seconds of so many refusals of each kind, in an order by chance. `ended`: a gateway whose association is over."""
    serial, url = next(each for each in urls.items() if each[0] != ended)
    body = body_of(0)
    kinds: dict[str, tuple[str, str]] = {
        "forged": (url[:-6] + ("AAAAAA" if not url.endswith("AAAAAA") else "BBBBBB"), serial),
        "truncated": (url[:-8], serial),
        "another line's": (url, ended),
        "revoked": (urls[ended], ended),
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    order = [kind for kind in kinds for _ in range(count)]
    random.Random(1).shuffle(order)
    for kind in order:
        begun = time.perf_counter()
        if await post(port, *kinds[kind], body) != 404:
            raise RuntimeError(f"a token that is {kind} was not refused")
        taken[kind].append(time.perf_counter() - begun)
    return taken


async def end(running: Running, token: str, serial: str) -> None:
    """End the association of a gateway's line."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.operator_port}", headers=headers) as client:
        async with client.get("/v1/associations", params={"line_of_service": f"LOS-{serial}"}) as response:
            (item,) = (await response.json())["items"]
        async with client.delete(f"/v1/associations/{item['id']}") as response:
            response.raise_for_status()


def measure(
    running: Running, token: str, serials: Sequence[str], count: int, run: Callable[[Any], Any]
) -> ReportFigures:
    """Measure everything of a daemon whose lines have these gateways. `run` runs a coroutine."""
    urls: dict[str, str] = run(urls_of(running, token, serials))
    run(send_all(running.device_port, urls, 100, 8))  # warm

    def measured(work: Callable[[], Any], many: int) -> tuple[float, float, float]:
        before = running.cpu_seconds(), running.postgres_cpu_seconds(), time.perf_counter()
        run(work())
        wall = time.perf_counter() - before[2]
        daemon, postgres = running.cpu_seconds() - before[0], running.postgres_cpu_seconds() - before[1]
        return many / wall, daemon / many * 1e6, postgres / many * 1e6

    reports = measured(lambda: send_all(running.device_port, urls, count, 16), count)
    batches = max(count // 100, 10)
    tokens = measured(lambda: open_all(running, token, urls, batches), batches * BATCH)
    run(end(running, token, serials[0]))
    times: dict[str, list[float]] = run(time_refusals(running.device_port, urls, serials[0], max(count // 10, 50)))
    medians = {kind: median(each) for kind, each in times.items()}
    low, _, high = quantiles(times["forged"], n=4)
    apart = (max(medians.values()) - min(medians.values())) / (high - low)
    shown = {kind: round(seconds * 1000, 3) for kind, seconds in medians.items()}
    return ReportFigures(count, len(body_of(count)), *reports, *tokens, shown, apart)
