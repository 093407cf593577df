"""Which gateways a profile is for, and which of two that fit is the closer one."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeAlias

_WILDCARDS = re.compile(r"\[[^\]]*\]|[*?]")

Rank: TypeAlias = tuple[tuple[bool, int, bool], ...]


class GatewayKind(NamedTuple):
    """What a gateway says about itself that decides its profile."""

    root: str  # "Device." or "InternetGatewayDevice."; empty: it did not say
    oui: str
    product_class: str
    software_version: str


@dataclass(frozen=True, slots=True)
class Match:
    """The condition of a profile. What is None (for the root and the OUIs: empty) fits every gateway."""

    root: str = ""
    oui: frozenset[str] = frozenset()  # upper case
    product_class: str | None = None  # glob
    software_version: str | None = None  # glob

    def fits(self, kind: GatewayKind) -> bool:
        """Tell whether every condition that is given holds. Only the OUI is compared without case."""
        return (
            self.root in ("", kind.root)
            and (not self.oui or kind.oui.upper() in self.oui)
            and (self.product_class is None or fnmatchcase(kind.product_class, self.product_class))
            and (self.software_version is None or fnmatchcase(kind.software_version, self.software_version))
        )

    @property
    def rank(self) -> Rank:
        """How closely this fits, comparable: by OUI, product class, software version and root, in this order.

        Of each it counts first whether it is given, then the characters that are meant literally, then whether nothing
        is left open ("SR2" before "SR2*").
        """
        return (
            (bool(self.oui), 0, True),
            _closeness(self.product_class),
            _closeness(self.software_version),
            (bool(self.root), 0, True),
        )


def _closeness(glob: str | None) -> tuple[bool, int, bool]:
    literal = _WILDCARDS.sub("", glob or "")
    return glob is not None, len(literal), literal == glob
