from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from acs_bridge.domain.keyring import Keyring, UnknownKey
from acs_bridge.domain.names import line_of_service
from acs_bridge.domain.phan import MAX_URL, OpenedPhanUrl, PhanClaims, PhanUrlRefused, PhanUrls, redact

BASE = "https://phan.example.net/r/"
NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
RANDOM = Random(7).randbytes  # every worker of a test run has to see the same cases
RING = Keyring.new(NOW, RANDOM)
KEY = RING.current_key_id
ROTATED = RING.rotate(NOW, RANDOM)
URLS = PhanUrls(RING, BASE)
CLAIMS = PhanClaims("LOS-00012345", UUID("01939f1e-5b2a-7abc-8def-0123456789ab"), 1, NOW)
URL = URLS.seal(KEY, CLAIMS)
TOKEN = URL.removeprefix(BASE)
SECONDS = st.datetimes(datetime(1970, 1, 1), datetime(2106, 2, 7), timezones=st.just(UTC))  # noqa: DTZ001

claims = st.builds(
    PhanClaims,
    line_of_service=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64),
    association_id=st.uuids(),
    generation=st.integers(1, 2**31 - 1),
    issued_at=SECONDS.map(lambda at: at.replace(microsecond=0)),
)
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(claims)
def test_a_url_says_what_was_sealed(said):
    assert URLS.open(URLS.seal(KEY, said)) == OpenedPhanUrl(said, KEY)


@given(claims)
def test_the_same_claims_under_the_same_key_are_the_same_url(said):
    assert URLS.seal(KEY, said) == PhanUrls(Keyring.parse(RING.dump()), BASE).seal(KEY, said)


@given(claims)
def test_a_token_is_base64url_without_padding_as_a_whole(said):
    """P-05."""
    token = URLS.seal(KEY, said).removeprefix(BASE)
    assert set(token) <= set(BASE64URL)
    assert urlsafe_b64decode(token + "=" * (-len(token) % 4))[:3] == urlsafe_b64decode(KEY)


def test_the_key_id_is_readable_and_nothing_else_is():
    """SEC-13."""
    assert TOKEN.startswith(KEY)
    sealed = urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    assert b"LOS" not in sealed
    assert CLAIMS.association_id.bytes[:4] not in sealed


def test_a_line_of_twelve_characters_makes_a_token_of_71():
    assert len(TOKEN) == 71


@pytest.mark.parametrize(
    "other",
    [
        PhanClaims("LOS-00012346", CLAIMS.association_id, 1, NOW),
        PhanClaims(CLAIMS.line_of_service, UUID(int=1), 1, NOW),
        PhanClaims(CLAIMS.line_of_service, CLAIMS.association_id, 2, NOW),
        PhanClaims(CLAIMS.line_of_service, CLAIMS.association_id, 1, NOW + timedelta(seconds=1)),
    ],
)
def test_another_claim_makes_a_url_that_differs_right_behind_the_key_id(other):
    assert URLS.seal(KEY, other).removeprefix(BASE)[4:12] != TOKEN[4:12]


def test_a_fraction_of_the_second_of_issue_is_not_kept():
    fraction = PhanClaims(CLAIMS.line_of_service, CLAIMS.association_id, 1, NOW.replace(microsecond=999_999))
    assert URLS.seal(KEY, fraction) == URL


@pytest.mark.parametrize(
    "behind",
    ["", "?oui=00236A&pc=SR516&sn=1%2F2", "?", "#top", "/", "/?oui=00236A", "  \n", "?x=/a/b", "?x=https://a/b"],
)
@pytest.mark.parametrize("before", [BASE, "", "http://proxy.example:8080/else/where/", "/"])
def test_a_url_opens_whatever_a_gateway_or_a_proxy_puts_around_its_token(before, behind):
    """P-05."""
    assert URLS.open(f"{before}{TOKEN}{behind}") == OpenedPhanUrl(CLAIMS, KEY)


def test_a_url_is_opened_by_its_own_key_after_a_rotation():
    """SEC-13."""
    urls = PhanUrls(ROTATED, BASE)
    assert urls.open(URL) == OpenedPhanUrl(CLAIMS, KEY)
    assert urls.open(urls.seal(ROTATED.current_key_id, CLAIMS)) == OpenedPhanUrl(CLAIMS, ROTATED.current_key_id)


def refusal(text: str, urls: PhanUrls = URLS) -> str:
    with pytest.raises(PhanUrlRefused) as refused:
        urls.open(text)
    return str(refused.value)


ONE_ANSWER = "This is not a PHAN URL of this installation"


