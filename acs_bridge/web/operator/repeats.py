"""The header `Idempotency-Key`: read, and answered by (draft-ietf-httpapi-idempotency-key-header).

The key is a string of Structured Fields, in quotes; one without them is taken too, as most callers send it.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from acs_bridge.errors import InvalidField
from acs_bridge.services.intake.repeats import Repeats
from acs_bridge.store.answers import KeptAnswer
from acs_bridge.web.operator.problems import HEADERS, of_error
from acs_bridge.web.operator.registry import Call

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
KEY_LENGTH: Final = 255


def key_of(request: web.Request) -> str | None:
    """Read the key of a call; None when it has none."""
    given = request.headers.getall(HEADER, [])
    if not given:
        return None
    if len(given) > 1:
        raise InvalidField(HEADER, "must be given once")
    key = given[0].strip()
    if len(key) > 1 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if not (1 <= len(key) <= KEY_LENGTH and key.isascii() and key.isprintable()):
        raise InvalidField(HEADER, f"must have 1 to {KEY_LENGTH} printable ASCII characters")
    return key


async def once(
    repeats: Repeats,
    key: str,
    request: web.Request,
    call: Call[Any, Any],
    work: Callable[[], Awaitable[web.Response]],
    *,
    secret: bool = False,
) -> web.Response:
    """Answer a call with a key: by doing it, or by what was answered before; `secret`: it is kept sealed."""
    fingerprint = _fingerprint(request, call.body)

    def kept(response: web.Response) -> KeptAnswer:
        content = response.body if isinstance(response.body, bytes) else b""
        location = response.headers.get("Location")
        return KeptAnswer(fingerprint, response.status, location, response.content_type, content.decode())

    async def done() -> KeptAnswer:
        return kept(await work())

    answer, replayed = await repeats.once(
        key, fingerprint, call.actor, done, lambda error: kept(of_error(error)), secret=secret
    )
    headers = dict(HEADERS)
    if answer.location is not None:
        headers["Location"] = answer.location
    if replayed:
        headers[REPLAYED] = "true"
    return web.Response(
        body=answer.body.encode(), status=answer.status, content_type=answer.media_type, headers=headers
    )


def _fingerprint(request: web.Request, body: BaseModel) -> bytes:
    """Tell one call from another by what it asks for, however its JSON is spaced and ordered."""
    asked = f"{request.method} {request.rel_url.raw_path_qs}\n{body.model_dump_json(exclude_unset=True)}"
    return sha256(asked.encode()).digest()
