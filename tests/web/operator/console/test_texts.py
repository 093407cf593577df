"""Every word of the console stands in the catalogue, is asked for by its name, and says PHAN as it is."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from jinja2 import Environment

from acs_bridge.web.operator import console
from acs_bridge.web.operator.console.texts import Texts, texts
from acs_bridge.web.operator.models.records import Candidacy, KeptOut

HERE = Path(console.__file__).parent
TEMPLATES = sorted((HERE / "templates").glob("*.html"))
SCRIPTS = sorted((HERE / "static").glob("*.js"))
PYTHON = sorted(HERE.glob("*.py"))
SAID = ("alt", "aria-label", "aria-description", "content", "label", "placeholder", "title")
MADE = "\N{OBJECT REPLACEMENT CHARACTER}"  # stands for what a template makes of what it is given


class Words(HTMLParser):
    """Collects what a page says to people."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_data(self, data):
        self.found.append(data)

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.found += [value or "" for name, value in attrs if name in SAID]


def literal(source):
    """What stands in a template as it is, with a mark for the rest."""
    parts = []
    for _, kind, value in Environment(autoescape=True).lex(source):
        if kind == "data":
            parts.append(value)
        elif kind == "variable_begin":
            parts.append(MADE)
    return "".join(parts)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path):
    words = Words()
    words.feed(literal(path.read_text("utf-8")))
    assert not [found for found in words.found if re.search(r"[^\W\d_]", found)]


def test_words_in_a_template_are_found():
    words = Words()
    words.feed(literal('<p title="Hello">{{ name }} and {% if a %}more{% endif %}</p><input placeholder="Here">'))
    assert [found.strip() for found in words.found if re.search(r"[^\W\d_]", found)] == [
        "Hello",
        f"{MADE} and more",
        "Here",
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_has_no_sentence_of_its_own(path):
    code = re.sub(r"(?m)//.*$", "", path.read_text("utf-8"))
    strings = re.findall(r'"([^"\n]*)"|`([^`]*)`', code)
    said = [text for pair in strings for text in pair if re.match(r"\s*[A-Z][a-z]+ [a-z]+", text)]
    assert not said


def named(path):
    """The texts that a file asks for by their whole name."""
    source = path.read_text("utf-8")
    if path.suffix == ".js":
        return re.findall(r'\bsay\("([\w.]+)"\s*[,)]', source)
    tables = "|".join({name.partition(".")[0] for name in texts().all})
    return re.findall(rf'"((?:{tables})\.[\w.]*\w)"', source)


@pytest.mark.parametrize("path", [*TEMPLATES, *SCRIPTS, *PYTHON], ids=lambda path: path.name)
def test_every_text_that_is_asked_for_is_there(path):
    known = texts().all
    missing = [name for name in named(path) if name not in known and f"{name}.other" not in known]
    assert not [name for name in missing if not name.endswith((".html", ".js", ".css", ".svg", ".toml"))]


def test_every_text_is_asked_for_somewhere():
    sources = "".join(path.read_text("utf-8") for path in [*TEMPLATES, *SCRIPTS, *PYTHON])
    asked = {name for path in [*TEMPLATES, *SCRIPTS, *PYTHON] for name in named(path)}
    composed = set(re.findall(r'"(\w+(?:\.\w+)*\.)" ~|`(\w+(?:\.\w+)*\.)\$\{', sources))
    prefixes = tuple(first or second for first, second in composed)
    unused = [
        name
        for name in texts().all
        if name not in asked
        and name.removesuffix(".one").removesuffix(".other") not in asked
        and not name.startswith(prefixes or ("-",))
    ]
    assert not unused


@pytest.mark.parametrize("reason", get_args(KeptOut.model_fields["reason"].annotation))
@pytest.mark.parametrize("count", [1, 2])
def test_every_reason_for_which_calls_are_kept_out_has_its_words(reason, count):
    assert texts()(f"gateways.kept_out.{reason}", count=count)


@pytest.mark.parametrize("reason", get_args(Candidacy.model_fields["reason"].annotation))
def test_every_reason_for_which_a_gateway_may_be_for_a_line_has_its_words(reason):
    assert texts()(f"gateways.candidate.{reason}")


def test_phan_is_never_expanded():
    sources = " ".join(path.read_text("utf-8") for path in [*TEMPLATES, *SCRIPTS, HERE / "texts.toml"])
    assert not re.search(r"P\w+\s+H\w+\s+A\w+\s+N\w+", sources)


class TestTexts:
    def test_count_picks_the_form(self):
        made = Texts({"a": {"b": {"one": "one thing", "other": "{count} things"}}})
        assert [made("a.b", count=count) for count in (0, 1, 2)] == ["0 things", "one thing", "2 things"]

    def test_a_name_that_is_not_there_is_a_mistake(self):
        with pytest.raises(KeyError):
            Texts({})("a.b")
