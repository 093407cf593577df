"""Choosing another password."""

from http import HTTPStatus

from acs_bridge.errors import AcsBridgeError, InvalidInput
from acs_bridge.services.access.logins import Logins
from acs_bridge.services.access.throttle import LoginHeld
from acs_bridge.web.operator.console.registry import Outcome, Page, Redirect, View, Visit


class PasswordPage:
    """The form, and what it is posted to."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (Page("/password", "password.title", self.show, posted=self.take, before_password=True),)

    async def show(self, _: Visit) -> Outcome:
        """Ask for it."""
        return View("password.html", {"errors": {}, "refusal": None})

    async def take(self, visit: Visit) -> Outcome:
        """Take it; every other session of this user ends."""
        current, new, again = (visit.form.get(name, "") for name in ("current", "new", "again"))
        if new != again:
            return _refused({"again": "password.differs"}, None)
        try:
            session = await self._logins.change_password(visit.session, current, new)
        except InvalidInput as error:
            return _refused({each.field: each.message for each in error.errors}, None)
        except LoginHeld as error:
            return _refused({}, error)
        return Redirect("/", session)


def _refused(errors: dict[str, str], refusal: AcsBridgeError | None) -> View:
    status = HTTPStatus.TOO_MANY_REQUESTS if refusal else HTTPStatus.UNPROCESSABLE_ENTITY
    return View("password.html", {"errors": errors, "refusal": refusal}, status)
