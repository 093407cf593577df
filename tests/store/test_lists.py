"""That lists which find a text by index show what reading everything would show, page for page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from acs_bridge.services import fields
from acs_bridge.store import associations, devices, gateways, rows, subscribers, writes
from acs_bridge.store.associations import AssociationFilter
from acs_bridge.store.database import Database
from acs_bridge.store.devices import DeviceFilter
from acs_bridge.store.gateways import GatewayFilter
from acs_bridge.store.writes import WriteFilter
from tests.databases import TEMPLATE, Postgres
from tests.store.conftest import one_connection
from tests.store.crowd import NOW

NAMES = [
    "Ann O'Hara-Lee",
    "ann ohara",
    "Müller & Söhne",
    "O\u2019Brien",
    "100% Off_er",
    "ΟΔΥΣΣΕΥΣ abc",
    "Straße 12.345",
]
CODES = ["Code-12.345", "c_12345", "abc/def", "a b c d", "STRASSE", "x%y-z12"]
LINES = ["L:00-11-22", "l001122", "Loop abc", "100%_off", "los\u2019def", "A\\B-cde"]
KINDS = ["abc-1", "GW%", "100", "Straße"]
FILL = """
with texts as (select $1::text[] as names, $2::text[] as codes, $3::text[] as lines, $4::text[] as kinds),
subscribers as (
    insert into subscriber (code, code_key, name, created_at, updated_at)
    select code, code, name, $5, $5
    from texts, generate_series(0, 41) n
    cross join lateral (select codes[n % 6 + 1] || '#' || n as code, names[n % 7 + 1] as name) as each
    returning id
),
gateways as (
    insert into gateway (oui, product_class, serial_number, manufacturer, created_at, first_inform_at)
    select '00005E', kinds[n % 4 + 1], upper(lines[n % 6 + 1]) || n, names[n % 7 + 1], $5, $5
    from texts, generate_series(0, 41) n
    returning id
)
insert into device (line_of_service, line_key, gateway_id, created_at, updated_at, deleted_at)
select line, line, case when n % 5 > 1 then (select min(id) + n from gateways) end, $5, $5,
       case n % 5 when 0 then $5 end
from texts, generate_series(0, 41) n
cross join lateral (select lower(lines[n % 6 + 1]) || '+' || n as line) as each
"""
JOIN = """
insert into association (id, subscriber_id, device_id, key_id, issued_at, created_at, created_by, ended_at)
select lpad(to_hex(d.id), 32, '0')::uuid, case when d.id % 15 > 0 then s.id end, d.id, 'k1', $1, $1, 'test',
       case when d.id % 15 = 0 or d.deleted_at is not null then $1::timestamptz end
from device d join subscriber s on s.id = 43 - d.id
"""
FAULTY = """
insert into write (id, purpose, association_id, device_id, gateway_id, batch_id, generation, key_id, state, event,
                   moved_at, due_at, created_at, finished_at, fault)
select a.id, 'provision', a.id, d.id, g.id, a.id, 1, 'k1', state, 'cancelled', $1, $1, $1,
       case when state <> 'queued' then $1::timestamptz end,
       case when d.id % 3 > 0 then jsonb_build_object('code', 9000 + d.id % 3, 'text', 'Odd') end
from association a join device d on d.id = a.device_id join gateway g on g.id = d.id
cross join lateral (
    select (array['queued', 'rejected', 'failed', 'cancelled', 'superseded'])[d.id % 5 + 1] as state
) as each
"""
QUARANTINED = """
insert into quarantine (gateway_id, reason, address, claimed, first_at, last_at)
select id, 'bootstrap_pair', '192.0.2.1', '', $1, $1 from gateway where id % 4 = 0
"""
PLAIN = {
    "subscribers": "select id from subscriber where strpos(code_key, $1) + strpos(lower(name), lower($2)) > 0",
    "devices": "select id from device where deleted_at is null and strpos(line_key, $1) > 0 and $2 <> ''",
    "gateways": """
        select g.id from gateway g left join device d on d.gateway_id = g.id
        where strpos(lower(g.serial_number), lower($2)) + strpos(lower(g.oui), lower($2))
              + strpos(lower(g.product_class), lower($2)) + strpos(lower(g.manufacturer), lower($2))
              + coalesce(strpos(d.line_key, $1), 0) > 0""",
    "associations": """
        select a.id from association a join device d on d.id = a.device_id
        left join subscriber s on s.id = a.subscriber_id
        where strpos(d.line_key, $1) + coalesce(strpos(s.code_key, $1) + strpos(lower(s.name), lower($2)), 0) > 0""",
}
"""Each row is asked."""
SEARCHES = [
    *("12345", "12.345", "abc", "00-11-22", "b-cd"),  # with separators and without
    *("o'hara-lee", "O\u2019Brien", "STRASSE", "a b", "ΣΣ"),
    *("off_er", "0% off"),  # what means something to LIKE
    "a",  # of which the indexes know nothing
]
SHORT = 5
"""Rows of a page, and newest ones that are looked at without an index."""


@pytest.fixture(scope="module")
async def odd(postgres: Postgres) -> AsyncIterator[Database]:
    async for owner in one_connection(postgres, TEMPLATE):
        await owner.execute(FILL, NAMES, [text.lower() for text in CODES], LINES, KINDS, NOW)
        for statement in (JOIN, FAULTY, QUARANTINED):
            await owner.execute(statement, NOW)
        await owner.execute("update gateway set approved_at = $1, approved_by = 'ann' where id % 3 = 0", NOW)
        yield owner


@pytest.fixture(autouse=True)
def few_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an index be asked for what is not among the newest few."""
    monkeypatch.setattr(rows, "NEWEST", SHORT)
    monkeypatch.setattr(rows, "WIDEST", SHORT)


