"""How Postgres carries out what reports ask, when there are many lines."""

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.store.crowd import NOW, generic_plan, nodes

REPORTED = """
insert into reporting (association_id, gateway_id, first_at, since, last_at, window_at, window_reports, window_bytes)
select id, device_id, $1, $1, $1, $1, 1, 1 from association
"""
LARGE = {"association", "device", "gateway", "reporting", "write"}


@pytest.mark.slow
async def test_a_batch_reads_no_large_table_and_quiet_lines_are_found_together(crowded: Database) -> None:
    """Going through the lines one by one for the few that are silent takes minutes where there are a million."""
    await crowded.execute(REPORTED, NOW)
    await crowded.execute("analyze reporting")
    plan = await generic_plan(crowded, "take", statements.load("reports").take)
    quiet = await generic_plan(crowded, "quiet", statements.load("reports").quiet)
    assert not {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & LARGE
    assert "Hash Join" in {node["Node Type"] for node in nodes(quiet)}
    assert "reporting_pkey" not in {node.get("Index Name") for node in nodes(quiet)}


async def test_no_index_is_on_what_a_report_changes(owner: Database) -> None:
    columns = await owner.fetch(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = 'reporting'::regclass"
    )
    assert [row["attname"] for row in columns] == ["association_id"]
