"""The catalogue of texts: every word that the console says stands in `texts.toml`, and nowhere else.

A text is named by its tables and its key (`login.title`), and may have places (`{name}`). One that counts has the forms
`one` and `other`, of which `count` picks. A name that is not there is a mistake, and raises KeyError.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

FILE: Final = "texts.toml"
_ONE, _OTHER = "one", "other"


class Texts:
    """The texts, by their names."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        self.all: Mapping[str, str] = dict(_flat(tables, ""))

    def __call__(self, name: str, /, **places: object) -> str:
        """Say something."""
        if name not in self.all and "count" in places:
            name = f"{name}.{_ONE if places['count'] == 1 else _OTHER}"
        return self.all[name].format(**places) if places else self.all[name]

    def module(self) -> str:
        """Write them as an ES module, for our scripts."""
        return f"export default {json.dumps(dict(self.all), ensure_ascii=False, indent=1)};\n"


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from _flat(value, f"{prefix}{key}.")


@cache
def texts() -> Texts:
    """Read the catalogue, once."""
    source = files(__package__).joinpath(FILE).read_text("utf-8")
    return Texts(tomllib.loads(source))
