"""A table of a profile's file, read strictly: every complaint names the file, the key and the limit."""

import difflib
from dataclasses import dataclass
from typing import NoReturn

from acs_bridge.domain.profile.model import InvalidProfile


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the file, and where it stands, so that every complaint names file and key."""

    source: str
    path: str
    items: dict[str, object]

    def refuse(self, key: str, message: str) -> NoReturn:
        """Raise what is wrong with a key."""
        raise InvalidProfile(self.source, f"{self.path}{key}", message) from None

    def knows(self, *keys: str) -> None:
        """Refuse every other key, and name the nearest of these."""
        for key in sorted(self.items.keys() - set(keys)):
            nearest = difflib.get_close_matches(key, keys, n=1, cutoff=0)[0]
            self.refuse(key if key.isprintable() else repr(key), f"is not known; did you mean {nearest}?")

    def text(self, key: str) -> str | None:
        """Return a text; None where the key is not there."""
        value = self.items.get(key)
        if value is not None and not isinstance(value, str):
            self.refuse(key, "must be text in quotes")
        return value

    def needed(self, key: str) -> str:
        """Return a text that has to be there."""
        value = self.text(key)
        return self.refuse(key, "is missing") if value is None else value

    def flag(self, key: str) -> bool:
        """Return a switch; false where the key is not there."""
        value = self.items.get(key, False)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def table(self, key: str) -> "Section":
        """Return a table; an empty one where the key is not there."""
        return self._nested(key, self.items.get(key, {}))

    def tables(self, key: str, least: int = 1) -> list["Section"]:
        """Return the tables of an array, of which there have to be so many."""
        items = self.items.get(key, [])
        if not isinstance(items, list) or len(items) < least:
            self.refuse(key, f"must stand there{' at least once,' * least} as [[{key}]]")
        return [self._nested(f"{key}[{number}]", item) for number, item in enumerate(items, start=1)]

    def _nested(self, key: str, value: object) -> "Section":
        if not isinstance(value, dict):
            self.refuse(key, "must be a table")
        return Section(self.source, f"{self.path}{key}.", value)
