"""Who is rung, when and how often, on a real database and real sockets."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.ring import MOST_TRIES, RingResult
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.doorbell.doorbell import LEASE, CannotRing, Doorbell
from acs_bridge.services.doorbell.ends import SessionEnds
from acs_bridge.store import rings
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.queue import Brake
from acs_bridge.store.rings import Rings
from tests.services.conftest import Office
from tests.services.doorbell.bell import CHALLENGED, PAIR, Door, digest, door, plain

KNOW = """
update gateway set connection_request_url = $2, address = '127.0.0.1', approved_at = $3, software_version = $4
where id = $1
"""
SESSION = (
    "update gateway set session_number = session_number + 1, last_inform_at = $2 where id = $1 returning session_number"
)
SOON: dict[str, Any] = {"address_interval": timedelta(0)}


@dataclass
class Street:
    """Gateways that have informed, each with a bell behind one door."""

    office: Office
    door: Door
    tasks: list[Doorbell] = field(default_factory=list)

    async def gateway(self, serial: str = "S-1", url: str | None = None, version: str = "1.0", **more: Any) -> int:
        gateway_id = await self.office.inform(identity(serial))
        approved_at = more.get("approved_at", self.office.clock())
        known = f"http://127.0.0.1:{self.door.port}/{serial}" if url is None else url
        await self.office.database.execute(KNOW, gateway_id, known, approved_at, version)
        return gateway_id

    async def provision(self, serial: str = "S-1") -> UUID:
        receipt = await self.office.request(f"C-{serial}", f"L-{serial}", identity(serial))
        return UUID(str(receipt.write_id))

    def rung(self) -> list[str]:
        """The serial numbers of those that were rung, in order."""
        return [head.split(b" ")[1].decode().strip("/") for _, head in self.door.requests]

    async def row(self, serial: str = "S-1") -> dict[str, Any]:
        found = await self.office.database.fetchrow(
            "select r.* from ring r join gateway g on g.id = r.gateway_id where g.serial_number = $1", serial
        )
        return {} if found is None else dict(found)

    async def waiting_for(self, write_id: UUID) -> str:
        return (await self.office.writes.find(write_id)).waiting.waiting_for or ""


def identity(serial: str) -> Identity:
    return Identity("00005E", serial, "GW")


async def looks(doorbell: Doorbell) -> int:
    """How many rings one look begins, which are over then."""
    begun = await doorbell.look()
    await doorbell.settled()
    return begun


@pytest.fixture
async def street(office: Office):
    async with door(lambda _: plain("200 OK")) as opened:
        yield Street(office, opened)


class TestAWrite:
    async def test_rings_its_gateway_at_once(self, street: Street, office: Office):
        await street.gateway()
        write_id = await street.provision()
        assert await looks(office.doorbell) == 1
        assert (street.rung(), office.rung) == (["S-1"], [RingResult.RUNG])
        row = await street.row()
        assert (row["result"], row["http_status"], row["rings"], row["rung_at"]) == ("rung", 200, 1, office.clock())
        assert "connection request 0 s ago: answered" in await street.waiting_for(write_id)

    async def test_is_not_touched_by_what_comes_of_a_ring(self, street: Street, office: Office):
        """C-06: the result is a hint."""
        await street.gateway()
        write_id = await street.provision()
        before = (await office.writes.find(write_id)).row
        street.door.say = lambda _: plain("500 Oh")
        await looks(office.doorbell)
        after = (await office.writes.find(write_id)).row
        assert (after.state, after.moves, after.attempts, after.due_at) == ("queued", 0, 0, before.due_at)
        assert "odd answer" in await street.waiting_for(write_id)

    async def test_that_is_over_before_the_ring_rings_nobody(self, street: Street, office: Office):
        """C-06: a gateway that informs by itself makes the ring needless."""
        await street.gateway()
        await office.verify(await street.provision())
        assert (await looks(office.doorbell), street.rung()) == (0, [])
        assert (await street.row())["due_at"] is None

    async def test_that_is_retried_or_lost_rings_again(self, street: Street, office: Office):
        await street.gateway()
        write_id = await street.provision()
        await looks(office.doorbell)
        await office.reject(write_id)
        office.clock.advance(minutes=5)
        assert await looks(office.doorbell) == 0
        await office.writes.retry(write_id, office.actor)
        assert await looks(office.doorbell) == 1
        await office.dispatch(write_id)
        office.clock.advance(minutes=5)
        assert await looks(office.doorbell) == 0
        await office.database.execute(
            "update write set state = 'in_doubt', event = 'session_lost', moves = moves + 1, moved_at = $2,"
            " lease_until = null where id = $1",
            write_id,
            office.clock(),
        )
        assert await looks(office.doorbell) == 1

    async def test_rings_the_box_that_takes_over_and_the_one_that_is_cleared(self, street: Street, office: Office):
        for serial in ("S-1", "S-2"):
            await street.gateway(serial)
        await office.verify(await street.provision())
        await office.devices.bind("L-S-1", identity("S-2"), office.actor, replace=False)
        doorbell = office.ringer(**SOON)
        assert await looks(doorbell) == 2
        assert sorted(street.rung()) == ["S-1", "S-2"]

    async def test_rings_once_however_often_it_was_wished_and_however_many_ring(self, street: Street, office: Office):
        """C-04: a hundred wishes within a second are one ring."""
        gateway_id = await street.gateway()
        await street.provision()
        for _ in range(100):
            await rings.wish(office.database, gateway_id, office.clock())
        several = [office.ringer() for _ in range(4)]
        begun = await asyncio.gather(*(doorbell.look() for doorbell in several))
        await asyncio.gather(*(doorbell.settled() for doorbell in several))
        office.clock.advance(seconds=1)
        await rings.wish(office.database, gateway_id, office.clock())
        assert (sum(begun), await looks(office.doorbell), len(street.rung())) == (1, 0, 1)
        office.clock.advance(seconds=29)
        assert await looks(office.doorbell) == 1

    async def test_that_comes_while_its_gateway_is_being_rung_is_not_forgotten(self, street: Street, office: Office):
        gateway_id = await street.gateway(url="http://127.0.0.1:1/")
        await street.provision()
        await office.doorbell.look()
        await rings.wish(office.database, gateway_id, office.clock())
        await office.doorbell.settled()
        assert (await street.row())["due_at"] == office.clock()


class TestNobody:
    async def test_is_rung_who_never_informed(self, street: Street, office: Office):
        await street.provision()
        assert (await looks(office.doorbell), await street.row()) == (0, {})

    async def test_is_rung_who_has_no_connection_request_url(self, street: Street, office: Office):
        await street.gateway(url="")
        await street.provision()
        assert (await looks(office.doorbell), await street.row()) == (0, {})

    async def test_is_rung_before_an_admin_has_approved(self, street: Street, office: Office):
        gateway_id = await street.gateway(approved_at=None)
        await street.provision()
        assert await looks(office.doorbell) == 0
        await office.gateways.approve(gateway_id, office.actor)
        assert await looks(office.doorbell) == 1

    async def test_is_rung_whose_session_would_be_sent_nothing(self, street: Street, office: Office):
        """Its newest Inform came neither inside TLS nor from a management network: the next one would, too."""
        gateway_id = await street.gateway()
        await office.database.execute("update gateway set exposed = true where id = $1", gateway_id)
        write_id = await street.provision()
        assert (await looks(office.doorbell), street.rung()) == (0, [])
        assert (await office.writes.find(write_id)).row.state == "queued"
        await office.database.execute("update gateway set exposed = false where id = $1", gateway_id)
        await rings.wish(office.database, gateway_id, office.clock())
        assert (await looks(office.doorbell), street.rung()) == (1, ["S-1"])

    async def test_is_rung_before_the_write_is_due(self, street: Street, office: Office):
        await street.gateway()
        write_id = await street.provision()
        await office.dispatch(write_id)
        await office.database.execute(
            "update write set state = 'queued', event = 'faltered', moves = moves + 1, moved_at = $2, due_at = $3,"
            " request_id = null, lease_until = null where id = $1",
            write_id,
            office.clock(),
            office.clock() + timedelta(seconds=60),
        )
        assert await looks(office.doorbell) == 0
        office.clock.advance(seconds=60)
        assert await looks(office.doorbell) == 1

    async def test_is_rung_while_the_queue_is_paused(self, street: Street, office: Office):
        await street.gateway()
        await street.provision()
        await office.queue.pause(Brake(), office.actor)
        office.clock.advance(minutes=1)
        assert await looks(office.doorbell) == 0
        await office.queue.resume(Brake(), office.actor)
        assert await looks(office.doorbell) == 1

    async def test_is_rung_for_a_write_that_a_brake_holds_until_that_is_off(self, street: Street, office: Office):
        for serial, version in (("S-1", "1.0"), ("S-2", "2.0")):
            await street.gateway(serial, version=version)
            await street.provision(serial)
        brake = Brake(software_version="1.0")
        await office.queue.pause(brake, office.actor)
        doorbell = office.ringer(**SOON)
        assert (await looks(doorbell), street.rung()) == (1, ["S-2"])
        assert (await street.row())["held_by"] is not None
        assert await looks(doorbell) == 0
        await office.queue.resume(brake, office.actor)
        assert (await looks(doorbell), street.rung()) == (1, ["S-2", "S-1"])

    async def test_is_rung_where_that_is_switched_off(self, street: Street, office: Office):
        await street.gateway()
        await street.provision()
        await office.ringer(enabled=False).run()
        assert street.rung() == []


class TestRates:
    async def test_of_all_ringers_together_are_kept(self, street: Street, office: Office):
        for number in range(8):
            await street.gateway(f"S-{number}")
            await street.provision(f"S-{number}")
        several = [office.ringer(per_minute=120, **SOON) for _ in range(3)]
        begun = []
        for _ in range(3):
            begun.append(sum([await looks(doorbell) for doorbell in several]))
            office.clock.advance(seconds=1)
        assert begun == [2, 2, 2]

    async def test_of_writes_are_a_ceiling_too(self, street: Street, office: Office):
        for number in range(4):
            await street.gateway(f"S-{number}")
            await street.provision(f"S-{number}")
        await office.queue.set_rate(60, office.actor)
        doorbell = office.ringer(writes_per_minute=600, **SOON)
        assert [await looks(doorbell), await looks(doorbell)] == [1, 0]
        office.clock.advance(seconds=1)
        assert await looks(doorbell) == 1

    async def test_leave_a_backlog_behind_what_was_wished_last(self, street: Street, office: Office):
        for number in range(3):
            await street.gateway(f"S-{number}")
            await street.provision(f"S-{number}")
            office.clock.advance(seconds=1)
        await looks(office.ringer(per_minute=60, **SOON))
        assert street.rung() == ["S-2"]

    async def test_of_one_address_are_kept_whichever_gateways_name_it(self, street: Street, office: Office):
        """SEC-09: nobody makes us a weapon by playing many gateways."""
        for serial in ("S-1", "S-2"):
            await street.gateway(serial)
            await street.provision(serial)
        assert await looks(office.doorbell) == 2
        assert (len(street.rung()), sorted(office.rung)) == (1, [RingResult.RUNG, RingResult.THROTTLED])
        await office.verify(UUID(str((await office.writes_of(f"L-{street.rung()[0]}"))[0].row.id)))
        office.clock.advance(seconds=30)
        assert await looks(office.doorbell) == 1
        assert sorted(street.rung()) == ["S-1", "S-2"]


class TestAGatewayThatDoesNotCome:
    async def test_is_rung_ever_more_rarely_and_then_left_alone(self, street: Street, office: Office):
        await street.gateway()
        await street.provision()
        street.door.say = lambda _: plain("503 Busy")
        begun = []
        for seconds in (0, 29, 1, 59, 1, 119, 1, 239, 1, 479, 1, 86_400):
            office.clock.advance(seconds=seconds)
            begun.append(await looks(office.doorbell))
        assert begun == [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
        assert sum(begun) == MOST_TRIES
        assert (await street.row())["due_at"] is None

    async def test_is_rung_again_when_its_ringer_was_stopped(self, street: Street, office: Office):
        street.door.say = lambda _: None
        await street.gateway()
        await street.provision()
        first = office.ringer()
        await first.look()
        await street.door.arrived.wait()
        await first.drop()
        assert (office.rung, await looks(office.doorbell)) == ([], 0)
        street.door.say = lambda _: plain("200 OK")
        office.clock.advance(seconds=LEASE.total_seconds())
        assert (await looks(office.doorbell), office.rung) == (1, [RingResult.RUNG])

    @pytest.mark.parametrize(
        ("url", "result"),
        [
            ("http://127.0.0.1:1/", RingResult.REFUSED),
            ("http://192.168.1.1:7547/", RingResult.PRIVATE_ADDRESS),
            ("http://169.254.169.254/latest/", RingResult.FORBIDDEN_ADDRESS),
            ("https://127.0.0.1/", RingResult.UNUSABLE_URL),
        ],
    )
    async def test_has_the_reason_in_words(self, street: Street, office: Office, url: str, result: RingResult):
        await street.gateway(url=url)
        write_id = await street.provision()
        await looks(office.doorbell)
        assert office.rung == [result]
        assert f"connection request 0 s ago: {result.value.replace('_', ' ').replace('url', 'URL')}: " in (
            await street.waiting_for(write_id)
        )

    async def test_is_given_up_after_a_while(self, street: Street, office: Office):
        """C-04: the socket is closed."""
        street.door.say = lambda _: None
        await street.gateway()
        await street.provision()
        await looks(office.ringer(seconds=0.05))
        async with asyncio.timeout(10):
            await street.door.ended.wait()
        assert office.rung == [RingResult.TIMED_OUT]


class TestCredentials:
    async def test_are_shown_to_a_gateway_that_asks(self, street: Street, office: Office):
        street.door.say = digest(CHALLENGED)
        await street.gateway()
        await street.provision()
        await looks(office.ringer(PAIR))
        assert office.rung == [RingResult.RUNG]

    async def test_and_the_url_are_in_no_log(self, street: Street, office: Office, capsys, caplog):
        street.door.say = lambda _: plain("401 No", 'WWW-Authenticate: Digest realm="x", nonce="y"')
        await street.gateway("S-SECRET-PATH")
        await street.provision("S-SECRET-PATH")
        await looks(office.ringer(PAIR))
        assert office.rung == [RingResult.WRONG_PASSWORD]
        told = "".join(capsys.readouterr()) + caplog.text
        assert "wrong_password" in told
        assert not [secret for secret in (PAIR.password, "SECRET-PATH", "Digest") if secret in told]


class TestTheEndOfASession:
    """That was open when the write was queued."""

    @pytest.fixture
    def ends(self, office: Office) -> SessionEnds:
        return SessionEnds(Rings(office.database), office.clock)

    async def test_is_followed_by_one_more_ring_after_five_seconds(
        self, street: Street, office: Office, ends: SessionEnds
    ):
        street.door.say = lambda _: plain("503 In session")
        gateway_id = await street.gateway()
        number = await office.database.fetchval(SESSION, gateway_id, office.clock())
        await street.provision()
        assert await looks(office.doorbell) == 1
        office.clock.advance(seconds=2)
        ends.note(gateway_id, number)
        assert await ends.tell() == 1
        begun = []
        for seconds in (4, 1, 5, 55):
            office.clock.advance(seconds=seconds)
            begun.append(await looks(office.doorbell))
        assert begun == [0, 1, 0, 1]

    async def test_that_comes_while_it_is_being_rung_counts_too(
        self, street: Street, office: Office, ends: SessionEnds
    ):
        street.door.say = lambda _: None
        gateway_id = await street.gateway()
        await street.provision()
        slow = office.ringer(seconds=0.05)
        await slow.look()
        ends.note(gateway_id, 1)
        await ends.tell()
        await slow.settled()
        assert (await street.row())["due_at"] == office.clock() + timedelta(seconds=5)

    async def test_that_is_told_before_the_first_ring_does_not_put_that_off(
        self, street: Street, office: Office, ends: SessionEnds
    ):
        street.door.say = lambda _: plain("503 In session")
        gateway_id = await street.gateway()
        await street.provision()
        ends.note(gateway_id, 1)
        await ends.tell()
        begun = []
        for seconds in (0, 4, 1):
            office.clock.advance(seconds=seconds)
            begun.append(await looks(office.doorbell))
        assert begun == [1, 0, 1]

    async def test_rings_nobody_who_is_being_rung_at_that_moment(
        self, street: Street, office: Office, ends: SessionEnds
    ):
        """C-04: one at a time."""
        street.door.say = lambda _: None
        gateway_id = await street.gateway()
        await street.provision()
        await office.doorbell.look()
        ends.note(gateway_id, 1)
        await ends.tell()
        office.clock.advance(seconds=6)
        assert await office.ringer().look() == 0
        await office.doorbell.drop()

    async def test_of_another_session_or_of_one_that_brought_the_write_is_not(
        self, street: Street, office: Office, ends: SessionEnds
    ):
        gateway_id = await street.gateway()
        write_id = await street.provision()
        ends.note(gateway_id, 7)
        assert await ends.tell() == 0
        await office.verify(write_id)
        ends.note(gateway_id, 1)
        await ends.tell()
        office.clock.advance(seconds=5)
        assert (await looks(office.doorbell), street.rung()) == (0, [])

    async def test_costs_no_statement_where_none_ended(self, ends: SessionEnds):
        assert await ends.tell() == 0


class TestByHand:
    async def test_rings_and_says_what_came_of_it(self, street: Street, office: Office):
        gateway_id = await street.gateway()
        ring = await office.doorbell.ring_by_hand(gateway_id, office.actor)
        assert (ring.result, ring.http_status, ring.at) == (RingResult.RUNG, 200, office.clock())
        assert (await office.gateways.find(gateway_id)).last_ring == ring
        assert (await office.deeds())[-1] == "gateway_rung"

    async def test_keeps_the_interval(self, street: Street, office: Office):
        gateway_id = await street.gateway()
        await office.doorbell.ring_by_hand(gateway_id, office.actor)
        with pytest.raises(AcsBridgeError, match="once in 30 s is the most"):
            await office.doorbell.ring_by_hand(gateway_id, office.actor)
        office.clock.advance(seconds=30)
        assert (await office.doorbell.ring_by_hand(gateway_id, office.actor)).count == 2

    async def test_is_refused_with_the_reason(self, street: Street, office: Office, database: Database):
        unseen = await database.fetchval(
            "insert into gateway (oui, serial_number, product_class, created_at) values ('00005E', 'S-9', '', $1)"
            " returning id",
            office.clock(),
        )
        mute = await street.gateway("S-2", url="")
        unapproved = await street.gateway("S-3", approved_at=None)
        for gateway_id, words, status in (
            (10**9, "no such gateway", 404),
            (unseen, "never informed", 422),
            (mute, "no connection request URL", 422),
            (unapproved, "approve", 409),
        ):
            with pytest.raises(AcsBridgeError, match=words) as refused:
                await office.doorbell.ring_by_hand(gateway_id, office.actor)
            assert refused.value.status == status
        with pytest.raises(AcsBridgeError, match="switched off"):
            await office.ringer(enabled=False).ring_by_hand(mute, office.actor)
        assert (CannotRing.status, street.rung()) == (422, [])


class TestRunning:
    async def test_wakes_when_told_and_drops_what_is_under_way_when_it_is_stopped(self, street: Street, office: Office):
        street.door.say = lambda _: None
        running = asyncio.create_task(office.doorbell.run())
        await street.gateway()
        await street.provision()
        office.pulse.hear()
        async with asyncio.timeout(20):
            await street.door.arrived.wait()
            running.cancel()
            await asyncio.wait((running,))
            await street.door.ended.wait()
        assert office.rung == []
