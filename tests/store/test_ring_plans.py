"""How Postgres carries out what ringers ask when there is a backlog: a million imported lines wish a ring each."""

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.store.crowd import NOW, generic_plan, nodes

WISHED = """
insert into ring (gateway_id, due_at, wishes, held_by)
select id, case id % 2 when 0 then $1::timestamptz end, 1, case id % 2 when 1 then id % 3 end from gateway
"""
LARGE = {"ring", "gateway", "write"}


@pytest.mark.slow
async def test_a_ringer_reads_no_large_table_from_end_to_end(crowded: Database) -> None:
    await crowded.execute(WISHED, NOW)
    await crowded.execute("analyze ring")
    read = {}
    for asked, sql in statements.load("rings"):
        plan = await generic_plan(crowded, asked, sql)
        read[asked] = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & LARGE
    assert not {asked: tables for asked, tables in read.items() if tables}
