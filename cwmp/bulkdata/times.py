"""When something was collected: ISO 8601, or seconds or milliseconds since 1970, which nobody tells apart (B-10)."""

import re
from datetime import UTC, datetime
from typing import Final

_MILLISECONDS_FROM: Final = 10**11  # as seconds the year 5138, as milliseconds 1973
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # before it: an uptime, or a clock that was never set
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?", re.ASCII)


def instant(said: object) -> datetime | None:
    """The instant that a gateway names; None where that cannot be one."""
    found: datetime | None = None
    if isinstance(said, str):
        text = said.strip()
        found = _since_1970(float(text)) if _NUMBER.fullmatch(text) else _iso(text)
    elif isinstance(said, int | float) and not isinstance(said, bool):
        found = _since_1970(said)
    return found if found is not None and _EARLIEST <= found < _LATEST else None


def _since_1970(number: float) -> datetime | None:
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
