"""What came of a connection request, in words, and when its gateway is rung again.

A connection request (TR-069 3.2.2) asks a gateway to open a session. Its result is a hint: whatever it is, the write
that it was made for waits for the gateway's next Inform as before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MOST_TRIES: Final = 6
"""Rings for one wish. A gateway that did not come after so many comes by itself, or is away."""
LONGEST_WAIT: Final = timedelta(hours=6)


class RingResult(StrEnum):
    """How a ring ended."""

    RUNG = "rung"
    BUSY = "busy"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 -- a result
    NO_PASSWORD = "no_password"  # noqa: S105 -- a result
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    ODD_ANSWER = "odd_answer"
    PRIVATE_ADDRESS = "private_address"
    FORBIDDEN_ADDRESS = "forbidden_address"
    UNUSABLE_URL = "unusable_url"
    THROTTLED = "throttled"


WORDS: Final[dict[RingResult, str]] = {
    RingResult.RUNG: "answered: the gateway opens a session at once, or after the one that is open",
    RingResult.BUSY: "busy: the gateway is in a session, or limits how often it may be rung",
    RingResult.WRONG_PASSWORD: "wrong password: the gateway has other credentials for connection requests than we have",
    RingResult.NO_PASSWORD: "no password: the gateway asks for credentials that we do not have, or in another way",
    RingResult.REFUSED: "refused: nothing listens where its connection request URL points",
    RingResult.UNREACHABLE: "unreachable: no way leads to where its connection request URL points",
    RingResult.TIMED_OUT: "no answer in time: the gateway is off, or a firewall or NAT stands before it",
    RingResult.ODD_ANSWER: "odd answer: what answered does not take connection requests",
    RingResult.PRIVATE_ADDRESS: "private address: its connection request URL names an address behind a NAT, outside "
    "connection_requests.access_networks",
    RingResult.FORBIDDEN_ADDRESS: "forbidden address: its connection request URL names neither the address that its "
    "sessions come from nor one in connection_requests.access_networks",
    RingResult.UNUSABLE_URL: "unusable URL: a connection request URL is plain http to a host, without credentials",
    RingResult.THROTTLED: "throttled: the same address was rung a moment ago, for another gateway",
}
"""For an operator who knows neither CWMP nor this daemon."""

_FIRST_WAIT: Final[dict[RingResult, timedelta]] = {
    RingResult.RUNG: timedelta(seconds=30),  # no Inform came of it: it was lost, or the gateway is slow
    RingResult.BUSY: timedelta(seconds=30),
    RingResult.THROTTLED: timedelta(seconds=30),
    RingResult.REFUSED: timedelta(minutes=1),
    RingResult.UNREACHABLE: timedelta(minutes=1),
    RingResult.TIMED_OUT: timedelta(minutes=1),
    RingResult.ODD_ANSWER: timedelta(minutes=5),
    RingResult.WRONG_PASSWORD: timedelta(hours=1),
}
"""The rest is not tried again: only another URL helps, and that comes with an Inform."""


def next_ring(result: RingResult, tries: int, now: datetime) -> datetime | None:
    """When a gateway that did not come is rung again after its `tries`th ring; None: not before somebody wishes."""
    first = _FIRST_WAIT.get(result)
    if first is None or tries >= MOST_TRIES:
        return None
    doubled: int = 2 ** max(0, tries - 1)
    return now + min(LONGEST_WAIT, first * doubled)


@dataclass(frozen=True, slots=True)
class LastRing:
    """The newest ring of a gateway; without a result it is under way."""

    at: datetime
    result: RingResult | None
    http_status: int | None = None
    count: int = 1

    @property
    def words(self) -> str:
        """Say it to a person."""
        if self.result is None:
            return "under way"
        shown = self.result is RingResult.ODD_ANSWER and self.http_status is not None
        return WORDS[self.result] + (f" (HTTP {self.http_status})" if shown else "")
