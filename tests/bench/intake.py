"""What the intake does: bulk uploads into an empty and into a full database, and single requests beside a bare INSERT.

The driver is a socket that sends lines as fast as they are taken and counts the lines that come back.
"""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg

from acs_bridge.store.embedded import EmbeddedPostgres
from tests.bench.processes import Running

GOALS: Final = {"empty": 4000, "full": 2500, "memory_mib": 150, "single": 4.0}
_STATUS: Final = re.compile(rb'"status":(\d{3})')
_BLOCK: Final = 400  # lines that are sent at once

FILL: Final = """
insert into subscriber (code, code_key, name, created_at, updated_at)
select 'OLD-' || n, 'old-' || n, 'Subscriber ' || n, $2, $2 from generate_series($3::int, $1::int) n;

insert into gateway (oui, product_class, serial_number, created_at, software_version, root)
select '00005E', 'OLD', 'OLD' || n, $2, '1.' || n % 7, 'Device.' from generate_series($3::int, $1::int) n;

insert into device (line_of_service, line_key, gateway_id, created_at, updated_at)
select 'OLD-' || id, 'old-' || id, id, $2, $2 from gateway where id >= $3::int and $1::int > 0;

insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
select gen_random_uuid(), d.id, d.id, 'aaaa', $2, $2, 'bench' from device d where id >= $3::int and $1::int > 0;

insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id, state, event,
                   moved_at, due_at, created_at, finished_at, proof)
select gen_random_uuid(), 'provision', a.id, d.id, d.gateway_id, gen_random_uuid(), 1, 'aaaa', 'verified',
       'read_back_equal', $2, $2, $2, $2, 'read_back'
from association a join device d on d.id = a.device_id where d.id >= $3::int and $1::int > 0;

insert into provisioning_request (id, association_id, write_id, oui, product_class, serial_number, created_at,
                                  created_by)
select gen_random_uuid(), w.association_id, w.id, '00005E', 'OLD', 'OLD' || w.gateway_id, $2, 'bench'
from write w where w.gateway_id >= $3::int and $1::int > 0;

insert into audit (at, actor, address, action, association_id, write_id, device_id, gateway_id)
select $2, 'bench', '', 'request_accepted', w.association_id, w.id, w.device_id, w.gateway_id
from write w where w.gateway_id >= $3::int and $1::int > 0
"""
_FILL_STEP: Final = 50_000


@dataclass(frozen=True, slots=True)
class BulkFigure:
    """One upload; CPU in microseconds a request."""

    into: str
    rows: int
    requests: int
    requests_per_second: float
    daemon_us: float
    postgres_us: float
    more_memory_mib: float


@dataclass(frozen=True, slots=True)
class SingleFigure:
    """Requests one after the other, and bare INSERTs between them; the medians in microseconds of wall time."""

    requests: int
    request_us: float
    insert_us: float
    daemon_us: float

    @property
    def ratio(self) -> float:
        """A request to an INSERT."""
        return self.request_us / self.insert_us


def request_of(prefix: str, number: int) -> bytes:
    serial = f"{prefix}{number:07d}"
    body = {
        "subscriber": {"name": f"Subscriber {serial}", "code": f"C-{serial}"},
        "line_of_service": f"LOS-{serial}",
        "gateway": {"oui": "00005E", "product_class": "BENCH", "serial_number": serial},
    }
    return json.dumps(body).encode()


def blocks(prefix: str, count: int) -> Iterator[bytes]:
    """The upload, as chunks of HTTP."""
    for start in range(0, count, _BLOCK):
        lines = b"".join(request_of(prefix, n) + b"\n" for n in range(start, min(start + _BLOCK, count)))
        yield b"%x\r\n%s\r\n" % (len(lines), lines)
    yield b"0\r\n\r\n"


