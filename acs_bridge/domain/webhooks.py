"""What is between us and the receiver of a webhook: secrets, signatures, and how long we try.

Signatures are those of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, in base64 behind `v1,`; several of
them, apart by a blank, while a secret is being changed.
"""

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from acs_bridge.domain.networks import Network, kind, may_be_dialled, read
from acs_bridge.domain.retry import Retry
from acs_bridge.domain.write import SETTLED
from acs_bridge.errors import InvalidField

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what a secret begins with
SECRET_BYTES: Final = 32
LEAST_SECRET_BYTES: Final = 24
MOST_SECRET_BYTES: Final = 64
LONGEST_URL: Final = 2048

STATES: Final = tuple(sorted(SETTLED))
TRIED_FOR: Final = timedelta(days=1)
OVERLAP: Final = timedelta(days=1)  # of a new secret and the one before
RETRY: Final = Retry(max_attempts=0, initial_seconds=5, max_seconds=3600)  # of one delivery
REST: Final = Retry(max_attempts=0, initial_seconds=5, max_seconds=300)  # of an endpoint that keeps failing
FAILURES_BEFORE_A_REST: Final = 3
DOWN_AFTER: Final = timedelta(hours=1)


_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII | re.IGNORECASE)
"""What no top-level domain looks like: resolvers take 127.1, 0x7f.1 and 2130706433 for addresses (inet_aton)."""


def show_secret(secret: bytes) -> str:
    """Write a secret as its receiver is given it."""
    return SECRET_PREFIX + b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """Read a secret that somebody brings along."""
    try:
        secret = b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (Error, ValueError):
        secret = b""
    if not text.startswith(SECRET_PREFIX) or not LEAST_SECRET_BYTES <= len(secret) <= MOST_SECRET_BYTES:
        raise InvalidField(
            "secret", f"must be {SECRET_PREFIX} and {LEAST_SECRET_BYTES} to {MOST_SECRET_BYTES} bytes in base64"
        )
    return secret


def signed_headers(id: str, at: datetime, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """Give the headers that say who sends this and when; `id` is the same when the same thing is said again."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((id.encode(), timestamp.encode(), body))
    signatures = (b64encode(hmac.digest(secret, content, sha256)).decode() for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def checked_url(text: str, allowed: Iterable[Network], *, allow_http: bool) -> str:
    """Refuse what can be seen to be wrong; where a name leads to is looked at each time that it is dialled."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        host, port = "", None
    if not host or port == 0 or len(text) > LONGEST_URL or not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidField("url", f"must be as in https://crm.example.net/hooks, at most {LONGEST_URL} characters")
    if url.scheme != "https" and not (allow_http and url.scheme == "http"):
        raise InvalidField("url", "must begin with https:// (http only where webhooks.allow_http is set)")
    if "@" in url.netloc or url.fragment:
        raise InvalidField("url", "must have no user name and no fragment")
    try:
        address = read(host)
    except ValueError:
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise InvalidField("url", "must have a name, or an address in four decimal numbers") from None
        return text
    if not may_be_dialled(address, allowed):
        raise InvalidField("url", refusal(kind(address)))
    return text


def refusal(kind: str) -> str:
    """Say why an address is not dialled."""
    return f"leads to a {kind} address, which webhooks.allowed_networks does not allow"
