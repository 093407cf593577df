"""A database that is lent again is as it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from tests.databases import MOST_BYTES, TEMPLATE, Clerk, Postgres, fresh_database

SUBSCRIBER = (
    "insert into subscriber (code, code_key, name, created_at, updated_at) values ($1, $1, 'Ann', now(), now())"
)


@pytest.fixture
async def clerk(postgres: Postgres) -> AsyncIterator[Clerk]:
    """A clerk beside the one of all tests."""
    clerk = Clerk(postgres)
    yield clerk
    await asyncio.to_thread(clerk.close)


async def held(connection: asyncpg.Connection) -> dict[str, Any]:
    """Everything that the daemon's role could have changed: the rows of every table, and the sequences."""
    tables = await connection.fetch(
        "select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )
    rows = {name: sorted(map(repr, await connection.fetch(f"table {name}"))) for (name,) in tables}
    sequences = await connection.fetch("select sequencename, last_value from pg_sequences order by 1")
    return rows | {"sequences": sequences}


async def held_by_a_copy(server: Postgres) -> dict[str, Any]:
    async for name in fresh_database(server, TEMPLATE):
        connection = await asyncpg.connect(server.owner_url(name))
        found = await held(connection)
        await connection.close()
    return found


async def test_rows_and_sequences_are_put_back_whoever_still_works_on_them(clerk, postgres):
    name = await clerk.lend()
    one, other = [await asyncpg.connect(postgres.runtime_url(name)) for _ in range(2)]
    await one.execute(SUBSCRIBER, "c-1")
    await one.execute("update queue_rate set refilled_at = 'epoch'")
    await one.execute("delete from ring_rate")
    transaction = other.transaction()
    await transaction.start()
    await other.execute(SUBSCRIBER, "c-2")
    assert (await held(one)) != await held_by_a_copy(postgres)

    assert await clerk.take_back()

    assert await clerk.lend() == name
    assert await held(one) == await held_by_a_copy(postgres)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await transaction.rollback()
    await one.close()


async def test_one_that_has_grown_is_not_lent_again(clerk, postgres):
    name = await clerk.lend()
    connection = await asyncpg.connect(postgres.runtime_url(name))
    await connection.executemany(SUBSCRIBER, [(f"{number:050}",) for number in range(MOST_BYTES // 100)])
    await connection.close()
    assert not await clerk.take_back()
    await clerk.discard()
    assert await clerk.lend() != name


async def test_one_whose_owner_was_cut_off_is_not_lent_again(clerk, postgres):
    name = await clerk.lend()
    async with asyncio.timeout(30):
        admin = await asyncpg.connect(postgres.owner_url())
        await admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
        await admin.close()
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):  # it may not have heard of it yet
            assert not await clerk.take_back()
    assert not await clerk.take_back()
    await clerk.discard()
    assert await clerk.lend() != name
