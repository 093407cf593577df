"""Mistakes of ours, as a log may tell them."""

import traceback
from pathlib import PurePath


def where(error: BaseException) -> dict[str, object]:
    """Where an error was made: not its words, which may quote what a caller sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "sqlstate": getattr(error, "sqlstate", None),
        "at": [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }
