"""More processes that serve gateways: `serve --workers N`.

The parent owns everything that there is once: the addresses, the embedded Postgres, the operator listener, the janitor.
A worker is forked off by the nursery, holds the device listener's socket and serves it with services of its own;
sessions belong to no process, so that any worker takes any POST. A worker that dies is replaced; one whose parent dies
ends, because its line to the parent does.
"""

import asyncio
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, Self

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from acs_bridge.services.profiles.profiles import Texts
from acs_bridge.web.device.nursery import Child, NotForked, Nursery
from acs_bridge.web.listener import Bound

_log = structlog.get_logger(__name__)

RESTART_SECONDS: Final = 1.0
REPORT_SECONDS: Final = 1.0
REPORT_LIMIT: Final = 1 << 20  # bytes of one report
TAKE_SECONDS: Final = 5.0  # for every worker to have taken over what it was told
PATIENCE_SECONDS: Final = 1.5  # beyond what draining may take

TAKEN: Final = "taken"
"""What a worker reports when it has taken over what it was told."""

# One counter's value in one process: name, help, labels, value.
Sample = tuple[str, str, dict[str, str], float]


def samples(registry: CollectorRegistry) -> list[Sample]:
    """What a worker has counted, as it tells its parent."""
    return [
        (metric.name, metric.documentation, dict(sample.labels), sample.value)
        for metric in registry.collect()
        if metric.type == "counter"
        for sample in metric.samples
        if sample.name.endswith("_total")
    ]


class WorkersCollector(Collector):
    """The sum of what all workers have counted, those that have ended included."""

    def __init__(self) -> None:
        self._told: dict[int, list[Sample]] = {}

    def tell(self, worker: int, told: list[Sample]) -> None:
        """Keep the newest word of a worker; every process that ever ran has a number of its own."""
        self._told[worker] = told

    def collect(self) -> Iterable[Metric]:
        """One family a name, one sample a set of labels."""
        sums: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        words: dict[str, str] = {}
        for told in self._told.values():
            for name, documentation, labels, value in told:
                words[name] = documentation
                of_name = sums.setdefault(name, {})
                key = tuple(sorted(labels.items()))
                of_name[key] = of_name.get(key, 0) + value
        for name, values in sums.items():
            names = [label for label, _ in next(iter(values))]
            family = CounterMetricFamily(name, words[name], labels=names)
            for key, value in values.items():
                family.add_metric([text for _, text in key], value)
            yield family


class Workers:
    """So many processes on one listener; entering starts them, leaving lets each finish what it is answering."""

    def __init__(
        self, nursery: Nursery, count: int, bound: Bound, errand: Mapping[str, Any], drain_seconds: int
    ) -> None:
        """`errand` is what a worker needs to know beside the settings and the socket; it may hold secrets."""
        self.counted = WorkersCollector()
        self._nursery = nursery
        self._bound = bound
        self._patience = drain_seconds + PATIENCE_SECONDS
        self._errand = dict(errand)
        self._places = [_Worker(nursery, number, count, bound, self._errand, self.counted) for number in range(count)]
        self._hearing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Start all of them."""
        self._hearing = asyncio.create_task(self._nursery.listen())
        await asyncio.gather(*(place.start() for place in self._places))
        bound = self._bound
        _log.info("listening", listener=bound.name, host=bound.host, port=bound.port, workers=len(self._places))
        return self

    async def __aexit__(self, *_: object) -> None:
        """End all of them. Our copy of the socket goes first, or it would go on taking connections for nobody."""
        self._bound.socket.close()
        await asyncio.gather(*(place.stop(self._patience) for place in self._places))
        if self._hearing is not None:
            self._hearing.cancel()
        _log.info("listener_closed", listener=self._bound.name)

    async def take_profiles(self, texts: Texts) -> None:
        """Put profiles that were checked here into force in every worker, and in those that are started later."""
        self._errand["profiles"] = texts
        await asyncio.gather(*(place.tell({"profiles": texts}) for place in self._places))

    async def keep_running(self) -> None:
        """Replace those that die; ends only by an error."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nursery.until_it_fails())
            for place in self._places:
                group.create_task(place.keep_running())


class _Worker:
    """The place of one worker, whichever process fills it."""

    def __init__(
        self,
        nursery: Nursery,
        number: int,
        count: int,
        bound: Bound,
        errand: Mapping[str, Any],
        collector: WorkersCollector,
    ) -> None:
        self._nursery = nursery
        self._life = number
        self._count = count
        self._bound = bound
        self._errand = errand
        self._collector = collector
        self._process: Child | None = None
        self._line: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()

    async def start(self) -> None:
        self._process = None
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await self._nursery.fork(theirs, self._bound.socket)
            except NotForked:
                ours.close()
                raise
        reports, self._line = await asyncio.open_unix_connection(sock=ours, limit=REPORT_LIMIT)
        with suppress(ConnectionError):  # it has ended already, and will be replaced
            await self._say(self._line, self._errand)
        self._listening = asyncio.create_task(self._listen(reports, self._life))

    @staticmethod
    async def _say(line: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        line.write(json.dumps(message).encode() + b"\n")
        await line.drain()

    async def _listen(self, reports: asyncio.StreamReader, life: int) -> None:
        """Take in what the worker counts, until it ends."""
        with suppress(ConnectionError):
            while line := await reports.readline():
                report = json.loads(line)
                if report == TAKEN:
                    self._taken.set()
                else:
                    self._collector.tell(life, report)

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Tell the worker something, and wait until it has taken it over, or has ended: its follower knows it."""
        process = self._process
        if process is None or self._line is None or process.ended.done():
            return
        self._taken.clear()
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(TAKE_SECONDS):
                await self._say(self._line, message)
                await self._taken.wait()
                return
        _log.warning("worker_not_told", pid=process.pid)

    async def keep_running(self) -> None:
        while True:
            if self._process is not None:
                await asyncio.wait((self._process.ended,))
                _log.error("worker_ended", code=self._process.ended.result())
            await asyncio.sleep(RESTART_SECONDS)
            self._life += self._count
            if self._line is not None:
                self._line.close()
            try:
                await self.start()
            except NotForked as error:
                _log.error("worker_not_started", reason=str(error))

    async def stop(self, patience: float) -> None:
        """Let it finish what it is answering, for so many seconds; that its line ends tells it."""
        if self._line is not None:
            self._line.close()
        if self._process is None:
            return
        await asyncio.wait((self._process.ended,), timeout=patience)
        self._process.kill()
        await asyncio.wait((self._process.ended,))
