"""What many ask for is found out once, and again when it is old."""

import asyncio

import pytest

from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.fresh import Fresh


class Source:
    """Gives a number, the next one each time; at a time that the test chooses."""

    def __init__(self):
        self.now, self.count, self.go = 0.0, 0, asyncio.Event()
        self.go.set()

    async def find_out(self):
        self.count += 1
        answer = self.count
        await self.go.wait()
        return answer


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def fresh(source):
    return Fresh(1.0, source.find_out, lambda: source.now)


async def test_an_answer_is_given_as_long_as_it_is_fresh(source, fresh):
    assert [await fresh.get(), await fresh.get()] == [1, 1]
    source.now = 0.9
    assert await fresh.get() == 1
    source.now = 1.0
    assert await fresh.get() == 2


async def test_who_asks_meanwhile_gets_the_same_answer(source, fresh):
    source.go.clear()
    asked = [asyncio.create_task(fresh.get()) for _ in range(3)]
    await asyncio.sleep(0)
    source.go.set()
    assert await asyncio.gather(*asked) == [1, 1, 1]


async def test_what_is_forgotten_is_found_out_anew(source, fresh):
    await fresh.get()
    await fresh.forget()
    assert await fresh.get() == 2


async def test_a_failure_is_nobodys_answer(source):
    async def fail():
        source.count += 1
        raise ValueError(source.count)

    fresh = Fresh(1.0, fail, lambda: source.now)
    for expected in ("1", "2"):
        with pytest.raises(ValueError, match=expected):
            await fresh.get()


async def test_who_is_out_of_patience_gets_an_answer_that_is_a_little_older(source):
    fresh = Fresh(1.0, source.find_out, lambda: source.now, patience=-1.0)
    assert await fresh.get() == 1
    source.now = 1.9
    assert await fresh.get() == 1
    for _ in range(3):
        await asyncio.sleep(0)
    assert (await fresh.get(), source.count) == (2, 2)
    source.now = 3.9  # too old for anybody
    assert await fresh.get() == 3


async def test_nobody_waits_for_what_is_found_out_again_where_that_takes_long(source):
    fresh = Fresh(1.0, source.find_out, lambda: source.now, waits=False)
    assert await fresh.get() == 1
    source.go.clear()
    source.now = 1.0
    assert [await fresh.get(), await fresh.get()] == [1, 1]
    await asyncio.sleep(0)
    assert source.count == 2  # once for both
    source.go.set()
    for _ in range(3):
        await asyncio.sleep(0)
    assert (await fresh.get(), source.count) == (2, 2)


async def test_what_fails_meanwhile_is_tried_again(source):
    async def find_out():
        if await source.find_out() == 2:
            raise AcsBridgeError
        return source.count

    fresh = Fresh(1.0, find_out, lambda: source.now, waits=False)
    given = []
    for source.now in (0.0, 1.0, 2.0, 2.0):
        given.append(await fresh.get())
        for _ in range(3):
            await asyncio.sleep(0)
    assert given == [1, 1, 1, 3]
