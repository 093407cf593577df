import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwmp.digest import Authorization, Challenge, Freshness, NonceMaker, answer, ha1, verify

# RFC 2617 3.5
OLD = {
    "username": "Mufasa",
    "realm": "testrealm@host.com",
    "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "uri": "/dir/index.html",
    "qop": "auth",
    "nc": "00000001",
    "cnonce": "0a4f113b",
    "response": "6629fae49393a05397450978507c4ef1",
    "opaque": "5ccc069c403ebaf9f0171e9517f40e41",
}
# RFC 7616 3.9.1
NEW = {
    "username": "Mufasa",
    "realm": "http-auth@example.org",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "uri": "/dir/index.html",
    "qop": "auth",
    "nc": "00000001",
    "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
NEW_MD5 = NEW | {"algorithm": "MD5", "response": "8ca523f5e9506fed4657c9700eebdbec"}
NEW_SHA = NEW | {
    "algorithm": "SHA-256",
    "response": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
}
VECTORS = [(OLD, "Circle Of Life"), (NEW_MD5, "Circle of Life"), (NEW_SHA, "Circle of Life")]


def known(fields, password):
    secret = ha1(fields["username"], fields["realm"], password, fields.get("algorithm", "MD5"))
    return secret, Authorization(**fields)


def right(fields, password, **changes):
    secret, authorization = known(fields, password)
    authorization = authorization._replace(**changes)
    return verify(authorization, secret, method="GET", target="/dir/index.html", realm=fields["realm"])


class TestArithmetic:
    @pytest.mark.parametrize(("fields", "password"), VECTORS)
    def test_the_examples_of_the_standards_are_right(self, fields, password):
        """A-08"""
        assert right(fields, password)
        assert not right(fields, password + "x")

    @pytest.mark.parametrize(("fields", "password"), VECTORS)
    def test_the_client_computes_the_examples_of_the_standards(self, fields, password):
        """C-02"""
        challenge = Challenge(
            fields["realm"], fields["nonce"], fields["opaque"], fields.get("algorithm", "MD5"), fields["qop"]
        )
        answered = answer(
            challenge, fields["username"], password, method="GET", uri=fields["uri"], cnonce=fields["cnonce"]
        )
        assert answered == Authorization(**fields)

    @pytest.mark.parametrize(
        "change",
        [
            {"username": "Scar"},
            {"realm": "other"},
            {"nonce": "other"},
            {"uri": "/dir/"},
            {"qop": "auth-int"},
            {"qop": None},
            {"nc": "00000002"},
            {"nc": "1"},
            {"nc": None},
            {"cnonce": "other"},
            {"cnonce": None},
            {"response": ""},
            {"response": "é" * 32},
            {"algorithm": "SHA-256"},
            {"algorithm": "MD5-sess"},
        ],
    )
    def test_every_field_counts(self, change):
        """A-08"""
        fields, password = VECTORS[0]
        assert right(fields, password, **change) is (change == {"username": "Scar"})
        # The name is in HA1 alone: another name is another HA1, which its owner's row gives.
        if "username" in change:
            assert ha1("Scar", fields["realm"], password) != ha1("Mufasa", fields["realm"], password)

    def test_the_method_and_the_target_count(self):
        """A-08"""
        secret, authorization = known(*VECTORS[0])
        realm = authorization.realm
        assert not verify(authorization, secret, method="POST", target="/dir/index.html", realm=realm)
        assert not verify(authorization, secret, method="GET", target="/dir/index.html?x", realm=realm)

    @pytest.mark.parametrize("uri", ["http://acs.example.net:7547/acs?a=1", "HTTP://ACS/acs?a=1", "/acs?a=1"])
    def test_a_client_may_name_the_target_in_full(self, uri):
        """A-08"""
        answered = answer(Challenge("r", "n"), "u", "p", method="POST", uri=uri, cnonce="c")
        assert verify(answered, ha1("u", "r", "p"), method="POST", target="/acs?a=1", realm="r")

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
    @pytest.mark.parametrize("qop", ["auth", None])
    def test_both_sides_agree_in_every_way_of_doing_it(self, algorithm, qop):
        """A-07, C-02"""
        challenge = Challenge("r", "n", "o", algorithm, qop)
        answered = answer(challenge, "u", "pä", method="POST", uri="/acs", cnonce="c", count=26)
        assert (answered.nc, answered.qop) == (("0000001a", "auth") if qop else (None, None))
        again = Authorization.parse(answered.render())
        assert again == answered
        assert verify(again, ha1("u", "r", "pä", algorithm), method="POST", target="/acs", realm="r")

    def test_an_answer_without_qop_can_be_refused(self):
        """A-10"""
        answered = answer(Challenge("r", "n", qop=None), "u", "p", method="POST", uri="/", cnonce="c")
        secret = ha1("u", "r", "p")
        assert verify(answered, secret, method="POST", target="/", realm="r")
        assert not verify(answered, secret, method="POST", target="/", realm="r", allow_no_qop=False)

    def test_upper_case_digits_are_digits(self):
        """A-08"""
        fields, _ = VECTORS[0]
        header = Authorization(**fields).render().replace(fields["response"], fields["response"].upper())
        parsed = Authorization.parse(header)
        assert parsed is not None
        assert parsed.response == fields["response"]


HEADER = (
    'Digest username="a,\\"b\\"", realm="r", nonce="n==", uri="/acs?a=1,2", response="{r}", qop=auth,'
    ' nc=00000001, cnonce="c", opaque="o", algorithm=MD5'
)
MEANT = Authorization('a,"b"', "r", "n==", "/acs?a=1,2", "00", "MD5", "auth", "00000001", "c", "o")


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            HEADER,
            HEADER.replace("Digest", "digest"),
            HEADER.replace("Digest ", "  DIGEST   "),
            HEADER.replace(", ", ","),
            HEADER.replace('",', '" ,'),
            HEADER.replace("qop=auth", 'qop="auth"').replace("nc=00000001", 'nc="00000001"'),
            HEADER.replace("algorithm=MD5", 'algorithm="md5"'),
            HEADER.replace("algorithm=MD5", "algorithm=MD)"),
            HEADER.replace(", algorithm=MD5", ""),
            HEADER.replace("username=", "UserName = ").replace("nc=", "NC = "),
            HEADER.replace('nonce="n=="', "nonce=n=="),
            HEADER.replace('", ', '" ').replace("auth, ", "auth "),
            HEADER.replace(", ", ",\r\n\t"),
            HEADER + ", junk, =, x=",
            HEADER + ', username="other"',
        ],
    )
    def test_an_answer_is_read_however_it_is_written(self, header):
        """A-10"""
        assert Authorization.parse(header.replace("{r}", "00")) == MEANT

    @pytest.mark.parametrize(
        "header",
        ["", "Digest", "Basic dTpw", 'Digest username="u"', "Digest " + "x" * 10_000, HEADER.replace("nonce", "once")],
    )
    def test_what_is_no_answer_is_none(self, header):
        assert Authorization.parse(header) is None

    def test_an_answer_shows_no_secret(self):
        assert "00" not in repr(MEANT)

    def test_a_challenge_is_written_as_old_clients_know_it(self):
        """A-07"""
        assert Challenge("acs", "n1", "o1").render() == (
            'Digest realm="acs", qop="auth", nonce="n1", opaque="o1", algorithm=MD5'
        )
        assert Challenge("acs", "n1", "o1", stale=True).render().endswith(", stale=true")

    @pytest.mark.parametrize(
        ("header", "challenge"),
        [
            ('Digest realm="r" qop="auth" nonce="n" opaque="o"', Challenge("r", "n", "o")),
            ('Digest realm="r",\n qop="auth,auth-int",\n nonce="n"', Challenge("r", "n")),
            ('Digest realm="r", qop="auth-int", nonce="n"', Challenge("r", "n", qop=None)),
            ("Digest realm=r, nonce=n, stale=TRUE", Challenge("r", "n", qop=None, stale=True)),
            ('Digest nonce="n", algorithm=MD5-sess, qop=auth', Challenge("", "n", algorithm="MD5-sess")),
            ('Basic realm="b", Digest realm="r", nonce="n", qop="auth"', Challenge("r", "n")),
            ('Digest realm="r", nonce="n", qop="auth", Basic realm="b"', Challenge("r", "n")),
            ('Digest realm="r", nonce="n", qop="auth", Digest realm="x", nonce="y"', Challenge("r", "n")),
            ('Basic realm="b"', None),
            ("", None),
        ],
    )
    def test_a_challenge_is_read_however_it_is_written(self, header, challenge):
        """C-02"""
        assert Challenge.parse(header) == challenge

    @given(st.builds(Challenge, *(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=20),) * 2))
    def test_a_challenge_is_read_back_the_same(self, challenge):
        if not any(word in challenge.realm.lower() + challenge.nonce.lower() for word in ("digest", "basic")):
            assert Challenge.parse(challenge.render()) == challenge

    @given(st.text(max_size=300))
    def test_any_header_is_read_or_none(self, text):
        Authorization.parse("Digest " + text)
        Challenge.parse(text)

    @pytest.mark.parametrize(
        "junk", ["x" * 8000, 'a="' * 3000, "a=" * 4000, '\\"' * 4000, "Digest " * 1100, 'Digest nonce="']
    )
    @pytest.mark.timeout(5)
    def test_a_hostile_header_is_read_in_no_time(self, junk):
        for _ in range(20):
            Authorization.parse("Digest " + junk)
            Challenge.parse(junk)


