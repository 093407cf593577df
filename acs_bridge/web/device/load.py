"""How much is under way, and who is turned away when it is too much: new sessions, never one that has begun.

Every bound is for one process. What is counted are requests that are being answered: nothing else says as early and as
cheaply how long the next one would wait, and a machine that is busy with something else is not mistaken for load.
"""

from asyncio import get_running_loop
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog

from acs_bridge.domain.principal import Kind, Principal
from acs_bridge.web.device.measures import DeviceMeasures
from acs_bridge.web.device.tally import Tally

_log = structlog.get_logger(__name__)

LOG_SECONDS: Final = 10.0  # between two lines about the same: a flood of refusals must not be one of lines
_RETRY_SECONDS: Final = 30
_SPREAD: Final = 31  # so many different answers, one second apart: who was turned away together comes back in turn


class Refusal(StrEnum):
    """Why somebody was turned away; a label of the metric."""

    SESSIONS = "sessions"
    BOOTSTRAP = "bootstrap"
    LOGINS = "logins"
    CONNECTIONS = "connections"
    ADDRESS = "address"
    INBOX = "inbox"
    REPORTS = "reports"
    REFUSED_REPORTS = "refused_reports"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken on; the settings of `device_listener` with these names say more."""

    max_connections: int = 10_000
    max_connections_per_address: int = 2000
    sessions_in_flight: int = 1000
    bootstrap_in_flight: int = 500
    login_failures_per_minute: int = 300
    is_proxy: Callable[[str], bool] = lambda _: False  # one that speaks for many: it has no bounds of an address


class Load:
    """What one listener carries."""

    def __init__(self, limits: Limits, measures: DeviceMeasures) -> None:
        self._limits = limits
        self._measures = measures
        self._answering = 0
        self._bootstrap = 0
        self._failures = Tally(limits.login_failures_per_minute, limits.is_proxy)
        self._connections = 0
        self._by_address: Counter[str] = Counter()
        self._said: dict[str, tuple[float, int]] = {}
        self._sent_away = 0

    # --- sessions ---------------------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether no new session is taken."""
        return self._answering >= self._limits.sessions_in_flight

    @property
    def is_full_for_bootstrap(self) -> bool:
        """Whether no new session is taken of a gateway that shows only what all of them share."""
        return self._bootstrap >= self._limits.bootstrap_in_flight

    def begins(self, principal: Principal | None) -> None:
        """A request is being answered, of who has shown this much of itself."""
        self._answering += 1
        self._bootstrap += principal is not None and principal.kind is Kind.BOOTSTRAP

    def ends(self, principal: Principal | None) -> None:
        """It has been answered."""
        self._answering -= 1
        self._bootstrap -= principal is not None and principal.kind is Kind.BOOTSTRAP

    # --- logins -----------------------------------------------------------------------------------------------------

    def failed(self, address: str) -> None:
        """Somebody there has shown credentials that are wrong."""
        self._failures.failed(address)

    def is_guessing(self, address: str) -> bool:
        """Whether so many logins from there have failed of late that none is looked at."""
        return self._failures.is_too_much(address)

    # --- connections ------------------------------------------------------------------------------------------------

    def connected(self, address: str) -> Refusal | None:
        """One connection more; why that is one too many."""
        self._connections += 1
        self._by_address[address] += 1
        if self._by_address[address] > self._limits.max_connections_per_address and not self._limits.is_proxy(address):
            return Refusal.ADDRESS
        return Refusal.CONNECTIONS if self._connections > self._limits.max_connections else None

    def disconnected(self, address: str) -> None:
        """One connection less."""
        self._connections -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    # --- saying so --------------------------------------------------------------------------------------------------

    def turned_away(self, why: Refusal, address: str) -> str:
        """Count it, and say it now and then; when to come back, in seconds."""
        self._measures.shed(why)
        self.say("turned_away", why, address)
        return self.come_back()

    def come_back(self) -> str:
        """In how many seconds to come back: not all who were sent away at once return at once."""
        self._sent_away += 1
        return str(_RETRY_SECONDS + self._sent_away % _SPREAD)

    def mended(self) -> None:
        """A request was understood at the second look."""
        self._measures.mended.inc()

    def no_http(self, peer: str) -> None:
        """Bytes came that are no HTTP."""
        self._measures.answered(400)
        self.say("no_http", "bytes", peer)

    def say(
        self, event: str, reason: str, address: str, *, kind: str | None = None, ours: bool = False, **more: object
    ) -> None:
        """A line about the first of its kind, and at most one every ten seconds about those that follow.

        A kind is the reason, unless a gateway's words may be in that: there must be few kinds. `ours`: our own mistake.
        """
        key = f"{event} {kind or reason}"
        now = get_running_loop().time()
        since, unsaid = self._said.get(key, (now - LOG_SECONDS, 0))
        if now - since < LOG_SECONDS:
            self._said[key] = (since, unsaid + 1)
            return
        self._said[key] = (now, 0)
        tell = _log.error if ours else _log.warning
        tell(event, reason=str(reason), peer=address, since_the_last_line=unsaid, **more)
