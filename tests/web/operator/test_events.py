"""`/v1/events`, as a BSS and a browser follow it."""

import asyncio
import socket
from uuid import uuid4

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.services.notifications import events as feeds
from acs_bridge.store import events
from acs_bridge.store.events import BEGINNING
from acs_bridge.store.gateways import Identity
from acs_bridge.web.operator.routes import events as routes
from tests.store.rows import all_is_safe
from tests.web.operator.streams import following

BURST = """
insert into write (id, purpose, association_id, device_id, batch_id, generation, key_id, moved_at, due_at, created_at,
                   state, finished_at)
select gen_random_uuid(), 'provision', association_id, device_id, $2, 1, 'k', $3, $3, $3, 'superseded', $3
from write w, generate_series(1, $4::int) where w.id = $1
"""


def box(serial: str) -> Identity:
    return Identity("00005E", serial, "GW")


async def burst(operator, count):
    """So many events in one transaction; the batch that they are of."""
    office = operator.office
    batch = uuid4()
    write = (await office.request(f"C-{batch}", f"L-{batch}")).write_id
    await office.database.execute(BURST, write, batch, office.clock(), count)
    return batch


class TestAnEvent:
    async def test_says_what_moved_and_never_a_url(self, operator, admin):
        async with following(admin) as stream:
            write = (await operator.office.request(gateway=box("S1"))).write_id
            await operator.office.reject(write)
            created, sent, rejected = await stream.take(3)
        assert [message.name for message in (created, sent, rejected)] == ["write"] * 3
        assert (created.data["from_state"], created.data["event"], created.data["to_state"]) == (
            None,
            "created",
            "queued",
        )
        assert (sent.data["from_state"], sent.data["to_state"], sent.data["attempts"]) == ("queued", "sent", 1)
        assert rejected.data["fault_code"] == 9005
        assert rejected.id == rejected.data["id"]
        assert rejected.data == rejected.data | {
            "write_id": str(write),
            "line_of_service": "L-1",
            "subscriber_code": "C-1",
            "purpose": "provision",
            "move": 2,
            "at": operator.office.clock().isoformat().replace("+00:00", "Z"),
        }
        assert created.data["by"] == "token:crm"
        assert "analytics.example" not in str([created, sent, rejected])

    async def test_of_a_write_is_found_there_under_its_association(self, operator, admin):
        async with following(admin) as stream:
            await operator.office.request()
            (message,) = await stream.take(1)
        association = (await admin.get(f"/v1/associations/{message.data['association_id']}")).json
        assert association["write_id"] == message.data["write_id"]


class TestAStream:
    async def test_says_that_it_is_one_and_when_to_come_back(self, admin):
        async with following(admin) as stream:
            headers = stream.response.headers
            assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert (headers["Cache-Control"], headers["X-Accel-Buffering"]) == ("no-store", "no")
            assert stream.retry == routes.RETRY_MS

    async def test_begins_with_what_comes_or_with_all_that_is_kept(self, operator, admin):
        await operator.office.request("C-1", "L-1")
        await all_is_safe(operator.office.database)
        async with following(admin) as new, following(admin, "?since=beginning") as old:
            await operator.office.request("C-2", "L-2")
            assert [message.data["line_of_service"] for message in await new.take(1)] == ["L-2"]
            assert [message.data["line_of_service"] for message in await old.take(2)] == ["L-1", "L-2"]

    async def test_resumes_behind_the_last_event_that_its_client_saw(self, operator, admin):
        async with following(admin) as stream:
            for number in range(5):
                await operator.office.request(f"C-{number}", f"L-{number}")
            seen = await stream.take(2)
        async with following(admin, "?since=beginning", seen[-1].id) as stream:
            assert [message.data["line_of_service"] for message in await stream.take(3)] == ["L-2", "L-3", "L-4"]

    async def test_can_be_resumed_before_anything_was_said(self, operator, admin):
        async with following(admin) as stream:
            before = stream.last_event_id
        await operator.office.request()
        async with following(admin, last_event_id=before) as stream:
            assert [message.data["line_of_service"] for message in await stream.take(1)] == ["L-1"]

    async def test_says_when_something_was_missed_that_is_gone_and_goes_on(self, operator, admin):
        office = operator.office
        async with following(admin) as stream:
            await office.request("C-1", "L-1")
            await office.request("C-2", "L-2")
            seen = await stream.take(1)
        await events.clean(office.database, office.clock.advance(days=1), 10)
        await all_is_safe(office.database)
        async with following(admin, last_event_id=seen[-1].id) as stream:
            (reset,) = await stream.take(1)
            assert (reset.name, "not kept" in reset.data["reason"]) == ("reset", True)
            await office.request("C-3", "L-3")
            assert [message.data["line_of_service"] for message in await stream.take(1)] == ["L-3"]

    async def test_gives_nobody_less_because_somebody_else_reads(self, operator, admin):
        await burst(operator, 30)
        await all_is_safe(operator.office.database)
        async with following(admin) as one, following(operator.as_(Role.CSR)) as other, following(admin) as third:
            batch = await burst(operator, 200)
            for stream in (one, other, third):
                told = await stream.take(201)
                assert [message.data["batch_id"] for message in told].count(str(batch)) == 200

    async def test_ends_with_the_daemon(self, operator, admin):
        async with following(admin) as stream:
            closing = asyncio.create_task(operator.runner.cleanup())
            assert await stream.ended()
            await closing

    async def test_ends_soon_after_its_token_was_revoked(self, operator, intake, monkeypatch):
        monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.05)
        async with following(intake) as stream:
            await operator.office.tokens.revoke("intake", operator.office.actor)
            assert await stream.ended()

    async def test_says_now_and_then_that_it_is_there_and_how_far(self, operator, admin, monkeypatch):
        monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.05)
        async with following(admin, "?line_of_service=none") as stream:
            before = stream.last_event_id
            await operator.office.request()
            await operator.office.request("C-2", "L-2")
            while (reached := await heartbeat(stream)) == before:
                pass
        async with following(admin, "?state=queued&line_of_service=L-3", reached) as stream:
            await operator.office.request("C-3", "L-3")
            assert [message.data["line_of_service"] for message in await stream.take(1)] == ["L-3"]


