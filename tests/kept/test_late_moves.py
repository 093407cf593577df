"""A request that leaves while the next Inform is being taken is settled in that session."""

import asyncio

from acs_bridge.domain.ids import tag
from acs_bridge.store.database import Database
from tests.kept.conftest import Site

SEND = """
update write set state = 'sent', event = 'dispatched', moves = moves + 1, moved_at = $2::timestamptz, attempts = 1,
                 step = 1, parameter_key = $3, request_id = $3, session_number = 1,
                 plan = '{"asked": "set"}', lease_until = $2::timestamptz + interval '90 s'
where id = $1
"""
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


async def until_somebody_waits(owner: Database) -> None:
    while not await owner.fetchval(WAITING):
        pass


async def test_a_move_that_commits_behind_the_snapshot_of_the_next_inform_is_settled_in_its_session(
    site: Site, owner: Database
) -> None:
    await site.inform("B1")
    await site.provision("U1", "L1", "B1")
    write_id, gateway_id = (await site.newest("L1"))["id"], await site.gateway_id("B1")
    async with owner.transaction() as connection:
        await connection.execute("select from gateway where id = $1 for no key update", gateway_id)
        await connection.execute(
            SEND, write_id, site.clock(), tag(await owner.fetchval("select $1::uuid", write_id), 1)
        )
        session = asyncio.create_task(site.inform("B1"))
        await until_somebody_waits(owner)
    assert (await session).served == ("SetParameterValues", "GetParameterValues")
    assert (await site.newest("L1"))["state"] == "verified"
    assert site.holds("B1") == await site.url_of("L1")
