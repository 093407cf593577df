"""What schemathesis does not know by itself: how a value becomes an upload."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: object, value: object) -> bytes:
    """A list is a line for each of its members; anything else is one line."""
    if isinstance(value, bytes):
        return value
    return b"".join(json.dumps(each).encode() + b"\n" for each in (value if isinstance(value, list) else [value]))


@schemathesis.serializer("text/csv")
def rows(context: object, value: object) -> bytes:
    """Anything is a table, as bad as it may be."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
