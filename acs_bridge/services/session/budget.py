"""The budget of the day: so many writes a gateway is sent, and no more. Postgres keeps it; here it is told.

A gateway that has had them comes as often as before, in a loop perhaps every second: one line a day, process and
gateway says it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

_log = structlog.get_logger(__name__)

REMEMBERED: Final = 10_000  # gateways


class Budget:
    """Tells of writes that wait because their gateway has had its writes of the day."""

    def __init__(self, on_held: Callable[[], None]) -> None:
        """`on_held` is called for each Inform to which such a write was not given."""
        self._on_held = on_held
        self._told: dict[int, datetime] = {}

    def held(self, gateway_id: int, write_id: UUID, until: datetime) -> None:
        """An Inform did not get this write."""
        self._on_held()
        if self._told.get(gateway_id) == until:
            return
        if len(self._told) >= REMEMBERED:
            self._told.clear()
        self._told[gateway_id] = until
        _log.warning(
            "gateway_budget_spent",
            gateway_id=gateway_id,
            write_id=str(write_id),
            until=until.isoformat(),
            setting="queue.writes_per_gateway_per_day",
        )
