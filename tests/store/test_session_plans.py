"""How Postgres carries out the statements of a session when there are many gateways."""

import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import Sessions
from tests.conftest import TEMPLATE, Postgres, fresh_database
from tests.store.rows import INFORM

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MANY = 50_000
HOT_PATH = dict(statements.load("sessions"))
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


async def plans_of(postgres: Postgres) -> dict[str, dict[str, Any]]:
    """The plan of every statement of a session, beside many gateways."""
    async with (
        asynccontextmanager(fresh_database)(postgres, TEMPLATE) as name,
        Database.connect(postgres.owner_url(name), pool_size=1) as owner,
    ):
        for statement in filter(str.strip, FILL.split(";\n")):
            await owner.execute(statement, MANY, NOW)
        await owner.execute("analyze")
        return {name: await generic_plan(owner, name, sql) for name, sql in HOT_PATH.items()}


@pytest.mark.slow
async def test_a_session_reads_no_large_table_from_end_to_end_and_takes_a_batch_in_its_order(
    postgres: Postgres,
) -> None:
    plans = await plans_of(postgres)
    for name, plan in plans.items():
        read = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
        assert not read & LARGE, name
    # In its order: two workers with the same gateways must not wait for each other in a circle.
    for name, held in (("take_informs", "CTE held"), ("move_writes", "CTE session")):
        (locking,) = (node for node in nodes(plans[name]) if node.get("Subplan Name") == held)
        assert locking["Node Type"] == "LockRows", name
        assert [part["Node Type"] for part in locking["Plans"]] == ["Sort"], name


async def test_an_inform_leaves_its_gateway_on_its_page(database: Database, owner: Database) -> None:
    sessions = Sessions(database)
    serials = [f"S{number:03}" for number in range(50)]
    rounds = 5
    for turn in range(rounds + 1):
        changed = replace(
            INFORM, booted=True, parameter_key=f"key-{turn}", events=("1 BOOT", f"X {turn}"), profile=f"p{turn}"
        )
        for serial in serials:
            await sessions.take_informs([replace(changed, serial_number=serial)], NOW + timedelta(hours=turn))
    await database.execute("select pg_stat_force_next_flush()")
    await database.execute("select")  # what a connection has counted is told when it is idle again
    found = await owner.fetchrow("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'gateway'")
    assert found is not None
    assert found["n_tup_upd"] == rounds * len(serials)
    assert found["n_tup_hot_upd"] >= 0.95 * found["n_tup_upd"]


async def test_no_index_is_on_what_an_inform_changes(owner: Database) -> None:
    rows = await owner.fetch(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)"
        " where i.indrelid = 'gateway'::regclass"
    )
    assert {row["attname"] for row in rows} == {"id", "serial_number", "oui", "product_class"}
