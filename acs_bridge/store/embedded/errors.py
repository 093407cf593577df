"""Why the embedded Postgres cannot be had; each error is one line that says what to do."""

from acs_bridge.errors import Unavailable


class EmbeddedFailed(Unavailable):
    """The embedded Postgres does not start."""

    title = "The embedded Postgres does not start"


class BinariesMissing(EmbeddedFailed):
    """There is no Postgres to run."""


class DataDirInUse(EmbeddedFailed):
    """Another process runs a Postgres on this folder."""


class DataDirForeign(EmbeddedFailed):
    """The folder holds something that is not ours."""


class WrongVersion(EmbeddedFailed):
    """The folder was made by another major version of Postgres."""


class NotRunning(EmbeddedFailed):
    """Nobody runs a Postgres on this folder."""

    title = "The embedded Postgres is not running"
