"""Delivering to webhooks: at least once, by whoever lives, and never at another endpoint's cost."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from acs_bridge.domain import webhooks as law
from acs_bridge.errors import Conflict, NotFound
from acs_bridge.services.notifications import deliveries as delivering
from acs_bridge.services.notifications.deliveries import Bounds, Deliveries
from acs_bridge.services.notifications.posting import Poster, Rules
from acs_bridge.services.notifications.webhooks import Secrets, Webhooks
from acs_bridge.services.pages import Ask
from acs_bridge.services.pulse import Pulse
from acs_bridge.store import webhooks as store
from acs_bridge.store.gateways import Identity
from tests.services.conftest import ADMIN, Office
from tests.services.receivers import receiving, verified

RULES = Rules([ip_network("127.0.0.0/8")], allow_http=True, timeout_seconds=5.0)
BOUNDS = Bounds()
CANCEL = """
update write set state = 'cancelled', event = 'cancelled', moves = 1, moved_at = now(), finished_at = now()
where id = $1
"""
NOBODY = "http://127.0.0.1:1/hook"


@dataclass
class Desk:
    """Webhooks, and one daemon that delivers."""

    office: Office
    webhooks: Webhooks
    daemon: Deliveries
    outcomes: list[str]
    keyring: Any
    poster: Poster

    async def settle(self, number: int = 1, verify: bool = True):
        """A line that is provisioned, or whose gateway refuses."""
        gateway = Identity("00005E", f"S{number}", "GW")
        write = (await self.office.request(f"C-{number}", f"L-{number}", gateway)).write_id
        await (self.office.verify(write) if verify else self.office.reject(write))
        return write

    async def deliver(self, daemon: Deliveries | None = None) -> int:
        """One round, to its end; how many attempts there were."""
        daemon = daemon or self.daemon
        daemon._not_before.clear()
        begun = await daemon.begin()
        await daemon.finish()
        return begun

    async def log(self, webhook_id, state=None):
        return list((await self.webhooks.deliveries(webhook_id, Ask(500), state)).items)

    def another(self, bounds: Bounds = BOUNDS) -> Deliveries:
        return Deliveries(
            self.office.database,
            self.office.clock,
            Secrets(self.keyring),
            self.poster,
            Pulse(self.office.database),
            random=lambda: 0.5,
            bounds=bounds,
            on_attempt=self.outcomes.append,
        )


@asynccontextmanager
async def desk_of(office, keyring, rules=RULES) -> AsyncIterator[Desk]:
    async with Poster(rules).open() as poster:
        webhooks = Webhooks(office.database, office.clock, Secrets(keyring), poster, os.urandom)
        desk = Desk(office, webhooks, None, [], keyring, poster)  # type: ignore[arg-type] # made in the next line
        desk.daemon = desk.another()
        yield desk


@pytest.fixture
async def desk(office, keyring) -> AsyncIterator[Desk]:
    async with desk_of(office, keyring) as desk:
        yield desk


class TestADelivery:
    async def test_tells_what_settled_signed_by_the_secret_that_was_shown(self, desk):
        async with receiving() as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            write = await desk.settle()
            assert await desk.deliver() == 1
        ((headers, body),) = receiver.calls
        assert verified(made.secret, headers, body)
        assert not verified(law.show_secret(bytes(32)), headers, body)
        assert not verified(made.secret, headers, body + b" ")
        assert headers["Content-Type"] == "application/json"
        (message,) = receiver.messages
        assert (message["type"], message["data"]["write_id"]) == ("write.verified", str(write))
        assert (message["data"]["line_of_service"], message["data"]["subscriber_code"]) == ("L-1", "C-1")
        assert "analytics.example" not in body.decode()
        (entry,) = await desk.log(made.row.id)
        assert (entry.state, entry.status, entry.attempts, entry.words) == ("delivered", 200, 1, "it answered 200")
        assert await desk.deliver() == 0

    async def test_is_made_in_the_transaction_that_settles_the_write_or_not_at_all(self, desk):
        made = await desk.webhooks.create(NOBODY, [], None, ADMIN)
        write = (await desk.office.request()).write_id

        async def settled_and_broken():
            async with desk.office.database.transaction() as connection:
                await connection.execute(CANCEL, write)
                assert await connection.fetchval("select count(*) from webhook_delivery") == 1
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await settled_and_broken()
        assert await desk.log(made.row.id) == []

    async def test_is_of_the_states_that_were_asked_for(self, desk):
        made = await desk.webhooks.create(NOBODY, ["rejected"], None, ADMIN)
        await desk.settle(1)
        await desk.settle(2, verify=False)
        assert [entry.to_state for entry in await desk.log(made.row.id)] == ["rejected"]

    async def test_of_one_line_has_a_later_number_than_the_one_before(self, desk):
        async with receiving() as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            write = await desk.settle(1, verify=False)
            await desk.office.writes.retry(write, ADMIN)
            await desk.office.verify(write)
            await desk.deliver()
        told = sorted(receiver.messages, key=lambda message: message["sequence"])
        assert [message["type"] for message in told] == ["write.rejected", "write.verified"]
        assert len(set(receiver.ids)) == 2

    async def test_is_not_made_where_nobody_is_told(self, desk):
        await desk.settle()
        assert await desk.office.database.fetchval("select count(*) from webhook_delivery") == 0


class TestAnEndpoint:
    async def test_that_was_down_gets_everything_when_it_is_up_again(self, desk):
        clock = desk.office.clock
        async with receiving() as receiver:
            port = int(receiver.url.split(":")[2].split("/")[0])
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
        writes = [await desk.settle(number) for number in range(3)]
        for _ in range(20):
            await desk.deliver()
            clock.advance(minutes=10)
        row = await desk.webhooks.find(made.row.id)
        assert (row.pending, row.failures >= law.FAILURES_BEFORE_A_REST) == (3, True)
        assert row.words is not None
        assert "nobody listens" in row.words
        assert row.failing_since is not None
        async with receiving(port=port) as receiver:
            for _ in range(5):
                clock.advance(hours=1)
                await desk.deliver()
        assert {message["data"]["write_id"] for message in receiver.messages} == {str(write) for write in writes}
        row = await desk.webhooks.find(made.row.id)
        assert (row.pending, row.failures, row.failing_since, row.words) == (0, 0, None, None)

    async def test_that_keeps_failing_is_tried_with_one_message_at_a_time(self, desk):
        async with receiving(statuses=[503] * 100) as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            for number in range(20):
                await desk.settle(number)
            assert await desk.deliver() == BOUNDS.at_once
            assert await desk.deliver() == 0  # it rests
            desk.office.clock.advance(minutes=10)
            assert await desk.deliver() == 1

    async def test_that_took_nothing_for_a_day_has_its_messages_parked_and_not_lost(self, desk):
        clock = desk.office.clock
        async with receiving(statuses=[500] * 100) as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            await desk.settle(1)
            while not (parked := await desk.log(made.row.id, "parked")):
                await desk.deliver()
                clock.advance(minutes=30)
        assert clock() - parked[0].created_at >= law.TRIED_FOR
        assert 10 < parked[0].attempts < 60
        assert (parked[0].status, parked[0].words) == (500, "it answered 500")
        assert await desk.deliver() == 0
        assert desk.outcomes[-1] == "parked"

    async def test_has_what_was_never_tried_parked_with_the_rest(self, desk):
        made = await desk.webhooks.create(NOBODY, [], None, ADMIN)
        for number in range(12):
            await desk.settle(number)
        await desk.deliver()
        desk.office.clock.advance(days=1, seconds=1)
        await desk.daemon.tidy()
        assert {entry.state for entry in await desk.log(made.row.id)} == {"parked"}

    async def test_that_is_dead_does_not_hold_another_one_up(self, desk):
        hold = asyncio.Event()
        async with receiving(hold=hold) as dead, receiving() as well:
            await desk.webhooks.create(dead.url, [], None, ADMIN)
            await desk.webhooks.create(well.url, [], None, ADMIN)
            for number in range(30):
                await desk.settle(number)
            async with asyncio.timeout(30):
                while len(well.messages) < 30:
                    desk.daemon._not_before.clear()
                    await desk.daemon.begin()
                    await asyncio.sleep(0.01)
            assert len(dead.calls) <= BOUNDS.at_once
            hold.set()
            await desk.daemon.finish()

    async def test_gets_so_many_a_second(self, desk):
        daemon = desk.another(Bounds(at_once=5, per_second=1))
        async with receiving() as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            for number in range(6):
                await desk.settle(number)
            assert await daemon.begin() == 5
            await daemon.finish()
            assert await daemon.begin() == 0  # for five seconds


class TestSeveralDaemons:
    async def test_share_and_tell_everything_once(self, desk):
        daemons = [desk.another() for _ in range(3)]
        async with receiving() as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            writes = {str(await desk.settle(number)) for number in range(40)}
            while sum(await asyncio.gather(*(desk.deliver(daemon) for daemon in daemons))):
                pass
        assert sorted(message["data"]["write_id"] for message in receiver.messages) == sorted(writes)

    async def test_take_over_from_one_that_died_with_a_message_in_its_hands(self, desk):
        hold = asyncio.Event()
        async with receiving(hold=hold) as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            await desk.settle()
            await desk.daemon.begin()
            while not receiver.calls:  # noqa: ASYNC110 -- nothing tells
                await asyncio.sleep(0.01)
            for attempt in list(desk.daemon._attempts):
                attempt.cancel()
            hold.set()
            other = desk.another()
            assert await desk.deliver(other) == 0  # it might still be at it
            desk.office.clock.advance(seconds=delivering.LEASE.total_seconds())
            assert await desk.deliver(other) == 1
        assert len(receiver.calls) == 2
        assert len(set(receiver.ids)) == 1  # so that the receiver knows that it has it already

    async def test_do_not_write_down_what_is_not_theirs_any_more(self, desk):
        made = await desk.webhooks.create(NOBODY, [], None, ADMIN)
        await desk.settle()
        office, clock = desk.office, desk.office.clock
        (stale,) = await store.claim(office.database, made.row.id, clock(), clock() + delivering.LEASE, 1)
        clock.advance(seconds=delivering.LEASE.total_seconds())
        (fresh,) = await store.claim(office.database, made.row.id, clock(), clock() + delivering.LEASE, 1)
        result = store.Result(clock(), 200, 0.1, "it answered 200")
        await store.delivered(office.database, stale, result)
        assert [entry.state for entry in await desk.log(made.row.id)] == ["pending"]
        await store.delivered(office.database, fresh, result)
        assert [entry.state for entry in await desk.log(made.row.id)] == ["delivered"]

    async def test_deliver_by_themselves_while_they_run(self, desk):
        async with receiving() as receiver:
            await desk.webhooks.create(receiver.url, [], None, ADMIN)
            running = asyncio.create_task(desk.daemon.run())
            await desk.settle()
            async with asyncio.timeout(30):
                while not receiver.messages:  # noqa: ASYNC110 -- nothing tells
                    await asyncio.sleep(0.01)
            running.cancel()
            await asyncio.wait((running,))


class TestReplay:
    async def test_tells_one_again_under_the_same_name(self, desk):
        async with receiving() as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            await desk.settle()
            await desk.deliver()
            (entry,) = await desk.log(made.row.id)
            await desk.webhooks.replay(made.row.id, entry.id, ADMIN)
            assert await desk.deliver() == 1
        assert len(receiver.messages) == 2
        assert len(set(receiver.ids)) == 1
        with pytest.raises(NotFound):
            await desk.webhooks.replay(made.row.id, entry.id + 1, ADMIN)

    async def test_tells_a_span_of_time_again(self, desk, monkeypatch):
        monkeypatch.setattr("acs_bridge.services.notifications.webhooks.REPLAYED_AT_ONCE", 2)
        clock = desk.office.clock
        async with receiving() as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            begun = clock()
            for number in range(7):
                await desk.settle(number)
                clock.advance(hours=1)
            await desk.deliver()
            span = (begun + timedelta(hours=1), begun + timedelta(hours=6))
            assert await desk.webhooks.replay_range(made.row.id, span, "parked", ADMIN) == 0
            assert await desk.webhooks.replay_range(made.row.id, span, None, ADMIN) == 5
            await desk.deliver()
        assert len(receiver.messages) == 12

    async def test_of_what_is_not_kept_any_more_says_so(self, desk):
        made = await desk.webhooks.create(NOBODY, [], None, ADMIN)
        await desk.settle()
        await desk.office.database.execute("delete from write_event")
        await desk.deliver()
        (entry,) = await desk.log(made.row.id)
        assert (entry.state, entry.words) == ("parked", "what happened then is not kept any more")


class TestAWebhook:
    async def test_that_is_deleted_is_told_nothing_more(self, desk):
        async with receiving() as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            await desk.settle(1)
            await desk.webhooks.delete(made.row.id, ADMIN)
            await desk.settle(2)
            assert await desk.deliver() == 0
        with pytest.raises(NotFound):
            await desk.webhooks.find(made.row.id)
        assert await desk.office.database.fetch("select state from webhook_delivery") == [("parked",)]
        assert "webhook_deleted" in await desk.office.deeds()

    async def test_has_two_secrets_for_a_day_after_a_change(self, desk):
        async with receiving() as receiver:
            made = await desk.webhooks.create(receiver.url, [], None, ADMIN)
            changed = await desk.webhooks.rotate(made.row.id, None, ADMIN)
            await desk.webhooks.test(made.row.id)
            desk.office.clock.advance(seconds=law.OVERLAP.total_seconds())
            await desk.webhooks.test(made.row.id)
        first, second = receiver.calls
        assert [verified(secret, *first) for secret in (made.secret, changed.secret)] == [True, True]
        assert [verified(secret, *second) for secret in (made.secret, changed.secret)] == [False, True]

    async def test_has_its_secret_sealed_in_the_database(self, desk):
        made = await desk.webhooks.create(NOBODY, [], law.show_secret(b"s" * 24), ADMIN)
        assert made.secret == law.show_secret(b"s" * 24)
        stored = await desk.office.database.fetchval("select secret from webhook")
        assert b"ssss" not in stored

    async def test_is_one_of_a_bounded_number(self, desk, monkeypatch):
        monkeypatch.setattr("acs_bridge.services.notifications.webhooks.MOST", 1)
        await desk.webhooks.create(NOBODY, [], None, ADMIN)
        with pytest.raises(Conflict):
            await desk.webhooks.create(NOBODY, [], None, ADMIN)


async def test_what_was_delivered_is_kept_for_a_while(desk):
    made = await desk.webhooks.create(NOBODY, [], None, ADMIN)
    await desk.settle(1)
    clock = desk.office.clock
    clock.advance(days=30)
    await desk.settle(2)
    assert await store.clean(desk.office.database, clock() - timedelta(days=29), 100) == 1
    assert len(await desk.log(made.row.id)) == 1
