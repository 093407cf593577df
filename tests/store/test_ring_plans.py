"""How Postgres carries out what ringers ask when there is a backlog: a million imported lines wish a ring each."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.conftest import TEMPLATE, Postgres, fresh_database
from tests.store.test_session_plans import FILL, generic_plan, nodes

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MANY = 20_000
WISHED = """
insert into ring (gateway_id, due_at, wishes, held_by)
select id, case id % 2 when 0 then $2::timestamptz end, 1, case id % 2 when 1 then id % 3 end from gateway where $1 > 0
"""
LARGE = {"ring", "gateway", "write"}


@pytest.mark.slow
async def test_a_ringer_reads_no_large_table_from_end_to_end(postgres: Postgres) -> None:
    async with (
        asynccontextmanager(fresh_database)(postgres, TEMPLATE) as name,
        Database.connect(postgres.owner_url(name), pool_size=1) as owner,
    ):
        for statement in [*filter(str.strip, FILL.split(";\n")), WISHED]:
            await owner.execute(statement, MANY, NOW)
        await owner.execute("analyze")
        read = {}
        for asked, sql in statements.load("rings"):
            plan = await generic_plan(owner, asked, sql)
            read[asked] = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"} & LARGE
    assert not {asked: tables for asked, tables in read.items() if tables}
