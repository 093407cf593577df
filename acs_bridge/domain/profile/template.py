"""Text with fields in it, as a profile writes it: `{phan_url}`; a brace that is meant is written twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Self

FIELDS = (
    "phan_url",
    "line_of_service",
    "subscriber_code",
    "association_id",
    "provisioning_code",
    "report_username",
    "report_password",
)
OF_A_URL = frozenset(("phan_url", "provisioning_code", "report_username", "report_password"))
"""Those that are made for one PHAN URL: there is none of them when it is taken away."""


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces of text, each with the field that follows it."""

    pieces: tuple[tuple[str, str | None], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a text apart; a ValueError says what is wrong with it."""
        try:
            parsed = list(Formatter().parse(text))
        except ValueError:
            raise ValueError("has a brace that is alone; write {{ or }} for one that is meant") from None
        for _, field, form, conversion in parsed:
            if field is not None and (field not in FIELDS or form or conversion):
                raise ValueError(f"has a field that is not known; there are {', '.join(f'{{{f}}}' for f in FIELDS)}")
        return cls(tuple((literal, field) for literal, field, _, _ in parsed))

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it needs."""
        return frozenset(field for _, field in self.pieces if field is not None)

    @property
    def text(self) -> str:
        """The text as it was written."""
        doubled = ((literal.replace("{", "{{").replace("}", "}}"), field) for literal, field in self.pieces)
        return "".join(literal + (f"{{{field}}}" if field is not None else "") for literal, field in doubled)

    @property
    def literal(self) -> str:
        """What stands in every rendering."""
        return "".join(literal for literal, _ in self.pieces)

    def render(self, fields: Mapping[str, str]) -> str:
        """Return the text with every field's value in its place."""
        return "".join([literal if field is None else literal + fields[field] for literal, field in self.pieces])
