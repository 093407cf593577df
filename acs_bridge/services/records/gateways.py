"""Gateways: those that have informed, the inbox of those that no line has, and their approval."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.domain.waiting import Rhythm
from acs_bridge.domain.write import Cause
from acs_bridge.errors import NotFound
from acs_bridge.services import pages
from acs_bridge.services.change import Change
from acs_bridge.services.pages import Ask, Page
from acs_bridge.services.records.binding import Binding
from acs_bridge.services.records.credentials import GatewayCredentials
from acs_bridge.services.session import resets
from acs_bridge.store import associations, gateways, rings
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import GatewayFilter, GatewayRow
from acs_bridge.store.rows import Executor, in_transaction


class Gateways:
    """The boxes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        binding: Binding,
        credentials: GatewayCredentials,
        codes: ProvisioningCodes,
    ) -> None:
        """`binding` brings an approved gateway to the line that waits for it; `codes` are what gateways carry."""
        self._codes = codes
        self._credentials = credentials
        self._database = database
        self._clock = clock
        self._binding = binding

    async def find(self, gateway_id: int) -> GatewayRow:
        """Look one up."""
        row = await gateways.find(self._database, gateway_id)
        if row is None:
            raise _unknown()
        return (await self._with_codes([row]))[0]

    async def namesakes(self, gateway_id: int) -> list[GatewayRow]:
        """Those on no line that may be this box, which informs under another OUI or product class since a while."""
        return await gateways.namesakes(self._database, gateway_id)

    def next_inform(self, row: GatewayRow) -> datetime | None:
        """Say when the next periodic Inform of one is expected; None while its beat is not known."""
        return Rhythm(row.last_inform_at, row.periodic_at, row.periodic_seconds).next_after(self._clock())

    async def page(
        self,
        ask: Ask,
        wanted: GatewayFilter = GatewayFilter(),  # noqa: B008 -- frozen
    ) -> Page[GatewayRow]:
        """List those that have informed, or are in stock, newest first."""
        search = ask.text
        page = await pages.turn(
            ask,
            pages.number,
            lambda before, limit: gateways.page(self._database, before, search, wanted, limit),
            lambda row: row.id,
        )
        return Page(await self._with_codes(page.items), page.next)

    async def _with_codes(self, rows: Sequence[GatewayRow]) -> list[GatewayRow]:
        """Say of gateways without a line for which one they carry a ProvisioningCode that we wrote."""
        opened = {row.id: self._codes.open(row.provisioning_code) for row in rows if row.line_of_service is None}
        named = {gateway_id: code[0] for gateway_id, code in opened.items() if code is not None}
        lines = await associations.lines_of(self._database, named.values()) if named else {}
        return [_with_code(row, lines.get(named[row.id])) if row.id in named else row for row in rows]

    async def approve(self, gateway_id: int, actor: Actor) -> GatewayRow:
        """Believe a gateway that has shown only the bootstrap pair, also one that had credentials of its own before.

        The second time changes nothing.
        """
        change = Change.of(actor, self._clock())

        async def work(connection: Executor) -> None:
            if await gateways.find(connection, gateway_id) is None:
                raise _unknown()
            readmitted = await self._credentials.readmit(connection, gateway_id, change)
            if readmitted:
                await resets.write_again(connection, gateway_id, Cause.READMITTED, change)
                await change.audit(connection, Deed("gateway_readmitted", gateway_id=gateway_id))
            if await gateways.approve(connection, gateway_id, change.now, actor.label):
                await rings.wish(connection, gateway_id, change.now)
                await change.audit(connection, Deed("gateway_approved", gateway_id=gateway_id))

        await in_transaction(self._database, work)
        await self._binding.bind_wanted(gateway_id, change.now)
        return await self.find(gateway_id)


def _with_code(row: GatewayRow, line: tuple[str, int | None] | None) -> GatewayRow:
    if line is None or (row.candidacy is not None and row.candidacy["line_of_service"] == line[0]):
        return row  # that it has the serial number of that line's gateway too says more
    return replace(row, candidacy={"line_of_service": line[0], "gateway_id": line[1], "reason": "provisioning_code"})


def _unknown() -> NotFound:
    return NotFound("there is no such gateway")
