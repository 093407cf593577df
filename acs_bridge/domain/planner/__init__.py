"""What a gateway is asked next: pure decisions on one write, from its row and from what the gateway just said.

A `Move` is the whole answer: the event of the write's law that happened (none: only its request is renewed), the
request that goes out with it (none: nothing more in this session), and what is remembered. The planner knows neither
the database nor the wire's bytes nor the time of day.
"""

from acs_bridge.domain.planner.foresight import Foreseen, foresee
from acs_bridge.domain.planner.kinds import answered, begin, repeat, resumes
from acs_bridge.domain.planner.values import (
    logged_in,
    lost,
    may_begin,
    may_follow,
    next_tag,
    not_used,
    proven,
)
from acs_bridge.domain.planner.words import (
    ANSWER_TO,
    ANSWERS,
    KEYED,
    Answer,
    Asked,
    Association,
    Mark,
    Memory,
    Move,
    OpenWrite,
    Place,
    Plan,
    Request,
    Wanted,
)

__all__ = [
    "ANSWERS",
    "ANSWER_TO",
    "KEYED",
    "Answer",
    "Asked",
    "Association",
    "Foreseen",
    "Mark",
    "Memory",
    "Move",
    "OpenWrite",
    "Place",
    "Plan",
    "Request",
    "Wanted",
    "answered",
    "begin",
    "foresee",
    "logged_in",
    "lost",
    "may_begin",
    "may_follow",
    "next_tag",
    "not_used",
    "proven",
    "repeat",
    "resumes",
]
