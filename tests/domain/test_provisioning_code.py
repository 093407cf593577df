from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.provisioning_code import LONGEST, ProvisioningCodes

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ONE = ProvisioningCodes(Keyring.new(NOW))
ID = uuid4()


@given(st.uuids(), st.integers(1, 2**31 - 1))
def test_a_code_says_what_it_was_made_of_and_fits_where_it_belongs(association_id: UUID, generation: int) -> None:
    code = ONE.seal(association_id, generation)
    assert len(code) == LONGEST <= 64
    assert code.isalnum()
    assert ONE.open(code) == (association_id, generation)
    assert ONE.seal(association_id, generation) == code


def test_what_a_gateway_makes_of_it_is_understood() -> None:
    code = ONE.seal(ID, 7)
    assert ONE.open(f" {code.lower()}\n") == (ID, 7)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "AB",
        "TLCO.GRP2",
        ONE.seal(ID, 7)[:-1],
        ONE.seal(ID, 7) + "A",
        ONE.seal(ID, 7)[2:],
        ONE.seal(ID, 7)[:-3] + "AAA",
        ProvisioningCodes(Keyring.new(NOW)).seal(ID, 7),
        "AB" + "é" * 10,
        "AB" + "1" * 58,
        "A" * 10_000,
    ],
    ids=range(11),
)
def test_everything_else_is_nobody_s(code: str) -> None:
    assert ONE.open(code) is None


def test_a_code_shows_nothing_of_its_line() -> None:
    first, second = ONE.seal(ID, 1), ONE.seal(ID, 2)
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 20
    assert ID.hex not in first.lower()


def test_codes_stay_when_the_keyring_rotates() -> None:
    keyring = Keyring.new(NOW)
    assert ProvisioningCodes(keyring.rotate(NOW)).seal(ID, 1) == ProvisioningCodes(keyring).seal(ID, 1)
