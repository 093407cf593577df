"""How many reports one worker has in its hands, and how much memory their bodies may take."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

MEMORY: Final = 64 * 1024 * 1024  # bytes of bodies that are arriving or being taken
SHARE: Final = 4  # one address gets this part of it


class NoRoom(Exception):
    """There is no room for so much at the moment."""


class Room:
    """Counts both. Requests are counted once they have arrived: who sends slowly waits for itself."""

    def __init__(self, most: int, is_proxy: Callable[[str], bool], memory: int = MEMORY) -> None:
        self._most = most
        self._is_proxy = is_proxy
        self._memory = memory
        self._bytes = 0
        self._by_address: Counter[str] = Counter()
        self._taking = 0

    @property
    def is_full(self) -> bool:
        """Whether no report more is taken."""
        return self._taking >= self._most

    @contextmanager
    def place(self, address: str) -> Iterator[Callable[[int], None]]:
        """Have memory for one body, which `grow`s by so many bytes, until the block ends; raises NoRoom."""
        held = 0

        def grow(size: int) -> None:
            nonlocal held
            shared = self._is_proxy(address) or self._by_address[address] + size <= self._memory // SHARE
            if not shared or self._bytes + size > self._memory:
                raise NoRoom
            held += size
            self._bytes += size
            self._by_address[address] += size

        try:
            yield grow
        finally:
            self._bytes -= held
            self._by_address[address] -= held
            if not self._by_address[address]:
                del self._by_address[address]

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Take one report until the block ends."""
        self._taking += 1
        try:
            yield
        finally:
            self._taking -= 1
