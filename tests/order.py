"""In which order the workers of xdist get the tests, so that they end together and the cores are busy all the time.

With `--dist worksteal` each worker gets as many tests as the others, one piece of the list after the other; whoever has
done his takes half of what somebody else has not begun, from its end. So the programs and the browser, which mostly
wait, stand at the beginning of a piece each, while the other workers keep the cores busy; behind them come the tests
with a database, and what takes no time is at the end of each piece, where it is shared out. Tests of a module stay
together: they share what was made for the module.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from typing import Final, TypeVar

import pytest

T = TypeVar("T")

WAITING: Final = ("tests/acceptance/console/", "tests/acceptance/")
"""What mostly waits: a browser, and programs; each begins a piece of its own."""
WEIGHTS: Final = ("tests/store/", "tests/cli/", "tests/kept/", "tests/services/", "tests/web/")
"""What needs a database, heaviest first; whatever is not named takes next to no time."""


def heaviest_first(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Put tests in order for so many workers."""
    return dealt(items, workers, lambda item: item.nodeid.partition("::")[0])


def dealt(tests: Sequence[T], workers: int, file_of: Callable[[T], str]) -> list[T]:
    """Cut into as many pieces as there are workers, as long as those that xdist cuts, each with the heaviest first."""
    waiting: list[list[T]] = [[] for _ in WAITING]
    rest: list[T] = []
    for test in tests:
        begins = next((number for number, folder in enumerate(WAITING) if file_of(test).startswith(folder)), None)
        (rest if begins is None else waiting[begins]).append(test)
    modules = groups(sorted(rest, key=lambda test: weight(file_of(test))), file_of)
    pieces: list[list[T]] = [[] for _ in range(workers)]
    for number, each in enumerate(waiting):
        pieces[number % workers] += each
    for number, module in enumerate(modules):
        pieces[-1 - number % workers] += module
    return levelled(pieces)


def weight(file: str) -> int:
    """Where a file stands, from the heaviest on."""
    return next((number for number, folder in enumerate(WEIGHTS) if file.startswith(folder)), len(WEIGHTS))


def groups(tests: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Neighbours of one kind, together."""
    return [list(group) for _, group in groupby(tests, key)]


def levelled(pieces: Sequence[list[T]]) -> list[T]:
    """Make pieces as long as those that xdist cuts: what is too much stands at the end of a shorter one."""
    spare: list[T] = []
    lengths: list[int] = []
    for number in range(len(pieces)):
        left = sum(map(len, pieces)) - sum(lengths)
        lengths.append(left // (len(pieces) - number))
    for piece, length in zip(pieces, lengths, strict=True):
        spare += piece[length:]
        del piece[length:]
    for piece, length in zip(pieces, lengths, strict=True):
        short = length - len(piece)
        piece.extend(spare[:short])
        del spare[:short]
    return [test for piece in pieces for test in piece]
