"""Names for writes and associations, and the tags that carry a write's name over CWMP and back.

A tag tells which write and which of its requests a ParameterKey or cwmp:ID belongs to. It proves nothing: whoever reads
one compares it with what is stored, and counts it only together with the session's gateway.
"""

import os
import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from datetime import UTC, datetime, timedelta
from threading import Lock
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_TAIL_BITS = 62
_ROOM_BITS = 61  # a first tail leaves the top bit free, so that those after it can only grow
_STRIDE_BYTES = 4

_ID_CHARACTERS = 22
_PADDING = "=="
# At most 32 characters. 22 of base64 hold 132 bits: of the 16 spellings of an id only the one with zeros counts.
_TAG = re.compile(rf"([A-Za-z0-9_-]{{{_ID_CHARACTERS - 1}}}[AQgw])-(0|[1-9][0-9]{{0,8}})", re.ASCII)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_MAX_STEP = 999_999_999

_latest = (-1, 0)  # instant (µs) and tail of the newest id
_latest_lock = Lock()


def new_id(now: datetime) -> UUID:
    """Make a UUID of version 7 (RFC 9562), precise to the microsecond.

    Those that one process makes at one instant ascend as well: the newest write of an association is the one with the
    greatest id, also when a frozen clock or a single transaction makes two of them.
    """
    instant = (now - _EPOCH) // _MICROSECOND
    milliseconds, microseconds = divmod(instant, 1000)
    fraction = microseconds * 4096 // 1000  # RFC 9562 6.2, method 3: sub-millisecond time in rand_a
    return UUID(int=milliseconds << 80 | fraction << 64 | _VERSION_AND_VARIANT | _tail(instant))


def _tail(instant: int) -> int:
    """Return 62 bits that nobody can guess, above those of the id before when it was made at the same instant."""
    global _latest  # noqa: PLW0603 - one process, one sequence: that is what makes ids ascend
    with _latest_lock:
        latest_instant, latest_tail = _latest
        if instant == latest_instant:
            tail = latest_tail + 1 + int.from_bytes(os.urandom(_STRIDE_BYTES))
        else:
            tail = int.from_bytes(os.urandom(8)) >> (64 - _ROOM_BITS)
        _latest = (instant, tail % (1 << _TAIL_BITS))
        return _latest[1]


def tag(write_id: UUID, step: int) -> str:
    """Name one request of a write, in at most 32 characters of `[A-Za-z0-9_-]`."""
    if not 0 <= step <= _MAX_STEP:
        message = f"a step lies between 0 and {_MAX_STEP}, not {step}"
        raise ValueError(message)
    name = b2a_base64(write_id.bytes, newline=False).translate(_URL_SAFE)[:_ID_CHARACTERS].decode()
    return f"{name}-{step}"


def is_tag(text: str) -> bool:
    """Whether `tag` made this, for some write and step: see `read_tag`."""
    return _TAG.fullmatch(text.strip()) is not None


def read_tag(text: str) -> tuple[UUID, int] | None:
    """Return the write and the step that a tag names; None for everything that `tag` did not make.

    Blanks around it are overlooked: gateways pad what they report.
    """
    found = _TAG.fullmatch(text.strip())
    return None if found is None else (UUID(bytes=urlsafe_b64decode(found[1] + _PADDING)), int(found[2]))
