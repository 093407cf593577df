"""What stands in the places of a path."""

from urllib.parse import quote
from uuid import UUID

from acs_bridge.errors import NotFound

_MAX_ID = 2**63 - 1


def uuid_in(text: str, what: str) -> UUID:
    """Read a UUID; what is none names nothing that exists."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"there is no such {what}") from None


def number_in(text: str, what: str) -> int:
    """Read the number of a record; what is none names nothing that exists."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_ID)) and 0 < int(text) <= _MAX_ID:
        return int(text)
    raise NotFound(f"there is no such {what}")


def place(folder: str, name: object) -> str:
    """Give the path of a record, its name encoded."""
    shown = str(name) if isinstance(name, UUID) else quote(str(name), safe="")  # there is nothing in a UUID to encode
    return f"/v1/{folder}/{shown}"
