"""Lines out of a stream of bytes, in bounded memory: newline-delimited JSON as it arrives.

A line ends with LF; CR before it is blank to JSON, and so is a byte order mark before the first line to us. Empty lines
are counted and given to nobody. A line over the limit is given without its bytes, of which none are kept.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

LINE_LIMIT: Final = 16_384
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r"


class Line(NamedTuple):
    """A line with its number, counted from 1; without content it was longer than a line may be."""

    number: int
    content: bytes | None


class LineSplitter:
    """Cuts at newlines. It keeps the beginning of one line at most, and of that no more than the limit."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        """`limit` is in bytes, without the end of the line."""
        self._limit = limit
        self._kept: list[bytes] = []
        self._length = 0
        self.number = 1
        """Of the line that comes next, or is arriving."""

    def feed(self, data: bytes) -> Iterator[Line]:
        """Give the lines that end in these bytes."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._keep(part)
            yield from self.end()
        self._keep(rest)

    def end(self) -> Iterator[Line]:
        """Give what is there as a line: at the end of the stream the last one may lack its newline."""
        number, too_long = self.number, self._length > self._limit
        content = b"".join(self._kept)
        self._kept, self._length = [], 0
        self.number += 1
        if number == 1:
            content = content.removeprefix(_BOM)
        if too_long:
            yield Line(number, None)
        elif content.strip(_BLANK):
            yield Line(number, content)

    def _keep(self, part: bytes) -> None:
        if not part:
            return
        self._length += len(part)
        if self._length <= self._limit:
            self._kept.append(part)
        else:
            self._kept.clear()
