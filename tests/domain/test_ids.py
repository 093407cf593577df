from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.ids import new_id, read_tag, tag

NOW = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
instants = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
steps = st.integers(0, 999_999_999)


@given(instants)
def test_an_id_is_a_uuid_of_version_7_that_carries_the_millisecond(now):
    made = new_id(now)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(instants, st.integers(1, 10**9))
def test_a_later_instant_makes_a_greater_id(now, microseconds):
    assert new_id(now) < new_id(now + timedelta(microseconds=microseconds))


def test_ids_of_one_instant_ascend_and_differ():
    made = [new_id(NOW) for _ in range(2000)]
    assert made == sorted(set(made))


def test_ids_stay_of_version_7_when_many_are_made_at_one_instant():
    assert {(made.version, made.variant) for made in (new_id(NOW) for _ in range(2000))} == {
        (7, "specified in RFC 4122")
    }


def test_an_earlier_instant_after_a_later_one_keeps_its_own_time():
    new_id(NOW)
    assert new_id(NOW - timedelta(days=1)) < new_id(NOW)


def test_a_naive_instant_is_refused():
    with pytest.raises(TypeError):
        new_id(NOW.replace(tzinfo=None))


@given(st.uuids(), steps)
def test_a_tag_says_its_write_and_step_in_32_characters(write_id, step):
    text = tag(write_id, step)
    assert len(text) <= 32
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert read_tag(text) == (write_id, step)


@pytest.mark.parametrize("step", [-1, 1_000_000_000])
def test_a_step_that_would_not_fit_is_refused(step):
    with pytest.raises(ValueError, match="999999999"):
        tag(uuid4(), step)


def test_a_padded_tag_is_read():
    assert read_tag(f"\n  {tag(UUID(int=7), 3)}\t") == (UUID(int=7), 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "somebody else's key",
        tag(UUID(int=7), 3)[:-1],
        tag(UUID(int=7), 3) + "x",
        tag(UUID(int=7), 3).replace("-3", "-03"),
        tag(UUID(int=7), 3).replace("-3", "--3"),
        tag(UUID(int=7), 3).replace("-3", "-٣"),
        tag(UUID(int=7), 3).replace("-3", "-1234567890"),
        "AAAAAAAAAAAAAAAAAAAAAB-3",  # the four bits that an id does not need are not zero
    ],
)
def test_what_is_not_a_tag_names_nothing(text):
    assert read_tag(text) is None


@given(st.text(max_size=40))
def test_whatever_a_gateway_reports_is_read_as_itself_or_as_nothing(text):
    found = read_tag(text)
    assert found is None or tag(*found) == text.strip()
