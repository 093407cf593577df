"""What those who take many things at a time share: patience with the database, and the answer to a line that broke."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import structlog

from acs_bridge.errors import AcsBridgeError, Unavailable

_log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How long a chunk waits for a database that is away, before it says so to every line."""


class Broken(AcsBridgeError):
    """A line met a mistake of ours."""

    title = "The daemon made a mistake"

    def __init__(self) -> None:
        """What it is stands in the log."""
        super().__init__("the log of the daemon says more")


async def patiently(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run what leaves nothing behind when it fails; wait for a database that is away for a while."""
    for seconds in PATIENCE_SECONDS:
        try:
            return await work()
        except Unavailable as error:
            _log.warning("upload_waits", reason=str(error))
            await asyncio.sleep(seconds)
    return await work()
