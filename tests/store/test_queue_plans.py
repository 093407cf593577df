"""How Postgres finds what the Queue page shows when there are many writes, nearly all of them long over."""

import json
from datetime import timedelta
from typing import Any

import pytest

from acs_bridge.store import statements
from acs_bridge.store.database import Database
from tests.store.crowd import LARGE, NOW, nodes

CANCELLED = """
update write set state = 'cancelled', event = 'cancelled', moves = moves + 1, moved_at = $1, finished_at = $1
where state = 'queued' and id in (select id from write where state = 'queued' order by id offset 5)
"""
FILTERS = {
    3: ("l-77", "write_of_association"),
    4: ("c-77", "write_of_association"),
    7: ("S77", "write_of_gateway"),
}
"""What a list of writes is asked for, by the place of the argument, and the index that finds it."""
INDEXES = {"write_not_verified", "write_event_at"}


@pytest.mark.slow
async def test_what_is_not_over_and_what_has_just_moved_is_found_without_reading_all(crowded: Database) -> None:
    asked: dict[tuple[str, str], list[object]] = {
        ("writes", "page"): [None, ["queued"], *[None] * 7, 50, None],
        ("writes", "with_fault"): [None, "9003", 50],
        ("queue", "faults"): [],
        ("queue", "moves_since"): [NOW + timedelta(days=1)],
    }
    await crowded.execute(CANCELLED, NOW + timedelta(days=1))
    await crowded.execute("analyze write, write_event")
    used = {}
    for (subject, statement), arguments in asked.items():
        plan = await planned(crowded, dict(statements.load(subject))[statement], arguments)
        used[statement] = {node["Index Name"] for node in plan if "Index Name" in node} & INDEXES
    assert used == {
        "page": {"write_not_verified"},
        "with_fault": {"write_not_verified"},
        "faults": {"write_not_verified"},
        "moves_since": {"write_event_at"},
    }
    page = dict(statements.load("writes"))["page"]
    for place, (sought, index) in FILTERS.items():
        plan = await planned(crowded, page, [*[None] * (place - 1), sought, *[None] * (9 - place), 50, None])
        assert index in {node.get("Index Name") for node in plan}, sought
        assert not [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE], sought


async def planned(owner: Database, sql: str, arguments: list[object]) -> list[dict[str, Any]]:
    """How Postgres would carry a statement out for these arguments."""
    shown = await owner.fetchval(f"explain (format json) {sql}", *arguments)
    return list(nodes((json.loads(shown) if isinstance(shown, str) else shown)[0]["Plan"]))
