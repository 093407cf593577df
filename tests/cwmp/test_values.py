import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwmp.types import XSD_TYPES
from cwmp.values import InvalidValue, check, equal, object_path, parameter_path

GOOD = {
    "xsd:string": ["", "  a ", "é\U0001f600", "a\tb\r\nc", "x" * 5000],
    "xsd:boolean": ["0", "1", "true", "false"],
    "xsd:int": ["0", "-1", "-2147483648", "2147483647", "007"],
    "xsd:unsignedInt": ["0", "4294967295"],
    "xsd:long": ["-9223372036854775808", "9223372036854775807"],
    "xsd:unsignedLong": ["0", "18446744073709551615"],
    "xsd:dateTime": [
        "2026-01-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2024-02-29T00:00:00+02:00",
        "2026-01-31T23:59:59.123456",
    ],
    "xsd:base64Binary": ["", "aGk=", "aGVsbG8="],
    "xsd:hexBinary": ["", "00fF"],
}
BAD = {
    "xsd:string": ["\x02", "a\0", "\ud800", "\uffff"],
    "xsd:boolean": ["", "True", "TRUE", "yes", " 1", "2"],
    "xsd:int": ["", "+1", " 1", "1 ", "1_000", "1.0", "1e3", "2147483648", "-2147483649", "٣", "9" * 5000],
    "xsd:unsignedInt": ["-1", "4294967296", "+1", "0x10"],
    "xsd:long": ["9223372036854775808"],
    "xsd:unsignedLong": ["-1", "18446744073709551616"],
    "xsd:dateTime": [
        "",
        "2026-02-30T00:00:00Z",
        "2026-01-31",
        "2026-01-31 00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T23:59:59+15:00",
        "11:54::14",
    ],
    "xsd:base64Binary": ["a", "a*b=", "é"],
    "xsd:hexBinary": ["f", "xx", "0g"],
    "xsd:anyURI": ["x"],
}


@pytest.mark.parametrize(("type", "value"), [(type, value) for type, values in GOOD.items() for value in values])
def test_a_literal_of_its_type_may_be_written(type, value):
    """D-01, D-02, D-03, D-04"""
    check(value, type)


@pytest.mark.parametrize(("type", "value"), [(type, value) for type, values in BAD.items() for value in values])
def test_what_is_no_literal_is_refused_without_being_repeated(type, value):
    """D-01, D-02, D-03, D-04, X-15"""
    with pytest.raises(InvalidValue) as caught:
        check(value, type)
    assert len(str(caught.value)) < 100


def test_every_type_is_tried():
    assert set(GOOD) == XSD_TYPES


@pytest.mark.parametrize(
    ("type", "written", "read"),
    [
        ("xsd:string", "a", "a"),
        ("xsd:string", "a", "\n  a  \n"),
        ("xsd:string", " a ", "a"),
        ("xsd:string", "", " "),
        ("xsd:boolean", "1", "true"),
        ("xsd:boolean", "false", " 0 "),
        ("xsd:boolean", "1", "TRUE"),
        ("xsd:unsignedInt", "300", "0300"),
        ("xsd:int", "-0", "0"),
        ("xsd:dateTime", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00+02:00"),
        ("xsd:dateTime", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00"),
        ("xsd:dateTime", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("xsd:dateTime", "0001-01-01T00:00:00Z", "0001-01-01T02:00:00+02:00"),
        ("xsd:dateTime", "9999-12-31T23:59:59Z", "9999-12-31T21:59:59-02:00"),
        ("xsd:base64Binary", "aGk=", "a\nGk="),
        ("xsd:hexBinary", "00ff", "00FF"),
        ("xsd:dateTime", "nonsense", "nonsense"),
        ("nobody:knows", "a", "a"),
    ],
)
def test_the_same_value_is_equal_in_another_spelling(type, written, read):
    """D-09, R-14, X-18"""
    assert equal(written, read, type)
    assert equal(read, written, type)


@pytest.mark.parametrize(
    ("type", "written", "read"),
    [
        ("xsd:string", "https://a.example/R/x", "https://a.example/r/x"),
        ("xsd:string", "https://a.example/r", "https://a.example/r/"),
        ("xsd:string", "a b", "a  b"),
        ("xsd:string", "a", ""),
        ("xsd:string", "1", "true"),
        ("xsd:string", "\xa0a", "a"),
        ("xsd:boolean", "1", "0"),
        ("xsd:boolean", "x", "y"),
        ("xsd:int", "1", "10"),
        ("xsd:dateTime", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00+02:00"),
        ("xsd:dateTime", "2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5Z"),
        ("xsd:dateTime", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("xsd:dateTime", "x", "y"),
        ("xsd:base64Binary", "aGk=", "aGo="),
        ("xsd:base64Binary", "*", "!"),
        ("xsd:hexBinary", "00ff", "00fe"),
    ],
)
def test_another_value_is_not_equal(type, written, read):
    """D-09"""
    assert not equal(written, read, type)
    assert not equal(read, written, type)


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(sorted(XSD_TYPES)))
def test_any_two_texts_can_be_compared(written, read, type):
    assert equal(written, written, type)
    assert equal(written, read, type) is equal(read, written, type)


@pytest.mark.parametrize(
    "path",
    [
        "Device.A",
        "InternetGatewayDevice.X_00005E_Analytics.URL",
        "Device.BulkData.Profile.3.HTTP.URL",
        "Device.BulkData.Profile.[acme-report].HTTP.URL",
        "Device." + "x" * 249,
    ],
)
def test_a_full_name_is_the_path_of_a_parameter(path):
    """D-06, D-07"""
    parameter_path(path)
    with pytest.raises(InvalidValue):
        object_path(path)


@pytest.mark.parametrize("path", ["Device.", "Device.BulkData.Profile.", "InternetGatewayDevice.A.1.", "Device.[a]."])
def test_the_path_of_an_object_ends_in_a_dot(path):
    """D-06, R-18, R-20"""
    object_path(path)
    with pytest.raises(InvalidValue):
        parameter_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Device",
        "device.A",
        ".Device.A",
        "Device..A",
        "Device.A..",
        "Device.{i}.A",
        "Device.*.A",
        "Device.A B",
        "Device.0.A",
        "Device.A\n",
        "Device.é",
        "Device." + "x" * 250,
        "Device." + "x" * 250 + ".",
    ],
)
def test_what_is_no_path_is_refused(path):
    """D-06, D-07, D-08, R-07"""
    for checked in (parameter_path, object_path):
        with pytest.raises(InvalidValue):
            checked(path)
