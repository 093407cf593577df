import pytest

from acs_bridge.store.database import Database
from acs_bridge.store.statements import BrokenStatementFile, Statements, load, parse, subjects

TWO = """
-- What this file is about.

-- name: first_one
-- Says what it does
-- in two lines.
select 1 -- a comment in the middle stays
;

-- name: second_one
select ';' as semicolon,
       $1::text;
"""


def test_a_statement_is_sent_without_the_comment_above_it_and_the_semicolon_below_it():
    assert parse(TWO, "two.sql") == {
        "first_one": "select 1 -- a comment in the middle stays",
        "second_one": "select ';' as semicolon,\n       $1::text",
    }


def test_statements_that_begin_alike_share_a_part():
    text = """
-- part: shown
-- What is shown.
select a
from b;

-- name: find
-- One of them.
-- begins with: shown
where id = $1;

-- name: every
-- begins with: shown
"""
    assert parse(text, "b.sql") == {"find": "select a\nfrom b\nwhere id = $1", "every": "select a\nfrom b"}


def test_a_statement_is_an_attribute_of_its_file():
    statements = Statements("two.sql", parse(TWO, "two.sql"))
    assert statements.first_one == "select 1 -- a comment in the middle stays"
    assert [name for name, _ in statements] == ["first_one", "second_one"]


def test_a_statement_that_is_missing_is_named_with_its_file():
    statements = Statements("two.sql", parse(TWO, "two.sql"))
    with pytest.raises(AttributeError, match=r"two\.sql has no statement named 'third_one'"):
        _ = statements.third_one


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1;\n-- name: a\nselect 2;", "above the first"),
        ("-- name: a\nselect 1;\n-- name: a\nselect 2;", "a stands there twice"),
        ("-- name: a\n-- only a comment\n-- name: b\nselect 2;", "a is empty"),
        ("-- name: NotSnake\nselect 1;", "'NotSnake' is no name"),
        ("-- name:\nselect 1;", "'' is no name"),
        ("-- part: a\nselect 1;\n-- name: a\nselect 2;", "a stands there twice"),
        ("-- name: a\n-- begins with: b\nwhere true;", "no part 'b' stands above"),
    ],
)
def test_a_file_that_cannot_be_taken_apart_is_refused_by_name(text, complaint):
    with pytest.raises(BrokenStatementFile, match=complaint) as refusal:
        parse(text, "broken.sql")
    assert str(refusal.value).startswith("broken.sql: ")


def test_a_file_is_read_once():
    subject = subjects()[0]
    assert load(subject) is load(subject)


def test_a_file_that_does_not_exist_is_an_error():
    with pytest.raises(FileNotFoundError):
        load("no_such_subject")


@pytest.mark.parametrize("subject", subjects())
async def test_postgres_can_prepare_every_statement(database: Database, subject):
    for _, sql in load(subject):
        async with database.transaction() as connection:
            await connection.prepare(sql)
