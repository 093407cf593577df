"""How many connections a process may have open: as many as the system lets it, however few a shell begins with."""

import resource
from contextlib import suppress
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

BESIDE: Final = 200
"""Descriptors that a daemon needs beside the connections of gateways: operators, Postgres, webhooks, files."""


def allow_connections(most: int) -> int:
    """Raise the soft limit to the hard one, and warn where that is too little for so many connections; what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS says that there is no limit, and refuses to have none
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and allowed < most + BESIDE:
        _log.warning(
            "open_files_limited",
            allowed=allowed,
            needed=most + BESIDE,
            advice="raise the limit (ulimit -Hn, LimitNOFILE=), or lower device_listener.max_connections",
        )
    return allowed
