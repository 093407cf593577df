"""How Postgres carries out the statements of the intake when there are many lines."""

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.store.crowd import LARGE, NOW, generic_plan, nodes

KEPT_REQUESTS = """
insert into provisioning_request
    (id, association_id, write_id, oui, product_class, serial_number, created_at, created_by)
select gen_random_uuid(), w.association_id, w.id, '00005E', 'GW', 'S' || w.gateway_id, $1, 'test' from write w
"""
SINGLE = ("look", "accept_new", "insert", "find", "current_write")


@pytest.mark.slow
async def test_the_intake_reads_no_large_table_from_end_to_end(crowded: Database) -> None:
    await crowded.execute(KEPT_REQUESTS, NOW)
    await crowded.execute("analyze provisioning_request")
    await check_plans(crowded)


async def test_it_does_not_either_where_postgres_does_not_know_yet_how_large_they_are(blank: Database) -> None:
    """An upload fills them faster than it counts."""
    await check_plans(blank)


async def check_plans(owner: Database) -> None:
    single, bulk = dict(statements.load("requests")), dict(statements.load("bulk"))
    plans = {name: await generic_plan(owner, name, single[name]) for name in SINGLE}
    await owner.execute("set enable_seqscan = off")  # as the first statement of a chunk does
    plans |= {f"bulk_{name}": await generic_plan(owner, f"bulk_{name}", sql) for name, sql in bulk.items()}
    for statement, plan in plans.items():
        for node in nodes(plan):
            large = node.get("Relation Name") in LARGE | {"provisioning_request"}
            assert not (large and node["Node Type"] == "Seq Scan"), statement
            assert node.get("Index Name") != "gateway_kind", f"{statement} reads all gateways of a kind"
            if statement == "bulk_look" and large:
                assert {"Index Cond", "Recheck Cond"} & node.keys(), "whole tables are joined"
