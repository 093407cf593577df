"""The audit trail as a chain: what changes it is found, and what its retention takes away leaves it whole."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from acs_bridge.domain.audit_chain import BEGINNING, AuditRow, canonical, link
from acs_bridge.services import audit as service
from acs_bridge.services import cleaning
from acs_bridge.services.audit import AuditQuestion, AuditTrail
from acs_bridge.services.cleaning import Cleaning, Kept
from acs_bridge.services.pages import Ask
from acs_bridge.store.audit import Link

LONG_AGO = datetime(2021, 5, 1, 12, 0, tzinfo=UTC)
ADD = "insert into audit (at, actor, address, action) values ($1, 'cli:a', '', $2) returning id"
TAMPER = "alter table {0} disable trigger user"


@pytest.fixture
def trail(office):
    return AuditTrail(office.database, office.clock)


async def add(office, count, action="queue_paused", at=None):
    return [await office.database.fetchval(ADD, at or office.clock(), action) for _ in range(count)]


async def behind_its_back(owner, table, statement, *args):
    """As somebody would who owns the database and means harm."""
    async with owner.transaction() as connection:
        await connection.execute(TAMPER.format(table))
        await connection.execute(statement, *args)
        await connection.execute(TAMPER.format(table).replace("disable", "enable"))


def test_a_link_is_what_its_description_says(now):
    row = AuditRow(7, now, "token:é", "192.0.2.1", "a_b", None, None, 3, None, None, {"b": 1, "a": ["ü", None]})
    text = (
        f'[7,{int(now.timestamp()) * 10**6 + now.microsecond},"token:é","192.0.2.1","a_b",null,null,3,null,null,'
        '{"a":["ü",null],"b":1}]'
    )
    assert canonical(row).decode() == text
    assert json.loads(text)[0] == 7
    assert link(BEGINNING, row) == hashlib.sha256(bytes(32) + text.encode()).digest()


async def test_every_deed_is_linked_once_in_order(office, trail):
    await office.request()
    await add(office, 3)
    assert await trail.link() == 4
    assert await trail.link() == 0
    verdict = await trail.verify()
    assert (verdict.links, verdict.broken, verdict.chain.awaiting) == (4, None, 0)
    assert verdict.chain.head.n == 4


async def test_an_untouched_chain_of_nothing_is_whole(trail):
    verdict = await trail.verify()
    assert (verdict.links, verdict.broken, verdict.chain.head) == (0, None, Link(0, BEGINNING))


async def test_linkers_at_the_same_time_make_one_chain(office, trail, monkeypatch):
    monkeypatch.setattr(service, "ROWS_A_STEP", 3)
    await add(office, 40)
    others = [AuditTrail(office.database, office.clock) for _ in range(3)]
    assert sum(await asyncio.gather(*(each.link() for each in others))) + await trail.link() == 40
    assert (await trail.verify()).links == 40


class TestOfSingleRequests:
    """Their deeds stand beside the others until the linker takes them there."""

    async def where(self, office):
        return await office.database.fetch("select id, tableoid::regclass::text as place from audit order by id")

    async def test_are_in_the_trail_at_once_and_go_to_the_others_with_their_link(self, office, trail):
        await add(office, 1)
        await office.request()
        before = await self.where(office)
        assert [row["place"] for row in before] == ["audit", "audit_fresh"]
        assert (await trail.chain()).awaiting == 2
        assert (await trail.page(Ask(), AuditQuestion())).items[0].action == "request_accepted"
        await trail.link()
        after = await self.where(office)
        assert [row["place"] for row in after] == ["audit", "audit"]
        assert [row["id"] for row in after] == [row["id"] for row in before]
        assert (await trail.chain()).awaiting == 0
        assert (await trail.verify()).broken is None

    async def test_are_taken_a_part_at_a_time(self, office, trail, monkeypatch):
        monkeypatch.setattr(service, "ROWS_A_STEP", 2)
        for number in range(5):
            await office.request(f"C-{number}", f"L-{number}")
        assert await trail.link() == 5

    @pytest.mark.parametrize(
        "change",
        [
            "delete from audit_fresh",
            "delete from audit",
            "update audit_fresh set actor = 'x'",
            "update audit set actor = 'x'",
            "truncate audit_fresh",
            """with gone as (delete from audit_fresh returning *)
            insert into audit overriding system value select id, at, 'x', address, action from gone""",
        ],
    )
    async def test_leave_only_for_the_trail_as_they_were(self, office, owner, trail, change):
        await office.request()
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await owner.execute(change)
        assert await office.deeds() == ["request_accepted"]
        assert await trail.link() == 1

    @pytest.mark.parametrize("change", ["update audit_fresh set actor = 'x'", "truncate audit_fresh"])
    async def test_are_not_the_daemons_to_change(self, office, change):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await office.database.execute(change)


async def test_what_commits_late_is_linked_late_and_the_chain_is_whole(office, trail):
    async with office.database.transaction() as slow:
        await slow.execute(ADD, office.clock(), "queue_paused")
        await add(office, 2)
        assert await trail.link() == 2
    assert await trail.link() == 1
    verdict = await trail.verify()
    assert (verdict.links, verdict.broken) == (3, None)


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("audit", "update audit set actor = 'cli:b' where id = $1", "audit row {id} (link 2) is not what was linked"),
        ("audit", "update audit set detail = '{\"x\": 1}' where id = $1", "audit row {id} (link 2) is not what was"),
        (
            "audit",
            "update audit set at = at + interval '1 us' where id = $1",
            "audit row {id} (link 2) is not what was",
        ),
        ("audit", "delete from audit where id = $1", "audit row {id} (link 2) is gone"),
        ("audit_link", "delete from audit_link where audit_id = $1", "link 2 is gone"),
        (
            "audit_link",
            "update audit_link set hash = sha256('x') where audit_id = $1",
            "audit row {id} (link 2) is not",
        ),
    ],
)
async def test_the_first_place_that_somebody_changed_is_named(office, owner, trail, table, change, words):
    ids = await add(office, 4)
    await trail.link()
    await behind_its_back(owner, table, change, ids[1])
    verdict = await trail.verify()
    assert verdict.broken is not None
    assert verdict.broken.startswith(words.format(id=ids[1]))


async def test_a_row_that_was_kept_from_the_chain_is_named(office, trail):
    await add(office, 2)
    await trail.link()
    (hidden,) = await add(office, 1)
    await office.database.execute("delete from audit_unlinked")
    assert (await trail.verify()).broken == f"audit row {hidden} is not in the chain exactly once"


async def test_a_chain_that_was_made_anew_does_not_have_a_link_that_was_noted(office, owner, trail):
    ids = await add(office, 3)
    await trail.link()
    noted = (await trail.chain()).head
    assert (await trail.verify(noted)).broken is None
    await behind_its_back(owner, "audit", "update audit set actor = 'cli:b' where id = $1", ids[0])
    await behind_its_back(owner, "audit_link", "delete from audit_link")
    await owner.execute("insert into audit_unlinked select id from audit order by id")
    assert (await trail.verify()).broken is None
    assert (await trail.verify(noted)).broken == "link 3 is not the one that was noted"


async def test_a_chain_that_lost_its_end_does_not_have_a_link_that_was_noted(office, owner, trail):
    ids = await add(office, 3)
    await trail.link()
    noted = (await trail.chain()).head
    await behind_its_back(owner, "audit_link", "delete from audit_link where audit_id = $1", ids[2])
    await behind_its_back(owner, "audit", "delete from audit where id = $1", ids[2])
    assert "is not there: the chain ends at 2" in ((await trail.verify(noted)).broken or "")


class TestRetention:
    async def cleaned(self, office, days):
        await Cleaning(office.database, office.clock, [Kept("audit", days, service.clean)]).clean()

    async def test_cuts_whole_days_off_says_so_in_the_chain_and_leaves_it_whole(self, office, trail, monkeypatch):
        monkeypatch.setattr(cleaning, "ROWS_A_STEP", 2)
        await add(office, 5, at=LONG_AGO)
        await add(office, 3, at=LONG_AGO + timedelta(days=3))
        await trail.link()
        office.clock.set(LONG_AGO + timedelta(days=41))
        await self.cleaned(office, 40)
        assert await office.deeds() == ["queue_paused"] * 3 + ["audit_cut"]
        verdict = await trail.verify()
        assert (verdict.links, verdict.broken) == (4, None)
        assert verdict.chain.cut is not None
        assert (verdict.chain.cut.n, verdict.chain.head.n) == (5, 9)
        await self.cleaned(office, 40)
        assert len(await office.deeds()) == 4

    async def test_leaves_what_comes_behind_something_younger(self, office, trail):
        await add(office, 2, at=LONG_AGO + timedelta(days=40))
        await add(office, 2, at=LONG_AGO)
        await trail.link()
        office.clock.set(LONG_AGO + timedelta(days=60))
        await self.cleaned(office, 40)
        assert len(await office.deeds()) == 4

    async def test_a_cut_that_the_chain_does_not_tell_of_is_found(self, office, owner, trail):
        await add(office, 3, at=LONG_AGO)
        (last,) = await add(office, 1)
        await trail.link()
        await owner.execute(
            "insert into audit_cut select n, hash, $1, $1 from audit_link where n = 3", LONG_AGO + timedelta(days=1)
        )
        assert last
        assert (await trail.verify()).broken == "the chain begins behind link 3, and does not say why"

    @pytest.mark.parametrize("days", [0, 29])
    async def test_nothing_younger_than_30_days_is_cut_off_whatever_the_clock_says(self, office, trail, days):
        at = datetime.now(UTC) - timedelta(days=days)
        await add(office, 1, at=at)
        await trail.link()
        with pytest.raises(asyncpg.CheckViolationError, match="no beginning"):
            await office.database.execute("select audit_cut_off($1)", at + timedelta(hours=1))


@pytest.mark.parametrize(
    "change",
    [
        "update audit set actor = 'x'",
        "delete from audit",
        "truncate audit",
        "update audit_link set n = n + 1",
        "delete from audit_link",
        "truncate audit_link",
        "insert into audit_cut values (1, sha256('x'), '2020-01-01', '2020-01-01')",
        "delete from audit_cut",
        "truncate audit_unlinked",
        "alter table audit disable trigger user",
    ],
)
async def test_the_daemons_role_has_no_right_to_change_the_trail(office, trail, change):
    await add(office, 1)
    await trail.link()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"permission denied|must be owner"):
        await office.database.execute(change)


@pytest.mark.parametrize(
    "change",
    ["update audit_link set n = n + 1", "delete from audit_link", "truncate audit_link", "truncate audit_unlinked"],
)
async def test_its_owner_is_refused_by_the_triggers(office, owner, trail, change):
    await add(office, 1)
    await trail.link()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await owner.execute(change)


class TestReading:
    async def ask(self, trail, **question):
        return [row.action for row in (await trail.page(Ask(), AuditQuestion(**question))).items]

    async def test_is_by_who_what_whom_when_and_from_where(self, office, trail, now):
        await office.request("C-1", "L-1")
        office.clock.advance(hours=1)
        await add(office, 1, "queue_resumed")
        await office.subscribers.create("B", "C-2", office.actor)
        assert await self.ask(trail) == ["subscriber_created", "queue_resumed", "request_accepted"]
        assert await self.ask(trail, actor="cli:a") == ["queue_resumed"]
        assert await self.ask(trail, action="subscriber_created") == ["subscriber_created"]
        assert await self.ask(trail, address="192.0.2.7") == ["subscriber_created", "request_accepted"]
        assert await self.ask(trail, subscriber_code="c-2") == ["subscriber_created"]
        assert await self.ask(trail, line_of_service="l-1") == ["request_accepted"]
        assert await self.ask(trail, line_of_service="L-9") == []
        assert await self.ask(trail, until=office.clock()) == ["request_accepted"]
        assert await self.ask(trail, since=office.clock()) == ["subscriber_created", "queue_resumed"]

    async def test_turns_pages_without_a_gap(self, office, trail):
        ids = await add(office, 5)
        office.clock.advance(seconds=1)
        ids += await add(office, 2)
        seen, cursor = [], None
        while True:
            page = await trail.page(Ask(2, cursor), AuditQuestion())
            seen += [row.id for row in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert seen == ids[::-1]

    async def test_names_an_erased_subscriber_by_its_id_only(self, office, trail):
        row = await office.subscribers.create("Ann", "C-1", office.actor)
        await office.subscribers.delete("C-1", office.actor)
        found = (await trail.page(Ask(), AuditQuestion(subscriber_id=row.id))).items
        assert [(each.action, each.subscriber_code) for each in found] == [
            ("subscriber_deleted", None),
            ("subscriber_created", None),
        ]
        assert (await trail.verify()).broken is None
