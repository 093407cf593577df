"""Boxes that nobody names whole: by the end of the serial number on a label, or whichever comes next off the shelf.

A box that comes for the first time, or begins anew (`0 BOOTSTRAP`), goes to the line that waits for it by name, else to
the one whose ProvisioningCode it carries (we wrote that ourselves), else to the only one that waits for any box of its
kind. Lines that wait like that and where nobody is meant alone are refused, not guessed at. A box that came a moment
before it was asked for is taken as well, if it is the only one; among several somebody has to choose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.errors import Conflict, InvalidField
from acs_bridge.store import devices, gateways
from acs_bridge.store.devices import Line
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rows import Executor

SHORTEST_SUFFIX: Final = 4  # characters: fewer fit too many
LONGEST_SUFFIX: Final = 64
SHOWN: Final = 3  # boxes among which somebody is to choose
USUAL_HOURS: Final = 72
MOST_HOURS: Final = 24 * 90
USUAL_MINUTES: Final = 15
MOST_MINUTES: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Suffix:
    """The last characters of a serial number, as they stand on a label; `oui` and `product_class` narrow them."""

    characters: str
    oui: str | None = None
    product_class: str | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """Whichever gateway comes next and is on no line, of this maker and kind or of any."""

    oui: str | None = None
    product_class: str | None = None
    hours: int = USUAL_HOURS
    minutes: int = USUAL_MINUTES  # so long ago it may have come for the first time

    def __str__(self) -> str:
        """Say which ones are meant."""
        named = (("OUI", self.oui), ("product class", self.product_class))
        kind = " and ".join(f"{name} {value}" for name, value in named if value is not None)
        return f"the next gateway with {kind}" if kind else "the next gateway"


async def labelled(connection: Executor, suffix: Suffix) -> Identity:
    """Find the one box on no line whose serial number ends like this."""
    found = await gateways.ending(connection, suffix.characters, suffix.oui, suffix.product_class)
    if not found:
        raise InvalidField("serial_suffix", "no gateway that is on no line has a serial number that ends like this")
    if len(found) > 1:
        raise Conflict(
            f"several gateways that are on no line have serial numbers that end like this: {_named(found)}. Give more "
            "characters, oui or product_class, or the id"
        )
    return found[0][1]


async def wait(connection: Executor, line: Line, wanted: Next, now: datetime) -> None:
    """Let a line wait for the next box, which is not the one that it had: Conflict where another could get the same."""
    until = now + timedelta(hours=wanted.hours)
    rival = await devices.await_next(connection, line, (wanted.oui, wanted.product_class), until, now)
    if rival is not None:
        raise Conflict(
            f"line of service {rival} waits for a gateway that would fit this line as well: name the gateway, or an "
            "oui or product_class that tells the two apart"
        )


async def newcomers(connection: Executor, wanted: Next, now: datetime) -> list[tuple[int, Identity]]:
    """Find the boxes that came a moment ago and could be the one that is wanted; more than `SHOWN`: some of them."""
    since = now - timedelta(minutes=wanted.minutes)
    return await gateways.newcomers(connection, since, wanted.oui, wanted.product_class) if wanted.minutes else []


def to_choose(came: list[tuple[int, Identity]]) -> str:
    """Say that several boxes came a moment ago, and what to do."""
    return (
        f"several gateways that are on no line came a moment ago: {_named(came)}. If one of them is meant, name it by "
        "its id or serial_suffix; the line waits for one that comes from now on"
    )


def _named(found: list[tuple[int, Identity]]) -> str:
    shown = ", ".join(f"{identity} (id {gateway_id})" for gateway_id, identity in found[:SHOWN])
    return f"{shown} and more" if len(found) > SHOWN else shown


async def lock_waiting(connection: Executor, gateway_id: int, codes: ProvisioningCodes, now: datetime) -> Line | None:
    """Find, and lock, the line that a box without one is for."""
    line = await devices.lock_wanting(connection, gateway_id)
    if line is not None:
        return line
    carried = codes.open(await gateways.provisioning_code(connection, gateway_id) or "")
    if carried is not None:
        line = await devices.lock_awaiting_for(connection, gateway_id, carried[0], now)
    return line or await devices.lock_awaiting(connection, gateway_id, now)
