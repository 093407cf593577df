"""Who asks for something: what the audit trail writes down, and the role that decides what is allowed."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a caller may do; the table of routes says which of them may call what."""

    ADMIN = "admin"  # everything
    CSR = "csr"  # reads, and never sees a PHAN URL
    INTAKE = "intake"  # a BSS: its records and requests, and what became of them
    PHAN = "phan"  # the analytics platform: asks what a PHAN URL says


@dataclass(frozen=True, slots=True)
class Actor:
    """A caller that has shown who it is."""

    kind: Literal["token", "user", "cli"]
    name: str
    role: Role
    address: str  # where the call came from; empty on the command line
    requests_per_minute: int | None = None  # a limit of this caller's own
    unconfirmed: bytes | None = field(default=None, repr=False)
    """The SHA-256 of a token that is remembered, and was not looked up for this call: whoever does something for this
    caller looks whether it still counts in the statement that does it, and does nothing else (raises Unconfirmed)."""

    @property
    def label(self) -> str:
        """How records, histories and the audit trail name this caller."""
        return f"{self.kind}:{self.name}"
