"""Derived pairs."""

import re
from datetime import UTC, datetime

import pytest

from acs_bridge.domain.credentials import LONGEST, OwnPairs, own_name
from acs_bridge.domain.keyring import Keyring

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYRING = Keyring.new(NOW)
PAIRS = OwnPairs(KEYRING)
LARGEST = (2**63 - 1, 2**31 - 1)
NUMBERS = [(1, 1), (1, 2), (2, 1), (11, 1), (1, 11), (42, 7), LARGEST]


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_user_name_says_the_gateway_and_the_generation(numbers: tuple[int, int]) -> None:
    assert own_name(PAIRS.login(*numbers).username) == numbers


@pytest.mark.parametrize("numbers", NUMBERS)
def test_a_pair_is_of_what_every_cpe_takes(numbers: tuple[int, int]) -> None:
    """A-18: [A-Za-z0-9], at least 128 bits."""
    for pair in (PAIRS.login(*numbers), PAIRS.connection_request(numbers[0])):
        assert re.fullmatch("[a-z0-9]+", pair.username)
        assert re.fullmatch("[A-Za-z0-9]{24}", pair.password)
        assert len(pair.username) <= LONGEST


def test_every_gateway_and_generation_has_its_own_and_another_keyring_gives_others() -> None:
    """A-21: the two directions have different secrets."""
    pairs = [PAIRS.login(*numbers) for numbers in NUMBERS]
    ring = [PAIRS.connection_request(gateway_id) for gateway_id in {gateway_id for gateway_id, _ in NUMBERS}]
    assert len({pair.password for pair in pairs + ring}) == len(pairs + ring)
    assert len({pair.username for pair in pairs + ring}) == len(pairs + ring)
    other = OwnPairs(Keyring.new(NOW))
    assert other.login(1, 1).password != PAIRS.login(1, 1).password
    assert OwnPairs(KEYRING.rotate(NOW)).login(1, 1) == PAIRS.login(1, 1)


def test_no_repr_shows_a_password() -> None:
    pair = PAIRS.login(1, 1)
    assert pair.password not in repr(pair)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "gw",
        "gw1",
        "gw1x",
        "gwx1",
        "gw0x1",
        "gw1x0",
        "gw01x1",
        "gw1x01",
        "GW1x1",
        "gw1x1 ",
        "gw1x1\n",
        "gw-1x1",
        "gw\uff19x1",
        "bootstrap",
        f"gw{2**63}x1",
        f"gw1x{2**31}",
        "gw" + "9" * 40 + "x1",
    ],
)
def test_a_name_that_is_not_spelt_like_ours_is_none_of_ours(name: str) -> None:
    assert own_name(name) is None


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (-1, 1), (2**63, 1), (1, 2**31)])
def test_numbers_that_no_gateway_has_get_no_pair(numbers: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="numbered"):
        PAIRS.login(*numbers)
