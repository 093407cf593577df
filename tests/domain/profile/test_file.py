import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.profile import (
    Block,
    GatewayKind,
    InstanceRule,
    InvalidProfile,
    Match,
    Quirks,
    Requirement,
    Row,
    Template,
    parse_profile,
)

WHOLE = """\
name = "example-tr098"
[match]
root = "InternetGatewayDevice."
oui = ["00236a", "00236B"]
product_class = "SR*"
software_version = "2.6.*"
[[parameter]]
name = "InternetGatewayDevice.X_EXAMPLE_Analytics.URL"
value = "{phan_url}"
type = "xsd:string"
max_length = 200
clear = ""
[[parameter]]
name = "InternetGatewayDevice.X_EXAMPLE_Analytics.1.Enable"
value = "1"
type = "xsd:boolean"
[quirks]
boolean_words = true
"""
LEAST = """\
name = "least"
[[parameter]]
name = "Device.X_EXAMPLE.URL"
value = "{phan_url}"
"""


def test_a_profile_in_the_contract_s_format_is_read():
    profile = parse_profile(WHOLE, "a.toml")
    assert (profile.name, profile.source) == ("example-tr098", "a.toml")
    assert profile.match == Match("InternetGatewayDevice.", frozenset({"00236A", "00236B"}), "SR*", "2.6.*")
    assert profile.quirks == Quirks(boolean_words=True, no_read_back=False)
    url, enable = profile.parameters
    assert (url.name, url.type, url.max_length) == ("InternetGatewayDevice.X_EXAMPLE_Analytics.URL", "xsd:string", 200)
    assert url.value.fields == {"phan_url"}
    assert url.clear is not None
    assert url.clear.render({}) == ""
    assert (enable.type, enable.max_length, enable.clear) == ("xsd:boolean", 256, None)


def test_a_name_and_a_parameter_are_enough():
    profile = parse_profile(LEAST, "a.toml")
    assert (profile.match, profile.quirks) == (Match(), Quirks())
    assert (profile.parameters[0].type, profile.parameters[0].max_length) == ("xsd:string", 256)


def test_an_empty_root_fits_every_gateway():
    assert parse_profile(LEAST + '[match]\nroot = ""\n', "a.toml").match == Match()


