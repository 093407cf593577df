"""What a write will ask of its gateway if all goes well, told in advance; the other modules decide what is asked."""

from collections.abc import Iterator
from dataclasses import dataclass

from acs_bridge.domain.planner.kinds import begin
from acs_bridge.domain.planner.places import look_names, outer_names
from acs_bridge.domain.planner.values import next_tag
from acs_bridge.domain.planner.words import Asked, Memory, OpenWrite, Place, Request, Wanted
from acs_bridge.domain.profile.instance import PLACEHOLDER
from cwmp.messages import (
    AddObject,
    DeleteObject,
    GetParameterNames,
    GetParameterValues,
    ParameterValueStruct,
)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A request, and when it is sent. `{i}` stands for a number that the gateway gives."""

    request: Request
    when: str  # a plain sentence


def foresee(write: OpenWrite, wanted: Wanted) -> tuple[Foreseen, ...]:
    """Give the requests of a queued write, in their order."""
    return tuple(_plain(write, wanted) if wanted.place is None else _placed(write, wanted, wanted.place))


def _plain(write: OpenWrite, wanted: Wanted) -> Iterator[Foreseen]:
    looks = begin(write, wanted).plan.asked is Asked.READ
    if looks:
        yield Foreseen(wanted.read(), "at once, to see what the gateway holds")
    yield Foreseen(wanted.set(next_tag(write)), "unless that is what it holds already" if looks else "at once")
    if wanted.readable:
        yield Foreseen(wanted.read(), "when the gateway took it, to see what it holds")


def _placed(write: OpenWrite, wanted: Wanted, place: Place) -> Iterator[Foreseen]:
    rule, own = place.rule, f"{place.rule.table}{PLACEHOLDER}."
    yield Foreseen(GetParameterNames(rule.table, next_level=True), "at once, to see which instances there are")
    known = tuple(f"{own}{name}" for name in (*rule.known_by, *((rule.switch,) if rule.switch else ())))
    yield Foreseen(
        GetParameterValues((*look_names(place, Memory()), *known)), "then, of every instance, to see whose it is"
    )
    if place.removes:
        yield Foreseen(DeleteObject(own, next_tag(write)), "of the instance that is ours, if we added it")
        if wanted.parameters:
            yield Foreseen(wanted.set(next_tag(write)), "otherwise, in the instance that is ours, if there is one")
        return
    yield Foreseen(AddObject(rule.table, next_tag(write)), "only where no instance is ours, or free")
    yield Foreseen(GetParameterValues((own, *outer_names(wanted))), "of the instance that is ours by then")
    for row in rule.rows:
        yield Foreseen(
            AddObject(own + row.table, next_tag(write)), f"only where none has the {row.known_by} {row.mark}"
        )
    whole = _with_rows(wanted, place)
    yield Foreseen(whole.set(next_tag(write)), "when all of it has a place")
    if wanted.readable:
        yield Foreseen(whole.read(), "when the gateway took it, to see what it holds")


def _with_rows(wanted: Wanted, place: Place) -> Wanted:
    rows = tuple(
        ParameterValueStruct(f"{place.rule.table}{PLACEHOLDER}.{row.table}{PLACEHOLDER}.{name}", text)
        for row in place.rule.rows
        for name, text in row.values
    )
    return wanted._replace(parameters=wanted.parameters + rows)
