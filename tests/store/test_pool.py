"""The pool's promises, on real connections."""

import asyncio
import random

import asyncpg
import pytest

from acs_bridge.store.pool import Pool, PoolClosed


class NotToday(Exception):
    """A dial that fails."""


class Server:
    """Dials a real server, counts, and fails when told to."""

    def __init__(self, url):
        self.url = url
        self.dialled = 0
        self.failures = []

    async def dial(self):
        self.dialled += 1
        if self.failures:
            raise self.failures.pop()
        return await asyncpg.connect(self.url)


@pytest.fixture
def server(postgres):
    return Server(postgres.runtime_url("postgres"))


@pytest.fixture
async def pool(server):
    pool = Pool(server.dial, 2)
    yield pool
    for connection in tuple(pool._lent):
        pool.drop(connection)
    await pool.close()


def waiting(pool):
    return asyncio.create_task(pool.take())


async def turn():
    """Let every task that can run reach its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_connections_are_dialled_when_they_are_needed(pool, server):
    assert server.dialled == 0
    first = await pool.take()
    pool.give(first)
    assert (await pool.take(), server.dialled) == (first, 1)


async def test_the_last_connection_given_back_is_lent_first(pool):
    first, second = await pool.take(), await pool.take()
    pool.give(second)
    pool.give(first)
    assert await pool.take() is first


async def test_there_are_never_more_connections_than_slots(pool, server):
    lent = [await pool.take(), await pool.take()]
    waiters = [waiting(pool), waiting(pool)]
    await turn()
    assert (server.dialled, [waiter.done() for waiter in waiters]) == (2, [False, False])
    pool.give(lent[0])
    assert await waiters[0] is lent[0]
    assert not waiters[1].done()
    pool.give(lent[1])
    assert await waiters[1] is lent[1]


async def test_a_connection_that_was_closed_is_replaced(pool):
    connection = await pool.take()
    pool.give(connection)
    connection.terminate()
    assert await (await pool.take()).fetchval("select 1") == 1


async def test_a_lent_connection_that_breaks_makes_room_for_a_new_one(pool):
    lent = [await pool.take(), await pool.take()]
    waiter = waiting(pool)
    await turn()
    lent[0].terminate()
    pool.give(lent[0])
    assert await waiter not in lent


async def test_a_connection_in_a_transaction_is_not_lent_again(pool):
    connection = await pool.take()
    await connection.execute("begin")
    pool.give(connection)
    assert await pool.take() is not connection


async def test_a_dial_that_fails_gives_its_slot_to_the_next_in_line(pool, server):
    server.failures = [NotToday(), NotToday()]
    for _ in range(2):
        with pytest.raises(NotToday):
            await pool.take()
    lent = [await pool.take(), await pool.take()]
    server.failures = [NotToday()]
    waiters = [waiting(pool), waiting(pool)]
    await turn()
    pool.drop(lent[0])
    with pytest.raises(NotToday):
        await waiters[0]
    assert await (await waiters[1]).fetchval("select 1") == 1


async def test_one_who_stops_waiting_is_passed_over(pool):
    lent = [await pool.take(), await pool.take()]
    gone, next_in_line = waiting(pool), waiting(pool)
    await turn()
    gone.cancel()
    await turn()
    pool.give(lent[0])
    assert await next_in_line is lent[0]


async def test_one_who_is_cancelled_while_being_handed_a_connection_passes_it_on(pool):
    lent = [await pool.take(), await pool.take()]
    gone, next_in_line = waiting(pool), waiting(pool)
    await turn()
    pool.give(lent[0])
    gone.cancel()
    assert await next_in_line is lent[0]


async def test_one_who_is_cancelled_while_being_handed_a_slot_passes_it_on(pool):
    lent = [await pool.take(), await pool.take()]
    gone, next_in_line = waiting(pool), waiting(pool)
    await turn()
    pool.drop(lent[0])
    gone.cancel()
    assert await (await next_in_line).fetchval("select 1") == 1


async def test_renewing_replaces_idle_and_lent_connections(pool):
    idle, lent = await pool.take(), await pool.take()
    pool.give(idle)
    pool.renew()
    pool.give(lent)
    new = [await pool.take(), await pool.take()]
    assert not {idle, lent} & set(new)


async def test_the_end_waits_for_what_is_lent(pool):
    connection = await pool.take()
    ending = asyncio.create_task(pool.close())
    await turn()
    assert not ending.done()
    assert await connection.fetchval("select 1") == 1
    pool.give(connection)
    await ending
    assert connection.is_closed()


async def test_the_end_does_not_take_an_earlier_quiet_moment_for_the_last(pool):
    pool.drop(await pool.take())
    connection = await pool.take()
    ending = asyncio.create_task(pool.close())
    await turn()
    assert not ending.done()
    pool.give(connection)
    await ending


async def test_after_the_end_nothing_is_lent(pool, server):
    lent = [await pool.take(), await pool.take()]
    waiter = waiting(pool)
    await turn()
    ending = asyncio.create_task(pool.close())
    with pytest.raises(PoolClosed):
        await waiter
    for connection in lent:
        pool.give(connection)
    await ending
    with pytest.raises(PoolClosed):
        await pool.take()
    assert server.dialled == 2


async def test_a_connection_that_is_being_dialled_at_the_end_is_closed(pool, server):
    dial = asyncio.create_task(pool.take())
    await turn()
    assert server.dialled == 1
    await pool.close()
    with pytest.raises(PoolClosed):
        await dial
    assert pool._taken == 0
    await pool.close()


async def test_a_connection_that_comes_in_the_moment_in_which_nobody_waits_any_more_is_closed(server):
    connection = await server.dial()
    dialled = asyncio.get_running_loop().create_future()
    pool = Pool(lambda: dialled, 1)
    gone = waiting(pool)
    await turn()
    dialled.set_result(connection)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert pool._taken == 0
    await pool.close()
    assert connection.is_closed()


@pytest.mark.parametrize("seed", range(3))
async def test_no_slot_is_lost_whatever_happens(server, seed):
    chance = random.Random(seed)
    pool = Pool(server.dial, 3)

    async def use(how):
        connection = await pool.take()
        try:
            await connection.fetchval("select 1")
            if how == "break":
                connection.terminate()
            if how == "leave open":
                await connection.execute("begin")
        finally:
            (pool.drop if how == "drop" else pool.give)(connection)

    async def some():
        for _ in range(4):
            if chance.random() < 0.1:
                server.failures.append(NotToday())
            await asyncio.gather(
                use(chance.choice(["well", "well", "break", "leave open", "drop"])), return_exceptions=True
            )

    tasks = [asyncio.create_task(some()) for _ in range(12)]
    while not all(task.done() for task in tasks):
        chance.choice(tasks).cancel()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED, timeout=0.001)
    server.failures.clear()
    lent = [await pool.take() for _ in range(3)]
    assert [await connection.fetchval("select 1") for connection in lent] == [1, 1, 1]
    assert pool._taken == 3
    for connection in lent:
        pool.give(connection)
    await pool.close()
