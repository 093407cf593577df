"""Models as schemas: each stands once under `components`, and is referred to from everywhere else."""

from collections.abc import Iterable
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Schema: TypeAlias = dict[str, Any]
Model: TypeAlias = type[BaseModel]
Mode: TypeAlias = Literal["validation", "serialization"]

_PLACE: Final = "#/components/schemas/"
_MAPS: Final = ("properties", "$defs")  # whose keys are names, not words of JSON Schema


class Schemas:
    """The schemas of models that are used in some document."""

    def __init__(self, taken: Iterable[Model], given: Iterable[Model | UnionType]) -> None:
        """`taken` are read, `given` are written: the two are told apart where a field has a default."""
        asked: list[tuple[Model, Mode]] = [(model, "validation") for model in dict.fromkeys(taken)]
        asked += [(model, "serialization") for model in dict.fromkeys(_members(given))]
        found, definitions = models_json_schema(asked, ref_template=f"{_PLACE}{{model}}")
        self._found = {model: schema for (model, _), schema in found.items()}
        self.components: dict[str, Schema] = {
            _name(name): _tidy(schema) for name, schema in sorted(definitions["$defs"].items())
        }

    def of(self, model: Model | UnionType) -> Schema:
        """Refer to the schema of a model."""
        if isinstance(model, UnionType):
            return {"anyOf": [self.of(member) for member in get_args(model)]}
        schema: Schema = _tidy(self._found[model])
        return schema

    def fields(self, model: Model) -> tuple[dict[str, Schema], frozenset[str]]:
        """Give the schema of each field of a query, and which of them are required."""
        schema = self.components[self.of(model)["$ref"].removeprefix(_PLACE)]
        fields = {name: _not_null(field) for name, field in schema.get("properties", {}).items()}
        return fields, frozenset(schema.get("required", ()))

    def drop(self, models: Iterable[Model]) -> None:
        """Take away what nothing refers to: queries are described field by field."""
        for model in models:
            self.components.pop(self.of(model)["$ref"].removeprefix(_PLACE), None)


def _members(models: Iterable[Model | UnionType]) -> Iterable[Model]:
    for model in models:
        if isinstance(model, UnionType):
            yield from get_args(model)
        else:
            yield model


def _name(name: str) -> str:
    """Name the page of a list after what is in it."""
    return name.removeprefix("Listing_").removesuffix("_") + "Page" if name.startswith("Listing_") else name


def _tidy(schema: Any) -> Any:  # noqa: ANN401 -- any part of a schema
    """Leave out the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: Schema = {}
    for key, value in schema.items():
        if key in _MAPS:
            tidy[key] = {name: _tidy(field) for name, field in value.items()}
        elif key == "$ref":
            tidy[key] = _PLACE + _name(value.removeprefix(_PLACE))
        elif key != "title":
            tidy[key] = _tidy(value)
    return tidy


def _not_null(schema: Schema) -> Schema:
    """A field of a query is there or not: it is never null."""
    if "anyOf" not in schema:
        return schema
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
    several = [each for each in schema["anyOf"] if each != {"type": "null"}]
    return {**(several[0] if len(several) == 1 else {"anyOf": several}), **rest}
