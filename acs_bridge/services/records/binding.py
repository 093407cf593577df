"""A line may wait for a gateway that nobody has seen, or for the next one: here the two find each other."""

from datetime import datetime

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.services.change import Change
from acs_bridge.services.records import shelf
from acs_bridge.services.records.lines import Box, Lines
from acs_bridge.store import associations, gateways
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor, in_transaction


class Binding:
    """Joins lines and the gateways that they wait for."""

    def __init__(self, database: Database, clock: Clock, lines: Lines, codes: ProvisioningCodes) -> None:
        """`lines` aims the write that waits with the line; `codes` are what boxes carry of theirs."""
        self._database = database
        self._clock = clock
        self._lines = lines
        self._codes = codes

    async def bind_wanted(self, gateway_id: int, now: datetime) -> bool:
        """Give a gateway that no line has to the line that waits for it; its write is due from now on.

        To be called after the gateway's row is committed.
        """

        async def work(connection: Executor) -> bool:
            line = await shelf.lock_waiting(connection, gateway_id, self._codes, now)
            row = None if line is None else await gateways.find(connection, gateway_id)
            if line is None or row is None:
                return False
            holder = await associations.of_line(connection, line.id)
            box = Box(Identity(row.oui, row.serial_number, row.product_class), gateway_id)
            await self._lines.connect(connection, line, box, holder, Change.of(None, now))
            return True

        return await in_transaction(self._database, work)

    async def meet(self, wanted: Identity | None) -> None:
        """Look once more whether the box that a line has just begun to wait for is there.

        Its first Inform may have been taken while the line's transaction was under way: then neither saw the other.
        Once both are committed, at least one of them does.
        """
        if wanted is None or wanted.product_class is not None:
            return
        box = wanted

        async def look() -> None:
            fitting = await gateways.fitting(self._database, box)
            if len(fitting) == 1 and fitting[0].line_key is None:
                await self.bind_wanted(fitting[0].id, self._clock())

        await self._database.afterwards(look)
