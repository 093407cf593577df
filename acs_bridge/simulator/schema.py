"""The shape of a data model: which parameters and tables exist, of what type, and who may write them.

A schema is immutable and shared by a whole fleet; what one gateway holds lies in its `DataModel`. It says nothing about
what a value means, with one exception: TR-106 ties the name of an entry counter to the table that it counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from cwmp.messages import ParameterValueStruct
from cwmp.values import InvalidValue, check

PLACEHOLDER = "{i}"
COUNTER_SUFFIX = "NumberOfEntries"

STRING = "xsd:string"
BOOLEAN = "xsd:boolean"
INT = "xsd:int"
UNSIGNED = "xsd:unsignedInt"
DATE_TIME = "xsd:dateTime"

NUMBERS = frozenset({INT, UNSIGNED, "xsd:long", "xsd:unsignedLong"})

INVALID_TYPE = 9006
INVALID_VALUE = 9007
NOT_WRITABLE = 9008


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter; `{i}` in its path stands for an instance number."""

    path: str
    type: str = STRING
    writable: bool = False
    default: str = ""
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    allowed: tuple[str, ...] = ()
    hidden: bool = False
    """Reads as the empty string, as passwords do."""
    enabled_by: str = ""
    """A parameter that shows `Enabled` or `Disabled` names here the switch that it follows."""

    def objection(self, wanted: ParameterValueStruct) -> int | None:
        """Return the CPE fault code with which this parameter refuses to be set so, or None."""
        if not self.writable:
            return NOT_WRITABLE
        if wanted.type != self.type:
            return INVALID_TYPE
        return None if self._takes(wanted.value) else INVALID_VALUE

    def _takes(self, value: str) -> bool:
        try:
            check(value, self.type)
        except InvalidValue:
            return False
        if self.allowed and value not in self.allowed:
            return False
        if self.max_length is not None and len(value) > self.max_length:
            return False
        return self.type not in NUMBERS or self._in_range(int(value))

    def _in_range(self, number: int) -> bool:
        above = self.minimum is None or number >= self.minimum
        return above and (self.maximum is None or number <= self.maximum)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A multi-instance object; `path` ends before the instance number, with a dot."""

    path: str
    max_instances: int
    creatable: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """A whole data model: its root, its parameters and tables by path, and what every Inform carries."""

    root: str
    parameters: Mapping[str, ParameterSpec]
    tables: Mapping[str, TableSpec]
    forced: tuple[str, ...]
    """The parameters that every Inform carries, in order."""
    objects: Mapping[str, bool] = field(init=False, repr=False)
    """Every object by path, and whether an ACS may add to it (a table) or delete it (an instance)."""

    def __post_init__(self) -> None:
        """Derive the objects once: a gateway asks for them with every path."""
        paths = (*self.parameters, *(table + PLACEHOLDER + "." for table in self.tables))
        objects = dict.fromkeys((prefix for path in paths for prefix in prefixes(path)), False)
        for table in self.tables.values():
            objects[table.path] = objects[table.path + PLACEHOLDER + "."] = table.creatable
        object.__setattr__(self, "objects", MappingProxyType(objects))

    @classmethod
    def of(
        cls, root: str, parameters: Iterable[ParameterSpec], tables: Iterable[TableSpec], forced: Iterable[str]
    ) -> Self:
        """Build a schema from lists, which is how a data model is written down."""
        by_path = MappingProxyType({parameter.path: parameter for parameter in parameters})
        return cls(root, by_path, MappingProxyType({table.path: table for table in tables}), tuple(forced))

    def extended(self, *parameters: ParameterSpec) -> Self:
        """Return this data model with `parameters` added, or put in the place of those of the same path."""
        merged = {**self.parameters, **{parameter.path: parameter for parameter in parameters}}
        return type(self).of(self.root, merged.values(), self.tables.values(), self.forced)

    def without(self, prefix: str) -> Self:
        """Return this data model without everything at or below `prefix`: a firmware that lacks it."""
        parameters = (spec for path, spec in self.parameters.items() if not path.startswith(prefix))
        tables = (table for path, table in self.tables.items() if not path.startswith(prefix))
        return type(self).of(
            self.root, parameters, tables, (name for name in self.forced if not name.startswith(prefix))
        )


def prefixes(path: str) -> Iterable[str]:
    """Yield every object that `path` lies in, from the root on; a path that ends with a dot is its own last one."""
    position = path.find(".")
    while position >= 0:
        yield path[: position + 1]
        position = path.find(".", position + 1)