async def all_of(turn: Callable[[Any], Awaitable[list[Any]]]) -> list[Any]:
    """The ids in a list, read page for page."""
    found: list[Any] = []
    while page := await turn(found[-1] if found else None):
        found += [row.id for row in page]
    return found


@pytest.mark.parametrize("search", SEARCHES)
async def test_a_search_finds_what_the_plain_question_finds(odd: Database, search: str) -> None:
    text = fields.search(search)
    assert text is not None
    pages: dict[str, Callable[[Any], Awaitable[list[Any]]]] = {
        "subscribers": lambda before: subscribers.page(odd, before, text, None, SHORT),
        "devices": lambda before: devices.page(odd, before, DeviceFilter(text), SHORT, NOW),
        "gateways": lambda before: gateways.page(odd, before, text, GatewayFilter(), SHORT),
        "associations": lambda before: associations.page(odd, before, AssociationFilter(search=text), SHORT, NOW),
    }
    expected = {
        kind: [row["id"] for row in await odd.fetch(f"{plain} order by 1 desc", text.key, text.shown)]
        for kind, plain in PLAIN.items()
    }
    assert any(expected.values())
    assert {kind: await all_of(turn) for kind, turn in pages.items()} == expected


@pytest.mark.parametrize(
    ("wanted", "plain"),
    [
        (GatewayFilter(unclaimed=True), "id not in (select gateway_id from device where gateway_id is not null)"),
        (GatewayFilter(quarantined=True), "id % 4 = 0"),
        (
            GatewayFilter(unclaimed=True, approved=False),
            "id % 3 > 0 and id not in (select gateway_id from device where gateway_id is not null)",
        ),
        (
            GatewayFilter(unclaimed=False, quarantined=True, approved=True),
            "id % 12 = 0 and id in (select gateway_id from device)",
        ),
    ],
)
async def test_a_list_of_gateways_has_all_that_are_wanted(odd: Database, wanted: GatewayFilter, plain: str) -> None:
    expected = [row["id"] for row in await odd.fetch(f"select id from gateway where {plain} order by id desc")]  # noqa: S608
    assert expected
    assert await all_of(lambda before: gateways.page(odd, before, None, wanted, SHORT)) == expected


async def test_a_search_among_gateways_on_no_line_keeps_to_them(odd: Database) -> None:
    plain = f"{PLAIN['gateways']} and d.id is null order by 1 desc"
    expected = [row["id"] for row in await odd.fetch(plain, "abc", "abc")]
    assert expected
    wanted, text = GatewayFilter(unclaimed=True), fields.search("abc")
    assert await all_of(lambda before: gateways.page(odd, before, text, wanted, SHORT)) == expected


@pytest.mark.parametrize("active", [True, False])
async def test_a_search_among_associations_keeps_to_their_state(odd: Database, active: bool) -> None:
    plain = f"{PLAIN['associations']} and (a.ended_at is null) = $3 order by 1 desc"
    expected = [row["id"] for row in await odd.fetch(plain, "abc", "abc", active)]
    assert expected
    wanted = AssociationFilter(active, fields.search("abc"))
    assert await all_of(lambda before: associations.page(odd, before, wanted, SHORT, NOW)) == expected


@pytest.mark.parametrize("associated", [True, False])
async def test_lists_of_what_is_joined_and_what_is_not_have_all_of_it(odd: Database, associated: bool) -> None:
    plain = {
        "subscriber": """
            select id from subscriber where (id in (select subscriber_id from association where ended_at is null)) = $1
            order by id desc""",
        "device": """
            select id from device
            where deleted_at is null and (id in (select device_id from association where ended_at is null)) = $1
            order by id desc""",
    }
    wanted = DeviceFilter(associated=associated)
    pages: dict[str, Callable[[Any], Awaitable[list[Any]]]] = {
        "subscriber": lambda before: subscribers.page(odd, before, None, associated, SHORT),
        "device": lambda before: devices.page(odd, before, wanted, SHORT, NOW),
    }
    for kind, turn in pages.items():
        expected = [row["id"] for row in await odd.fetch(plain[kind], associated)]
        assert expected
        assert await all_of(turn) == expected


async def test_writes_are_found_by_their_fault_whatever_became_of_them(odd: Database) -> None:
    faulty = await odd.fetch("select id, state from write where fault ->> 'code' = '9001' order by id desc")
    assert {row["state"] for row in faulty} == {"queued", "rejected", "failed", "cancelled", "superseded"}
    found = await all_of(lambda before: writes.page(odd, before, WriteFilter(fault="9001"), SHORT))
    assert found == [row["id"] for row in faulty]


@pytest.mark.parametrize(
    ("every", "limit", "records", "looked_at", "found"),
    [
        (1, 3, 99, [5], [99, 98, 97]),
        (9, 3, 99, [5, 30], [99, 90, 81]),  # some: of more of them there are more
        (40, 3, 99, [5], None),  # none among the newest
        (2, 9, 7, [5, 45], [6, 4, 2]),  # there are no more
        (5, 20, 999, [5], None),  # too many would have to be looked at
    ],
)
async def test_what_is_common_is_found_among_the_newest(
    monkeypatch: pytest.MonkeyPatch, every: int, limit: int, records: int, looked_at: list[int], found: list[int] | None
) -> None:
    monkeypatch.setattr(rows, "NEWEST", 5)
    monkeypatch.setattr(rows, "WIDEST", 90)
    asked = []

    async def newest(most: int) -> list[int]:
        asked.append(most)
        return list(range(records, 0, -1))[:most]

    async def read(ids: list[int]) -> list[int]:
        return [each for each in ids if each % every == 0][:limit]

    assert await rows.among_newest(newest, read, limit) == found
    assert asked == looked_at
