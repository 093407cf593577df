"""A request's body in bounded memory: at most so many bytes as they came, and as they are once inflated."""

import zlib
from typing import Final

from aiohttp import hdrs, web

BEFORE_LOGIN: Final = 256 * 1024
AFTER_LOGIN: Final = 8 * 1024 * 1024
CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


async def read(request: web.BaseRequest, coding: str, *, admitted: bool) -> bytes:
    """The whole body, inflated; raises 413 beyond the limit and 400 where it does not inflate."""
    limit = AFTER_LOGIN if admitted else BEFORE_LOGIN
    if request.content_length is not None and request.content_length > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length)
    if hdrs.EXPECT in request.headers and request.headers[hdrs.EXPECT].lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0
    if not request.body_exists:
        return b""
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            raise web.HTTPRequestEntityTooLarge(limit, size)
        parts.append(part)
    body = b"".join(parts)
    return body if coding in ("", "identity") or not body else _inflated(body, limit)


def _inflated(body: bytes, limit: int) -> bytes:
    for window in (_ZLIB_OR_GZIP, _RAW):  # "deflate" is zlib by the standard, and raw in the field
        inflate = zlib.decompressobj(window)
        try:
            text = inflate.decompress(body, limit)
        except zlib.error:
            continue
        if inflate.unconsumed_tail:
            raise web.HTTPRequestEntityTooLarge(limit, len(text))
        return text
    raise web.HTTPBadRequest
