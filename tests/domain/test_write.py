import re
from pathlib import Path

import pytest

from acs_bridge.domain.write import (
    CANCELLABLE,
    FINAL,
    RETRYABLE,
    SETTLED,
    SUPERSEDABLE,
    TRANSITIONS,
    Purpose,
    WriteEvent,
    WriteState,
)
from acs_bridge.store.database import Database

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas" / "postgres").glob("*.sql"))
EDGES = {(state, event, to) for state, ways in TRANSITIONS.items() for event, to in ways.items()}


def quoted(text: str) -> list[str]:
    return re.findall(r"'(\w+)'", text)


def test_the_table_in_the_schema_and_the_table_in_python_are_equal():
    texts = [schema.read_text() for schema in SCHEMAS]
    inserted = re.findall(r"insert into write_transition .*? values(.*?);", "".join(texts), re.DOTALL)
    rows = quoted("".join(inserted))
    assert sorted(zip(rows[::3], rows[1::3], rows[2::3], strict=True)) == sorted(EDGES)


async def test_the_table_in_postgres_and_the_table_in_python_are_equal(database: Database):
    rows = await database.fetch("select from_state, event, to_state from write_transition")
    assert sorted(tuple(row) for row in rows) == sorted(EDGES)


@pytest.mark.parametrize(
    ("law", "names"), [("write_state", set(WriteState)), ("write_purpose", set(Purpose)), ("write_settled", SETTLED)]
)
async def test_postgres_and_python_know_the_same_names(database: Database, law, names):
    laws = await database.fetchval("select prosrc from pg_proc where proname = 'write_is_lawful'")
    broken = next(part for part in laws.split(" when ") if part.strip().endswith(f"then '{law}'"))
    assert set(quoted(broken)) - {law} == names


def test_every_state_is_in_the_table_and_every_event_moves_something():
    assert set(TRANSITIONS) == set(WriteState)
    assert {event for ways in TRANSITIONS.values() for event in ways} == set(WriteEvent)


def test_a_write_ends_verified_cancelled_or_superseded():
    assert {WriteState.VERIFIED, WriteState.CANCELLED, WriteState.SUPERSEDED} == FINAL


def test_a_write_is_settled_when_final_rejected_or_failed():
    assert FINAL | {WriteState.REJECTED, WriteState.FAILED} == SETTLED


def test_a_write_can_be_cancelled_where_the_contract_says_so():
    assert {WriteState.QUEUED, WriteState.REJECTED, WriteState.FAILED, WriteState.IN_DOUBT} == CANCELLABLE


def test_a_write_can_be_retried_once_it_was_rejected_or_failed():
    assert {WriteState.REJECTED, WriteState.FAILED} == RETRYABLE


def test_every_write_that_is_not_final_can_be_superseded():
    assert set(WriteState) - FINAL == SUPERSEDABLE


def test_every_write_can_still_be_verified_unless_it_is_final():
    reaches = {WriteState.VERIFIED}
    while more := {state for state, ways in TRANSITIONS.items() if reaches & set(ways.values())} - reaches:
        reaches |= more
    assert reaches == set(WriteState) - {WriteState.CANCELLED, WriteState.SUPERSEDED}
