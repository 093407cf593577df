import pytest

from acs_bridge.domain.identities import in_subject, name, of_gateways

SET_TOP = ("00236A", "Set-Top Box", "S/N-1")


class TestAName:
    @pytest.mark.parametrize(
        ("identity", "gateway"),
        [
            ("00236A-S1", ("00236A", "GW", "S1")),
            ("00236A-GW-S1", ("00236A", "GW", "S1")),
            ("00236a-s1", ("00236A", "", "S1")),
            ("00236A-Set%2DTop%20Box-S%2FN%2D1", SET_TOP),
            ("00236A-S%2fN%2d1", SET_TOP),
            ("00236A-S/N%2D1", SET_TOP),
            ("00236A-M%C3%BCller-1", ("00236A", "Müller", "1")),
        ],
    )
    def test_is_a_gateways_as_tr_069_writes_it(self, identity, gateway):
        """A-13"""
        assert name([identity], *gateway)
        assert of_gateways([identity]) == {identity}

    @pytest.mark.parametrize(
        ("identity", "gateway"),
        [
            ("00236A-S1", ("00236B", "GW", "S1")),
            ("00236A-S1", ("00236A", "GW", "S2")),
            ("00236A-XX-S1", ("00236A", "GW", "S1")),
            # What a hyphen parts is not put together again: it would be another gateway's name as well.
            ("00236A-A-B", ("00236A", "", "A-B")),
            ("00236A-Set-Top Box-S/N-1", SET_TOP),
            ("00236A", ("00236A", "", "")),
        ],
    )
    def test_is_nobody_elses(self, identity, gateway):
        """A-14"""
        assert not name([identity], *gateway)

    @pytest.mark.parametrize("other", ["", "Example Router", "acs.example.net", "00236A", "00236A-", "0023-S1", "-"])
    def test_of_something_else_is_no_gateways(self, other):
        assert of_gateways([other]) == frozenset()


class TestASubject:
    @pytest.mark.parametrize(
        ("subject", "names"),
        [
            ("00236A-S1", ["00236A-S1"]),
            ("CN=00236A-S1", ["00236A-S1"]),
            ("CN=00236A-S1,O=Example,C=DE", ["00236A-S1"]),
            ("O=Example, cn = 00236A-S1", ["00236A-S1"]),
            ("O=Example+CN=00236A-S1", ["00236A-S1"]),
            ("2.5.4.3=00236A-S1", ["00236A-S1"]),
            (r"O=Example\, Inc.,CN=00236A-S\2F1", ["00236A-S/1"]),
            ('O="Example, Inc.",CN="00236A-S1"', ["00236A-S1"]),
            ("CN=a,CN=b", ["a", "b"]),
            ("O=Example", []),
        ],
    )
    def test_has_common_names(self, subject, names):
        assert in_subject(subject) == names

    @pytest.mark.parametrize(
        "subject",
        [
            r"O=x\,CN=00236A-S1",
            'O="x,CN=00236A-S1"',
            "/C=DE/CN=00236A-S1",
            "O=x/CN=00236A-S1",
            'CN=00236A-S1,O="x',
            "CN=00236A-S1,=",
        ],
    )
    def test_that_could_be_misread_names_nobody(self, subject):
        assert of_gateways(in_subject(subject)) == frozenset()
