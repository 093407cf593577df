"""The sealed session: what identifies a CWMP session travels in its cookie, so that any worker on any host serves it.

The cookie is authenticated and encrypted (AES-SIV): 68 characters of [0-9a-f], which even the oldest cookie parsers
keep whole. It says which gateway and which of its sessions this is, and whether work was due. It proves nothing about
the moment: the gateway's row in the database is compared with it before anything changes.
"""

import re
import struct
from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag
from typing import Final

from acs_bridge.domain.keyring import Keyring

COOKIE: Final = "cwmpsid"
LIFETIME_SECONDS: Final = 600  # no session lives longer, however busy

_LAYOUT: Final = struct.Struct(">QIIBB")
# Every Cookie syntax that gateways are known to send: quoted, with $Version and $Path, commas for semicolons.
_IN_HEADER: Final = re.compile(rf'(?:^|[;,\s]){COOKIE}\s*=\s*"?([0-9a-f]{{68}})(?![0-9A-Za-z])')


class Marks(IntFlag):
    """What else is said of the session."""

    WORK_DUE = 1
    BOOTSTRAP = 2  # it was opened with the shared bootstrap credential


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session's identity."""

    gateway_id: int
    session_number: int
    opened_at: int  # seconds since 1970
    namespace: int  # the digit behind "cwmp-1-"
    marks: Marks

    def is_over(self, now: datetime) -> bool:
        """Whether the session has lived its longest."""
        return not 0 <= int(now.timestamp()) - self.opened_at <= LIFETIME_SECONDS


class TicketSeal:
    """Turns tickets into cookies and back."""

    def __init__(self, keyring: Keyring) -> None:
        self._sealer = keyring.sealer("CWMP session cookie")

    def seal(self, ticket: Ticket) -> str:
        """The cookie's value."""
        plain = _LAYOUT.pack(ticket.gateway_id, ticket.session_number, ticket.opened_at, ticket.namespace, ticket.marks)
        return self._sealer.seal(plain).hex()

    def open(self, cookie_headers: list[str]) -> Ticket | None:
        """The ticket in a request's Cookie headers: of several, the last that is ours (RDK-B keeps old cookies)."""
        found = [value for header in cookie_headers for value in _IN_HEADER.findall(header)]
        for value in reversed(found):
            plain = self._sealer.open(bytes.fromhex(value))
            if plain is not None and len(plain) == _LAYOUT.size:
                gateway_id, session_number, opened_at, namespace, marks = _LAYOUT.unpack(plain)
                return Ticket(gateway_id, session_number, opened_at, namespace, Marks(marks))
        return None
