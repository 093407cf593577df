"""A database with many lines, and how Postgres would carry out a statement in it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg

from acs_bridge.store.database import Database

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MANY = 30_000
LARGE = {"gateway", "write", "device", "association", "subscriber", "write_event"}

FILL = """
insert into gateway (oui, product_class, serial_number, created_at, software_version, root)
select '00005E', 'GW', 'S' || n, $2, '1.' || n % 7, 'Device.' from generate_series(1, $1::int) n;

insert into subscriber (code, code_key, name, created_at, updated_at)
select 'C-' || n, 'c-' || n, 'Ann', $2, $2 from generate_series(1, $1::int) n;

insert into device (line_of_service, line_key, gateway_id, created_at, updated_at)
select 'L-' || id, 'l-' || id, id, $2, $2 from gateway where $1 > 0;

insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by)
select gen_random_uuid(), d.id, d.id, 'k1', $2, $2, 'test' from device d where $1 > 0;

insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id, state, event,
                   moved_at, due_at, created_at, finished_at, proof)
select gen_random_uuid(), 'provision', a.id, d.id, d.gateway_id, gen_random_uuid(), 1, 'k1', 'verified',
       'read_back_equal', $2, $2, $2, $2, 'read_back'
from association a join device d on d.id = a.device_id where $1 > 0;

insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id, moved_at, due_at,
                   created_at)
select gen_random_uuid(), 'provision', a.id, d.id, d.gateway_id, gen_random_uuid(), 1, 'k1', $2, $2, $2
from association a join device d on d.id = a.device_id where d.id % 10 = 0 and $1 > 0;
"""


async def fill(connection: asyncpg.Connection) -> None:
    """Put them there."""
    for statement in filter(str.strip, FILL.split(";\n")):
        await connection.execute(statement, MANY, NOW)
    await connection.execute("vacuum analyze")  # what the indexes of trigrams have not sorted in yet looks dear


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def generic_plan(owner: Database, name: str, sql: str) -> dict[str, Any]:
    """The plan that serves every call, whatever its arguments: the one that a prepared statement settles on."""
    async with owner.transaction() as connection:
        await connection.execute("set local plan_cache_mode = force_generic_plan")
        await connection.execute(f"prepare {name} as {sql}")
        number = await connection.fetchval(
            "select cardinality(parameter_types) from pg_prepared_statements where name = $1", name
        )
        arguments = f"({', '.join(['null'] * number)})" if number else ""
        shown = await connection.fetchval(f"explain (format json) execute {name}{arguments}")
        await connection.execute(f"deallocate {name}")
    found: dict[str, Any] = (json.loads(shown) if isinstance(shown, str) else shown)[0]["Plan"]
    return found
