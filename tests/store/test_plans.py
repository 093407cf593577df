"""What is remembered of a write, in its row and out of it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.planner import Asked, Memory, Plan
from acs_bridge.domain.write import WriteEvent
from acs_bridge.store.sessions import _plan, plan_as_json

SHORT = st.text(max_size=8)
NUMBERS = st.lists(st.integers(0, 9), max_size=3).map(tuple)
MEMORIES = st.builds(
    Memory,
    former=SHORT,
    types=st.lists(st.tuples(SHORT, SHORT), max_size=2).map(tuple),
    listed=NUMBERS,
    adding=st.booleans(),
    fresh=NUMBERS,
    instance=st.integers(0, 9),
    added=st.booleans(),
    rows=NUMBERS,
    rows_added=NUMBERS,
    written=st.booleans(),
    ends=st.none() | st.sampled_from(WriteEvent),
)
PLANS = st.builds(Plan, asked=st.none() | st.sampled_from(Asked), rests=st.booleans(), memory=st.none() | MEMORIES)


@given(PLANS)
def test_whatever_is_remembered_comes_back(plan: Plan) -> None:
    assert _plan(json.dumps(plan_as_json(plan))) == plan


def test_a_write_that_remembers_nothing_keeps_nothing() -> None:
    assert plan_as_json(Plan()) == {}
    assert plan_as_json(Plan(memory=Memory())) == {"memory": {}}


def test_what_a_newer_version_remembers_beside_is_passed_over() -> None:
    assert _plan(json.dumps({"memory": {"instance": 3, "of_the_future": 1}})) == Plan(memory=Memory(instance=3))
