"""How Postgres carries out the statements of a session when there are many gateways."""

import asyncio
from datetime import timedelta
from itertools import count

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import Sessions
from tests.store.crowd import LARGE, NOW, generic_plan, nodes
from tests.store.rows import INFORM

ROUNDS = 5  # until then there is room on the page without taking anything away
HOT_PATH = dict(statements.load("sessions"))


@pytest.mark.slow
async def test_a_session_reads_no_large_table_from_end_to_end_and_takes_a_batch_in_its_order(crowded: Database) -> None:
    plans = {name: await generic_plan(crowded, name, sql) for name, sql in HOT_PATH.items()}
    for name, plan in plans.items():
        read = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
        assert not read & LARGE, name
    # In its order: two workers with the same gateways must not wait for each other in a circle.
    for name, held in (("take_informs", "CTE held"), ("move_writes", "CTE session")):
        (locking,) = (node for node in nodes(plans[name]) if node.get("Subplan Name") == held)
        assert locking["Node Type"] == "LockRows", name
        assert [part["Node Type"] for part in locking["Plans"]] == ["Sort"], name


async def test_it_looks_its_own_rows_up_where_postgres_does_not_know_yet_how_many_there_are(blank: Database) -> None:
    """An index that is thought to be empty is read whole as readily as it is searched."""
    for name, sql in HOT_PATH.items():
        for node in nodes(await generic_plan(blank, name, sql)):
            if "Index Name" in node and node.get("Relation Name") in LARGE:
                assert "Index Cond" in node, f"{name} reads all of {node['Index Name']}"


async def test_an_inform_leaves_its_gateway_on_its_page(database: Database, owner: Database) -> None:
    """As soon as Postgres may take away what nobody sees any more: no transaction of any database is older than it."""
    sessions, serials = Sessions(database), [f"S{number:03}" for number in range(50)]
    seen = 0
    async with asyncio.timeout(40):
        for turn in count():
            changed = INFORM._replace(
                booted=True, parameter_key=f"key-{turn}", events=("1 BOOT", f"X {turn}"), profile=f"p{turn}"
            )
            for serial in serials:
                await sessions.take_informs([changed._replace(serial_number=serial)], NOW + timedelta(hours=turn))
            await database.execute("select pg_stat_force_next_flush()")
            await database.execute("select")  # what a connection has counted is told when it is idle again
            told = await owner.fetchrow(
                "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = $1", "gateway"
            )
            assert told is not None
            assert told["n_tup_upd"] == turn * len(serials)
            on_their_page, seen = told["n_tup_hot_upd"] - seen, told["n_tup_hot_upd"]
            if turn >= ROUNDS and on_their_page >= 0.95 * len(serials):
                break


async def test_no_index_is_on_what_an_inform_changes(owner: Database) -> None:
    rows = await owner.fetch(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)"
        " where i.indrelid = 'gateway'::regclass"
    )
    assert {row["attname"] for row in rows} == {"id", "serial_number", "oui", "product_class"}
