"""How Postgres finds things for people in large tables: by index, and without reading much of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from acs_bridge.domain.names import Text
from acs_bridge.store import gateways, statements
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import GatewayFilter
from tests.databases import Postgres
from tests.store.conftest import one_connection
from tests.store.crowd import LARGE, MANY, NOW, nodes

SEARCH = dict(statements.load("search"))
AUDIT = dict(statements.load("audit"))
LISTS = dict(statements.load("lists"))
DEEDS = """
insert into audit (at, actor, address, action, subscriber_id, device_id, gateway_id, association_id)
select $1::timestamptz + make_interval(secs => n), case n % 1000 when 0 then 'user:ann' else 'token:crm' end,
       '192.0.2.' || n % 200, case n % 1000 when 1 then 'rare' else 'request_accepted' end, n, n, n, gen_random_uuid()
from generate_series(1, $2::int) n
"""
READ_AT_MOST = 3000
"""Rows of a table that one search may look at, of 30,000: a thousand that are newest, and those that the index has."""


@pytest.fixture(scope="module")
async def filled(postgres: Postgres, crowded_template: str) -> AsyncIterator[Database]:
    async for owner in one_connection(postgres, crowded_template):
        await owner.execute(DEEDS, NOW, MANY)
        await owner.execute("analyze audit")
        yield owner


async def explained(owner: Database, prepare: str, sql: str, arguments: list[str]) -> list[dict[str, Any]]:
    """What was really done for these arguments."""
    async with owner.transaction() as connection:
        await connection.execute(prepare.replace("$1", "'15000'"))
        await connection.execute(f"prepare seen as {sql}")
        (plan,) = await connection.fetchval(f"explain (analyze, format json) execute seen({', '.join(arguments)})")
        await connection.execute("deallocate seen")
    return list(nodes(plan["Plan"]))


def looked_at(plan: list[dict[str, Any]]) -> int:
    """The most rows of a large table that one part of a plan has read."""
    large = LARGE | {"audit"}
    return max(
        node["Actual Loops"]
        * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0))
        for node in plan
        if node.get("Relation Name") in large
    )


@pytest.mark.slow
class TestPlans:
    @pytest.mark.parametrize("kind", ["subscribers", "devices", "gateways"])
    @pytest.mark.parametrize(
        ("key", "word", "other"),
        [
            ("c-4711", "c4711", "%"),  # is there
            ("4711", "4711", "%"),  # in the middle
            ("ann", "ann", "%"),  # all have it
            ("ann 4711", "4711", "%ann%"),
            ("zzz", "zzz", "%"),  # none has it
            ("s", "s", "%"),  # all begin so, or the index has no such word
        ],
    )
    async def test_no_search_reads_much(self, filled, kind, key, word, other):
        arguments = [f"'{key}'", f"'%{word}%'", f"array['{word}']", "10", str(len(word) >= 3).lower(), f"'{other}'"]
        if kind == "gateways":
            arguments += [f"'{key}'", f"'{key.upper()}'"]
        plan = await explained(filled, SEARCH["plan"], SEARCH[kind], arguments)
        assert looked_at(plan) <= READ_AT_MOST
        assert not [node for node in plan if node["Node Type"] == "Seq Scan"]

    @pytest.mark.parametrize("rare", ["c-4711", "zzz"])
    @pytest.mark.parametrize("which", ["subscribers", "devices", "gateways", "associations"])
    async def test_no_search_in_a_list_reads_much(self, filled, which, rare):
        arguments = {
            "subscribers": [
                "null",
                f"'%{rare}%'",
                f"'%{rare}%'",
                "null",
                "11",
                f"'%{rare.removeprefix('c-')}%'",
                "null",
            ],
            "devices": ["null", "now()", f"'%{rare}%'", "null", "11", "null", f"'%{rare.removeprefix('c-')}%'", "null"],
            "gateways": ["null", "false", f"'%{rare}%'", f"'%{rare.removeprefix('c-')}%'", "11", "2001"],
            "associations": [
                "null",
                "now()",
                "null",
                *[f"'%{rare}%'"] * 2,
                f"'%{rare.replace('-', '')}%'",
                "11",
                "null",
            ],
        }[which]
        statement = {"gateways": "named", "associations": "with_text"}.get(which, "page")
        plan = await explained(filled, LISTS["plan_anew"], dict(statements.load(which))[statement], arguments)
        assert looked_at(plan) <= READ_AT_MOST

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("s4711", [4711]),  # a serial number
            ("L-471", [4719, 4718, 4717, 4716, 4715]),  # lines
            ("rare", [17]),  # a model
            ("Acme", [17]),  # a maker
            ("00005E", [MANY - n for n in range(5)]),  # all have it
            ("zz", []),  # the index has no such word
        ],
    )
    async def test_a_search_in_the_list_of_gateways_finds_old_ones_and_new_ones(self, filled, text, found):
        await filled.execute("update gateway set product_class = 'Rare-9', manufacturer = 'Acme' where id = 17")
        for wanted in (GatewayFilter(informed=False), GatewayFilter(unclaimed=False, informed=False)):
            rows = await gateways.page(filled, None, Text(text, text.lower()), wanted, 5)
            assert [row.id for row in rows] == found

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (1, "timestamptz '2026-11-22 15:00Z'"),
            (3, "timestamptz '2026-11-22 18:00Z'"),
            (4, "timestamptz '2026-11-22 12:01Z'"),
            (5, "'user:ann'"),
            (5, "'nobody'"),
            (6, "'rare'"),
            (7, "'192.0.2.7'"),
            (7, "'203.0.113.1'"),
            (8, "gen_random_uuid()"),
            (9, "4711"),
            (10, "4711"),
            (11, "4711"),
        ],
    )
    async def test_no_question_to_the_audit_trail_reads_much(self, filled, place, value):
        arguments = ["null"] * 11 + ["51"]
        arguments[place - 1] = value
        if place == 1:
            arguments[1] = "5"
        plan = await explained(filled, LISTS["plan_anew"], AUDIT["page"], arguments)
        assert looked_at(plan) <= READ_AT_MOST