@pytest.mark.parametrize(
    ("line", "instead", "key", "message"),
    [
        ("[match]", "[macth]", "macth", "is not known; did you mean match?"),
        ("oui =", '"o\\nui" =', "match.'o\\nui'", "is not known; did you mean oui?"),
        ("oui =", "ouis =", "match.ouis", "is not known; did you mean oui?"),
        ("max_length =", "maxlength =", "parameter[1].maxlength", "is not known; did you mean max_length?"),
        ("boolean_words", "boolean_word", "quirks.boolean_word", "is not known; did you mean boolean_words?"),
        ('"xsd:boolean"', '"boolean"', "parameter[2].type", "is not a type of CWMP; did you mean xsd:boolean?"),
        ('name = "example-tr098"', "", "name", "is missing"),
        ('value = "1"', "", "parameter[2].value", "is missing"),
        ('"example-tr098"', '"a b"', "name", "must be 1 to 64 letters, digits, dots, hyphens and underscores"),
        ('"example-tr098"', f'"{"a" * 65}"', "name", "must be 1 to 64 letters"),
        ('"example-tr098"', "7", "name", "must be text in quotes"),
        ('"{phan_url}"', "7", "parameter[1].value", "must be text in quotes"),
        ('"InternetGatewayDevice."\n', '"InternetGatewayDevice"\n', "match.root", "must be Device. or Internet"),
        ('"InternetGatewayDevice."\n', '"Device."\n', "parameter[1].name", "must lie under the one root"),
        ("X_EXAMPLE_Analytics.URL", "X_EXAMPLE_Analytics.", "parameter[1].name", "no dot at its end"),
        ("X_EXAMPLE_Analytics.URL", "X_EXAMPLE Analytics.URL", "parameter[1].name", "no empty part"),
        ("X_EXAMPLE_Analytics.URL", "A" * 256, "parameter[1].name", "at most 256 characters"),
        (
            "InternetGatewayDevice.X_EXAMPLE_Analytics.URL",
            "X.URL",
            "parameter[1].name",
            "a path begins with Device. or Internet",
        ),
        ("Analytics.1.Enable", "Analytics.URL", "parameter[2].name", "is the same as parameter[1].name"),
        ('["00236a", "00236B"]', '"00236A"', "match.oui", "must be a list of six hex digits each"),
        ('["00236a", "00236B"]', "[]", "match.oui", "must be a list of six hex digits each"),
        ('["00236a", "00236B"]', '["0236A"]', "match.oui", "must be a list of six hex digits each"),
        ('["00236a", "00236B"]', "[236]", "match.oui", "must be a list of six hex digits each"),
        ('"SR*"', "7", "match.product_class", "must be text in quotes"),
        ('"SR*"', f'"{"a" * 257}"', "match.product_class", "must be at most 256 characters long"),
        ("= 200", "= 0", "parameter[1].max_length", "must be a whole number from 1 to 65536"),
        ("= 200", "= 65537", "parameter[1].max_length", "must be a whole number from 1 to 65536"),
        ("= 200", "= true", "parameter[1].max_length", "must be a whole number from 1 to 65536"),
        ("= 200", '= "200"', "parameter[1].max_length", "must be a whole number from 1 to 65536"),
        ("{phan_url}", "{phan}", "parameter[1].value", "has a field that is not known; there are {phan_url}, {line_of"),
        ("{phan_url}", "{}", "parameter[1].value", "has a field that is not known"),
        ("{phan_url}", "{phan_url!r}", "parameter[1].value", "has a field that is not known"),
        ("{phan_url}", "{phan_url:>9}", "parameter[1].value", "has a field that is not known"),
        ("{phan_url}", "{phan_url.__class__}", "parameter[1].value", "has a field that is not known"),
        ("{phan_url}", "{phan_url", "parameter[1].value", "has a brace that is alone"),
        ("{phan_url}", "phan_url", "parameter", "has no value with a field: every gateway would get the same"),
        ('"{phan_url}"', f'"{"a" * 201}{{phan_url}}"', "parameter[1].value", "takes at most 200 characters"),
        ('clear = ""', 'clear = "{phan_url}"', "parameter[1].clear", "cannot hold {phan_url}"),
        ('clear = ""', 'clear = "{report_password}"', "parameter[1].clear", "cannot hold {report_password}"),
        ('clear = ""', f'clear = "{"a" * 201}"', "parameter[1].clear", "takes at most 200 characters"),
        (
            'clear = ""',
            'clear = "\\u0007"',
            "parameter[1].clear",
            "cannot take this value: it has a character that XML",
        ),
        ('value = "1"', 'value = "on"', "parameter[2].value", "cannot take this value: a boolean is"),
        (
            'type = "xsd:boolean"',
            'type = "xsd:int"\nclear = ""',
            "parameter[2].clear",
            "cannot take this value: it is no whole number",
        ),
        ("boolean_words = true", 'boolean_words = "yes"', "quirks.boolean_words", "must be true or false"),
        ("[quirks]", "[[quirks]]", "quirks", "must be a table"),
        ("[quirks]", "[keep]\nrecheck = 1\n[quirks]", "keep.recheck", "is not known; did you mean recheck_hours?"),
        ("[quirks]", "[keep]\nrecheck_hours = -1\n[quirks]", "keep.recheck_hours", "from 0 (never) to 8760"),
        ("[quirks]", "[keep]\nrecheck_hours = true\n[quirks]", "keep.recheck_hours", "from 0 (never) to 8760"),
    ],
)
def test_a_mistake_is_refused_naming_file_key_and_limit(line, instead, key, message):
    assert line in WHOLE
    with pytest.raises(InvalidProfile, match=rf"^a\.toml: {re.escape(key)}: .*{re.escape(message)}") as refused:
        parse_profile(WHOLE.replace(line, instead, 1), "a.toml")
    assert refused.value.key == key


@pytest.mark.parametrize("text", ['name = "a"\n', 'name = "a"\nparameter = []\n', 'name = "a"\nparameter = "b"\n'])
def test_a_profile_without_a_parameter_is_refused(text):
    with pytest.raises(InvalidProfile, match=r"parameter: must stand there at least once, as \[\[parameter\]\]"):
        parse_profile(text, "a.toml")


@pytest.mark.parametrize("text", ["name = ", 'name = "a"\nname = "b"', "\0", "a = " + "[" * 5000])
def test_what_is_not_toml_is_refused_naming_the_file(text):
    with pytest.raises(InvalidProfile, match=r"^a\.toml: is not TOML: "):
        parse_profile(text, "a.toml")


