from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.retry import Retry

DEFAULT = Retry(max_attempts=5, initial_seconds=30, max_seconds=21600)
retries = st.builds(
    Retry,
    max_attempts=st.integers(1, 100),
    initial_seconds=st.floats(0.001, 1000),
    max_seconds=st.floats(1000, 10**6),
)
chances = st.floats(0, 1, exclude_max=True)


@given(retries, st.integers(-5, 10**9), chances)
def test_a_delay_lies_between_half_the_first_and_the_cap(retry, attempt, chance):
    delay = retry.delay(attempt, lambda: chance).total_seconds()
    assert retry.initial_seconds / 2 - 1e-6 <= delay <= retry.max_seconds + 1e-6


@given(retries, st.integers(1, 100), chances)
def test_a_later_attempt_never_waits_less_for_the_same_chance(retry, attempt, chance):
    assert retry.delay(attempt, lambda: chance) <= retry.delay(attempt + 1, lambda: chance)


@pytest.mark.parametrize(("attempt", "ceiling"), [(1, 30), (2, 60), (3, 120), (10, 15360), (11, 21600), (4000, 21600)])
def test_the_ceiling_doubles_until_the_cap(attempt, ceiling):
    assert DEFAULT.delay(attempt, lambda: 0.0) == timedelta(seconds=ceiling / 2)
    assert DEFAULT.delay(attempt, lambda: 0.999999) == pytest.approx(
        timedelta(seconds=ceiling), abs=timedelta(seconds=1)
    )


@pytest.mark.parametrize(("attempts", "exhausted"), [(0, False), (4, False), (5, True), (6, True)])
def test_attempts_are_exhausted_at_their_maximum(attempts, exhausted):
    assert DEFAULT.exhausted(attempts) is exhausted
