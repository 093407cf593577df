"""How Postgres carries out what reports ask, when there are many lines."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.conftest import TEMPLATE, Postgres, fresh_database
from tests.store.test_session_plans import FILL, generic_plan, nodes

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MANY = 20_000
REPORTED = """
insert into reporting (association_id, gateway_id, first_at, since, last_at, window_at, window_reports, window_bytes)
select id, device_id, $2, $2, $2, $2, 1, 1 from association where $1 > 0
"""
LARGE = {"association", "device", "gateway", "reporting", "write"}


async def filled(postgres: Postgres, name: str) -> None:
    async with Database.connect(postgres.owner_url(name), pool_size=1) as owner:
        for statement in [*filter(str.strip, FILL.split(";\n")), REPORTED]:
            await owner.execute(statement, MANY, NOW)
        await owner.execute("analyze")


@pytest.mark.slow
async def test_a_batch_of_reports_reads_no_large_table_from_end_to_end(postgres: Postgres) -> None:
    async with asynccontextmanager(fresh_database)(postgres, TEMPLATE) as name:
        await filled(postgres, name)
        async with Database.connect(postgres.owner_url(name), pool_size=1) as owner:
            plan = await generic_plan(owner, "take", statements.load("reports").take)
    assert not {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & LARGE


async def test_no_index_is_on_what_a_report_changes(owner: Database) -> None:
    columns = await owner.fetch(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)"
        " where i.indrelid = 'reporting'::regclass"
    )
    assert [row["attname"] for row in columns] == ["association_id"]
