"""The instance of a table that a profile writes into, and what a gateway must be able to do before it is added to.

A gateway numbers its instances itself; in a profile `{i}` stands for the number (TR-069 3.6.1).
"""

from dataclasses import dataclass

PLACEHOLDER = "{i}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a gateway says of itself, and what it has to say for anything to be written."""

    name: str
    has: str | None = None  # an item of a list with commas, without regard to case
    at_most: int | None = None  # the gateway's number is this one or a smaller one
    optional: bool = False  # a gateway that has no such parameter is not refused for it

    def objection(self, value: str | None) -> str | None:
        """Say in plain words why a gateway with this value (None: it has no such parameter) is unfit."""
        if value is None:
            return None if self.optional else f"the gateway has no {self.name}"
        if self.has is not None and self.has.lower() not in [item.strip().lower() for item in value.split(",")]:
            return f"the gateway's {self.name} is {value[:100]!r}, without {self.has}"
        if self.at_most is not None and not _is_at_most(value, self.at_most):
            return f"the gateway's {self.name} is {value[:100]!r}, more than {self.at_most}"
        return None

    @property
    def words(self) -> str:
        """Say what is required."""
        wanted = f"has {self.has}" if self.has is not None else f"is at most {self.at_most}"
        return f"{self.name} {wanted}" + (", or is not there" if self.optional else "")


def _is_at_most(value: str, limit: int) -> bool:
    try:
        return int(value) <= limit
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table below the instance."""

    table: str  # below the instance: "Parameter."
    known_by: str  # a row with this value of this parameter is the one, and is not added again
    values: tuple[tuple[str, str], ...]  # texts, by their names below the row

    @property
    def mark(self) -> str:
        """The value by which the row is known."""
        return dict(self.values)[self.known_by]


@dataclass(frozen=True, slots=True)
class InstanceRule:
    """Which instance of a table is ours, and when one is added."""

    table: str  # "Device.BulkData.Profile."
    known_by: tuple[str, ...]  # below the instance: what is written there, or a PHAN URL, says that it is ours
    switch: str | None = None  # below the instance: while it is off and `known_by` is empty, the instance is free
    limit: str | None = None  # the parameter that says how many instances there may be; a negative number: any
    rows: tuple[Row, ...] = ()
    requires: tuple[Requirement, ...] = ()