def head(token: str, media_type: str, framing: str) -> bytes:
    lines = [
        "POST /v1/provisioning-requests HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        f"Content-Type: {media_type}",
        framing,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def upload(port: int, token: str, content: list[bytes]) -> Counter[bytes]:
    """Send everything and read everything, at the same time; how many lines had which status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    statuses: Counter[bytes] = Counter()

    async def send() -> None:
        for block in content:
            writer.write(block)
            await writer.drain()

    writer.write(head(token, "application/x-ndjson", "Transfer-Encoding: chunked"))
    sending = asyncio.create_task(send())
    await reader.readuntil(b"\r\n\r\n")
    while size := int(await reader.readuntil(b"\r\n"), 16):
        statuses.update(_STATUS.findall(await reader.readexactly(size)))
        await reader.readexactly(2)
    await sending
    writer.close()
    return statuses


def memory_mib(pid: int, field: str) -> float:
    """VmRSS (now) or VmHWM (the most since it was last asked to forget)."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def forget_most_memory(pid: int) -> None:
    """From now on VmHWM is the most since now (proc(5))."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def measure_upload(running: Running, token: str, into: str, rows: int, count: int) -> BulkFigure:
    pid = running.process.pid
    content = list(blocks(into[0].upper(), count))  # made before: what the driver costs is not measured
    forget_most_memory(pid)
    before = memory_mib(pid, "VmRSS"), running.cpu_seconds(), running.postgres_cpu_seconds(), time.perf_counter()
    statuses = await upload(running.operator_port, token, content)
    wall = time.perf_counter() - before[3]
    if statuses != {b"201": count}:
        raise RuntimeError(f"not every line was accepted: {statuses}")
    return BulkFigure(
        into=into,
        rows=rows,
        requests=count,
        requests_per_second=count / wall,
        daemon_us=(running.cpu_seconds() - before[1]) / count * 1e6,
        postgres_us=(running.postgres_cpu_seconds() - before[2]) / count * 1e6,
        more_memory_mib=memory_mib(pid, "VmHWM") - before[0],
    )


async def fill(folder: Path, rows: int) -> None:
    """Put so many lines into the database that are provisioned already."""
    server = await EmbeddedPostgres.attach(folder / "postgres")
    connection = await asyncpg.connect(server.owner_url)
    try:
        await connection.execute(
            "truncate subscriber, gateway, device, association, write, provisioning_request cascade"
        )
        for table in ("subscriber", "gateway", "device"):
            await connection.execute(f"alter table {table} alter column id restart with 1")
        for start in range(1, rows + 1, _FILL_STEP):
            for statement in FILL.split(";\n"):
                last = min(start + _FILL_STEP - 1, rows)
                numbers = "$1" in statement
                await connection.execute(statement, *((last, datetime.now(UTC), start) if numbers else ()))
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def measure_single(running: Running, folder: Path, token: str, count: int) -> SingleFigure:
    """A request and a bare INSERT in turn, so that both meet the same machine."""
    server = await EmbeddedPostgres.attach(folder / "postgres")
    connection = await asyncpg.connect(server.owner_url)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.operator_port)
    requests, inserts = [], []
    await connection.execute("create table bench (id bigint primary key, at timestamptz not null, body text not null)")
    before = running.cpu_seconds()
    for number in range(count):
        body = request_of("ONE", number)
        begun = time.perf_counter()
        writer.write(head(token, "application/json", f"Content-Length: {len(body)}") + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", answer)
        if not answer.startswith(b"HTTP/1.1 201") or length is None:
            raise RuntimeError(f"not accepted: {answer!r}")
        await reader.readexactly(int(length[1]))
        requests.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await connection.execute("insert into bench values ($1, $2, $3)", number, datetime.now(UTC), body.decode())
        inserts.append(time.perf_counter() - begun)
    daemon = (running.cpu_seconds() - before) / count
    writer.close()
    await connection.close()
    return SingleFigure(count, median(requests) * 1e6, median(inserts) * 1e6, daemon * 1e6)
