"""What one gateway holds: the values and instances of its data model, and the rules by which an ACS may change them.

Values that are the schema's defaults are not stored, so a fleet of thousands stays small. Nothing here speaks CWMP: a
refusal is a `CpeFault`, and whoever serves the RPC makes an answer of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from acs_bridge.simulator.schema import COUNTER_SUFFIX, PLACEHOLDER, ParameterSpec, Schema
from cwmp.faults import fault_code
from cwmp.messages import Fault, ParameterFault, ParameterInfoStruct, ParameterValueStruct

INVALID_ARGUMENTS = 9003
RESOURCES_EXCEEDED = 9004
INVALID_NAME = 9005

PARAMETER_KEY_LIMIT = 32
NO_REFUSALS: Mapping[str, int] = MappingProxyType({})


class CpeFault(Exception):
    """The gateway refuses an RPC; `fault` is its answer."""

    def __init__(self, code: int, text: str = "", parameters: tuple[ParameterFault, ...] = ()) -> None:
        """Without a text the fault says what its code is called."""
        self.fault = Fault(code, text or fault_code(code).name, parameters)
        super().__init__(f"{code} {self.fault.text}")


class DataModel:
    """The parameters and instances of one gateway."""

    def __init__(self, schema: Schema, fixed: Mapping[str, str]) -> None:
        """`fixed` gives values by their name below the root; they are from the factory, and outlast its reset."""
        self.schema = schema
        self._fixed = {schema.root + name: value for name, value in fixed.items()}
        self._values = dict(self._fixed)
        self._staged: dict[str, str] = {}
        self._instances: dict[str, list[str]] = {}
        self._last_number: dict[str, int] = {}

    # What an ACS asks for

    def check_values(
        self,
        parameters: Sequence[ParameterValueStruct],
        parameter_key: str,
        refused: Mapping[str, int] = NO_REFUSALS,
    ) -> None:
        """Refuse values that cannot be set, naming every one of them.

        `refused` are parameters that object to any value, with their fault codes.
        """
        self._check_key(parameter_key)
        self._check_names(parameters)
        faults = tuple(self._objections(parameters, refused))
        if faults:
            raise CpeFault(INVALID_ARGUMENTS, parameters=faults)

    def set_values(
        self, parameters: Sequence[ParameterValueStruct], parameter_key: str, *, staged: bool = False
    ) -> None:
        """Take every value or none (TR-069 A.3.2.1); staged values count only after `apply_staged`."""
        self.check_values(parameters, parameter_key)
        target = self._staged if staged else self._values
        target.update((parameter.name, parameter.value) for parameter in parameters)
        self.parameter_key = parameter_key

    def get_values(self, names: Iterable[str]) -> tuple[ParameterValueStruct, ...]:
        """Read parameters by full name or by partial path; the name of something unknown refuses the whole call."""
        return tuple(self._read(spec, name) for asked in names for spec, name in self._named(asked))

    def get_names(self, path: str, *, next_level: bool) -> tuple[ParameterInfoStruct, ...]:
        """List what lies at and below `path`, or only the children of that object."""
        if path and not path.endswith("."):
            return self._name_of_parameter(path, next_level=next_level)
        if path and self._pattern(path) not in self.schema.objects:
            raise CpeFault(INVALID_NAME)
        if not path and next_level:
            return (ParameterInfoStruct(self.schema.root, writable=False),)
        names = {name: writable for name, writable in self._names() if name.startswith(path)}
        if next_level:
            names = {name: writable for name, writable in names.items() if _is_child(name[len(path) :])}
        return tuple(ParameterInfoStruct(name, names[name]) for name in sorted(names))

    def add_object(self, table: str, parameter_key: str) -> int:
        """Create an instance with the data model's defaults; its number has never been used before."""
        self._check_key(parameter_key)
        spec = self.schema.tables.get(self._pattern(table) or "")
        if spec is None or not spec.creatable:
            raise CpeFault(INVALID_NAME)
        instances = self._instances.setdefault(table, [])
        if len(instances) >= spec.max_instances:
            raise CpeFault(RESOURCES_EXCEEDED)
        number = self._last_number[table] = self._last_number.get(table, 0) + 1
        instances.append(str(number))
        self.parameter_key = parameter_key
        return number

    def delete_object(self, instance: str, parameter_key: str) -> None:
        """Remove an instance with everything below it."""
        self._check_key(parameter_key)
        pattern = self._pattern(instance) or ""
        if not pattern.endswith(PLACEHOLDER + ".") or not self.schema.objects.get(pattern):
            raise CpeFault(INVALID_NAME)
        table, number = instance[:-1].rpartition(".")[0] + ".", instance[:-1].rpartition(".")[2]
        self._instances[table].remove(number)
        for held in (self._values, self._staged, self._instances):
            _drop_below(held, instance)
        self.parameter_key = parameter_key

    # What happens inside the gateway

    @property
    def parameter_key(self) -> str:
        """The key of the last change that an ACS made."""
        return self._values.get(self.schema.root + "ManagementServer.ParameterKey", "")

    @parameter_key.setter
    def parameter_key(self, key: str) -> None:
        self._values[self.schema.root + "ManagementServer.ParameterKey"] = key

    @property
    def has_staged(self) -> bool:
        """Whether values wait to be applied."""
        return bool(self._staged)

    def apply_staged(self) -> None:
        """Let the values that were only accepted come into force."""
        self._values.update(self._staged)
        self._staged.clear()

    def has(self, name: str) -> bool:
        """Say whether the parameter exists, instance and all."""
        return self._spec(name) is not None

    def value(self, name: str) -> str:
        """Return what the gateway really holds, also where an ACS reads nothing; KeyError when it has no such name."""
        spec = self._spec(name)
        if spec is None:
            raise KeyError(name)
        return self._held(spec, name)

    def put(self, name: str, value: str) -> None:
        """Change a value locally, as a user at the gateway's own page or a new firmware does; no key is touched."""
        if not self.has(name):
            raise KeyError(name)
        self._values[name] = value

    def forced(self) -> tuple[ParameterValueStruct, ...]:
        """Return the parameters that every Inform carries."""
        return self.get_values(self.schema.forced)

    def fix(self, name: str, value: str) -> None:
        """Give a value, by its name below the root, that outlasts a factory reset."""
        full = self.schema.root + name
        self._fixed[full] = self._values[full] = value

    def factory_reset(self) -> None:
        """Forget everything but what the factory wrote, and which instance numbers have been used."""
        self._values = dict(self._fixed)
        self._staged.clear()
        self._instances.clear()

    # How names are resolved

    def _spec(self, name: str) -> ParameterSpec | None:
        return self.schema.parameters.get(self._pattern(name) or "")

    def _pattern(self, path: str) -> str | None:
        """Put `{i}` in the place of instance numbers; None when one of those instances does not exist."""
        if path in self.schema.parameters and PLACEHOLDER not in path:
            return path
        pattern = ""
        *objects, last = path.split(".")
        for depth, name in enumerate(objects):
            if pattern not in self.schema.tables:
                pattern += name + "."
            elif name in self._instances.get(".".join((*objects[:depth], "")), ()):
                pattern += PLACEHOLDER + "."
            else:
                return None
        return pattern + last

    def _named(self, asked: str) -> Iterator[tuple[ParameterSpec, str]]:
        if asked and not asked.endswith("."):
            spec = self._spec(asked)
            if spec is None:
                raise CpeFault(INVALID_NAME, f"Invalid parameter name: {asked}")
            yield spec, asked
            return
        if asked and self._pattern(asked) not in self.schema.objects:
            raise CpeFault(INVALID_NAME, f"Invalid parameter name: {asked}")
        for spec in self.schema.parameters.values():
            yield from ((spec, name) for name in self._expand(spec.path) if name.startswith(asked))

    def _name_of_parameter(self, path: str, *, next_level: bool) -> tuple[ParameterInfoStruct, ...]:
        if next_level:  # TR-069 A.3.2.3: a full name has no next level
            raise CpeFault(INVALID_ARGUMENTS)
        spec = self._spec(path)
        if spec is None:
            raise CpeFault(INVALID_NAME)
        return (ParameterInfoStruct(path, spec.writable),)

    def _names(self) -> Iterator[tuple[str, bool]]:
        for spec in self.schema.parameters.values():
            yield from ((name, spec.writable) for name in self._expand(spec.path))
        for path, writable in self.schema.objects.items():
            yield from ((name, writable) for name in self._expand(path))

    def _expand(self, pattern: str, done: str = "") -> Iterator[str]:
        """Yield `pattern` once for every combination of the instances that exist."""
        head, placeholder, tail = pattern.partition(PLACEHOLDER)
        if not placeholder:
            yield done + head
            return
        for number in self._instances.get(done + head, ()):
            yield from self._expand(tail, done + head + number)

    # How values are read and checked

    def _read(self, spec: ParameterSpec, name: str) -> ParameterValueStruct:
        return ParameterValueStruct(name, "" if spec.hidden else self._held(spec, name), spec.type)

    def _held(self, spec: ParameterSpec, name: str) -> str:
        if name.endswith(COUNTER_SUFFIX):  # TR-106: XNumberOfEntries counts the instances of X beside it
            return str(len(self._instances.get(name.removesuffix(COUNTER_SUFFIX) + ".", ())))
        if spec.enabled_by:
            return "Enabled" if self.value(spec.enabled_by) in ("1", "true") else "Disabled"
        return self._values.get(name, spec.default)

    def _objections(
        self, parameters: Iterable[ParameterValueStruct], refused: Mapping[str, int]
    ) -> Iterator[ParameterFault]:
        for parameter in parameters:
            spec = self._spec(parameter.name)
            code = INVALID_NAME if spec is None else spec.objection(parameter) or refused.get(parameter.name)
            if code is not None:
                yield ParameterFault(parameter.name, code, fault_code(code).name)

    @staticmethod
    def _check_key(parameter_key: str) -> None:
        if len(parameter_key) > PARAMETER_KEY_LIMIT:
            raise CpeFault(INVALID_ARGUMENTS, "The ParameterKey is too long")

    @staticmethod
    def _check_names(parameters: Sequence[ParameterValueStruct]) -> None:
        if not parameters:
            raise CpeFault(INVALID_ARGUMENTS, "The ParameterList is empty")
        if len({parameter.name for parameter in parameters}) < len(parameters):
            raise CpeFault(INVALID_ARGUMENTS, "A parameter is named twice")


def _is_child(rest: str) -> bool:
    return bool(rest) and "." not in rest[:-1]


def _drop_below(held: dict[str, str] | dict[str, list[str]], prefix: str) -> None:
    for name in [name for name in held if name.startswith(prefix)]:
        del held[name]
