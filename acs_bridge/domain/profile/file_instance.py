"""What a profile's file says of an instance of a table: `[object]`, `[[row]]` and `[[require]]`, read strictly."""

from collections.abc import Sequence
from typing import Final

from acs_bridge.domain.profile.instance import PLACEHOLDER, InstanceRule, Requirement, Row
from acs_bridge.domain.profile.model import ProfileParameter
from acs_bridge.domain.profile.section import Section
from acs_bridge.domain.profile.template import FIELDS
from cwmp import values
from cwmp.types import STRING

_NUMBER: Final = "1"  # stands for the one that a gateway gives
_MOST: Final = 64  # rows, requirements, parameters by which an instance is known
_LONGEST_TEXT: Final = 256
_URL: Final = FIELDS[0]


def parameter_name(section: Section, key: str, name: str) -> None:
    """Refuse what is no full name of a parameter; `{i}` may stand for the number of an instance, once."""
    if name.count(PLACEHOLDER) > 1:
        section.refuse(key, f"may have {PLACEHOLDER} once: it is the number of the instance of [object]")
    try:
        values.parameter_path(name.replace(PLACEHOLDER, _NUMBER))
    except values.InvalidValue as error:
        section.refuse(key, str(error))


def instance_rule(file: Section, parameters: Sequence[ProfileParameter]) -> InstanceRule | None:
    """Read the rule of a file, with what of its parameters depends on it; None where it has none."""
    if "object" not in file.items:
        for key in ("row", "require"):
            if key in file.items:
                file.refuse(key, "goes with [object] only")
        for number, parameter in enumerate(parameters, start=1):
            if PLACEHOLDER in parameter.name:
                file.refuse(f"parameter[{number}].name", f"has {PLACEHOLDER}, but there is no [object] to number")
        return None
    section = file.table("object")
    section.knows("table", "known_by", "switch", "limit")
    table = _table(section)
    for number, parameter in enumerate(parameters, start=1):
        if PLACEHOLDER in parameter.name and not parameter.name.startswith(f"{table}{PLACEHOLDER}."):
            file.refuse(f"parameter[{number}].name", f"has {PLACEHOLDER} elsewhere than behind {table}")
    return InstanceRule(
        table,
        _known_by(section, table, parameters),
        _below(section, "switch", table),
        _limit(section),
        tuple(_row(each, table) for each in _some(file, "row")),
        tuple(_requirement(each, table) for each in _some(file, "require")),
    )


def _some(file: Section, key: str) -> list[Section]:
    found = file.tables(key, least=0)
    if len(found) > _MOST:
        file.refuse(key, f"may stand there {_MOST} times at most")
    return found


def _table(section: Section) -> str:
    table = section.needed("table")
    try:
        values.object_path(table)
    except values.InvalidValue as error:
        section.refuse("table", str(error))
    if table.split(".")[-2].isdecimal():  # an instance is added to the table, not to another instance
        section.refuse("table", "must end with the name of the table, not with a number")
    return table


def _below(section: Section, key: str, table: str) -> str | None:
    name = section.text(key)
    if name is not None:
        _check_below(section, key, table, name)
    return name


def _check_below(section: Section, key: str, table: str, name: str) -> None:
    if PLACEHOLDER in name:
        section.refuse(key, f"stands below the instance: without {table}{PLACEHOLDER}.")
    parameter_name(section, key, f"{table}{_NUMBER}.{name}")


def _known_by(section: Section, table: str, parameters: Sequence[ProfileParameter]) -> tuple[str, ...]:
    names = section.items.get("known_by")
    if not isinstance(names, list) or not 1 <= len(names) <= _MOST or not all(isinstance(name, str) for name in names):
        section.refuse("known_by", 'must be a list of names below the instance, as in ["Name", "HTTP.URL"]')
    written = {parameter.name: parameter for parameter in parameters}
    for name in names:
        parameter = written.get(f"{table}{PLACEHOLDER}.{name}")
        if parameter is None:
            section.refuse("known_by", f"{name[:_LONGEST_TEXT]!r} is written by no [[parameter]] of this profile")
        begins = parameter.value.text.startswith(f"{{{_URL}}}")
        if parameter.hidden or (not begins and (parameter.value.fields or not parameter.value.literal)):
            section.refuse("known_by", f"{name}: must be written as a text without fields, or begin with {{{_URL}}}")
    return tuple(dict.fromkeys(names))


def _limit(section: Section) -> str | None:
    name = section.text("limit")
    if name is not None:
        if PLACEHOLDER in name:
            section.refuse("limit", f"holds for the whole table: without {PLACEHOLDER}")
        parameter_name(section, "limit", name)
    return name


def _row(section: Section, table: str) -> Row:
    section.knows("table", "known_by", "values")
    below = section.needed("table")
    try:
        values.object_path(f"{table}{_NUMBER}.{below}")
    except values.InvalidValue as error:
        section.refuse("table", str(error))
    texts = section.table("values")
    for name in texts.items:
        _check_below(texts, name, f"{table}{_NUMBER}.{below}", name)
        if len(texts.needed(name)) > _LONGEST_TEXT:
            texts.refuse(name, f"takes at most {_LONGEST_TEXT} characters")
        try:
            values.check(texts.needed(name), STRING)
        except values.InvalidValue as error:
            texts.refuse(name, f"cannot take this value: {error}")
    known_by = section.needed("known_by")
    if not texts.items.get(known_by):
        section.refuse("known_by", "must be one of the values of this row, and not an empty one")
    return Row(below, known_by, tuple((name, texts.needed(name)) for name in texts.items))


def _requirement(section: Section, table: str) -> Requirement:
    section.knows("name", "has", "at_most", "optional")
    name = section.needed("name")
    parameter_name(section, "name", name)
    if PLACEHOLDER in name and not name.startswith(f"{table}{PLACEHOLDER}."):
        section.refuse("name", f"has {PLACEHOLDER} elsewhere than behind {table}")
    has, at_most = section.text("has"), section.items.get("at_most")
    if (has is None) == (at_most is None):
        section.refuse("has", "or at_most must be given, and not both")
    if at_most is not None and (not isinstance(at_most, int) or isinstance(at_most, bool)):
        section.refuse("at_most", "must be a whole number")
    return Requirement(name, has, at_most, section.flag("optional"))
