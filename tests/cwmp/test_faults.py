import pytest

from cwmp.faults import ACS_FAULTS, CPE_FAULTS, fault_code, is_permanent, is_spent
from cwmp.messages import Fault, ParameterFault


def test_every_code_of_the_tables_is_there_once_with_a_sentence():
    assert set(CPE_FAULTS) == set(range(9000, 9033))
    assert set(ACS_FAULTS) == set(range(8000, 8007))
    for code, fault in (CPE_FAULTS | ACS_FAULTS).items():
        assert (fault.code, fault_code(code)) == (code, fault)
        assert fault.name
        assert fault.meaning.endswith(".")


# Whether the same write would fail again (F-01), and after how many attempts what is transient is given up.
PERMANENT = {9000, 9005, 9006, 9007, 9008, 9009, *range(9022, 9027), *range(9028, 9033), 8000, 8001, 8003, 8006}
TRANSIENT = {9002: None, 9004: None, 9027: None, 8002: None, 8004: None, 8005: None, 9001: 3}
TRANSIENT |= dict.fromkeys(range(9010, 9022))
TRANSIENT |= dict.fromkeys((9033, 9799, 9800, 9899, 9900, 8007, 8799, 8800, 8899, 8900, 0, 1, 99999), 3)


def test_every_code_of_the_tables_is_decided():
    assert set(CPE_FAULTS) | set(ACS_FAULTS) <= PERMANENT | set(TRANSIENT) | {9003}


@pytest.mark.parametrize("code", sorted(PERMANENT | set(TRANSIENT)))
def test_a_code_is_permanent_or_transient(code):
    """F-01"""
    assert is_permanent(Fault(code), 1) is (code in PERMANENT)


@pytest.mark.parametrize(("code", "attempts"), TRANSIENT.items())
def test_what_is_transient_is_tried_as_often_as_it_is_worth(code, attempts):
    """F-01: a vendor's or an unknown fault is not repeated for days."""
    assert [is_spent(Fault(code), number) for number in (1, 2, 3, 50)] == [
        attempts is not None and number >= attempts for number in (1, 2, 3, 50)
    ]


def test_invalid_arguments_without_a_list_are_tried_once_more():
    """R-11: some gateways say it while they are busy."""
    assert [is_permanent(Fault(9003), number) for number in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("codes", "permanent"),
    [
        ((9005,), True),
        ((9006,), True),
        ((9007,), True),
        ((9008,), True),
        ((9001,), False),
        ((9002, 9004), False),
        ((9002, 9007), True),
        ((9850,), False),
    ],
)
def test_invalid_arguments_are_decided_by_their_parameters(codes, permanent):
    """R-11"""
    parameters = tuple(ParameterFault(f"Device.A{code}", code) for code in codes)
    assert is_permanent(Fault(9003, "Invalid arguments", parameters), 1) is permanent


def test_a_code_that_is_not_in_the_tables_has_a_name_of_its_own():
    assert {fault_code(code).name for code in (9800, 9850, 9899, 8800, 8899)} == {"Vendor fault"}
    assert {fault_code(code).name for code in (0, 8007, 9033, 9799, 9900, 12345)} == {"Unknown fault"}
    assert all(fault_code(code).meaning.endswith(".") for code in (9850, 12345))