@given(st.data())
def test_a_token_with_another_character_anywhere_is_refused(data):
    at = data.draw(st.integers(0, len(TOKEN) - 1))
    character = data.draw(st.sampled_from(BASE64URL.replace(TOKEN[at], "") + "=+. %\0é"))
    assert refusal(f"{BASE}{TOKEN[:at]}{character}{TOKEN[at + 1 :]}") == ONE_ANSWER


@given(claims, st.data())
def test_a_flipped_bit_is_refused(said, data):
    """SEC-13."""
    token = bytearray(URLS.seal(KEY, said).removeprefix(BASE).encode())
    bit = data.draw(st.integers(0, 7 * len(token) - 1))
    token[bit // 7] ^= 1 << bit % 7
    assert refusal(token.decode()) == ONE_ANSWER


@given(st.integers(0, len(TOKEN) - 1))
def test_a_truncated_token_is_refused(length):
    assert refusal(BASE + TOKEN[:length]) == ONE_ANSWER


@given(claims, claims)
def test_the_ends_of_two_tokens_cannot_be_swapped(one, other):
    """SEC-13."""
    first, second = (URLS.seal(KEY, said).removeprefix(BASE) for said in (one, other))
    assume(first[:40] != second[:40])
    assert refusal(first[:40] + second[40:]) == ONE_ANSWER


def test_a_token_cannot_be_moved_to_another_key():
    assert refusal(ROTATED.current_key_id + TOKEN[4:], PhanUrls(ROTATED, BASE)) == ONE_ANSWER


def test_the_url_of_a_retired_key_and_that_of_another_installation_are_refused():
    """SEC-13."""
    assert refusal(URL, PhanUrls(ROTATED.retire(KEY), BASE)) == ONE_ANSWER
    assert refusal(URL, PhanUrls(Keyring.new(NOW), BASE)) == ONE_ANSWER


@given(st.text(max_size=600))
def test_text_that_nobody_sealed_is_refused(text):
    assert refusal(text) == ONE_ANSWER


@pytest.mark.parametrize(
    "text",
    ["", "/", BASE, "?" + TOKEN, KEY, "\ud800" * 9, "A" * 10**6, TOKEN + "AAAA", TOKEN + "="],
    ids=["nothing", "slash", "base", "query", "key", "surrogates", "long", "more", "padded"],
)
def test_what_only_resembles_a_url_is_refused_with_the_same_words(text):
    assert refusal(text) == ONE_ANSWER


def test_what_has_our_seal_but_another_layout_is_refused():
    later_layout = RING.sealer("PHAN URL", KEY).seal(b"\x20" + bytes(30), KEY.encode())
    assert refusal(KEY + urlsafe_b64encode(later_layout).decode().rstrip("=")) == ONE_ANSWER


def test_a_key_that_the_keyring_does_not_hold_seals_nothing():
    with pytest.raises(UnknownKey, match="zzzz"):
        URLS.seal("zzzz", CLAIMS)


def test_without_a_base_tokens_are_bare():
    assert PhanUrls(RING).seal(KEY, CLAIMS) == TOKEN


def test_a_base_that_would_run_into_the_token_is_refused():
    with pytest.raises(ValueError, match='ends in "/"'):
        PhanUrls(RING, "https://phan.example.net/r")


@pytest.mark.parametrize("generation", [0, -1, 2**31])
def test_a_generation_that_the_database_would_refuse_is_refused(generation):
    with pytest.raises(ValueError, match="generation"):
        PhanClaims("L", CLAIMS.association_id, generation, NOW)


@pytest.mark.parametrize(
    "issued_at", [NOW.replace(tzinfo=None), datetime(1969, 12, 31, tzinfo=UTC), datetime(2107, 1, 1, tzinfo=UTC)]
)
def test_a_time_of_issue_that_a_token_cannot_carry_is_refused(issued_at):
    with pytest.raises(ValueError, match="time of issue"):
        PhanClaims("L", CLAIMS.association_id, 1, issued_at)


@given(claims)
def test_the_length_of_a_url_is_known_without_making_it(said):
    assert URLS.length(said) == len(URLS.seal(KEY, said))


@pytest.mark.parametrize(
    ("line", "fits"), [("9" * 64, True), ("ж" * 64, True), ("線" * 64, False)], ids=["one", "two", "three"]
)
def test_the_longest_lines_of_one_and_two_byte_scripts_fit_256_characters(line, fits):
    """D-05."""
    said = PhanClaims(line_of_service(line).shown, CLAIMS.association_id, 255, NOW)
    assert (URLS.length(said) <= MAX_URL) is fits


@pytest.mark.parametrize("text", [URL, TOKEN, URL + "?oui=00236A"], ids=["url", "token", "query"])
def test_a_redacted_url_shows_six_characters_of_its_token(text):
    assert redact(text) == TOKEN[:6] + "…"
    assert len(redact(text)) == 7
