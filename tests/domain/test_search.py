"""What somebody means who types into the search box."""

import pytest

from acs_bridge.domain.search import sought
from acs_bridge.errors import InvalidField


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("C-1001", ("c1001",)),
        ("00:00:5E:12:34:56", ("00005e123456",)),
        ("0000.5e12.3456", ("00005e123456",)),
        ("00 00 5e 12 34 56", ("00005e123456",)),
        ("O'Brien", ("obrien",)),
        ("Smith, Ann", ("smith", "ann")),
        ("Ann Ann", ("ann",)),
        ("MU\u0308LLER", ("müller",)),
        ("ΟΔΟΣ", ("οδοσ",)),
        ("7", ("7",)),
    ],
)
def test_case_and_separators_count_for_nothing(typed, words):
    found = sought(typed)
    assert found is not None
    assert found.words == words


@pytest.mark.parametrize("typed", ["-", "::", " - . "])
def test_separators_alone_look_for_nothing(typed):
    assert sought(typed) is None


def test_only_so_many_words_are_looked_for():
    found = sought(" ".join(f"w{n}x" for n in range(20)))
    assert found is not None
    assert len(found.words) == 8


@pytest.mark.parametrize("typed", ["", " ", "x" * 129, "a\x00b"])
def test_what_no_record_can_have_is_refused(typed):
    with pytest.raises(InvalidField):
        sought(typed)


@pytest.mark.parametrize(("typed", "indexed"), [("ab", False), ("abc", True), ("g h i", False), ("a-b-c", True)])
def test_the_index_knows_no_words_of_fewer_than_three_characters(typed, indexed):
    found = sought(typed)
    assert found is not None
    assert found.is_indexed is indexed
