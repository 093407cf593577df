"""Which kind of write it is decides who plans it: one SetParameterValues, or the way into an instance of a table."""

from acs_bridge.domain.planner import instances, values
from acs_bridge.domain.planner.words import Answer, Move, OpenWrite, Wanted


def begin(write: OpenWrite, wanted: Wanted) -> Move:
    """The first request of this write in a session in which nothing of it is outstanding."""
    return values.begin(write, wanted) if wanted.place is None else instances.begin(write, wanted)


def repeat(write: OpenWrite, wanted: Wanted, *, counts: bool) -> Move:
    """The outstanding request once more, unchanged. It `counts` where the gateway answered it with an empty POST."""
    if wanted.place is None:
        return values.repeat(write, wanted, counts=counts)
    return instances.repeat(write, wanted, counts=counts)


def answered(write: OpenWrite, wanted: Wanted, answer: Answer, *, last_attempt: bool, in_force: bool) -> Move:
    """What the gateway's answer to the outstanding request makes of this write.

    `last_attempt`: a failure now is the end of it. `in_force`: a value that the gateway had put off must be there by
    now (it has booted since, or the time for it is over).
    """
    if wanted.place is None:
        return values.answered(write, wanted, answer, last_attempt=last_attempt, in_force=in_force)
    return instances.answered(write, wanted, answer, last_attempt=last_attempt, in_force=in_force)


def resumes(write: OpenWrite, wanted: Wanted) -> bool:
    """Whether the write can go on: the profile may have become one of the other kind under it."""
    return instances.resumes(write, wanted)
