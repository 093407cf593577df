"""Daemons to drive from outside. One is shared by all tests of a worker that do not disturb each other."""

from collections.abc import Iterator

import pytest

from tests.acceptance.site import Caller, Daemon, Site, new_site


@pytest.fixture
def site() -> Iterator[Site]:
    """A place for a daemon of one's own."""
    with new_site() as site:
        yield site


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """A daemon for everybody, on an embedded Postgres; use serial numbers and codes that nobody else uses."""
    with new_site() as site, site.serving(blank=True) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def admin(daemon: Daemon) -> Caller:
    """Somebody who may do everything there."""
    return daemon.caller(daemon.site.token("admin", "admin"))


@pytest.fixture(scope="session")
def bss(daemon: Daemon) -> Caller:
    """The BSS."""
    return daemon.caller(daemon.site.token("bss", "intake"))
