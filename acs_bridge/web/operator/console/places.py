"""Where pages link to each other."""

from urllib.parse import quote


def line_path(line_of_service: str) -> str:
    """Where one line of service is shown."""
    return f"/lines/{quote(line_of_service, safe='')}"
