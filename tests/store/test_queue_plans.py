"""How Postgres finds what the Queue page shows when there are many writes, nearly all of them long over."""

import json
from datetime import timedelta

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.store.crowd import NOW, nodes

CANCELLED = """
update write set state = 'cancelled', event = 'cancelled', moves = moves + 1, moved_at = $1, finished_at = $1
where state = 'queued' and id in (select id from write where state = 'queued' order by id offset 5)
"""
INDEXES = {"write_unsettled_or_stuck", "write_event_at"}


@pytest.mark.slow
async def test_what_is_not_over_and_what_has_just_moved_is_found_without_reading_all(crowded: Database) -> None:
    asked: dict[tuple[str, str], list[object]] = {
        ("writes", "page"): [None, ["queued"], *[None] * 7, 50],
        ("queue", "faults"): [],
        ("queue", "moves_since"): [NOW + timedelta(days=1)],
    }
    await crowded.execute(CANCELLED, NOW + timedelta(days=1))
    await crowded.execute("analyze write, write_event")
    used = {}
    for (subject, statement), arguments in asked.items():
        sql = dict(statements.load(subject))[statement]
        shown = await crowded.fetchval(f"explain (format json) {sql}", *arguments)
        plan = (json.loads(shown) if isinstance(shown, str) else shown)[0]["Plan"]
        used[statement] = {node["Index Name"] for node in nodes(plan) if "Index Name" in node} & INDEXES
    assert used == {
        "page": {"write_unsettled_or_stuck"},
        "faults": {"write_unsettled_or_stuck"},
        "moves_since": {"write_event_at"},
    }
