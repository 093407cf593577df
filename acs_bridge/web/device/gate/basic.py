"""HTTP Basic (RFC 7617): the password itself, so that it counts and is asked for inside TLS only (A-02)."""

import binascii
import hmac
from base64 import b64decode
from typing import Final

from acs_bridge.web.device.gate.admission import WRONG, Admission
from acs_bridge.web.device.gate.credentials import Book
from acs_bridge.web.device.origin import Origin
from cwmp import digest

_ALGORITHMS: Final = ("MD5", "SHA-256")  # in which an imported pair may be known


class BasicScheme:
    """Reads and asks for Basic."""

    def __init__(self, book: Book, realm: str) -> None:
        self._book = book
        self._realm = realm

    async def admit(self, origin: Origin, authorization: str) -> Admission:
        """Recognise whoever knows a pair."""
        pair = _pair(authorization) if origin.secure else None
        if pair is None:
            return WRONG
        username, password = pair
        for algorithm in _ALGORITHMS:
            shown = digest.ha1(username, self._realm, password, algorithm).encode()
            principal = await self._book.recognise(
                username,
                algorithm,
                lambda ha1, shown=shown: hmac.compare_digest(ha1.encode(), shown),  # type: ignore[misc]  # mypy cannot infer the default's type
            )
            if principal is not None:
                return Admission(principal)
        return WRONG

    def challenges(self, origin: Origin) -> list[str]:
        """One, where it may be answered."""
        return [f'Basic realm="{self._realm}", charset="UTF-8"'] if origin.secure else []


def _pair(authorization: str) -> tuple[str, str] | None:
    """The name and the password of an Authorization; None where it has none."""
    try:
        text = b64decode(authorization.partition(" ")[2].strip(), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return None
    username, colon, password = text.partition(":")
    return (username, password) if colon else None
