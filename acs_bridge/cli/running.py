"""The event loop of a command: uvloop where it is installed."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

_YOUNG: Final = 5000  # objects that Python looks at for cycles at a time; its own 700 are for programs that do little
_IMPORTED: Final = 50_000  # while modules are loaded, whose objects are there to stay


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the fastest event loop that is there."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def begin() -> None:
    """Look for few cycles until the command has loaded what it needs: it was a tenth of what that takes."""
    gc.set_threshold(_IMPORTED)


def settle() -> None:
    """Leave what has been made so far out of the search for cycles: there is much of it, and next to no garbage."""
    gc.freeze()
    gc.set_threshold(_YOUNG)
