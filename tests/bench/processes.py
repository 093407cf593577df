"""Processes under measurement, and the CPU time that the kernel has on their account."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import asyncpg

from acs_bridge.store.embedded import EmbeddedPostgres

TICKS: Final = os.sysconf("SC_CLK_TCK")
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20
LOOK_SECONDS: Final = 0.05
STATISTICS_SECONDS: Final = 1.1  # Postgres adds up what its connections did once a second
_ENDED_UTIME, _ENDED_STIME, _PARENT = 13, 14, 1  # fields of /proc/PID/stat behind the name (proc(5))


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon under measurement."""

    process: "subprocess.Popen[str]"
    device_port: int
    operator_port: int
    folder: Path

    def cpu_seconds(self) -> float:
        """User and system time of the daemon's own process."""
        return cpu_seconds([self.process.pid])

    def transactions(self) -> int:
        """How many the embedded Postgres has committed."""
        return asyncio.run(_transactions(self.folder))

    def postgres_cpu_seconds(self) -> float:
        """User and system time of the embedded Postgres, all its processes, those that have ended included."""
        servers = [pid for pid in children(self.process.pid) if _name(pid) == "postgres"]
        while True:
            ended = sum(_ended_children_seconds(pid) for pid in servers)
            try:
                return ended + cpu_seconds(servers + [child for pid in servers for child in children(pid)])
            except OSError:  # one has ended meanwhile, and is counted with the others the next time
                continue


async def _transactions(folder: Path) -> int:
    server = await EmbeddedPostgres.attach(folder / "postgres")
    connection = await asyncpg.connect(server.owner_url)
    try:
        await asyncio.sleep(STATISTICS_SECONDS)
        return int(await connection.fetchval("select sum(xact_commit) from pg_stat_database"))
    finally:
        await connection.close()


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of living processes, to the nanosecond: a process has a clock, whose id follows from its."""
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)


def _ended_children_seconds(pid: int) -> float:
    return (int(_stat(pid)[_ENDED_UTIME]) + int(_stat(pid)[_ENDED_STIME])) / TICKS


def children(pid: int) -> list[int]:
    """The processes that a process started and that still live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int(_stat(int(entry.name))[_PARENT]) == pid:
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")[0]


def environment_of(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Settings under which commands find the daemon of this folder."""
    return {
        **os.environ,
        "ACS_BRIDGE_DATABASE__DATA_DIR": str(folder / "postgres"),
        "ACS_BRIDGE_PHAN__KEYRING": str(folder / "phan.keyring"),
        "ACS_BRIDGE_PHAN__BASE_URL": "https://phan.example.net/r/",
        "ACS_BRIDGE_DEVICE_LISTENER__HOST": "127.0.0.1",
        "ACS_BRIDGE_DEVICE_LISTENER__PORT": "0",
        "ACS_BRIDGE_OPERATOR_LISTENER__PORT": "0",
        **environment,
    }


@contextmanager
def daemon(folder: Path, environment: Mapping[str, str]) -> Iterator[Running]:
    """`acs-bridge serve` on free ports, with everything that it keeps in one folder."""
    command = [sys.executable, "-m", "acs_bridge", "serve"]
    log = folder / "daemon.log"
    with log.open("w") as output, _started(command, environment_of(folder, environment), output) as process:
        ports = _listening(process, log)
        yield Running(process, ports["device"], ports["operator"], folder)


@contextmanager
def floor() -> Iterator[tuple[int, int]]:
    """The floor: its pid and its port."""
    with _started([sys.executable, "-m", "tests.bench.floor"], dict(os.environ), subprocess.PIPE) as process:
        if process.stdout is None:
            raise RuntimeError("the floor has no output")
        yield process.pid, int(process.stdout.readline())


@contextmanager
def _started(
    command: Sequence[str], environment: Mapping[str, str], output: IO[str] | int
) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(command, env=environment, stdout=output, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _listening(process: "subprocess.Popen[str]", log: Path) -> dict[str, int]:
    """The ports, from the lines that the daemon logs."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        ports = {line["listener"]: line["port"] for line in lines if line.get("event") == "listening"}
        if {"device", "operator"} <= ports.keys():
            return ports
        time.sleep(LOOK_SECONDS)
    raise RuntimeError(f"the daemon did not start:\n{log.read_text()}")
