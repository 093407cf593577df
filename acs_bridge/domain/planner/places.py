"""An instance of a table as a write sees it: which one is ours, what is asked about it, and what is written into it.

Nothing is decided here of what comes next; that is `instances`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from acs_bridge.domain.planner.words import Asked, Memory, Place, Request, Wanted
from acs_bridge.domain.profile.instance import PLACEHOLDER, Row
from cwmp.messages import AddObject, DeleteObject, GetParameterNames, GetParameterValues, ParameterValueStruct

_OFF: Final = frozenset(("0", "false"))
_MOST_INSTANCES: Final = 256  # of a gateway's word is remembered
_LONGEST_NUMBER: Final = 10  # digits


def at(wanted: Wanted, memory: Memory) -> Wanted:
    """What is wanted with the numbers that the gateway gave."""
    place = wanted.place
    if place is None:
        return wanted
    number = str(memory.instance)
    own = [each._replace(name=each.name.replace(PLACEHOLDER, number)) for each in wanted.parameters]
    for row, found in zip(rows_of(wanted), memory.rows, strict=False):
        own += [
            ParameterValueStruct(f"{path_of(place, memory)}{row.table}{found}.{name}", text)
            for name, text in row.values
        ]
    hidden = frozenset(name.replace(PLACEHOLDER, number) for name in wanted.hidden)
    return wanted._replace(parameters=tuple(own), hidden=hidden, place=None, looks=False)


def request_of(asked: Asked, wanted: Wanted, memory: Memory, key: str) -> Request:
    """The request of this kind that goes with what is remembered."""
    return _REQUESTS[asked](wanted, place_of(wanted), memory, key)


def _row_wanted(_: Wanted, place: Place, memory: Memory, key: str) -> Request:
    """The first row that is not there yet."""
    return AddObject(path_of(place, memory) + place.rule.rows[memory.rows.index(0)].table, key)


def _survey(wanted: Wanted, place: Place, memory: Memory, _: str) -> Request:
    return GetParameterValues((path_of(place, memory), *outer_names(wanted)))


_REQUESTS: Final[Mapping[Asked, Callable[[Wanted, Place, Memory, str], Request]]] = {
    Asked.LIST: lambda _wanted, place, _memory, _key: GetParameterNames(place.rule.table, next_level=True),
    Asked.LOOK: lambda _wanted, place, memory, _key: GetParameterValues(look_names(place, memory)),
    Asked.ADD: lambda _wanted, place, _memory, key: AddObject(place.rule.table, key),
    Asked.SURVEY: _survey,
    Asked.ADD_ROW: _row_wanted,
    Asked.SET: lambda wanted, _place, memory, key: at(wanted, memory).typed(memory.types).set(key),
    Asked.READ: lambda wanted, _place, memory, _key: at(wanted, memory).read(),
    Asked.DELETE: lambda _wanted, place, memory, key: DeleteObject(to_be_removed(place, memory)[0], key),
}


def look_names(place: Place, memory: Memory) -> tuple[str, ...]:
    """What is read before anything is added: by name, or all of it below what these names have in common."""
    rule = place.rule
    asked = [] if place.removes else [each.name for each in rule.requires if PLACEHOLDER not in each.name]
    if rule.limit is not None and not place.removes:
        asked.append(rule.limit)
    if memory.whole:
        return (stem_of([*asked, rule.table]),)
    below = [mark.name for mark in place.marks] + ([rule.switch] if rule.switch else [])
    names = [*asked, *(f"{rule.table}{number}.{name}" for number in memory.listed for name in below)]
    return tuple(dict.fromkeys(names))


def outer_names(wanted: Wanted) -> tuple[str, ...]:
    """Parameters outside of the instance that are written as well."""
    return tuple(each.name for each in wanted.parameters if PLACEHOLDER not in each.name)


def stem_of(names: Iterable[str]) -> str:
    """The object in which all of these lie."""
    paths = [name.split(".")[:-1] for name in names]
    common: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return ".".join((*common, ""))


def ours_in(place: Place, memory: Memory, found: Mapping[str, str]) -> int:
    """The instance that carries a mark of ours; 0: none does."""
    for number in memory.listed:
        path = f"{place.rule.table}{number}."
        if any(mark.fits(found.get(path + mark.name, "")) for mark in place.marks):
            return number
    return 0


def free_in(place: Place, memory: Memory, found: Mapping[str, str]) -> int:
    """An instance that nobody uses: first one that we have added, then any that is said to be off. 0: there is none."""
    own: tuple[int, ...] = ((memory.instance,) if memory.added else ()) + memory.fresh
    for number in own:
        if number in memory.listed and not any(_shown(place, number, found)):
            return number
    for number in memory.listed if place.rule.switch else ():
        off = found.get(f"{place.rule.table}{number}.{place.rule.switch}", "").strip().lower() in _OFF
        if off and (shown := _shown(place, number, found)) and not any(shown):
            return number
    return 0


def _shown(place: Place, number: int, found: Mapping[str, str]) -> list[str]:
    """What the parameters by which an instance is known hold; those that the gateway left out are left out."""
    names = (f"{place.rule.table}{number}.{mark.name}" for mark in place.marks)
    return [found[name].strip() for name in names if name in found]


def room_in(place: Place, found: Mapping[str, str]) -> int | None:
    """How many instances there may be; None: nobody says."""
    text = found.get(place.rule.limit or "", "").strip()
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else None


def row_in(table: str, known_by: str, mark: str, found: Mapping[str, str]) -> int:
    """The number of the row that is known by this mark, or of one that is blank; 0: there is none."""
    rows = {number: found.get(f"{table}{number}.{known_by}", "").strip() for number in numbers_in(table, found)}
    same = [number for number, text in rows.items() if text == mark]
    return next(iter(same + [number for number, text in rows.items() if not text]), 0)


def to_be_removed(place: Place, memory: Memory) -> tuple[str, ...]:
    """What has to go: our instance, or the rows that we have added to one that was there."""
    if memory.instance and (memory.added or place.removes):
        return (path_of(place, memory),)
    return tuple(
        f"{path_of(place, memory)}{place.rule.rows[at].table}{memory.rows[at]}."
        for at in memory.rows_added
        if at < len(memory.rows) and memory.rows[at]
    )


def place_of(wanted: Wanted) -> Place:
    """The table that the write goes into; for a write that goes into none it is a bug to ask."""
    if wanted.place is None:
        raise ValueError("this write goes into no instance of a table")
    return wanted.place


def rows_of(wanted: Wanted) -> tuple[Row, ...]:
    """The rows that are wanted in the instance."""
    return () if wanted.place is None or wanted.place.removes else wanted.place.rule.rows


def path_of(place: Place, memory: Memory) -> str:
    """The path of our instance."""
    return f"{place.rule.table}{memory.instance}."


def aliases_in(table: str, names: Iterable[str]) -> bool:
    """Whether instances are told by alias (TR-069 3.6.1): then none can be found by its number."""
    return any(name.startswith(f"{table}[") for name in names)


def numbers_in(table: str, names: Iterable[str]) -> tuple[int, ...]:
    """The instance numbers below a table that occur in names, in their order."""
    found: dict[int, None] = {}
    for name in names:
        number = name.removeprefix(table).partition(".")[0] if name.startswith(table) else ""
        if number.isdecimal() and len(number) <= _LONGEST_NUMBER and len(found) < _MOST_INSTANCES:
            found[int(number)] = None
    return tuple(sorted(found))
