import pytest

from cwmp.faults import ACS_FAULTS, CPE_FAULTS, fault_code, is_permanent
from cwmp.messages import Fault, ParameterFault


def test_every_code_of_the_tables_is_there_once_with_a_sentence():
    assert set(CPE_FAULTS) == set(range(9000, 9033))
    assert set(ACS_FAULTS) == set(range(8000, 8007))
    for code, fault in (CPE_FAULTS | ACS_FAULTS).items():
        assert (fault.code, fault_code(code)) == (code, fault)
        assert fault.name
        assert fault.advice.endswith(".")


# Whether the same write would fail again (F-01).
PERMANENT = {9000, 9003, 9005, 9006, 9007, 9008}
TRANSIENT = {9001, 9002, 9004, 9010, 9020, 9027, 9033, 9799, 9800, 9899, 0, 1, 99999}


@pytest.mark.parametrize("code", sorted(PERMANENT | TRANSIENT))
def test_a_code_is_permanent_or_transient(code):
    """F-01"""
    assert is_permanent(Fault(code)) is (code in PERMANENT)


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
        ((), True),
    ],
)
def test_invalid_arguments_are_decided_by_their_parameters(codes, permanent):
    """R-11"""
    parameters = tuple(ParameterFault(f"Device.A{code}", code) for code in codes)
    assert is_permanent(Fault(9003, "Invalid arguments", parameters)) is permanent


def test_a_code_that_is_not_in_the_tables_has_a_name_of_its_own():
    assert fault_code(9850).name == "Vendor fault"
    assert fault_code(12345).name == "Unknown fault"
