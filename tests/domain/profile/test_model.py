import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.profile import Profile, ProfileUnfit, Template, parse_profile
from acs_bridge.domain.write import Purpose
from cwmp import envelope
from cwmp.errors import NEWEST_NAMESPACE
from cwmp.messages import ParameterValueStruct, SetParameterValues

FIELDS = {
    "phan_url": "https://phan.example.net/r/abcdTOKEN",
    "line_of_service": "00042",
    "subscriber_code": "C-7",
    "association_id": "01939f1e-5b2a-7abc-8def-0123456789ab",
}


def profile(*parameters: str, quirks: str = "") -> Profile:
    tables = "".join(f'[[parameter]]\nname = "Device.X_EXAMPLE.P{at}"\n{text}\n' for at, text in enumerate(parameters))
    return parse_profile(f'name = "example"\n{tables}[quirks]\n{quirks}\n', "example.toml")


URL = 'value = "{phan_url}"\nclear = ""'


def values(profile: Profile, purpose: Purpose = Purpose.PROVISION, **fields: str) -> list[str]:
    return [parameter.value for parameter in profile.render(purpose, {**FIELDS, **fields})]


def test_provisioning_writes_every_parameter_with_its_fields_filled_in():
    """R-08."""
    rendered = profile(URL, 'value = "7"\ntype = "xsd:unsignedInt"').render(Purpose.PROVISION, FIELDS)
    assert rendered == (
        ParameterValueStruct("Device.X_EXAMPLE.P0", "https://phan.example.net/r/abcdTOKEN", "xsd:string"),
        ParameterValueStruct("Device.X_EXAMPLE.P1", "7", "xsd:unsignedInt"),
    )


def test_clearing_writes_only_what_says_how_and_needs_no_url():
    cleared = profile(URL, 'value = "a"', 'value = "on"\nclear = "off for {line_of_service}"')
    without_url = {field: value for field, value in FIELDS.items() if field != "phan_url"}
    assert cleared.render(Purpose.CLEAR, without_url) == (
        ParameterValueStruct("Device.X_EXAMPLE.P0", ""),
        ParameterValueStruct("Device.X_EXAMPLE.P2", "off for 00042"),
    )


@pytest.mark.parametrize("purpose", [Purpose.CLEAR, Purpose.CREDENTIALS])
def test_a_profile_that_has_nothing_to_write_says_so(purpose):
    with pytest.raises(ProfileUnfit, match=f"^profile example has nothing to write for the purpose {purpose}$"):
        profile('value = "{phan_url}"').render(purpose, FIELDS)


def test_every_field_may_stand_in_a_value_and_braces_are_doubled():
    text = "{{u: {phan_url}, l: {line_of_service}, c: {subscriber_code}, a: {association_id}}}"
    assert values(profile(f'value = "{text}"')) == [
        "{u: https://phan.example.net/r/abcdTOKEN, l: 00042, c: C-7, a: 01939f1e-5b2a-7abc-8def-0123456789ab}"
    ]


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_field_s_value_is_taken_as_it_is(before, value):
    template = Template.parse(before.replace("{", "{{").replace("}", "}}") + "{line_of_service}")
    assert template.render({"line_of_service": value}) == before + value
    assert template.literal == before


def test_a_value_that_fits_exactly_is_written_and_one_more_character_is_refused():
    """D-05."""
    exact = profile('value = "{line_of_service}"\nmax_length = 8')
    assert values(exact, line_of_service="ж" * 8) == ["ж" * 8]
    with pytest.raises(
        ProfileUnfit, match=r"^profile example: Device\.X_EXAMPLE\.P0 takes at most 8 characters, not 9$"
    ):
        values(exact, line_of_service="ж" * 9)


def test_without_a_max_length_a_parameter_takes_256_characters():
    """D-05."""
    assert values(profile(URL), phan_url="u" * 256) == ["u" * 256]
    with pytest.raises(ProfileUnfit, match="takes at most 256 characters, not 257"):
        values(profile(URL), phan_url="u" * 257)


@pytest.mark.parametrize("character", ["\0", "\x0b", "\ud800", "\ufffe", "\uffff"])
def test_a_value_that_xml_cannot_carry_is_refused(character):
    with pytest.raises(ProfileUnfit, match="cannot take this value: it has a character that XML does not allow"):
        values(profile('value = "{line_of_service}"'), line_of_service=f"a{character}")


def test_a_value_that_is_not_of_its_type_is_refused():
    number = profile('value = "{line_of_service}"\ntype = "xsd:unsignedInt"')
    assert values(number, line_of_service="42") == ["42"]
    with pytest.raises(
        ProfileUnfit, match=r"Device\.X_EXAMPLE\.P0 cannot take this value: it is no whole number from 0 to 4294967295$"
    ):
        values(number, line_of_service="L-42")


@pytest.mark.parametrize(
    "parameter", ["max_length = 9", 'type = "xsd:int"', 'type = "xsd:boolean"', 'type = "xsd:dateTime"']
)
def test_no_reason_shows_the_url(parameter):
    with pytest.raises(ProfileUnfit) as unfit:
        profile(f'value = "{{phan_url}}"\n{parameter}').render(Purpose.PROVISION, FIELDS)
    shown = f"{unfit.value} {unfit.value.reason} {unfit.value!r} {unfit.value.__cause__!r}"
    assert "phan.example.net" not in shown
    assert "TOKEN" not in shown


@pytest.mark.parametrize("written", ["1", "true"])
@pytest.mark.parametrize(("quirks", "expected"), [("", "1"), ("boolean_words = true", "true")])
def test_a_boolean_is_a_digit_unless_the_family_wants_words(written, quirks, expected):
    enabled = profile(URL, f'value = "{written}"\ntype = "xsd:boolean"\nclear = "0"', quirks=quirks)
    assert values(enabled)[1] == expected
    assert values(enabled, Purpose.CLEAR)[1] == {"1": "0", "true": "false"}[expected]


def test_a_text_that_says_true_stays_as_it_is():
    assert values(profile(URL, 'value = "true"'))[1] == "true"


def test_a_family_that_cannot_be_read_back_says_so():
    assert profile(URL, quirks="no_read_back = true").quirks.no_read_back is True
    assert profile(URL).quirks.no_read_back is False


@pytest.mark.parametrize(("each", "fits"), [(375, True), (378, False)])
def test_a_request_is_no_larger_than_every_gateway_has_to_take(each, fits):
    """T-28: 32 KiB with all that XML adds; a write is never split, because half of it might be what turns it on."""
    long = "x" * (each - 2)
    large = profile(URL, *(f'value = "{long}&<"\nmax_length = 1000' for _ in range(64)))
    if fits:
        rendered = large.render(Purpose.PROVISION, FIELDS)
        request = envelope.write(SetParameterValues(rendered, "k" * 32), namespace=NEWEST_NAMESPACE, id="i" * 64)
        assert 32_000 < len(request) <= 32_768
    else:
        with pytest.raises(ProfileUnfit, match="bytes; gateways take 32768"):
            large.render(Purpose.PROVISION, FIELDS)


def test_a_family_that_takes_204_for_an_error_says_so():
    assert profile(URL, quirks="empty_200 = true").quirks.empty_200 is True
    assert profile(URL).quirks.empty_200 is False
