"""What a write waits for, in one plain sentence, and when that is expected.

The sentence answers "why is this line not provisioned yet?" for somebody who knows neither CWMP nor this daemon. It is
made from facts that stand on the rows of the write and its gateway; nothing is looked up here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from acs_bridge.domain.ring import LastRing
from acs_bridge.domain.write import Cause, WriteState
from cwmp.faults import fault_code

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
FEW: Final = 2  # of a unit: fewer are told in the unit below


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a gateway informs: its last Inform, and the beat of its periodic ones as far as it is known."""

    last_inform_at: datetime | None
    periodic_at: datetime | None = None
    periodic_seconds: float | None = None

    def next_after(self, now: datetime) -> datetime | None:
        """When the next periodic Inform is due, seen from `now`; None while the beat is not known."""
        if self.periodic_at is None or not self.periodic_seconds or self.periodic_seconds <= 0:
            return None
        beats = max(0, int((now - self.periodic_at).total_seconds() // self.periodic_seconds)) + 1
        return self.periodic_at + timedelta(seconds=beats * self.periodic_seconds)

    def words(self, now: datetime) -> str:
        """Say when the gateway came, how often it comes, and when it is expected; empty for one that never came."""
        if self.last_inform_at is None:
            return ""
        said = [f"last Inform {span((now - self.last_inform_at).total_seconds())} ago"]
        expected = self.next_after(now)
        if expected is not None and self.periodic_seconds is not None:
            said += [f"every {span(self.periodic_seconds)}", f"next expected {_moment(expected, now)}"]
        return ", ".join(said)


def span(seconds: float) -> str:
    """A length of time as people say it, in one or two units."""
    whole = max(0, round(seconds))
    if whole < FEW * MINUTE:
        return f"{whole} s"
    if whole < FEW * HOUR:
        return f"{whole // MINUTE} min"
    if whole < FEW * DAY:
        minutes = whole % HOUR // MINUTE
        return f"{whole // HOUR} h" + (f" {minutes} min" if minutes else "")
    return f"{whole // DAY} days"


def _moment(at: datetime, now: datetime) -> str:
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a write and of its gateway."""

    state: WriteState
    due_at: datetime
    lease_until: datetime | None = None
    fault: Mapping[str, object] | None = None
    has_gateway: bool = False
    awaited_until: datetime | None = None  # the line waits for whichever gateway comes next until then
    wanted_serial: str | None = None  # the box that the line names, which has not informed yet
    rhythm: Rhythm = Rhythm(None)
    needs_approval: bool = False
    cloned: bool = False  # two boxes show the DeviceId of the gateway
    exposed: bool = False  # its newest session was neither inside TLS nor from a management network
    braked: bool = False
    blocked: str | None = None  # why the profile of its gateway parks it
    spent_until: datetime | None = None  # the gateway has had its writes of the day, and gets none before
    credentials: bool = False  # it carries no URL, but a user name and a password
    readable: bool = True  # false: the gateway does not let the value be read back
    moved_at: datetime | None = None  # when it came to its state
    last_ring: LastRing | None = None
    cause: Cause | None = None  # why it was queued


@dataclass(frozen=True, slots=True)
class Waiting:
    """The answer: nothing (no sentence) where nothing is waited for."""

    waiting_for: str | None
    expected_at: datetime | None = None


_LOST: Final = {
    Cause.BOOTSTRAP: "the gateway was reset",
    Cause.FIRMWARE: "the gateway has another software version",
    Cause.DRIFT: "something else was written into the gateway",
    Cause.RECHECK: "the gateway was not looked at for long",
    Cause.READMITTED: "the gateway was let in again",
}
_WAR: Final = "; something else is written into it again and again: is there another manager?"
_CLONED = "two boxes show the DeviceId of this gateway: neither gets anything until an Admin approves it"
_EXPOSED = "the gateway comes without TLS from outside device_listener.management_networks: no PHAN URL is sent there"


def waiting(facts: Facts, now: datetime) -> Waiting:
    """Say what a write waits for."""
    return _SENTENCES[facts.state](facts, now)


def _queued(facts: Facts, now: datetime) -> Waiting:
    if not facts.has_gateway:
        return Waiting(_without_gateway(facts, now))
    obstacle = _obstacle(facts)
    if obstacle is not None:
        return Waiting(obstacle)
    if facts.spent_until is not None:
        return Waiting(
            f"the gateway has had all its writes of a day (queue.writes_per_gateway_per_day): the next one can go out "
            f"from {_moment(facts.spent_until, now)} on{_WAR if facts.cause is Cause.DRIFT else ''}",
            facts.rhythm.next_after(facts.spent_until) or facts.spent_until,
        )
    expected = facts.rhythm.next_after(max(now, facts.due_at))
    if facts.rhythm.last_inform_at is None:
        return Waiting("the gateway has not been seen yet: its first Inform is awaited")
    if facts.due_at > now:
        return Waiting(
            f"the last attempt failed{_because(facts.fault)}; it is tried again later", expected or facts.due_at
        )
    words = f"the next Inform of the gateway: {facts.rhythm.words(now)}{_rung(facts.last_ring, now)}"
    return Waiting(words + _again(facts.cause), expected)


def _again(cause: Cause | None) -> str:
    """Why a line that was provisioned is written again."""
    why = _LOST.get(cause) if cause is not None else None
    return "" if why is None else f"; it is looked at again because {why}"


def _rung(ring: LastRing | None, now: datetime) -> str:
    """What came of asking the gateway to come at once."""
    if ring is None:
        return ""
    return f"; connection request {span((now - ring.at).total_seconds())} ago: {ring.words}"


def _obstacle(facts: Facts) -> str | None:
    """What only a person can take out of the way."""
    if facts.needs_approval:
        return "an Admin must approve the gateway: it has shown only the shared credentials"
    if facts.cloned:
        return _CLONED
    if facts.exposed:
        return _EXPOSED
    if facts.blocked is not None:
        return f"the profile of its gateway blocks it: {facts.blocked}"
    return "the queue is paused for this write" if facts.braked else None


def _without_gateway(facts: Facts, now: datetime) -> str:
    if facts.awaited_until is not None and facts.awaited_until > now:
        until = _moment(facts.awaited_until, now)
        return f"the next gateway off the shelf that fits: the line waits for it until {until}"
    if facts.wanted_serial is None:
        return "no gateway is bound to this line of service yet"
    box = f"the gateway with serial number {facts.wanted_serial}"
    return f"{box} has not informed yet, or waits for an Admin to approve it"


def _sent(facts: Facts, _now: datetime) -> Waiting:
    return Waiting("the answer of the gateway to what was just sent", facts.lease_until)


def _in_doubt(facts: Facts, now: datetime) -> Waiting:
    return Waiting(
        "the connection was lost before the gateway answered: its next Inform tells whether the value arrived"
        + _rung(facts.last_ring, now),
        facts.rhythm.next_after(now),
    )


def _applied(facts: Facts, now: datetime) -> Waiting:
    if facts.lease_until is not None:
        return Waiting("the gateway took the value, which is being read back", facts.lease_until)
    if facts.credentials:
        return Waiting(
            "the gateway took its credentials: its next login with them proves it (until then the former ones do)",
            facts.rhythm.next_after(now),
        )
    informed, moved = facts.rhythm.last_inform_at, facts.moved_at
    if not facts.readable and informed is not None and moved is not None and informed > moved:
        return Waiting(
            "nothing more: the gateway accepted the value, it cannot be read back, and its Informs do not show the "
            "ParameterKey that would prove it"
        )
    if not facts.readable:
        return Waiting(
            "the gateway took the value and cannot be asked for it: a later Inform may prove it",
            facts.rhythm.next_after(now),
        )
    if facts.exposed:
        return Waiting(_EXPOSED)
    return Waiting("the gateway took the value, which is read back in its next session", facts.rhythm.next_after(now))


def _staged(facts: Facts, now: datetime) -> Waiting:
    if facts.exposed:
        return Waiting(_EXPOSED)
    return Waiting(
        "the gateway took the value and applies it later: it is read back in a later session",
        facts.rhythm.next_after(now),
    )


def _rejected(facts: Facts, _now: datetime) -> Waiting:
    return Waiting(f"an operator: the gateway cannot take the value{_because(facts.fault)}")


def _failed(facts: Facts, _now: datetime) -> Waiting:
    return Waiting(f"an operator: every attempt failed{_because(facts.fault)}")


def _nothing(_facts: Facts, _now: datetime) -> Waiting:
    return Waiting(None)


def _because(fault: Mapping[str, object] | None) -> str:
    """Put a fault in plain words: what its code means, and what to do about it."""
    if not fault:
        return ""
    code, text = fault.get("code"), fault.get("text")
    if not isinstance(code, int):
        return f" ({text})"
    known = fault_code(code)
    return f" (fault {code}: {known.meaning if known.is_standard else text or known.meaning})"


_SENTENCES: dict[WriteState, Callable[[Facts, datetime], Waiting]] = {
    WriteState.QUEUED: _queued,
    WriteState.SENT: _sent,
    WriteState.APPLIED: _applied,
    WriteState.STAGED: _staged,
    WriteState.VERIFIED: _nothing,
    WriteState.IN_DOUBT: _in_doubt,
    WriteState.REJECTED: _rejected,
    WriteState.FAILED: _failed,
    WriteState.CANCELLED: _nothing,
    WriteState.SUPERSEDED: _nothing,
}
