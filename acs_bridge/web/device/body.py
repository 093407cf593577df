"""A request's body in bounded memory: at most so many bytes as they came, and as they are once inflated."""

import asyncio
import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from aiohttp import HttpVersion11, hdrs, web
from multidict import CIMultiDictProxy

BEFORE_LOGIN: Final = 256 * 1024
AFTER_LOGIN: Final = 8 * 1024 * 1024
BODY_SECONDS: Final = 120.0  # for the whole of it: an 8 MiB read of every parameter takes a slow line about as long
PROGRESS_SECONDS: Final = 10.0  # in which so many bytes must have come, or the last one:
PROGRESS: Final = 4096
PLAIN: Final = frozenset({"", "identity"})
CODINGS: Final = PLAIN | {"gzip", "x-gzip", "deflate"}
TYPES_KEPT: Final = 64  # values of Content-Type that are understood already
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^"'\s;]+)""", re.IGNORECASE)
_ZLIB_OR_GZIP: Final = 32 + zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


def limit(*, admitted: bool) -> int:
    """How many bytes a message may have."""
    return AFTER_LOGIN if admitted else BEFORE_LOGIN


def arrived(request: web.BaseRequest, limit: int) -> bytes | None:
    """The body that came with its headers, as nearly every one does; None: `read` it. Raises 413 beyond the limit."""
    content = request.content
    if not content.is_eof() or content.exception() is not None:
        return None
    whole = content.read_nowait()
    check(len(whole), limit)
    return whole


def check(size: int, limit: int) -> None:
    """Raise 413 where a body has more bytes than it may have."""
    if size > limit:
        raise web.HTTPRequestEntityTooLarge(limit, size)


async def read(
    request: web.BaseRequest, ours: asyncio.Timeout, limit: int, on_part: Callable[[int], None] = lambda _: None
) -> bytes:
    """The whole body as it came; raises 413 beyond the limit, 408 where it takes too long, 400 where it is cut off.

    `ours` is the time that our own work may take: it stands still while a gateway sends. `on_part` hears how many bytes
    have come, and may raise.
    """
    check(request.content_length or 0, limit)
    time = asyncio.get_running_loop().time
    left = None if (end := ours.when()) is None else end - time()
    ours.reschedule(None)
    try:
        async with asyncio.timeout(PROGRESS_SECONDS) as patience:
            await _encourage(request)
            return await _read(request, limit, patience, on_part)
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError):  # the rest will not come: no mistake of ours
        raise web.HTTPBadRequest from None
    finally:
        if left is not None:
            ours.reschedule(time() + left)


async def _encourage(request: web.BaseRequest) -> None:
    """100 Continue, for who waits for it: libcurl loses a second on every message without, and some wait for ever."""
    if request.version >= HttpVersion11 and request.headers.get(hdrs.EXPECT, "").strip().lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0


async def _read(
    request: web.BaseRequest, limit: int, patience: asyncio.Timeout, on_part: Callable[[int], None]
) -> bytes:
    parts: list[bytes] = []
    size = due = 0
    time = asyncio.get_running_loop().time
    end = time() + BODY_SECONDS
    async for part in request.content.iter_any():
        size += len(part)
        if size > limit:
            raise web.HTTPRequestEntityTooLarge(limit, size)
        on_part(len(part))
        parts.append(part)
        if size - due >= PROGRESS:
            due = size
            patience.reschedule(min(time() + PROGRESS_SECONDS, end))
    return b"".join(parts)


def coding(headers: CIMultiDictProxy[str]) -> str:
    """How a body is coded, as HTTP says."""
    named = headers.get(hdrs.CONTENT_ENCODING)
    return "" if named is None else named.strip().lower()


@lru_cache(TYPES_KEPT)
def charset(content_type: str) -> str | None:
    """The charset of a body, if HTTP says one."""
    found = _CHARSET.search(content_type)
    return found[1] if found else None


def inflated(body: bytes, coding: str, limit: int = AFTER_LOGIN) -> bytes:
    """The body without its coding; raises 413 beyond the limit and 400 where it does not inflate.

    A body of no bytes is one whatever the headers say: gateways announce a coding that they do not use.
    """
    if not body or coding in PLAIN:
        return body
    for window in (_ZLIB_OR_GZIP, _RAW):  # "deflate" is zlib by the standard, and raw in the field
        inflate = zlib.decompressobj(window)
        try:
            text = inflate.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(text) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(text))
        if inflate.eof:
            return text
    raise web.HTTPBadRequest
