"""The table of pages: what stands where, who gets it, and how the navigation names it.

Pages are data, as the routes of `/v1` are. A page shows; what changes something goes over `/v1`, but for what has to do
with logging in, which is posted as a plain form.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.services.access.logins import Session

EVERYBODY: Final = frozenset({Role.ADMIN, Role.CSR})
ADMINS: Final = frozenset({Role.ADMIN})
ADMIN_MENU: Final = "frame.admin"
"""The drop-down of what only Admins do."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is logged in looks at a page."""

    session: Session
    path: Mapping[str, str]  # what stands in the places of the template, decoded
    query: Mapping[str, str]  # as it came: a page decides what it takes, and says what it does not
    form: Mapping[str, str] = field(default_factory=dict)  # of a page that is posted to; its CSRF token was looked at

    @property
    def actor(self) -> Actor:
        """Who it is."""
        return self.session.actor

    @property
    def is_admin(self) -> bool:
        """Whether they may change things."""
        return self.session.actor.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class View:
    """A page as it is shown: its template, and what that shows."""

    template: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    status: HTTPStatus = HTTPStatus.OK
    title: str | None = None  # as it stands, for pages that are about one thing


@dataclass(frozen=True, slots=True)
class Redirect:
    """Somewhere else is where to look."""

    to: str
    session: Session | None = None  # the browser gets this one


Outcome: TypeAlias = View | Redirect
Show: TypeAlias = Callable[[Visit], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the navigation has a page."""

    text: str
    menu: str | None = None  # the drop-down that it is in


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    path: str  # a template: `/lines/{line_of_service}`
    title: str  # the name of a text
    show: Show
    roles: frozenset[Role] = EVERYBODY
    entry: Entry | None = None
    posted: Show | None = None  # takes a plain form
    before_password: bool = False  # also for who has to choose a password first
