"""Lists in pages: a cursor says below which record the next page begins, and means nothing to anybody else.

Records that are added or taken away meanwhile move nothing: a page begins at a record, not at a count.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from acs_bridge.domain.names import Text
from acs_bridge.errors import InvalidField
from acs_bridge.services import fields

T = TypeVar("T")
K = TypeVar("K")

MAX_ID = 2**63 - 1
"""The largest number that a record may have."""
_MAX_CURSOR = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some records, and the cursor of the page after them (None: these were the last)."""

    items: Sequence[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page of a list is wanted, and what is searched in it."""

    limit: int = 50
    cursor: str | None = None
    search: str | None = None

    @property
    def text(self) -> Text | None:
        """What is searched, comparable with codes and names; None for nothing or blanks."""
        return fields.search(self.search)


async def turn(
    ask: Ask,
    read: Callable[[str], K],
    fetch: Callable[[K | None, int], Awaitable[Sequence[T]]],
    key: Callable[[T], object],
) -> Page[T]:
    """Fetch one page: `read` understands the cursor that `key` makes of a record."""
    before = None if ask.cursor is None else read(_opened(ask.cursor))
    found = await fetch(before, ask.limit + 1)
    items = found[: ask.limit]
    more = len(found) > ask.limit
    return Page(items, _cursor(key(items[-1])) if more else None)


def number(text: str) -> int:
    """Read the cursor of a list in the order of numbers."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MAX_ID:
        raise _not_ours()
    return int(text)


def uuid(text: str) -> UUID:
    """Read the cursor of a list in the order of UUIDs."""
    try:
        return UUID(text)
    except ValueError:
        raise _not_ours() from None


def moment(text: str) -> tuple[datetime, int, int]:
    """Read the cursor of a list in the order of time."""
    try:
        at, source, n = text.split(" ")
        time = datetime.fromisoformat(at)
    except ValueError:
        raise _not_ours() from None
    if time.utcoffset() != timedelta(0) or not source.isdigit() or int(source) > _MAX_SOURCE:
        raise _not_ours()
    return time, int(source), 0 if n == "0" else number(n)


_MAX_SOURCE = 9


def _cursor(key: object) -> str:
    return urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    if len(cursor) > _MAX_CURSOR:
        raise _not_ours()
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"==").decode("ascii")
    except ValueError:
        raise _not_ours() from None


def _not_ours() -> InvalidField:
    return InvalidField("cursor", "must be the `next` of an earlier page of this list")
