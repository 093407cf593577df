"""How often something has failed of late, by address; those of one IPv6 network are one."""

from asyncio import get_running_loop
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from acs_bridge.domain import networks

WINDOW_SECONDS: Final = 60.0
ADDRESSES_KEPT: Final = 10_000


class Tally:
    """Counts by the minute; an address that nobody can be told behind (a proxy's) is never too many."""

    def __init__(self, most: int, is_proxy: Callable[[str], bool]) -> None:
        self._most = most
        self._is_proxy = is_proxy
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def failed(self, address: str) -> None:
        """Count one."""
        now, site = get_running_loop().time(), networks.site(address)
        since, count = self._counts.pop(site, (now, 0))
        self._counts[site] = (since, count + 1) if now - since < WINDOW_SECONDS else (now, 1)
        while len(self._counts) > ADDRESSES_KEPT:
            self._counts.popitem(last=False)

    def is_too_much(self, address: str) -> bool:
        """Whether so many have failed within the minute that no other is looked at."""
        counted = self._counts.get(networks.site(address))
        if counted is None or self._is_proxy(address):
            return False
        since, count = counted
        return count >= self._most and get_running_loop().time() - since < WINDOW_SECONDS
