"""Calls whose credentials do not go with the DeviceId that they name: counted and shown to operators, nothing else.

The caller is answered as politely as everybody and gets nothing; the gateway whose name it used is left as it was, with
its session, its writes and what is known of it.
"""

from typing import Final

import structlog

from acs_bridge.domain import networks
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.principal import Kind
from acs_bridge.store import credentials as store
from acs_bridge.store.credentials import Call
from acs_bridge.store.database import Database
from acs_bridge.store.gateways import Identity
from acs_bridge.store.sessions import Examined, InformRow

_log = structlog.get_logger(__name__)

CLONE: Final = "clone"
ADDRESSES: Final = 16  # told apart for each gateway and reason: whoever has many fills no table


class Quarantine:
    """Where such calls are written down."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def note(self, row: InformRow, examined: Examined) -> None:
        """Count one call; loud at first, and then the less often the more there are."""
        gateway_id, reason = _about(row, examined)
        identity = Identity(row.oui, row.serial_number, row.product_class)
        await self._count(Call(gateway_id, reason, networks.site(row.address), str(identity)))

    async def note_clone(self, row: InformRow, gateway_id: int) -> None:
        """Count a session of one of two boxes that show one DeviceId: both get nothing until an Admin has decided."""
        who = f"{Identity(row.oui, row.serial_number, row.product_class)}"
        versions = f"hardware {row.hardware_version or 'unknown'}, software {row.software_version or 'unknown'}"
        await self._count(Call(gateway_id, CLONE, networks.site(row.address), f"{who} ({versions})"))

    async def _count(self, call: Call) -> None:
        calls = await store.keep_out(self._database, call, self._clock(), ADDRESSES)
        if calls & (calls - 1) == 0:
            _log.warning(
                "gateway_quarantined",
                gateway_id=call.gateway_id,
                reason=call.reason,
                address=call.address,
                calls=calls,
            )


def _about(row: InformRow, examined: Examined) -> tuple[int, str]:
    owners = row.principal.gateway_ids
    if row.principal.kind is Kind.BOOTSTRAP and examined.gateway_id is not None:
        return examined.gateway_id, "bootstrap_pair"
    if examined.gateway_id is not None and examined.gateway_id in owners:
        return examined.gateway_id, "retired_pair"
    return owners[0], "foreign_pair"  # whose pair it was: that is what is proven
