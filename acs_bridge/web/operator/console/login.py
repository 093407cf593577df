"""Logging in and out: the two addresses that are no pages of the table, because nobody is logged in, or stays so."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from acs_bridge.errors import AcsBridgeError, Unauthenticated
from acs_bridge.services.access.logins import LoggedIn, LoginRefused, Logins
from acs_bridge.services.access.throttle import LoginHeld
from acs_bridge.web.operator.callers import Forged
from acs_bridge.web.operator.console.serving import (
    LOGIN,
    LOGOUT,
    PASSWORD,
    Console,
    answered,
    html,
    place,
    read_form,
)
from acs_bridge.web.operator.doors import ANONYMOUS, DOORS
from acs_bridge.web.operator.rates import TooManyStrangers

BROWSER_DAYS: Final = 180
_BROWSER: Final = "acs-bridge-browser"


class LoginPages:
    """The login form, and the way out."""

    def __init__(self, console: Console, logins: Logins) -> None:
        self._console = console
        self._logins = logins

    def add_to(self, application: web.Application) -> None:
        """Serve them."""
        application[ANONYMOUS].update((LOGIN, LOGOUT))
        application[DOORS].update(dict.fromkeys((LOGIN, LOGOUT), self._console.door))
        application.router.add_get(LOGIN, self.show)
        application.router.add_post(LOGIN, self.log_in)
        application.router.add_post(LOGOUT, self.log_out)

    @property
    def _browser(self) -> str:
        return f"__Secure-{_BROWSER}" if self._console.callers.secure else _BROWSER

    async def show(self, request: web.Request) -> web.Response:
        """Ask for name and password."""
        return self._form(place(request.query.get("next", "/")))

    async def log_in(self, request: web.Request) -> web.Response:
        """Take name and password."""
        try:
            if not self._console.callers.is_from_us(request):
                raise Forged
            form = await read_form(request)
        except AcsBridgeError as error:
            return self._form("/", error=error)
        to, name = place(form.get("next", "/")), form.get("name", "")
        address, browser = self._console.callers.sender(request), request.cookies.get(self._browser, "")
        try:
            made = await self._logins.log_in(name, form.get("password", ""), address, browser)
        except AcsBridgeError as error:
            return self._form(to, name, error)
        return self._welcome(PASSWORD if made.session.must_change else to, made)

    async def log_out(self, request: web.Request) -> web.Response:
        """End the session."""
        console = self._console
        try:
            session = await console.enter(request)
            await console.form(request, session)
        except (Unauthenticated, TooManyStrangers):
            return answered(LOGIN)
        except AcsBridgeError as error:
            return console.bare_error(error)
        await self._logins.log_out(session)
        response = answered(LOGIN)
        response.del_cookie(console.callers.cookie, path="/", secure=console.callers.secure, httponly=True)
        return response

    def _welcome(self, to: str, made: LoggedIn) -> web.Response:
        response = answered(to)
        self._console.give(response, made.session)
        response.set_cookie(
            self._browser,
            made.browser,
            max_age=BROWSER_DAYS * 86_400,
            path=LOGIN,
            secure=self._console.callers.secure,
            httponly=True,
            samesite="Strict",
        )
        return response

    def _form(self, to: str, name: str = "", error: AcsBridgeError | None = None) -> web.Response:
        content = self._console.renderer.bare("login.html", next=to, name=name, error=error)
        response = html(content, _status(error))
        if isinstance(error, LoginHeld):
            response.headers["Retry-After"] = str(error.seconds)
        return response


def _status(error: AcsBridgeError | None) -> HTTPStatus:
    if error is None:
        return HTTPStatus.OK
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, LoginRefused) else HTTPStatus(error.status)
