"""From several sources of settings to one, and from what is wrong in them to words.

It knows no setting by name: it works on any model whose fields are sections. It reads the files that hold secrets, and
no message of it shows what was in them.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from acs_bridge.errors import AcsBridgeError

FILE_SUFFIX = "_file"
_LARGEST_SECRET = 65_536
"""Bytes; larger than any password or key, smaller than a device that never ends."""

_WORDS = {
    "bool_parsing": "must be true or false",
    "enum": "must be one of {expected}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "path_type": "must be a path in quotes",
    "string_pattern_mismatch": "has a character that is not allowed",
    "string_too_long": "must be at most {max_length} characters long",
    "string_too_short": "must be {min_length} or more characters long",
    "string_type": "must be text in quotes",
    "too_long": "must be at most {max_length} characters long",
    "too_short": "must be {min_length} or more characters long",
    "tuple_type": "must be a list in square brackets",
    "value_error": "{error}",
}


class SettingsError(AcsBridgeError):
    """One or several settings cannot be used."""

    title = "The settings cannot be used"

    def __init__(self, *problems: str) -> None:
        """Each problem is one line that names its setting."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says, section by section."""

    name: str
    values: Mapping[str, Any]

    def has(self, path: tuple[str, ...]) -> bool:
        """Tell whether this source says something at that path."""
        values: Any = self.values
        for key in path:
            if not isinstance(values, Mapping) or key not in values:
                return False
            values = values[key]
        return True


def read_file(path: Path) -> Layer:
    """Read a TOML file as a layer."""
    try:
        return Layer(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def merged(model: type[BaseModel], layers: list[Layer]) -> dict[str, Any]:
    """Return one mapping in which a later layer wins over an earlier one, key by key, secrets read from their files."""
    result: dict[str, Any] = {}
    for layer in layers:
        for section, values in layer.values.items():
            if isinstance(values, Mapping):
                result.setdefault(section, {}).update(_with_secrets_read(model, layer, section, values))
            elif section in model.model_fields:
                raise SettingsError(f"{section}: must be a section with keys (from {layer.name})")
            else:
                result.setdefault(section, {})  # unknown, and refused whatever it holds
    return result


def _with_secrets_read(
    model: type[BaseModel], layer: Layer, section: str, values: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    files = {f"{key}{FILE_SUFFIX}": key for key in secrets(model, section)}
    for key, value in values.items():
        if key not in files:
            yield key, value
        elif files[key] in values:
            raise SettingsError(f"{section}.{key}: is set beside {files[key]}; keep one (from {layer.name})")
        else:
            yield files[key], _read_secret(f"{section}.{key}", value, layer)


def secrets(model: type[BaseModel], section: str) -> list[str]:
    """Return the keys of a section whose values are secrets, and which therefore may be given as files."""
    return [key for key, field in _keys(model, section).items() if _is_secret(field.annotation)]


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def _keys(model: type[BaseModel], section: str) -> dict[str, Any]:
    field = model.model_fields.get(section)
    return dict(field.annotation.model_fields) if field and isinstance(field.annotation, type(BaseModel)) else {}


def _read_secret(setting: str, value: object, layer: Layer) -> str:
    if not isinstance(value, str | Path):
        raise SettingsError(f"{setting}: must be a path in quotes (from {layer.name})")
    try:
        with Path(value).open("rb") as file:
            content = file.read(_LARGEST_SECRET + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise SettingsError(f"{setting}: cannot be read: {reason} (from {layer.name})") from None
    if len(content) > _LARGEST_SECRET:
        raise SettingsError(f"{setting}: must be at most {_LARGEST_SECRET} bytes long (from {layer.name})")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise SettingsError(f"{setting}: is not UTF-8 text (from {layer.name})") from None
    return text.rstrip("\r\n")


def words(model: type[BaseModel], error: ValidationError, layers: list[Layer]) -> Iterator[str]:
    """Say each problem in one line: the setting, its limit, and where it was set."""
    for detail in error.errors(include_url=False, include_input=False):
        path = tuple(str(key) for key in detail["loc"])
        setting = ".".join(path)
        if detail["type"] == "extra_forbidden":
            text = f"is not a setting; did you mean {_nearest(model, setting)}?"
        else:
            text = _WORDS.get(detail["type"], "{msg}").format(msg=detail["msg"], **detail.get("ctx", {}))
        yield f"{setting}: {text}{_from(layers, path)}"


def _nearest(model: type[BaseModel], setting: str) -> str:
    """Prefer what stands in the same section."""
    section = setting.partition(".")[0]
    if section == setting or not (known := _settings(model, section)):
        known = [*model.model_fields, *(known for each in model.model_fields for known in _settings(model, each))]
    return difflib.get_close_matches(setting, known, n=1, cutoff=0)[0]


def _settings(model: type[BaseModel], section: str) -> list[str]:
    files = [f"{key}{FILE_SUFFIX}" for key in secrets(model, section)]
    return [f"{section}.{key}" for key in (*_keys(model, section), *files)]


def _from(layers: list[Layer], path: tuple[str, ...]) -> str:
    """Name the last source that says something here: it is the one that was taken."""
    for layer in reversed(layers):
        setting = path[:2]
        if layer.has(setting) or layer.has((*setting[:-1], f"{setting[-1]}{FILE_SUFFIX}")):
            return f" (from {layer.name})"
    return ""