class TestNonces:
    maker = NonceMaker(b"k" * 32)

    def test_a_nonce_has_thirty_two_characters(self):
        """Some CPEs keep it in a buffer of that size."""
        assert len(self.maker.make(1_800_000_000, "192.0.2.1")) == 32

    @pytest.mark.parametrize(
        ("age", "freshness"),
        [
            (0, Freshness.FRESH),
            (60, Freshness.FRESH),
            (61, Freshness.STALE),
            (-5, Freshness.FRESH),
            (-60, Freshness.STALE),
        ],
    )
    def test_a_nonce_ages(self, age, freshness):
        """A-05, A-09"""
        nonce = self.maker.make(1_800_000_000, "192.0.2.1")
        assert self.maker.check(nonce, 1_800_000_000 + age, "192.0.2.1", 60) is freshness

    def test_a_nonce_is_for_one_peer_and_one_key(self):
        """A-05"""
        nonce = self.maker.make(1_800_000_000, "192.0.2.1")
        assert self.maker.check(nonce, 1_800_000_000, "192.0.2.2", 60) is Freshness.FOREIGN
        assert NonceMaker(b"x" * 32).check(nonce, 1_800_000_000, "192.0.2.1", 60) is Freshness.FOREIGN

    @pytest.mark.parametrize("nonce", ["", "x" * 32, "0" * 31, "0" * 33, "A" * 32, "0" * 32, "é" * 32])
    def test_what_we_never_made_is_foreign(self, nonce):
        assert self.maker.check(nonce, 1_800_000_000, "192.0.2.1", 60) is Freshness.FOREIGN

    def test_nonces_of_one_second_differ(self):
        """A-06"""
        made = {self.maker.make(1_800_000_000, "192.0.2.1") for _ in range(100)}
        made |= {NonceMaker(b"k" * 32, 0xFFFFFF).make(1_800_000_000, "192.0.2.1")}
        assert len(made) == 101
        assert {self.maker.check(nonce, 1_800_000_000, "192.0.2.1", 60) for nonce in made} == {Freshness.FRESH}

    def test_one_use_of_a_nonce_is_told_from_another(self):
        """A-06"""
        fields = {"username": "u", "realm": "r", "nonce": "n", "uri": "/", "response": "0"}
        counted = [Authorization(**fields, qop="auth", nc=nc, cnonce="c") for nc in ("0000000a", "0000000b")]
        uncounted = [Authorization(**fields, nc=nc) for nc in (None, "00000001")]
        other = Authorization(**fields | {"nonce": "m"})
        shouted = counted[0]._replace(nc="0000000A", cnonce="d")
        logins = [self.maker.login(each) for each in (*counted, *uncounted, other)]
        assert len(set(logins)) == 4
        assert logins[2] == logins[3]
        assert self.maker.login(shouted) == logins[0]
        assert all(-(2**63) <= login < 2**63 for login in logins)

    def test_every_octet_of_a_nonce_counts(self):
        nonce = self.maker.make(1_800_000_000, "192.0.2.1")
        for at in range(32):
            changed = nonce[:at] + ("0" if nonce[at] != "0" else "1") + nonce[at + 1 :]
            assert self.maker.check(changed, 1_800_000_000, "192.0.2.1", 10**9) is Freshness.FOREIGN
