"""What a person or a BSS can be told: the root of every error that acs-bridge expects.

An error here is one line of plain words. It never carries a secret, a PHAN URL or a row of the database, because its
text is printed by the command line and answered by `/v1`. An error that is not a subclass is a bug, and looks like one.
"""

import traceback
from pathlib import PurePath
from typing import ClassVar


class AcsBridgeError(Exception):
    """Something that acs-bridge foresaw went wrong."""

    status: ClassVar[int] = 500
    """The HTTP status when it reaches a caller of `/v1`."""

    title: ClassVar[str] = "The daemon could not do this"
    """What this kind of error is, the same for every occurrence (RFC 9457 3.1.3)."""

    def __init__(self, detail: str | None = None) -> None:
        """Without its own words the error says its title."""
        super().__init__(detail or self.title)


class InvalidInput(AcsBridgeError):
    """One or several fields of a request cannot be taken."""

    status = 422
    title = "The request has a field that cannot be taken"

    def __init__(self, *errors: "InvalidField") -> None:
        """`errors` stand in the order of the request."""
        super().__init__("; ".join(str(error) for error in errors))
        self.errors: tuple[InvalidField, ...] = errors


class InvalidField(InvalidInput):
    """A field that cannot be taken, and the limit that it breaks."""

    def __init__(self, field: str, message: str) -> None:
        """`field` is the name in the request; `message` says the limit, never the value of a secret."""
        AcsBridgeError.__init__(self, f"{field}: {message}")
        self.errors = (self,)
        self.field = field
        self.message = message


class NotFound(AcsBridgeError):
    """What was asked for is not recorded."""

    status = 404
    title = "There is no such record"


class Conflict(AcsBridgeError):
    """What is recorded stands in the way; the text says what."""

    status = 409
    title = "Something that is recorded stands in the way"

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        """`field` of the request is the one that would have to be another, where it is one alone."""
        super().__init__(detail)
        self.errors: tuple[InvalidField, ...] = () if field is None else (InvalidField(field, str(self)),)


class Unauthenticated(AcsBridgeError):
    """The caller did not show who it is."""

    status = 401
    title = "A valid bearer token is needed"


class Unconfirmed(AcsBridgeError):
    """Nothing was done for a caller who was only remembered: look it up, and ask again. No caller is told this."""


class Forbidden(AcsBridgeError):
    """The caller's role does not allow this."""

    status = 403
    title = "This role may not do this"


class Unavailable(AcsBridgeError):
    """Something that the daemon needs is away for a while; the same request may succeed later."""

    status = 503
    title = "The daemon cannot do this now"


class TooMany(AcsBridgeError):
    """A caller asks for more than it may have."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        """`retry_after` is in seconds."""
        super().__init__(detail)
        self.retry_after = retry_after


def where(bug: BaseException) -> dict[str, object]:
    """What a log may tell of a mistake of ours: its place, not its words, which may quote a caller or a row."""
    frames = traceback.extract_tb(bug.__traceback__)
    return {
        "sqlstate": getattr(bug, "sqlstate", None),
        "at": [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }
