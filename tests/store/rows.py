"""Rows that several tests begin with."""

import asyncio

from acs_bridge.store import events
from acs_bridge.store.database import Database
from acs_bridge.store.sessions import InformRow

INFORM = InformRow(
    serial_number="S1",
    oui="00005E",
    product_class="GW",
    manufacturer="Example",
    hardware_version="h",
    software_version="1.0",
    root="Device.",
    provisioning_code="",
    parameter_key="",
    connection_request_url="http://192.0.2.1/",
    cwmp_namespace="urn:dslforum-org:cwmp-1-2",
    profile="plain",
    address="192.0.2.1",
    events=("2 PERIODIC",),
    booted=False,
    periodic=True,
    believed=True,
)


async def all_is_safe(database: Database) -> None:
    """Wait until every transaction before this one is over: also those of other tests on the same server."""
    mine = await database.fetchval("select pg_current_xact_id()")
    async with asyncio.timeout(30):
        while (await events.safe(database)).xact <= mine:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.01)
