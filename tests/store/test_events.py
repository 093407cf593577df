"""The stream as it is read: nothing is skipped, whichever transaction ends first."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from acs_bridge.store import events
from acs_bridge.store.events import BEGINNING, EventRow, Position, as_they_happened
from acs_bridge.store.gateways import Identity
from tests.services.conftest import DISPATCH, keyring, live_profiles, office, phan_urls, seals
from tests.store.rows import all_is_safe

__all__ = ["keyring", "live_profiles", "office", "phan_urls", "seals"]

MANY = 1000
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BOX, OTHER = Identity("00005E", "S1", "GW"), Identity("00005E", "S2", "GW")


async def since(database, position):
    await all_is_safe(database)
    return await events.since(database, position, MANY)


async def told(database, position=BEGINNING):
    return [row.to_state for row in await since(database, position)]


async def positions(database):
    return [row.position for row in await since(database, BEGINNING)]


class TestAnEventThatCommitsLate:
    """Two transactions, of which the one that took its numbers first ends last, and the other way round."""

    @pytest.mark.parametrize("first_to_number", ["slow", "quick"])
    async def test_is_never_skipped(self, office, now, first_to_number):
        slow = (await office.request("C-1", "L-1", BOX)).write_id
        quick = (await office.request("C-2", "L-2", OTHER)).write_id
        begun = (await positions(office.database))[-1]
        async with office.database.transaction() as late:
            if first_to_number == "slow":
                await late.execute(DISPATCH, slow, now)
            else:
                await late.execute("select pg_current_xact_id()")  # the older transaction, the later number
            await office.dispatch(quick)
            if first_to_number == "quick":
                await late.execute(DISPATCH, slow, now)
            # What is committed is told only when nothing can come before it any more.
            assert await events.since(office.database, begun, MANY) == []
        rows = await since(office.database, begun)
        assert {row.write_id for row in rows} == {slow, quick}
        numbers = [row.seq for row in rows]
        assert (numbers == sorted(numbers)) == (first_to_number == "slow")

    async def test_is_found_from_every_position_that_was_given_out_before(self, office, now):
        write = (await office.request(gateway=BOX)).write_id
        before = await positions(office.database)
        async with office.database.transaction() as late:
            await late.execute(DISPATCH, write, now)
            safe = await events.safe(office.database)
        for position in [BEGINNING, *before, safe]:
            assert (await told(office.database, position))[-1] == "sent"
        assert await told(office.database, await events.safe(office.database)) == []


class TestAPage:
    def row(self, position: Position, move=1):
        about = ("provision", None, None, None, None, UUID(int=2), None, None, "created", "queued", NOW, None, 0, None)
        return EventRow(position.xact, position.seq, UUID(int=1), move, *about)

    def test_is_told_in_the_order_in_which_it_happened(self):
        # 7 began first, waited for 8 to let go of the write, and moved it after it.
        page = [
            self.row(Position(6, 1)),
            self.row(Position(7, 3), 3),
            self.row(Position(8, 2), 2),
            self.row(Position(9, 4)),
        ]
        assert [(row.seq, reached) for row, reached in as_they_happened(page)] == [
            (1, Position(6, 1)),
            (2, None),  # who stops here must hear of (7, 3) again
            (3, Position(8, 2)),
            (4, Position(9, 4)),
        ]

    def test_that_is_empty_has_nothing_to_tell(self):
        assert list(as_they_happened([])) == []


class TestAPosition:
    def test_survives_its_text(self):
        assert Position.read(str(Position(123, 45))) == Position(123, 45)

    @pytest.mark.parametrize("text", ["", "1", "-", "1-", "-1", "1-2-3", "a-1", "1-٣", "1--1", f"{2**63}-1", " 1-1"])
    def test_is_nothing_else(self, text):
        with pytest.raises(ValueError, match=r"."):
            Position.read(text)


class TestCleaning:
    async def test_takes_the_oldest_and_says_who_has_missed_something(self, office, clock):
        old = (await office.request("C-1", "L-1", BOX)).write_id
        await office.verify(old)
        seen = await positions(office.database)
        clock.advance(days=30)
        await office.request("C-2", "L-2")
        assert await events.clean(office.database, clock() - timedelta(days=29), 3) == 3
        left = await since(office.database, BEGINNING)
        assert [row.to_state for row in left] == ["verified", "queued"]
        resumable = [await events.can_resume(office.database, position) for position in [BEGINNING, *seen]]
        assert resumable == [False, False, False, True, True]
        assert await events.clean(office.database, clock() - timedelta(days=29), 100) == 1
        assert await events.clean(office.database, clock() - timedelta(days=29), 100) == 0

    async def test_a_position_of_another_database_cannot_be_resumed_from(self, office):
        await office.request()
        (last,) = (await positions(office.database))[-1:]
        assert await events.can_resume(office.database, last)
        assert not await events.can_resume(office.database, last._replace(xact=1 << 40))
