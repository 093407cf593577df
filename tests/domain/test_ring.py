"""What came of a connection request, and when the gateway is rung again."""

from datetime import UTC, datetime, timedelta

import pytest

from acs_bridge.domain.ring import LONGEST_WAIT, MOST_TRIES, WORDS, LastRing, RingResult, next_ring

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def wait(result: RingResult, tries: int) -> float | None:
    at = next_ring(result, tries, NOW)
    return None if at is None else (at - NOW).total_seconds()


@pytest.mark.parametrize(
    ("result", "waits"),
    [
        (RingResult.RUNG, [30, 60, 120]),
        (RingResult.BUSY, [30, 60, 120]),
        (RingResult.TIMED_OUT, [60, 120, 240]),
        (RingResult.REFUSED, [60, 120, 240]),
        (RingResult.WRONG_PASSWORD, [3600, 7200, 14400]),
        (RingResult.PRIVATE_ADDRESS, [None, None, None]),
        (RingResult.UNUSABLE_URL, [None, None, None]),
        (RingResult.NO_PASSWORD, [None, None, None]),
    ],
)
def test_a_gateway_that_did_not_come_is_rung_again_ever_more_rarely(result, waits):
    """C-03."""
    assert [wait(result, tries) for tries in (1, 2, 3)] == waits


@pytest.mark.parametrize("result", RingResult)
def test_a_gateway_that_never_comes_is_left_alone(result):
    assert wait(result, MOST_TRIES) is None
    assert all(
        seconds is None or timedelta(seconds=seconds) <= LONGEST_WAIT
        for seconds in (wait(result, tries) for tries in range(MOST_TRIES))
    )


@pytest.mark.parametrize("result", RingResult)
def test_every_result_has_words_of_its_own(result):
    said = LastRing(NOW, result).words
    assert said == WORDS[result]
    assert [other for other in RingResult if WORDS[other] == said] == [result]


def test_an_odd_answer_shows_its_status_and_one_under_way_says_so():
    assert LastRing(NOW, RingResult.ODD_ANSWER, 404).words.endswith("(HTTP 404)")
    assert LastRing(NOW, None).words == "under way"
