"""The sealed session: what identifies a CWMP session travels in its cookie, so that any worker on any host serves it.

The cookie is authenticated and encrypted (AES-SIV): 82 characters of [0-9a-f], which even the oldest cookie parsers
keep whole. It says which gateway and which of its sessions this is, who opened it, and whether work was due. It proves
nothing about the moment: the gateway's row in the database is compared with it before anything changes.
"""

import re
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.principal import Kind, Principal
from cwmp.version import DEFAULT_TIMEOUT

COOKIE: Final = "cwmpsid"
LIFETIME_SECONDS: Final = 600  # no session lives longer, however busy
CLOCK_SKEW_SECONDS: Final = 30  # between the hosts that serve one session

_LAYOUT: Final = struct.Struct(">QIIBBBIH")
_WORK_DUE, _EMPTY_200, _RECORDED = 1, 2, 4  # bits of one byte
_KINDS: Final = tuple(Kind)  # by their numbers
_ALONE: Final = f"{COOKIE}="
# Every Cookie syntax that gateways are known to send: quoted, with $Version and $Path, commas for semicolons.
_IN_HEADER: Final = re.compile(rf'(?:^|[;,\s]){COOKIE}\s*=\s*"?([^\s",;]+)')
_VALUE: Final = re.compile("[0-9a-f]{82}")


class Ticket(NamedTuple):
    """A session's identity."""

    gateway_id: int
    session_number: int
    opened_at: int  # seconds since 1970
    namespace: int  # the digit behind "cwmp-1-"
    opener: Kind  # who opened it, and
    opener_mark: int  # `Principal.mark` of that one
    timeout: int = DEFAULT_TIMEOUT  # seconds that the gateway may be silent
    work_due: bool = False
    empty_200: bool = False  # it ends with 200 instead of 204
    recorded: bool = False  # by somebody

    def is_over(self, now: datetime) -> bool:
        """Whether the session has lived its longest."""
        return not -CLOCK_SKEW_SECONDS <= int(now.timestamp()) - self.opened_at <= LIFETIME_SECONDS

    def is_for(self, principal: Principal) -> bool:
        """Whether a caller may go on with this session: its opener, or who knows credentials of its gateway."""
        if principal.gateway_ids:
            return self.gateway_id in principal.gateway_ids
        return principal.kind is self.opener and principal.mark() == self.opener_mark


NO_SESSION: Final = Ticket(0, 0, 0, 0, Kind.ANYBODY, 0)
"""What a cookie stands for that is not ours, or not whole: a session that is over."""


class TicketSeal:
    """Turns tickets into cookies and back."""

    def __init__(self, keyring: Keyring) -> None:
        self._sealer = keyring.sealer("CWMP session cookie")

    def seal(self, ticket: Ticket) -> str:
        """The cookie's value."""
        marks = _WORK_DUE * ticket.work_due | _EMPTY_200 * ticket.empty_200 | _RECORDED * ticket.recorded
        return self._sealer.seal(_LAYOUT.pack(*ticket[:4], marks, *ticket[4:7])).hex()

    def open(self, cookie_headers: Sequence[str]) -> Ticket | None:
        """The ticket in a request's Cookie headers: of several, the last that is ours (RDK-B keeps old cookies).

        None where there is no cookie of ours at all, which is not the same as one that cannot be opened.
        """
        if not cookie_headers:
            return None
        if len(cookie_headers) == 1 and cookie_headers[0][: len(_ALONE)] == _ALONE:  # nearly always: nothing else
            ticket = self._ticket(cookie_headers[0][len(_ALONE) :])
            if ticket is not None:
                return ticket
        found = [value for header in cookie_headers for value in _IN_HEADER.findall(header)]
        tickets = (self._ticket(value) for value in reversed(found))
        return next(filter(None, tickets), NO_SESSION if found else None)

    def _ticket(self, value: str) -> Ticket | None:
        plain = self._sealer.open(bytes.fromhex(value)) if _VALUE.fullmatch(value) else None
        if plain is None or len(plain) != _LAYOUT.size:
            return None
        gateway_id, session_number, opened_at, namespace, marks, opener, mark, timeout = _LAYOUT.unpack(plain)
        return Ticket(
            gateway_id,
            session_number,
            opened_at,
            namespace,
            _KINDS[opener],
            mark,
            timeout,
            work_due=bool(marks & _WORK_DUE),
            empty_200=bool(marks & _EMPTY_200),
            recorded=bool(marks & _RECORDED),
        )
