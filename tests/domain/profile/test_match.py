from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.profile import AmbiguousProfile, GatewayKind, InvalidProfile, Match, Profile, ProfileSet

KIND = GatewayKind("InternetGatewayDevice.", "00236A", "SR516ac", "2.6.14")


def profile(name: str, **match) -> Profile:
    return Profile(name, Match(**match), (), source=f"{name}.toml")


@pytest.mark.parametrize(
    "match",
    [
        Match(),
        Match(root="InternetGatewayDevice."),
        Match(oui=frozenset({"00236A"})),
        Match(oui=frozenset({"FFFFFF", "00236A"})),
        Match(product_class="SR516ac"),
        Match(product_class="SR*"),
        Match(product_class="SR5[0-9]?ac"),
        Match(software_version="2.6.*"),
        Match("InternetGatewayDevice.", frozenset({"00236A"}), "SR*", "2.*"),
    ],
)
def test_a_match_fits_when_every_given_key_fits(match):
    assert match.fits(KIND)


@pytest.mark.parametrize(
    "match",
    [
        Match(root="Device."),
        Match(oui=frozenset({"FFFFFF"})),
        Match(product_class=""),
        Match(product_class="SR516"),
        Match(product_class="sr516ac"),
        Match(software_version="2.7*"),
        Match("InternetGatewayDevice.", frozenset({"00236A"}), "SR*", "3.*"),
    ],
)
def test_a_match_does_not_fit_when_one_given_key_does_not(match):
    assert not match.fits(KIND)


def test_the_oui_is_compared_without_case():
    assert Match(oui=frozenset({"00236A"})).fits(GatewayKind("", "00236a", "", ""))


def test_a_gateway_that_did_not_say_its_root_gets_no_profile_of_a_root():
    assert not Match(root="Device.").fits(GatewayKind("", "00236A", "", ""))


@given(st.text("aB1*?[]!-.\n", max_size=8), st.text("aB1-.[\n", max_size=8))
def test_a_glob_is_the_shell_s_and_case_sensitive(glob, text):
    assert Match(product_class=glob).fits(GatewayKind("", "", text, "")) is fnmatchcase(text, glob)


@given(st.text(min_size=1, max_size=20).filter(lambda text: not set(text) & set("*?[")))
def test_a_glob_without_wildcards_fits_itself_only(text):
    match = Match(software_version=text)
    assert match.fits(GatewayKind("", "", "", text))
    assert not match.fits(GatewayKind("", "", "", text + "x"))


CLOSER_FIRST = [
    profile("oui-class-exact", oui=frozenset({"00236A"}), product_class="SR516ac"),
    profile("oui-class-glob", oui=frozenset({"00236A"}), product_class="SR51*"),
    profile("oui-class-version", oui=frozenset({"00236A"}), product_class="SR*", software_version="2*"),
    profile("oui-version", oui=frozenset({"00236A"}), software_version="2.6.14"),
    profile("oui-root", oui=frozenset({"00236A"}), root="InternetGatewayDevice."),
    profile("oui", oui=frozenset({"00236A", "00236B"})),
    profile("class-exact", product_class="SR516ac"),
    profile("class-and-all", product_class="SR516ac*"),
    profile("class-shorter", product_class="SR516*"),
    profile("class-set", product_class="SR51[0-9]*"),
    profile("class-any-version", product_class="*", software_version="2.6*"),
    profile("class-any", product_class="*"),
    profile("version-and-root", software_version="2.6*", root="InternetGatewayDevice."),
    profile("version", software_version="2.6*"),
    profile("root", root="InternetGatewayDevice."),
    profile("all"),
]


@pytest.mark.parametrize("at", range(len(CLOSER_FIRST) - 1))
def test_the_closer_match_wins(at):
    closer, other = CLOSER_FIRST[at : at + 2]
    assert ProfileSet([[other, closer]]).best(KIND) is closer


@given(st.permutations(CLOSER_FIRST))
def test_the_order_of_the_files_does_not_matter(shuffled):
    assert ProfileSet([shuffled]).best(KIND) is CLOSER_FIRST[0]


def test_where_nothing_fits_there_is_no_profile():
    assert ProfileSet([[profile("other", root="Device.")]]).best(KIND) is None
    assert ProfileSet().best(KIND) is None


def test_a_tie_names_the_profiles_and_decides_nothing():
    profiles = ProfileSet([[profile("left", product_class="SR*"), profile("right", product_class="*ac")]])
    for _ in range(2):
        with pytest.raises(AmbiguousProfile, match=r"^the profiles left and right fit this gateway equally well$"):
            profiles.best(KIND)
    assert profiles.best(GatewayKind("", "", "SR1", "")) is profiles.profiles[0]


def test_a_closer_match_ends_a_tie():
    closer = profile("closer", product_class="SR5*")
    profiles = ProfileSet([[profile("left", product_class="SR*"), profile("right", product_class="*ac"), closer]])
    assert profiles.best(KIND) is closer


def test_the_same_match_twice_in_one_folder_is_an_error():
    with pytest.raises(InvalidProfile, match=r"^b\.toml: match: is the same as in a\.toml \(a\)$"):
        ProfileSet([[profile("a", oui=frozenset({"00236A"})), profile("b", oui=frozenset({"00236A"}))]])


def test_the_same_name_twice_in_one_folder_is_an_error():
    twin = Profile("a", Match(root="Device."), (), source="b.toml")
    with pytest.raises(InvalidProfile, match=r"^b\.toml: name: is also the name in a\.toml: a$"):
        ProfileSet([[profile("a"), twin]])


def test_a_later_folder_overrides_a_profile_of_the_same_match():
    earlier, later = profile("packaged", root="InternetGatewayDevice."), profile("ours", root="InternetGatewayDevice.")
    profiles = ProfileSet([[earlier], [later]])
    assert profiles.best(KIND) is later
    assert profiles.profiles == (later,)


def test_a_later_folder_overrides_a_profile_of_the_same_name():
    profiles = ProfileSet([[profile("plain", product_class="SR*")], [profile("plain", root="Device.")]])
    assert profiles.best(KIND) is None


def test_a_later_folder_overrides_what_fits_a_gateway_equally_well():
    earlier, later = (
        profile("earlier", oui=frozenset({"00236A", "00236B"})),
        profile("later", oui=frozenset({"00236A"})),
    )
    profiles = ProfileSet([[earlier], [later]])
    assert profiles.best(KIND) is later
    assert profiles.best(GatewayKind("", "00236B", "", "")) is earlier


def test_a_closer_match_of_an_earlier_folder_still_wins():
    earlier, later = profile("earlier", product_class="SR516*"), profile("later", product_class="SR*")
    assert ProfileSet([[earlier], [later]]).best(KIND) is earlier
