"""The text of a profile file, read strictly: a slip of the pen is found before it is in a million gateways."""

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, date, datetime, time

from acs_bridge.domain.profile.block import Block
from acs_bridge.domain.profile.file_instance import instance_rule, parameter_name
from acs_bridge.domain.profile.match import Match
from acs_bridge.domain.profile.model import DEFAULT_MAX_LENGTH, InvalidProfile, Profile, ProfileParameter, Quirks
from acs_bridge.domain.profile.section import Section
from acs_bridge.domain.profile.template import OF_A_URL, Template
from cwmp.messages import ROOTS
from cwmp.types import STRING, XSD_TYPES

_MAX_GLOB = 256
_MAX_LENGTH = 65_536
_MAX_REASON = 512
_MATCH_KEYS = ("root", "oui", "product_class", "software_version")
_MAX_HOURS = 8760  # a year
_QUIRKS = tuple(quirk.name for quirk in fields(Quirks))

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_OUI = re.compile(r"[0-9A-Fa-f]{6}", re.ASCII)


def parse_profile(text: str, source: str) -> Profile:
    """Read one profile, or raise the first thing that is wrong with it, naming `source` and the key."""
    try:
        file = Section(source, "", tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidProfile(source, "", f"is not TOML: {error}") from None
    file.knows("name", "match", "parameter", "quirks", "keep", "block", "read_former", "object", "row", "require")
    match = _match(file.table("match"))
    parameters = tuple(_parameter(table) for table in file.tables("parameter"))
    _check_names(file, match, parameters)
    if not any(parameter.value.fields for parameter in parameters):
        file.refuse("parameter", "has no value with a field: every gateway would get the same")
    return Profile(
        _name(file),
        match,
        parameters,
        _quirks(file.table("quirks")),
        tuple(_block(table) for table in file.tables("block", least=0)),
        instance_rule(file, parameters),
        _recheck_hours(file.table("keep")),
        source,
        read_former=file.flag("read_former"),
    )


def _name(file: Section) -> str:
    name = file.needed("name")
    if _PROFILE_NAME.fullmatch(name) is None:
        file.refuse("name", "must be 1 to 64 letters, digits, dots, hyphens and underscores")
    return name


def _match(table: Section) -> Match:
    table.knows(*_MATCH_KEYS)
    return _matched(table)


def _matched(table: Section) -> Match:
    root = table.text("root") or ""
    if root not in ("", *ROOTS):
        table.refuse("root", f"must be {' or '.join(ROOTS)}, with the dot")
    return Match(root, _ouis(table), _glob(table, "product_class"), _glob(table, "software_version"))


def _ouis(table: Section) -> frozenset[str]:
    ouis = table.items.get("oui")
    if ouis is None:
        return frozenset()
    if not isinstance(ouis, list) or not ouis or not all(isinstance(o, str) and _OUI.fullmatch(o) for o in ouis):
        table.refuse("oui", 'must be a list of six hex digits each, as in ["00236A"]')
    return frozenset(oui.upper() for oui in ouis)


def _glob(table: Section, key: str) -> str | None:
    glob = table.text(key)
    if glob is not None and len(glob) > _MAX_GLOB:
        table.refuse(key, f"must be at most {_MAX_GLOB} characters long")
    return glob


def _block(table: Section) -> Block:
    table.knows(*_MATCH_KEYS, "reason", "until")
    reason = " ".join(table.needed("reason").split())
    if not reason.isprintable() or not 1 <= len(reason) <= _MAX_REASON:
        table.refuse("reason", f"must be a sentence of 1 to {_MAX_REASON} characters")
    return Block(_matched(table), reason, _until(table))


def _until(table: Section) -> datetime | None:
    """Take a moment, or the beginning of a day; without a zone it is UTC."""
    until = table.items.get("until")
    if until is None:
        return None
    if isinstance(until, date) and not isinstance(until, datetime):
        until = datetime.combine(until, time())
    if not isinstance(until, datetime):
        table.refuse("until", "must be a time or a day without quotes, as in 2027-01-31T00:00:00Z or 2027-01-31")
    try:
        return until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
    except OverflowError:
        table.refuse("until", "lies outside of the calendar")


def _recheck_hours(table: Section) -> int | None:
    table.knows("recheck_hours")
    hours = table.items.get("recheck_hours")
    if hours is not None and (not isinstance(hours, int) or isinstance(hours, bool) or not 0 <= hours <= _MAX_HOURS):
        table.refuse("recheck_hours", f"must be a whole number from 0 (never) to {_MAX_HOURS}")
    return hours


def _parameter(table: Section) -> ProfileParameter:
    table.knows("name", "value", "type", "max_length", "clear", "hidden")
    name = table.needed("name")
    parameter_name(table, "name", name)
    parameter = ProfileParameter(
        name=name,
        value=_template(table, "value", table.needed("value")),
        type=_type(table),
        max_length=_max_length(table),
        clear=None if (clear := table.text("clear")) is None else _template(table, "clear", clear),
        hidden=table.flag("hidden"),
    )
    _check_template(table, "value", parameter, parameter.value)
    if parameter.clear is not None:
        _check_template(table, "clear", parameter, parameter.clear)
        for field in sorted(parameter.clear.fields & OF_A_URL):
            table.refuse("clear", f"cannot hold {{{field}}}: it is what takes the URL away")
    return parameter


def _template(table: Section, key: str, text: str) -> Template:
    try:
        return Template.parse(text)
    except ValueError as error:
        table.refuse(key, str(error))


def _type(table: Section) -> str:
    type = table.text("type") or STRING
    if type not in XSD_TYPES:
        nearest = difflib.get_close_matches(type, sorted(XSD_TYPES), n=1, cutoff=0)[0]
        table.refuse("type", f"is not a type of CWMP; did you mean {nearest}?")
    return type


def _max_length(table: Section) -> int:
    length = table.items.get("max_length", DEFAULT_MAX_LENGTH)
    if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= _MAX_LENGTH:
        table.refuse("max_length", f"must be a whole number from 1 to {_MAX_LENGTH}")
    return length


def _check_template(table: Section, key: str, parameter: ProfileParameter, template: Template) -> None:
    """Find now what no gateway could ever be sent: without fields the text is the value, with them the least of it."""
    try:
        parameter.check_part(template.literal)
        if not template.fields:
            parameter.check(template.literal)
    except ValueError as error:
        table.refuse(key, str(error))


def _check_names(file: Section, match: Match, parameters: Iterable[ProfileParameter]) -> None:
    """One gateway has one root, and CWMP takes a parameter once (TR-069 A.3.2.1)."""
    seen: dict[str, int] = {}
    roots = {match.root} - {""}
    for number, parameter in enumerate(parameters, start=1):
        key = f"parameter[{number}].name"
        if (first := seen.setdefault(parameter.name, number)) != number:
            file.refuse(key, f"is the same as parameter[{first}].name")
        roots.add(parameter.name.partition(".")[0] + ".")
        if len(roots) > 1:
            file.refuse(key, f"must lie under the one root of this profile, {match.root or 'as the others do'}")


def _quirks(table: Section) -> Quirks:
    table.knows(*_QUIRKS)
    return Quirks(**{quirk: table.flag(quirk) for quirk in table.items})