async def heartbeat(stream):
    """The id of the next heartbeat."""
    async with asyncio.timeout(30):
        while not (line := await stream.response.content.readline()).startswith(b"id: "):
            pass
    return line.decode().strip().partition(": ")[2]


class TestAFilter:
    async def test_lets_through_one_line_one_batch_or_one_state(self, operator, admin):
        office = operator.office
        async with (
            following(admin, "?line_of_service=l-2") as line,
            following(admin, "?state=verified") as state,
        ):
            first = (await office.request("C-1", "L-1", box("S1"))).write_id
            second = (await office.request("C-2", "L-2", box("S2"))).write_id
            await office.verify(first)
            await office.verify(second)
            assert [message.data["to_state"] for message in await line.take(4)] == [
                "queued",
                "sent",
                "applied",
                "verified",
            ]
            assert [message.data["write_id"] for message in await state.take(2)] == [str(first), str(second)]
        batch = (await admin.get(f"/v1/writes/{second}")).json["batch_id"]
        async with following(admin, f"?since=beginning&batch={batch}") as stream:
            assert {message.data["line_of_service"] for message in await stream.take(4)} == {"L-2"}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("?state=x", "state"),
            ("?batch=x", "batch"),
            ("?line_of_service=", "line_of_service"),
            ("?since=tomorrow", "since"),
            ("?coalesce_ms=-1", "coalesce_ms"),
            ("?coalesce_ms=60001", "coalesce_ms"),
            ("?unknown=1", "unknown"),
        ],
    )
    async def test_that_is_none_is_named(self, admin, query, field):
        reply = await admin.get(f"/v1/events{query}")
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field)

    @pytest.mark.parametrize("id", ["x", "1", "1-2-3", "-1-1", "9" * 40 + "-1"])
    async def test_and_an_id_that_is_none_too(self, admin, id):
        reply = await admin("GET", "/v1/events", headers={"Last-Event-ID": id})
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "Last-Event-ID")


