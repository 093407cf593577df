"""Users of the console, for Admins: who may log in, and who is logged in.

What changes something is posted as a plain form, as everything that has to do with logging in. A password that is made
here is in the answer to that one form, and nowhere else.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

from acs_bridge.domain.actor import Role
from acs_bridge.errors import AcsBridgeError, Conflict, InvalidField, InvalidInput, NotFound
from acs_bridge.services.access.logins import Logins
from acs_bridge.services.access.users import ROLES, Users
from acs_bridge.web.operator.console.registry import ADMIN_MENU, ADMINS, Entry, Outcome, Page, Redirect, View, Visit

PATH: Final = "/users"

Made: TypeAlias = str | None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a form is answered with, beside the list."""

    errors: Mapping[str, str] = field(default_factory=dict)
    refusal: AcsBridgeError | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    made: tuple[str, str] | None = None  # for whom, and the password


class UsersPage:
    """The list, and what is done to those in it."""

    def __init__(self, users: Users, logins: Logins) -> None:
        self._users = users
        self._logins = logins
        self._deeds: Mapping[str, Callable[[str, Visit], Awaitable[Made]]] = {
            "add": self._add,
            "password": self._password,
            "disable": self._disable,
            "enable": self._enable,
            "log-out": self._log_out,
        }

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        entry = Entry("navigation.users", ADMIN_MENU)
        return (Page(PATH, "users.title", self.show, ADMINS, entry, posted=self.take),)

    async def show(self, _: Visit) -> Outcome:
        """Show the list."""
        return await self._shown(_Told())

    async def take(self, visit: Visit) -> Outcome:
        """Do what a form says to the user whom it names."""
        name, deed = visit.form.get("name", "").strip(), visit.form.get("do", "")
        try:
            if deed not in self._deeds:
                raise InvalidField("do", f"must be one of {', '.join(self._deeds)}")
            made = await self._deeds[deed](name, visit)
        except (InvalidInput, Conflict, NotFound) as error:
            return await self._refused(error, visit, deed)
        return Redirect(PATH) if made is None else await self._shown(_Told(made=(name, made)))

    async def _refused(self, error: InvalidInput | Conflict | NotFound, visit: Visit, deed: str) -> View:
        """Say what is wrong beside the fields of the form that has them, else above the list."""
        found = () if isinstance(error, NotFound) else error.errors
        if deed != "add" or not found:
            return await self._shown(_Told(refusal=error), HTTPStatus(error.status))
        errors = {each.field: each.message for each in found}
        return await self._shown(_Told(errors, typed=visit.form), HTTPStatus(error.status))

    async def _shown(self, told: _Told, status: HTTPStatus = HTTPStatus.OK) -> View:
        shown = {
            "users": await self._users.list(),
            "sessions": await self._logins.open_sessions(),
            "roles": ROLES,
            "told": told,
        }
        return View("users.html", shown, status)

    async def _add(self, name: str, visit: Visit) -> Made:
        try:
            role = Role(visit.form.get("role", ""))
        except ValueError:
            raise InvalidField("role", f"must be {' or '.join(ROLES)}") from None
        return await self._users.add(name, role, visit.actor)

    async def _password(self, name: str, visit: Visit) -> Made:
        return await self._users.set_password(name, visit.actor)

    async def _disable(self, name: str, visit: Visit) -> Made:
        await self._users.disable(name, visit.actor)
        return None

    async def _enable(self, name: str, visit: Visit) -> Made:
        await self._users.enable(name, visit.actor)
        return None

    async def _log_out(self, name: str, visit: Visit) -> Made:
        await self._logins.end_sessions(name, visit.actor)
        return None
