"""The head of a request that is not quite HTTP, as what its gateway meant.

Nobody asks here before the strict parser has refused it. What is mended is harmless: how lines end and are folded,
blanks, header names that are none, a header that is sent twice, `Host` missing. What says where a body ends is never
guessed at: a proxy before us might have guessed otherwise, and the rest of one gateway's message would become another
one's (request smuggling).
"""

import re
from typing import Final

_END: Final = re.compile(rb"\r?\n\r?\n")
_REQUEST: Final = re.compile(rb"([A-Za-z]+)[ \t]+([\x21-\x7e]+)[ \t]+(?i:(HTTP/1\.[01]))[ \t]*")
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING: Final = re.compile(rb"content.?length|transfer.?encoding", re.IGNORECASE)
_ONCE: Final = frozenset((b"content-type", b"user-agent", b"host", b"content-location", b"content-range", b"etag"))
_BEHIND: Final = b"\r\n\t \0"  # what gateways put behind a message, counted by no length


def end_of(data: bytes, start: int = 0) -> int:
    """Where the body begins; -1 while the head is not whole."""
    found = _END.search(data, max(start, 0))
    return -1 if found is None else found.end()


def mended(head: bytes) -> bytes | None:
    """The whole head, blank line included, in strict HTTP; None where it is beyond that, or was strict already."""
    request, *lines = _unfolded(head)
    asked = _REQUEST.fullmatch(request)
    if asked is None or any(_CONTROL.search(line) for line in lines):
        return None
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t") if not _FRAMING.search(name) else name
        if colon and _NAME.fullmatch(name):
            headers.append((name, value.strip(b" \t")))
        elif _FRAMING.search(line):
            return None
    kept = _once(headers)
    if kept is None:
        return None
    version = asked[3].upper()
    if version == b"HTTP/1.1" and not any(name.lower() == b"host" for name, _ in kept):
        kept.append((b"Host", b""))
    text = b"%s %s %s\r\n" % (asked[1].upper(), asked[2], version)
    whole = b"".join([text, *(b"%s: %s\r\n" % header for header in kept), b"\r\n"])
    return None if whole == head else whole


def without_tail(head: bytes, body: bytes) -> bytes:
    """A message's body without the blanks or the NUL that stand behind it."""
    found = re.search(rb"\r\ncontent-length: *([0-9]{1,9})\r\n", head, re.IGNORECASE)
    if found is None or body[(length := int(found[1])) :].strip(_BEHIND):
        return body
    return body[:length]


def without_front(data: bytes) -> bytes:
    """What begins a message, without what stood behind the one before it."""
    return data.lstrip(_BEHIND)


def _unfolded(head: bytes) -> list[bytes]:
    """Its lines, however they end; one that begins with a blank goes on with the line before it (RFC 9112 5.2)."""
    lines: list[bytes] = []
    for line in (each.removesuffix(b"\r") for each in head.strip(b"\r\n").split(b"\n")):
        if line[:1] in (b" ", b"\t") and len(lines) > 1:
            lines[-1] += b" " + line.strip(b" \t")
        else:
            lines.append(line)
    return lines


def _once(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]] | None:
    """Each header that may stand only once, once; None where two of them do not say the same of where the body ends."""
    lengths = {value for name, value in headers if name.lower() == b"content-length"}
    codings = {value.lower() for name, value in headers if name.lower() == b"transfer-encoding"}
    if codings == {b"identity"} and lengths:
        codings = set()
        headers = [header for header in headers if header[0].lower() != b"transfer-encoding"]
    hosts = {value for name, value in headers if name.lower() == b"host"}
    if len(lengths) + len(codings) > 1 or len(hosts) > 1 or not all(length.isdigit() for length in lengths):
        return None
    seen: set[bytes] = set()
    kept: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        key = name.lower()
        if key not in seen or key not in _ONCE | {b"content-length", b"transfer-encoding"}:
            kept.append((name, value))
        seen.add(key)
    return kept