class TestCoalescing:
    async def test_tells_of_each_write_its_newest_event_only(self, operator, admin):
        office = operator.office
        first = (await office.request("C-1", "L-1", box("S1"))).write_id
        await office.verify(first)
        second = (await office.request("C-2", "L-2")).write_id
        await all_is_safe(office.database)
        async with following(admin, "?since=beginning&coalesce_ms=1") as stream:
            (message,) = await stream.take(1)
        assert (message.name, message.data["left_out"]) == ("changes", 0)
        told = [(item["write_id"], item["to_state"]) for item in message.data["items"]]
        assert told == [(str(first), "verified"), (str(second), "queued")]

    async def test_bounds_what_a_page_has_to_show_and_loses_nobodys_place(self, operator, admin):
        batch = await burst(operator, 1200)
        counted = 0
        async with following(admin, f"?since=beginning&coalesce_ms=50&batch={batch}") as stream:
            while counted < 1200:
                (message,) = await stream.take(1)
                assert len(message.data["items"]) <= routes.MOST_CHANGES
                counted += len(message.data["items"]) + message.data["left_out"]
            await operator.office.request("C-9", "L-9")
        async with following(admin, last_event_id=stream.last_event_id) as stream:
            assert [message.data["line_of_service"] for message in await stream.take(1)] == ["L-9"]

    async def test_says_that_brakes_or_gateways_have_changed(self, operator, admin, monkeypatch):
        monkeypatch.setattr(feeds, "LOOK_SECONDS", 0.02)
        async with following(admin, "?coalesce_ms=1") as stream:
            await operator.office.request("C-1", "L-1")  # when its event is there, the feed has looked around
            assert [message.name for message in await stream.take(1)] == ["changes"]
            assert (await admin.post("/v1/queue/pause", {})).status == 200
            assert [(message.name, message.data) for message in await stream.take(1)] == [("records", {})]


class TestManyEvents:
    async def test_ten_thousand_at_once_reach_every_client_each_once(self, operator, admin):
        async with following(admin) as one, following(admin) as other:
            batch = await burst(operator, 10_000)
            told = await asyncio.gather(one.take(10_001), other.take(10_001))
        for messages in told:
            of_batch = [message.data["id"] for message in messages if message.data["batch_id"] == str(batch)]
            assert len(set(of_batch)) == len(of_batch) == 10_000
            assert all(message.id for message in messages)

    async def test_a_client_that_does_not_read_holds_nobody_up_and_finds_all_of_it_later(
        self, operator, admin, monkeypatch
    ):
        monkeypatch.setattr(feeds, "KEPT", 100)
        operator.feed._kept = 100
        async with following(admin) as slow:
            async with following(admin) as quick:
                await burst(operator, 10_000)
                assert len(await quick.take(10_001)) == 10_001
            assert len(operator.feed._recent) <= 200 + feeds.PAGE
            assert len({message.id for message in await slow.take(10_001)}) == 10_001

    async def test_a_client_that_never_reads_is_let_go(self, operator, admin, monkeypatch):
        monkeypatch.setattr(routes, "SLOW_SECONDS", 0.05)
        await burst(operator, 20_000)
        reader, writer = await connected(operator.base)
        writer.write(
            b"GET /v1/events?since=beginning HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            + admin.token.encode()
            + b"\r\n\r\n"
        )
        async with asyncio.timeout(30):
            await reader.readuntil(b"\r\n\r\n")
            while operator.feed.followers:  # noqa: ASYNC110 -- nothing tells
                await asyncio.sleep(0.01)
        writer.close()

    async def test_too_many_clients_are_told_to_come_back(self, operator, admin, monkeypatch):
        monkeypatch.setattr(feeds, "MOST_FOLLOWERS", 1)
        async with following(admin):
            reply = await admin.get("/v1/events")
            assert (reply.status, "Retry-After" in reply.headers) == (503, True)

    async def test_one_token_does_not_take_the_places_of_others_and_gives_one_back_as_its_client_goes(
        self, operator, admin, monkeypatch
    ):
        """Nothing moves and no heartbeat is due: that the client has gone is all that there is to hear of."""
        monkeypatch.setattr(feeds, "MOST_OF_ONE", 1)
        async with following(admin):
            reply = await admin.get("/v1/events")
            assert (reply.status, reply.headers["Retry-After"]) == (429, "5")
            assert reply.json["detail"].startswith("this token follows the events 1 times already")
            async with following(operator.as_(Role.CSR)):
                assert operator.feed.followers == 2
        async with asyncio.timeout(10):
            while operator.feed.followers:  # noqa: ASYNC110 -- nothing tells
                await asyncio.sleep(0.01)
        async with following(admin):
            assert operator.feed.followers == 1


async def connected(base: str):
    """A connection that takes as little as it can before somebody reads."""
    host, port = base.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (host, int(port)))
    return await asyncio.open_connection(sock=connection, limit=4096)


@pytest.mark.parametrize("role", [Role.PHAN, None])
async def test_the_stream_is_for_those_who_read(operator, role):
    reply = await operator.as_(role).get("/v1/events")
    assert reply.status == (401 if role is None else 403)


async def test_nobody_reads_where_nobody_follows(operator, admin):
    async with following(admin):
        pass
    async with asyncio.timeout(10):
        while operator.feed.followers:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.01)
    assert (operator.feed._since, operator.feed._recent) == (None, [])
    assert len(await events.since(operator.office.database, BEGINNING, 1)) <= 1
