"""How often somebody may try to log in: counted before a password is looked at, forgiven when it was right.

A browser in which this user has logged in before is counted by itself: whoever guesses elsewhere cannot keep its owner
out. Every other attempt is counted by its address, and by the name that it gives, whether anybody has that name or not.
All addresses together hold a name back for a minute at most; a new password, set at the command line, forgives it.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from typing import Final

from acs_bridge.domain import networks
from acs_bridge.errors import AcsBridgeError
from acs_bridge.store import users
from acs_bridge.store.database import Database
from acs_bridge.store.users import Bound

ADDRESS_FREE: Final = 10
ADDRESS_LONGEST: Final = 900.0
NAME_FREE: Final = 20
NAME_LONGEST: Final = 60.0
_SET_BYTES: Final = 2  # of a hash: 65,536 names at most are in the database, whoever makes them up


class LoginHeld(AcsBridgeError):
    """There were too many attempts."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many attempts to log in"

    def __init__(self, seconds: int) -> None:
        """Say when the next one is looked at."""
        super().__init__(f"there were too many attempts: the next one is looked at in {seconds} s")
        self.seconds = seconds


def name_bound(name_key: str) -> Bound:
    """How a name is counted."""
    return Bound("name", _numbered(name_key), NAME_FREE, NAME_LONGEST)


def browser_bound(known: bytes) -> Bound:
    """How a browser is counted that its user has logged in with before."""
    return Bound("browser", _numbered(known.hex()), ADDRESS_FREE, ADDRESS_LONGEST)


def address_bound(address: str) -> Bound:
    """How an address is counted."""
    return Bound("address", networks.site(address), ADDRESS_FREE, ADDRESS_LONGEST)


async def charge(database: Database, bounds: Sequence[Bound], now: datetime) -> None:
    """Count an attempt; LoginHeld when it has to wait."""
    if not await users.charge(database, bounds, now):
        until = await users.held_until(database, bounds, now)
        raise LoginHeld(1 if until is None else max(1, ceil((until - now).total_seconds())))


def _numbered(text: str) -> str:
    return sha256(text.encode()).hexdigest()[: 2 * _SET_BYTES]
