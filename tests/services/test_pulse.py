"""The pulse, between processes: here two pools of one database stand for two hosts."""

import asyncio
from contextlib import asynccontextmanager

from acs_bridge.services import pulse as pulses
from acs_bridge.services.pulse import Pulse
from acs_bridge.store.database import Database

LONG = 30.0
LISTENERS = "select count(*) from pg_stat_activity where query like 'LISTEN%' and datname = current_database()"


@asynccontextmanager
async def listening(database: Database):
    """A pulse that hears others."""
    pulse = Pulse(database)
    task = asyncio.create_task(pulse.listen())
    try:
        while not await database.fetchval(LISTENERS):  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0)
        yield pulse
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def heard(pulse: Pulse, beats: int) -> bool:
    async with asyncio.timeout(LONG):
        await pulse.after(beats, LONG)
    return pulse.beats > beats


async def test_a_beat_is_heard_here_and_elsewhere(database, database_url):
    async with listening(database) as there, Database.connect(database_url, 1) as other:
        here = Pulse(other)
        async with here.telling():
            here.beat()
            assert await heard(here, 0)
            assert await heard(there, 0)


async def test_many_beats_are_told_as_one(database, database_url):
    async with Database.connect(database_url, 1) as other:
        here = Pulse(other)
        async with here.telling():
            for _ in range(1000):
                here.beat()
            assert await heard(here, 0)
        assert here.beats == 1


async def test_who_was_busy_when_it_beat_does_not_wait(database):
    pulse = Pulse(database)
    pulse.hear()
    await asyncio.wait_for(pulse.after(0, LONG), LONG)


async def test_waiting_ends_without_a_beat(database):
    pulse = Pulse(database)
    await pulse.after(0, 0.0)
    assert pulse.beats == 0


async def test_a_listener_whose_connection_was_cut_listens_again(database, owner, monkeypatch):
    monkeypatch.setattr(pulses, "AGAIN_SECONDS", 0.0)
    async with listening(database) as there:
        await owner.fetch(LISTENERS.replace("count(*)", "pg_terminate_backend(pid)"))
        here = Pulse(database)
        async with here.telling(), asyncio.timeout(LONG):
            while not there.beats:
                here.beat()
                await there.after(0, 0.05)
