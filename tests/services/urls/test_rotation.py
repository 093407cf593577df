"""A new key for PHAN URLs: lines are written again one after the other, and no URL dies before its time."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acs_bridge.domain.ids import new_id
from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrlRefused, PhanUrls
from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.domain.write import Cause, Purpose
from acs_bridge.errors import Conflict, Unavailable
from acs_bridge.services.urls.keyring import (
    KeyringMismatch,
    KeyringUnusable,
    open_keyring,
    replace_keyring,
    verify_keyring,
)
from acs_bridge.services.urls.keys import Keys
from acs_bridge.services.urls.phan import Asked, PhanLookup
from acs_bridge.services.urls.rotation import Rotation
from acs_bridge.services.urls.seals import Seals
from acs_bridge.store import writes
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.queue import Brake
from acs_bridge.store.writes import NewWrite
from tests.services.conftest import BASE_URL, PROFILE, Office

LEAD = """
update write set state = 'in_doubt', event = 'session_lost', moves = moves + 1, moved_at = $2, lease_until = null
where id = $1
"""
UNREADABLE = """update write set plan = '{"unreadable": true}', request_id = null, lease_until = null where id = $1"""


@dataclass
class Installation:
    """A daemon's services, its keyring's file, and what follows a rotation."""

    office: Office
    path: Path
    keys: Keys
    rotation: Rotation
    lookup: PhanLookup

    async def line(self, line: str, *, verified: bool = True) -> Any:
        """Provision a line; its association."""
        receipt = await self.office.request(f"C-{line}", line, Identity("00236A", f"S-{line}", "SR400"))
        if verified:
            await self.office.verify(receipt.write_id)
        return receipt

    async def url(self, association_id: Any) -> str:
        return await self.office.associations.reveal(association_id, self.office.actor)

    async def active(self, *urls: str) -> list[bool]:
        return [
            standing is not None and standing.active
            for standing in await self.lookup.open_all([Asked(url) for url in urls])
        ]

    async def start(self, per_minute: int = 6000) -> str:
        started = await self.rotation.start(self.office.actor, per_minute)
        await self.keys.refresh()
        return started.key_id

    async def advance(self, seconds: float = 1) -> int:
        self.office.clock.advance(seconds=seconds)
        return await self.rotation.advance()

    async def newest(self, line: str) -> Any:
        return next(seen.row for seen in await self.office.writes_of(line) if seen.row.purpose == "provision")


@pytest.fixture
async def site(database: Database, clock: Any, tmp_path: Path) -> Installation:
    path = tmp_path / "phan.keyring"
    keyring = await open_keyring(path, database, clock())
    phan_urls = PhanUrls(keyring, BASE_URL)
    seals = Seals(phan_urls, ProfileSet([[parse_profile(PROFILE, "roomy.toml")]]))
    office = Office(database, clock, seals, keyring=keyring)
    rotation = Rotation(path, database, clock, office.lines)
    keys = Keys(path, database, keyring, phan_urls)
    return Installation(office, path, keys, rotation, PhanLookup(database, phan_urls))


class TestTheNewKey:
    async def test_seals_what_is_issued_from_that_moment_also_where_nobody_has_heard_of_it(self, site):
        started = await site.rotation.start(site.office.actor, None)
        receipt = await site.line("L-1")
        assert (await site.office.associations.find(receipt.association_id)).key_id == started.key_id
        with pytest.raises(Unavailable, match="not known here yet"):
            await site.url(receipt.association_id)
        assert await site.keys.know(started.key_id)
        assert (await site.url(receipt.association_id)).startswith(f"{BASE_URL}{started.key_id}")

    async def test_stands_in_the_file_which_keeps_its_mode_and_is_whole(self, site):
        before = Keyring.parse(site.path.read_text())
        key_id = await site.start()
        after = Keyring.parse(site.path.read_text())
        assert (after.current_key_id, set(after.keys)) == (key_id, {before.current_key_id, key_id})
        assert after.root == before.root
        assert site.path.stat().st_mode & 0o777 == 0o600
        assert [entry.name for entry in site.path.parent.iterdir()] == [site.path.name]

    async def test_is_known_to_the_database_by_its_id_and_check_value_only(self, site):
        key_id = await site.start()
        row = await site.office.database.fetchrow("select * from keyring_key where key_id = $1", key_id)
        keyring = Keyring.parse(site.path.read_text())
        assert (row["state"], row["check_value"]) == ("current", keyring.check_value(key_id))
        assert keyring.key(key_id).secret not in bytes(row["check_value"])

    async def test_is_the_one_that_an_interrupted_start_has_left_in_the_file(self, site, database, clock):
        """Killed between the file and the database: no second key is made."""
        left = Keyring.parse(site.path.read_text()).rotate(clock())
        replace_keyring(site.path, left)
        assert (await open_keyring(site.path, database, clock())).current_key_id != left.current_key_id
        assert await site.start() == left.current_key_id
        assert len(Keyring.parse(site.path.read_text()).keys) == 2

    async def test_may_be_made_ready_before(self, site, tmp_path):
        """For several hosts: the file travels before the key seals anything."""
        prepared = await site.rotation.prepare(site.office.actor)
        assert await site.rotation.prepare(site.office.actor) == prepared
        receipt = await site.line("L-1")
        assert (await site.office.associations.find(receipt.association_id)).key_id != prepared
        assert await site.start() == prepared
        assert await site.office.deeds() == [
            "phan_key_prepared",
            "phan_key_prepared",
            "request_accepted",
            "phan_key_rotated",
        ]

    async def test_is_not_made_where_the_file_cannot_be_replaced(self, site, monkeypatch):
        def refused(*_: Any) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("os.chown", refused)
        before = site.path.read_bytes()
        with pytest.raises(KeyringUnusable, match="needs the account which owns it"):
            await site.start()
        assert site.path.read_bytes() == before
        assert await site.rotation.status() is None
        assert [entry.name for entry in site.path.parent.iterdir()] == [site.path.name]

    async def test_is_waited_for_where_the_file_has_not_been_copied_to(self, site, database, tmp_path):
        """Another host goes on with what it has, and does not start again without it."""
        elsewhere = tmp_path / "elsewhere" / "phan.keyring"
        elsewhere.parent.mkdir(mode=0o700)
        elsewhere.write_bytes(site.path.read_bytes())
        elsewhere.chmod(0o600)
        keyring = await verify_keyring(elsewhere, database)
        urls = PhanUrls(keyring, BASE_URL)
        other = Keys(elsewhere, database, keyring, urls)
        key_id = await site.start()
        with pytest.raises(KeyringMismatch, match=f"it has no key {key_id}"):
            await other.refresh()
        assert await other.know(key_id) is False
        elsewhere.write_bytes(site.path.read_bytes())
        assert await other.know(key_id) is True
        assert urls.current_key_id == key_id


class TestALine:
    async def test_keeps_its_url_until_the_new_one_is_verified(self, site):
        receipt = await site.line("L-1")
        former = await site.url(receipt.association_id)
        key_id = await site.start()
        assert await site.active(former) == [True]
        assert await site.advance() == 1
        newer = await site.url(receipt.association_id)
        assert newer.startswith(f"{BASE_URL}{key_id}")
        assert await site.active(former, newer) == [True, True]
        write = await site.newest("L-1")
        assert (write.state, write.cause, write.key_id, write.generation) == ("queued", "rotated", key_id, 2)
        await site.office.verify(write.id)
        assert await site.active(former, newer) == [False, True]

    async def test_keeps_every_url_that_may_be_in_its_gateway_through_a_second_rotation(self, site):
        receipt = await site.line("L-1")
        urls = [await site.url(receipt.association_id)]
        for _ in range(2):
            await site.rotation.start(site.office.actor, 6000)
            await site.keys.refresh()
            await site.advance()
            urls.append(await site.url(receipt.association_id))
            await site.office.database.execute("update key_rotation set finished_at = started_at")  # as if in haste
        assert await site.active(*urls) == [True, True, True]
        await site.office.verify((await site.newest("L-1")).id)
        assert await site.active(*urls) == [False, False, True]

    async def test_whose_write_waits_keeps_that_write_which_carries_the_new_url(self, site):
        receipt = await site.line("L-1", verified=False)
        before = await site.newest("L-1")
        gateway = await site.office.gateway_of("L-1")
        session = "select session_number from gateway where id = $1"
        number = await site.office.database.fetchval(session, gateway)
        key_id = await site.start()
        assert await site.advance() == 1
        after = await site.newest("L-1")
        assert (after.id, after.batch_id, after.state, after.moves) == (before.id, before.batch_id, "queued", 0)
        assert (after.key_id, after.generation) == (key_id, 2)
        assert await site.office.database.fetchval(session, gateway) == number + 1  # no session knows the former one
        assert await site.active(await site.url(receipt.association_id)) == [True]
        await site.advance()
        assert (await site.rotation.status()).finished_at is not None  # the former URL went nowhere

    async def test_whose_write_is_under_way_waits_until_it_has_settled(self, site):
        receipt = await site.line("L-1", verified=False)
        await site.office.dispatch(receipt.write_id)
        await site.start()
        assert await site.advance() == 0
        await site.office.database.execute(LEAD, receipt.write_id, site.office.clock())
        assert await site.advance() == 0
        status = await site.rotation.status()
        assert (status.waiting, status.finished_at) == (1, None)

    async def test_whose_value_cannot_be_read_back_is_written_again(self, site):
        receipt = await site.line("L-1", verified=False)
        await site.office.dispatch(receipt.write_id)
        await site.office.database.execute(
            "update write set state = 'applied', event = 'accepted', moves = moves + 1 where id = $1", receipt.write_id
        )
        await site.office.database.execute(UNREADABLE, receipt.write_id)
        await site.start()
        assert await site.advance() == 1
        assert [row[1] for row in await site.office.story("L-1")] == ["superseded", "queued"]

    async def test_whose_gateway_refused_stays_refused_until_somebody_retries(self, site):
        receipt = await site.line("L-1", verified=False)
        await site.office.reject(receipt.write_id)
        key_id = await site.start()
        assert await site.advance() == 1
        write = await site.newest("L-1")
        assert (write.id, write.state, write.key_id) == (receipt.write_id, "rejected", key_id)
        await site.office.writes.retry(receipt.write_id, site.office.actor)
        assert (await site.newest("L-1")).state == "queued"
        await site.advance()
        assert (await site.rotation.status()).finished_at is not None

    async def test_whose_write_was_undone_is_not_written_again(self, site):
        receipt = await site.line("L-1")
        gateway = await site.office.gateway_of("L-1")
        undo = NewWrite(
            new_id(site.office.clock()), Purpose.CLEAR, receipt.association_id, gateway, receipt.id, Cause.UNDONE
        )
        await writes.insert(site.office.database, undo, site.office.clock(), None)
        key_id = await site.start()
        assert await site.advance() == 1
        assert [row[:2] for row in await site.office.story("L-1")] == [("provision", "verified"), ("clear", "queued")]
        assert (await site.office.associations.find(receipt.association_id)).key_id == key_id
        await site.advance()
        assert (await site.rotation.status()).finished_at is not None

    async def test_that_is_reissued_or_swapped_meanwhile_has_one_url_only(self, site):
        receipt = await site.line("L-1")
        former = await site.url(receipt.association_id)
        await site.start()
        await site.advance()
        turned = await site.url(receipt.association_id)
        await site.office.associations.reissue(receipt.association_id, site.office.actor)
        assert await site.active(former, turned, await site.url(receipt.association_id)) == [False, False, True]

    async def test_that_ends_meanwhile_is_no_longer_waited_for(self, site):
        receipt = await site.line("L-1")
        former = await site.url(receipt.association_id)
        await site.start()
        await site.advance()
        await site.office.associations.end(receipt.association_id, site.office.actor)
        assert await site.active(former) == [False]
        await site.advance()
        assert (await site.rotation.status()).finished_at is not None


class TestARotation:
    async def test_goes_on_at_its_rate_and_says_how_far_it_is(self, site):
        for n in range(4):
            await site.line(f"L-{n}")
        await site.start(per_minute=60)
        assert [await site.advance(seconds) for seconds in (0.5, 0.5, 1, 5)] == [0, 1, 1, 1]
        status = await site.rotation.status()
        assert (status.lines, status.waiting, status.under_way) == (4, 1, 3)

    async def test_stops_while_its_batch_or_everything_is_paused(self, site):
        for n in range(3):
            await site.line(f"L-{n}")
        await site.start()
        batch = (await site.rotation.status()).id
        for brake in (Brake(batch), Brake()):
            await site.office.queue.pause(brake, site.office.actor)
            assert await site.advance() == 0
            assert (await site.rotation.status()).paused is True
            await site.office.queue.resume(brake, site.office.actor)
        assert await site.advance() == 3
        assert (await site.newest("L-0")).batch_id == batch

    async def test_that_is_started_again_goes_on_and_may_change_its_rate(self, site):
        await site.line("L-1")
        key_id = await site.start()
        again = await site.rotation.start(site.office.actor, 7)
        assert (again.key_id, again.per_minute) == (key_id, 7)
        assert (await site.rotation.start(site.office.actor, None)).per_minute == 7

    async def test_retires_the_former_key_when_every_line_is_verified(self, site):
        receipt = await site.line("L-1")
        former = await site.url(receipt.association_id)
        old = former.removeprefix(BASE_URL)[:4]
        key_id = await site.start()
        await site.advance()
        await site.advance()
        assert (await site.rotation.status()).finished_at is None
        await site.office.verify((await site.newest("L-1")).id)
        await site.advance()
        status = await site.rotation.status()
        assert (status.finished_at is not None, status.former_keys) == (True, None)
        assert list(Keyring.parse(site.path.read_text()).keys) == [key_id]  # nobody finds it in the file either
        await site.keys.refresh()
        with pytest.raises(PhanUrlRefused):
            await site.lookup.open(former)
        row = await site.office.database.fetchrow("select state, retired_at from keyring_key where key_id = $1", old)
        assert (row["state"], row["retired_at"]) == ("retired", site.office.clock())

    async def test_may_retire_the_former_key_at_once_and_goes_on_all_the_same(self, site):
        """A key that became known: its URLs die before their lines are written again."""
        receipt = await site.line("L-1")
        waiting = await site.line("L-2", verified=False)
        former = await site.url(receipt.association_id)
        await site.start()
        await site.rotation.retire_now(site.office.actor)
        await site.keys.refresh()
        assert await site.active(former) == [False]
        with pytest.raises(Unavailable, match="was retired"):
            await site.url(waiting.association_id)
        assert await site.advance() == 2
        assert await site.active(await site.url(receipt.association_id), await site.url(waiting.association_id)) == [
            True,
            True,
        ]
        with pytest.raises(Conflict, match="no former key"):
            await site.rotation.retire_now(site.office.actor)

    async def test_of_several_daemons_does_every_line_once(self, site, database, clock):
        for n in range(12):
            await site.line(f"L-{n}")
        await site.start()
        others = [Rotation(site.path, database, clock, site.office.lines) for _ in range(3)]
        for _ in range(3):
            clock.advance(seconds=1)
            await asyncio.gather(*(each.advance() for each in (site.rotation, *others)))
        rows = await database.fetch("select generation, count(*) from write where cause = 'rotated' group by 1")
        assert [tuple(row) for row in rows] == [(2, 12)]

    async def test_does_not_hang_at_lines_that_cannot_be_turned(self, site, monkeypatch):
        for n in range(6):
            await site.line(f"L-{n}")
        turn = site.office.lines.turn

        async def stubborn(connection: Any, line: Any, *more: Any) -> bool:
            if line.line_of_service in ("L-0", "L-1"):
                raise Conflict("not this one")
            return await turn(connection, line, *more)

        monkeypatch.setattr(site.office.lines, "turn", stubborn)
        await site.start(per_minute=120)
        turned = [await site.advance() for _ in range(8)]
        assert sum(turned) == 4


async def test_ids_of_retired_keys_are_never_used_again(site, monkeypatch):
    old = Keyring.parse(site.path.read_text()).current_key_id
    for _ in range(3):
        await site.start()
        await site.advance()
        assert (await site.rotation.status()).finished_at is not None
    ids = {row["key_id"] for row in await site.office.database.fetch("select key_id from keyring_key")}
    assert (len(ids), old in ids) == (4, True)
