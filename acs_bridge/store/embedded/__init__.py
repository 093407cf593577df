"""A Postgres of our own: real binaries, run and ended by us, reachable through a socket only.

`server` puts the parts together: `binaries` (which Postgres), `folder` (what lies where, and whose it is), `place`
(where the socket can be), `cluster` (initdb), `process` and `launcher` (a server that never outlives its daemon).
"""

from acs_bridge.store.embedded.errors import (
    BinariesMissing,
    DataDirForeign,
    DataDirInUse,
    EmbeddedFailed,
    NotRunning,
    WrongVersion,
)
from acs_bridge.store.embedded.server import EmbeddedPostgres

__all__ = [
    "BinariesMissing",
    "DataDirForeign",
    "DataDirInUse",
    "EmbeddedFailed",
    "EmbeddedPostgres",
    "NotRunning",
    "WrongVersion",
]
