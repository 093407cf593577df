import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.names import Text, line_of_service, looks_like_mac, subscriber_code, subscriber_name
from acs_bridge.errors import InvalidField

KINDS = [(subscriber_code, "code", 64), (line_of_service, "line_of_service", 64), (subscriber_name, "name", 128)]
every_kind = pytest.mark.parametrize(("take", "field", "limit"), KINDS)
plain = st.text(
    st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20
)  # NFC makes at most three of one


@every_kind
@given(text=plain)
def test_a_text_is_kept_in_nfc_without_the_blanks_around_it(take, field, limit, text):
    assert take(f"\u3000 {text}\t\r\n").shown == unicodedata.normalize("NFC", text)


@every_kind
@given(text=st.text(max_size=200))
def test_what_was_taken_once_is_taken_again_unchanged(take, field, limit, text):
    with suppress(InvalidField):
        taken = take(text)
        assert 1 <= len(taken.shown) <= limit
        assert take(taken.shown) == taken


@every_kind
def test_case_and_leading_zeros_are_kept_but_case_is_not_compared(take, field, limit):
    assert take("00042-aB") == Text(shown="00042-aB", key="00042-ab")
    assert take("00042-aB").key == take("00042-Ab").key
    assert take("00042-aB").key != take("42-aB").key


@pytest.mark.parametrize(
    ("one", "other"),
    [("STRASSE", "straße"), ("Zoe\u0308", "ZOË"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("\u1f80", "\u1f88"), ("ﬁber", "FIBER")],
)
def test_two_spellings_that_differ_in_case_only_are_the_same_code(one, other):
    assert subscriber_code(one).key == subscriber_code(other).key


@every_kind
def test_the_length_is_counted_in_characters_after_composing_and_trimming(take, field, limit):
    assert take("e\u0301" * limit).shown == "é" * limit
    assert take("\U0001d518" * limit).shown == "\U0001d518" * limit
    assert take(f"   {'7' * limit}   ").shown == "7" * limit


@every_kind
@pytest.mark.parametrize("text", ["", " ", "\u2003\u00a0", "\r\n"])
def test_an_empty_text_is_refused_naming_field_and_limit(take, field, limit, text):
    with pytest.raises(InvalidField, match=f"^{field}: .* 1 to {limit} characters"):
        take(text)


@every_kind
@pytest.mark.parametrize("more", [1, 10**6])
def test_an_over_long_text_is_refused_naming_field_and_limit(take, field, limit, more):
    with pytest.raises(InvalidField, match=f"^{field}: .* 1 to {limit} characters"):
        take("7" * (limit + more))


@every_kind
@pytest.mark.parametrize("value", [None, 7, 1.5, True, b"7", ["7"], {}])
def test_what_is_not_text_is_refused_naming_field_and_limit(take, field, limit, value):
    with pytest.raises(InvalidField, match=f"^{field}: .* 1 to {limit} characters"):
        take(value)


@every_kind
@pytest.mark.parametrize(
    "character",
    ["\0", "\t", "\n", "\x1b", "\x1f", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\ud800", "\uffff"],
)
def test_a_control_character_inside_is_refused_naming_it_and_its_place(take, field, limit, character):
    with pytest.raises(InvalidField, match=rf"^{field}: has U\+{ord(character):04X} at character 3"):
        take(f"ab{character}c")


@pytest.mark.parametrize("character", ["\x00", "\x1c", "\x1f", "\x7f"])
def test_a_control_character_is_not_a_blank_and_is_refused_at_the_end_as_well(character):
    with pytest.raises(InvalidField, match="control characters"):
        subscriber_code(f"abc{character}")


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\ufeff", "\u2060"])
def test_an_invisible_character_is_refused_in_codes_and_allowed_in_names(character):
    text = f"ab{character}c"
    for take in (subscriber_code, line_of_service):
        with pytest.raises(InvalidField, match="invisible"):
            take(text)
    assert subscriber_name(text).shown == text


@pytest.mark.parametrize(
    "text", ["\u0645\u06cc\u200c\u062e\u0648", "\U0001f468\u200d\U0001f469", "a/b?c#d%2F", "'; drop table", "<&>"]
)
def test_what_scripts_need_and_what_merely_looks_odd_is_allowed(text):
    assert line_of_service(text).shown == text


@pytest.mark.parametrize(
    "text",
    [
        "00:23:6A:01:02:03",
        "00-23-6a-01-02-03",
        "00.23.6a.01.02.03",
        "0023.6a01.0203",
        "0023-6A01-0203",
        "00236a-010203",
        "00236A010203",
        "00:11:22:33:44:55",
        "DEADBEEFCAFE",
    ],
)
def test_a_mac_address_is_recognised(text):
    assert looks_like_mac(text)


@pytest.mark.parametrize(
    "text",
    [
        "004912345678",  # a telephone number
        "123456789012",
        "1234-5678-9012",  # an account number
        "123456-789012",
        "00:23:6A:01:02",
        "00:23:6A:01:02:03:04",
        "00:23-6A:01-02:03",
        "0023.6a01-0203",
        "LOS-00236A010203",
        "00236G010203",
        "\uff10\uff1000236A0102",  # full-width digits
        "",
    ],
)
def test_another_line_of_service_is_not_taken_for_a_mac_address(text):
    assert not looks_like_mac(text)