@given(st.text(max_size=100), st.integers(0, len(WHOLE)), st.integers(0, 40))
def test_whatever_a_slip_of_the_pen_makes_of_a_file_it_is_read_or_refused_in_one_line(inserted, at, cut):
    try:
        profile = parse_profile(WHOLE[:at] + inserted + WHOLE[at + cut :], "a.toml")
    except InvalidProfile as refused:
        assert re.fullmatch(r"a\.toml: [^\n]+", str(refused))  # noqa: PT017 - either outcome is a right one
    else:
        assert profile.parameters


BLOCK = '\n[[block]]\nsoftware_version = "2.6.3"\nreason = "loses  the value"\n'


class TestABlock:
    @pytest.mark.parametrize(
        ("until", "at"),
        [
            ("", None),
            ("until = 2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
            ("until = 2027-01-31T12:00:00", datetime(2027, 1, 31, 12, tzinfo=UTC)),
            ("until = 2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ],
    )
    def test_is_read_with_its_end_in_utc(self, until: str, at: datetime | None) -> None:
        (block,) = parse_profile(WHOLE + BLOCK + until, "a.toml").blocks
        assert block == Block(Match(software_version="2.6.3"), "loses the value", at)

    @pytest.mark.parametrize(
        ("line", "instead", "key", "message"),
        [
            ("reason =", "raeson =", "block[1].raeson", "is not known; did you mean reason?"),
            ('reason = "loses  the value"', "", "block[1].reason", "is missing"),
            ('"loses  the value"', '" "', "block[1].reason", "must be a sentence of 1 to 512 characters"),
            ('"loses  the value"', f'"{"a" * 513}"', "block[1].reason", "must be a sentence of 1 to 512 characters"),
            ('"2.6.3"', "263", "block[1].software_version", "must be text in quotes"),
            ("reason", 'until = "2027-01-31"\nreason', "block[1].until", "must be a time or a day without quotes"),
            ("reason", "until = 12:00:00\nreason", "block[1].until", "must be a time or a day without quotes"),
            ("reason", "until = 0001-01-01T00:00:00+14:00\nreason", "block[1].until", "outside of the calendar"),
            ("[[block]]", "[block]", "block", "must stand there as [[block]]"),
        ],
    )
    def test_with_a_mistake_is_refused(self, line: str, instead: str, key: str, message: str) -> None:
        assert line in BLOCK
        with pytest.raises(InvalidProfile, match=rf"^a\.toml: {re.escape(key)}: .*{re.escape(message)}"):
            parse_profile(WHOLE + BLOCK.replace(line, instead, 1), "a.toml")

    def test_holds_what_it_matches_until_its_end(self) -> None:
        end = datetime(2027, 1, 31, tzinfo=UTC)
        profile = parse_profile(WHOLE + BLOCK + "until = 2027-01-31", "a.toml")
        bad, good = (GatewayKind("InternetGatewayDevice.", "00236A", "SR1", version) for version in ("2.6.3", "2.6.4"))
        assert profile.block(bad, end - timedelta(seconds=1)) is profile.blocks[0]
        assert profile.block(bad, end) is None
        assert profile.block(good, end - timedelta(seconds=1)) is None


@given(st.text(max_size=60))
def test_a_template_can_be_written_as_it_was_read(text: str) -> None:
    try:
        template = Template.parse(text)
    except ValueError:
        return
    assert Template.parse(template.text) == template


TABLED = """\
name = "tabled"
[object]
table = "Device.T."
known_by = ["Name", "HTTP.URL"]
switch = "Enable"
limit = "Device.MaxT"
[[require]]
name = "Device.Protocols"
has = "HTTP"
[[require]]
name = "Device.T.{i}.Least"
at_most = 900
optional = true
[[parameter]]
name = "Device.T.{i}.Name"
value = "ours"
[[parameter]]
name = "Device.T.{i}.HTTP.URL"
value = "{phan_url}"
clear = ""
[[parameter]]
name = "Device.T.{i}.HTTP.Password"
value = "secret"
hidden = true
[[row]]
table = "Parameter."
known_by = "Reference"
[row.values]
Name = "info"
Reference = "Device.DeviceInfo."
"""


class TestAnInstanceOfATable:
    def test_is_read_with_what_belongs_to_it(self) -> None:
        profile = parse_profile(TABLED, "a.toml")
        assert profile.instance == InstanceRule(
            "Device.T.",
            ("Name", "HTTP.URL"),
            "Enable",
            "Device.MaxT",
            (Row("Parameter.", "Reference", (("Name", "info"), ("Reference", "Device.DeviceInfo."))),),
            (
                Requirement("Device.Protocols", has="HTTP"),
                Requirement("Device.T.{i}.Least", at_most=900, optional=True),
            ),
        )
        assert profile.hidden == {"Device.T.{i}.HTTP.Password"}

    @pytest.mark.parametrize(
        ("line", "instead", "key", "message"),
        [
            ('table = "Device.T."', 'table = "Device.T"', "object.table", "a dot at its end"),
            ('table = "Device.T."', 'table = "Device.T.1."', "object.table", "not with a number"),
            (
                'table = "Device.T."',
                'table = "Device.U."',
                "parameter[1].name",
                "has {i} elsewhere than behind Device.U.",
            ),
            ('table = "Device.T."', 'tabel = "Device.T."', "object.tabel", "is not known; did you mean table?"),
            ('["Name", "HTTP.URL"]', "[]", "object.known_by", "must be a list of names below the instance"),
            ('["Name", "HTTP.URL"]', '["Alias"]', "object.known_by", "'Alias' is written by no [[parameter]]"),
            (
                '["Name", "HTTP.URL"]',
                '["HTTP.Password"]',
                "object.known_by",
                "must be written as a text without fields",
            ),
            ('"ours"', '"{line_of_service}"', "object.known_by", "Name: must be written as a text without fields"),
            ('"ours"', '""', "object.known_by", "Name: must be written as a text without fields"),
            ('"Enable"', '"Device.T.{i}.Enable"', "object.switch", "stands below the instance"),
            ('"Enable"', '"En able"', "object.switch", "no empty part"),
            ('"Device.MaxT"', '"Device.T.{i}.Max"', "object.limit", "holds for the whole table"),
            ("{i}.Name", "{i}.X.{i}.Name", "parameter[1].name", "may have {i} once"),
            ('has = "HTTP"', "", "require[1].has", "or at_most must be given, and not both"),
            ('has = "HTTP"', 'has = "HTTP"\nat_most = 1', "require[1].has", "or at_most must be given, and not both"),
            ("at_most = 900", 'at_most = "900"', "require[2].at_most", "must be a whole number"),
            ("optional = true", "optional = 1", "require[2].optional", "must be true or false"),
            ("Device.T.{i}.Least", "Device.U.{i}.Least", "require[2].name", "has {i} elsewhere than behind Device.T."),
            ('table = "Parameter."', 'table = "Parameter"', "row[1].table", "a dot at its end"),
            (
                'known_by = "Reference"',
                'known_by = "Alias"',
                "row[1].known_by",
                "must be one of the values of this row",
            ),
            ('Name = "info"', "Name = 1", "row[1].values.Name", "must be text in quotes"),
            ('Name = "info"', f'Name = "{"a" * 257}"', "row[1].values.Name", "takes at most 256 characters"),
            ('Name = "info"', 'Name = "\\u0007"', "row[1].values.Name", "cannot take this value"),
            ("hidden = true", 'hidden = "yes"', "parameter[3].hidden", "must be true or false"),
        ],
    )
    def test_with_a_mistake_is_refused(self, line: str, instead: str, key: str, message: str) -> None:
        assert line in TABLED
        with pytest.raises(InvalidProfile, match=rf"^a\.toml: {re.escape(key)}: .*{re.escape(message)}"):
            parse_profile(TABLED.replace(line, instead, 1), "a.toml")

    @pytest.mark.parametrize(
        ("more", "key"),
        [('[[row]]\ntable = "R."\n', "row"), ('[[require]]\nname = "Device.A"\n', "require")],
    )
    def test_is_what_rows_and_requirements_go_with(self, more: str, key: str) -> None:
        with pytest.raises(InvalidProfile, match=rf"^a\.toml: {key}: goes with \[object\] only"):
            parse_profile(LEAST + more, "a.toml")

    def test_is_what_a_number_is_of(self) -> None:
        with pytest.raises(
            InvalidProfile, match=r"^a\.toml: parameter\[1\]\.name: has \{i\}, but there is no \[object\]"
        ):
            parse_profile(LEAST.replace("X_EXAMPLE", "T.{i}"), "a.toml")
