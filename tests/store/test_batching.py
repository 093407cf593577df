"""Rows that arrive together share one call."""

import asyncio
from collections.abc import Sequence

import pytest

from acs_bridge.errors import Unavailable
from acs_bridge.store import batching
from acs_bridge.store.batching import BATCH_LIMIT, BATCHES_UNDER_WAY, Batcher


class Server:
    """Answers rows with themselves, when it may."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.held: dict[str, asyncio.Event] = {}
        self.broken: dict[str, Exception] = {}
        self._called = asyncio.Condition()

    async def __call__(self, rows: Sequence[str]) -> list[str]:
        self.calls.append(list(rows))
        async with self._called:
            self._called.notify_all()
        for row in rows:
            if row in self.held:
                await self.held[row].wait()
            if row in self.broken:
                raise self.broken[row]
        return [row.upper() for row in rows]

    async def called(self, times: int) -> None:
        async with self._called:
            await self._called.wait_for(lambda: len(self.calls) >= times)

    def hold(self, row: str) -> asyncio.Event:
        return self.held.setdefault(row, asyncio.Event())


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def batcher(server: Server) -> Batcher[str, str]:
    """The key of a row is its first letter."""
    return Batcher(server, lambda row: row[0])


def added(batcher: Batcher[str, str], *rows: str) -> list[asyncio.Future[str]]:
    return [batcher.add(row) for row in rows]


async def test_a_row_alone_is_a_batch_at_once(server: Server, batcher: Batcher[str, str]) -> None:
    assert await batcher.add("a") == "A"
    assert server.calls == [["a"]]


async def test_rows_that_arrive_while_a_batch_is_under_way_are_the_next_one(
    server: Server, batcher: Batcher[str, str]
) -> None:
    release = server.hold("a")
    first = added(batcher, "a")
    await server.called(1)
    rest = added(batcher, "b", "c", "d")
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*first, *rest) == ["A", "B", "C", "D"]
    assert server.calls == [["a"], ["b", "c", "d"]]


async def test_a_batch_has_a_limit(server: Server, batcher: Batcher[str, str]) -> None:
    rows = [f"r{number}" for number in range(2 * BATCH_LIMIT + 1)]
    assert await asyncio.gather(*added(batcher, *rows)) == [row.upper() for row in rows]
    assert [len(call) for call in server.calls] == [BATCH_LIMIT, BATCH_LIMIT, 1]


async def test_a_row_that_poisons_its_batch_fails_alone(server: Server, batcher: Batcher[str, str]) -> None:
    server.broken["b"] = ValueError("poison")
    found = await asyncio.gather(*added(batcher, "a", "b", "c"), return_exceptions=True)
    assert found == ["A", server.broken["b"], "C"]


async def test_a_server_that_is_away_is_not_asked_again_for_each_row(
    server: Server, batcher: Batcher[str, str]
) -> None:
    server.broken["a"] = Unavailable()
    found = await asyncio.gather(*added(batcher, "a", "b"), return_exceptions=True)
    assert found == [server.broken["a"]] * 2
    assert server.calls == [["a", "b"]]
    server.broken.clear()
    assert await batcher.add("a") == "A"


async def test_a_row_that_nobody_waits_for_any_more_is_left_out(server: Server, batcher: Batcher[str, str]) -> None:
    release = server.hold("a")
    first = added(batcher, "a")
    await server.called(1)
    gone, stays = added(batcher, "b", "c")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(*first, stays)
    assert server.calls == [["a"], ["c"]]


async def test_rows_that_come_in_company_wait_for_more_until_a_batch_is_full(
    server: Server, batcher: Batcher[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PACE_SECONDS", 3600.0)
    await asyncio.gather(*added(batcher, "a", "b"))
    first = added(batcher, "c")
    await asyncio.sleep(0)
    rest = added(batcher, *(f"r{number}" for number in range(BATCH_LIMIT - 1)))
    await asyncio.gather(*first, *rest)
    assert [len(call) for call in server.calls] == [2, BATCH_LIMIT]


async def test_rows_that_come_in_company_do_not_wait_for_long(server: Server, batcher: Batcher[str, str]) -> None:
    await asyncio.gather(*added(batcher, "a", "b"))
    assert await batcher.add("c") == "C"
    assert await batcher.add("d") == "D"  # nor at all, after a row that was alone
    assert server.calls == [["a", "b"], ["c"], ["d"]]


async def test_a_row_added_in_the_moment_in_which_a_batch_ends_is_served(
    server: Server, batcher: Batcher[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "PACE_SECONDS", 0.0)

    async def add(row: str) -> str:
        return await batcher.add(row)

    async def again_and_again() -> None:
        for _ in range(100):
            await add("a")
            added_then = asyncio.create_task(add("b"))
            await asyncio.sleep(0)
            await added_then

    async with asyncio.timeout(5):
        await asyncio.gather(*(again_and_again() for _ in range(5)))


class TestABatchThatIsStuck:
    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batching, "STUCK_SECONDS", -1.0)  # from its beginning

    async def test_lets_those_behind_it_pass(self, server: Server, batcher: Batcher[str, str]) -> None:
        release = server.hold("a")
        stuck = added(batcher, "a")
        await server.called(1)
        assert await batcher.add("b") == "B"
        release.set()
        assert await asyncio.gather(*stuck) == ["A"]

    async def test_keeps_rows_of_its_own_keys_behind_it(self, server: Server, batcher: Batcher[str, str]) -> None:
        release = server.hold("a1")
        stuck = added(batcher, "a1")
        await server.called(1)
        later = added(batcher, "a2", "b", "a3")
        assert await later[1] == "B"
        assert server.calls == [["a1"], ["b"]]
        release.set()
        assert await asyncio.gather(*stuck, later[0], later[2]) == ["A1", "A2", "A3"]
        assert server.calls[2:] == [["a2", "a3"]]

    async def test_takes_only_so_many_connections(self, server: Server, batcher: Batcher[str, str]) -> None:
        stuck = []
        for number in range(BATCHES_UNDER_WAY):
            server.hold(str(number))
            stuck += added(batcher, str(number))
            await server.called(number + 1)
        last = added(batcher, "x")
        await asyncio.sleep(0)
        assert len(server.calls) == BATCHES_UNDER_WAY
        for event in server.held.values():
            event.set()
        await asyncio.gather(*stuck, *last)


async def test_a_batch_that_is_not_stuck_has_no_other_beside_it(server: Server, batcher: Batcher[str, str]) -> None:
    release = server.hold("a")
    first = added(batcher, "a")
    await server.called(1)
    second = added(batcher, "b")
    await asyncio.sleep(0)
    assert server.calls == [["a"]]
    release.set()
    await asyncio.gather(*first, *second)
