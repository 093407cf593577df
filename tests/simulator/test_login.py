"""How a gateway answers challenges."""

from itertools import count

from acs_bridge.simulator.login import Login
from cwmp.digest import Authorization, Challenge

BASIC = 'Basic realm="acs"'


def login(username="gw"):
    numbers = count(1)
    return Login(username, "pw", lambda: f"cnonce-{next(numbers)}")


def shown(by, **options):
    return Authorization.parse(by.authorization("/acs", **{"preemptive": True, **options}) or "")


def digest(nonce="n1", **options):
    return Challenge("acs", nonce, **options).render()


def test_nothing_is_shown_before_a_challenge():
    assert login().authorization("/acs", preemptive=True) is None


def test_a_nonce_is_used_with_one_count_after_the_other():
    by = login()
    assert by.challenged([digest()], encrypted=False)
    assert [shown(by).nc, shown(by).nc] == ["00000001", "00000002"]


def test_a_new_nonce_begins_a_new_count_and_the_same_one_goes_on():
    by = login()
    by.challenged([digest("n1")], encrypted=False)
    shown(by)
    by.challenged([digest("n1")], encrypted=False)
    assert shown(by).nc == "00000002"
    by.challenged([digest("n2")], encrypted=False)
    again = shown(by)
    assert (again.nonce, again.nc, again.cnonce) == ("n2", "00000001", "cnonce-2")


def test_who_is_not_preemptive_answers_only_what_was_asked_just_now():
    by = login()
    by.challenged([digest()], encrypted=False)
    assert shown(by, preemptive=False) is not None
    assert by.authorization("/acs", preemptive=False) is None


def test_basic_is_answered_only_inside_tls():
    by = login()
    assert not by.challenged([BASIC], encrypted=False)
    assert by.authorization("/acs", preemptive=True) is None
    assert by.challenged([BASIC], encrypted=True)
    assert by.authorization("/acs", preemptive=True) == "Basic Z3c6cHc="


def test_digest_is_preferred_to_basic():
    by = login()
    by.challenged([BASIC, digest()], encrypted=True)
    assert shown(by).username == "gw"


def test_without_a_username_no_challenge_has_an_answer():
    by = login("")
    assert not by.challenged([digest()], encrypted=False)
    assert by.authorization("/acs", preemptive=True) is None


def test_sha_256_is_answered_by_who_prefers_it():
    offered = [digest(), digest().replace("MD5", "SHA-256")]
    assert "SHA-256" in offered[1]
    for prefers, algorithm in ((False, "MD5"), (True, "SHA-256")):
        by = Login("gw", "pw", lambda: "c", sha_256=prefers)
        by.challenged(offered, encrypted=False)
        assert shown(by).algorithm == algorithm
