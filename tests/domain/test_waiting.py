"""What a write waits for, in one sentence a state."""

from datetime import UTC, datetime, timedelta

import pytest

from acs_bridge.domain.ring import LastRing, RingResult
from acs_bridge.domain.waiting import Facts, Rhythm, span, waiting
from acs_bridge.domain.write import FINAL, Cause, WriteState

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STEADY = Rhythm(NOW - HOUR, NOW - HOUR, 4 * 3600)
NEXT = NOW + 3 * HOUR
UNSEEN = Rhythm(None)


def facts(state, **more):
    return Facts(state, due_at=more.pop("due_at", NOW), has_gateway=True, rhythm=more.pop("rhythm", STEADY), **more)


@pytest.mark.parametrize(
    ("known", "words", "expected_at"),
    [
        (Facts(WriteState.QUEUED, NOW), "no gateway is bound", None),
        (Facts(WriteState.QUEUED, NOW, wanted_serial="S-1"), "serial number S-1 has not informed yet", None),
        (facts(WriteState.QUEUED, rhythm=UNSEEN), "has not been seen yet", None),
        (facts(WriteState.QUEUED, needs_approval=True), "an Admin must approve the gateway", None),
        (facts(WriteState.QUEUED, cloned=True), "two boxes show the DeviceId", None),
        (facts(WriteState.QUEUED, braked=True), "the queue is paused", None),
        (facts(WriteState.QUEUED, spent_until=NOW + 4 * HOUR), "all its writes of a day .* 16:00 UTC", NEXT + 4 * HOUR),
        (facts(WriteState.QUEUED, spent_until=NOW + HOUR, rhythm=Rhythm(NOW)), "from 13:00 UTC on", NOW + HOUR),
        (facts(WriteState.QUEUED), "the next Inform of the gateway", NEXT),
        (facts(WriteState.QUEUED, rhythm=Rhythm(NOW)), "the next Inform of the gateway", None),
        (facts(WriteState.QUEUED, due_at=NOW + 4 * HOUR), "tried again later", NEXT + 4 * HOUR),
        (facts(WriteState.QUEUED, due_at=NOW + HOUR, rhythm=Rhythm(NOW)), "tried again later", NOW + HOUR),
        (facts(WriteState.QUEUED, cause=Cause.FIRMWARE), "because the gateway has another software version", NEXT),
        (facts(WriteState.QUEUED, cause=Cause.BOUND), "the next Inform of the gateway.* UTC$", NEXT),
        (facts(WriteState.QUEUED, cause=Cause.DRIFT, spent_until=NOW + HOUR), "is there another manager", NEXT),
        (facts(WriteState.SENT, lease_until=NOW + HOUR), "the answer of the gateway", NOW + HOUR),
        (facts(WriteState.IN_DOUBT), "its next Inform tells whether", NEXT),
        (facts(WriteState.APPLIED, lease_until=NOW + HOUR), "is being read back", NOW + HOUR),
        (facts(WriteState.APPLIED), "read back in its next session", NEXT),
        (facts(WriteState.APPLIED, readable=False, credentials=True), "its next login with them proves it", NEXT),
        (facts(WriteState.APPLIED, readable=False), "a later Inform may prove it", NEXT),
        (facts(WriteState.STAGED), "applies it later", NEXT),
        (facts(WriteState.REJECTED, fault={"code": 9005, "text": "Invalid parameter name"}), "fault 9005: ", None),
        (facts(WriteState.REJECTED, fault={"code": 8999, "text": "own"}), r"fault 8999: own\)", None),
        (facts(WriteState.REJECTED, fault={"code": None, "text": "no profile fits"}), r"\(no profile fits\)", None),
        (facts(WriteState.FAILED), "every attempt failed$", None),
    ],
)
def test_a_write_says_what_it_waits_for_and_when_that_is_expected(known, words, expected_at):
    import re

    said = waiting(known, NOW)
    assert said.waiting_for is not None
    assert re.search(words, said.waiting_for)
    assert said.expected_at == expected_at


@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_write_that_is_over_waits_for_nothing(state):
    assert waiting(facts(state), NOW).waiting_for is None


@pytest.mark.parametrize("state", WriteState)
def test_every_state_has_its_sentence(state):
    assert (waiting(facts(state), NOW).waiting_for is None) == (state in FINAL)


@pytest.mark.parametrize(
    ("rhythm", "now", "expected"),
    [
        (Rhythm(NOW, NOW, 60), NOW, NOW + timedelta(seconds=60)),
        (Rhythm(NOW, NOW, 60), NOW + timedelta(seconds=59), NOW + timedelta(seconds=60)),
        (Rhythm(NOW, NOW, 60), NOW + timedelta(seconds=60), NOW + timedelta(seconds=120)),
        (Rhythm(NOW, NOW, 60), NOW - HOUR, NOW + timedelta(seconds=60)),
        (Rhythm(NOW, NOW, 0), NOW, None),
        (Rhythm(NOW, NOW, None), NOW, None),
        (Rhythm(NOW, None, 60), NOW, None),
    ],
)
def test_the_next_periodic_inform_is_the_beat_after_now(rhythm, now, expected):
    assert rhythm.next_after(now) == expected


def test_a_queued_write_says_when_its_gateway_came_and_comes_and_what_a_ring_brought():
    rhythm = Rhythm(NOW - timedelta(hours=3, minutes=10), NOW - timedelta(hours=3, minutes=10), 23 * 3600)
    rung = LastRing(NOW - timedelta(minutes=5), RingResult.REFUSED)
    said = waiting(facts(WriteState.QUEUED, rhythm=rhythm, last_ring=rung), NOW).waiting_for
    assert said == (
        "the next Inform of the gateway: last Inform 3 h 10 min ago, every 23 h, next expected 2026-03-15 07:50 UTC;"
        " connection request 5 min ago: refused: nothing listens where its connection request URL points"
    )


def test_a_write_in_doubt_says_what_a_ring_brought():
    rung = LastRing(NOW - timedelta(seconds=5), None)
    said = waiting(facts(WriteState.IN_DOUBT, last_ring=rung), NOW).waiting_for
    assert said is not None
    assert said.endswith("; connection request 5 s ago: under way")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (11_400, "3 h 10 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds, words):
    assert span(seconds) == words
