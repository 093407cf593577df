"""How the table of pages is served: who looks, what they may see, and how a page is answered.

Whoever is not logged in is sent to the login page and comes back from there. An error is a page too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import quote

from aiohttp import web

from acs_bridge.domain.clock import Clock
from acs_bridge.errors import AcsBridgeError, Forbidden, Unauthenticated
from acs_bridge.services.access.logins import Session
from acs_bridge.services.queue.queue import Queue
from acs_bridge.web.operator.callers import Callers, Forged
from acs_bridge.web.operator.console.registry import Outcome, Page, Redirect, View, Visit
from acs_bridge.web.operator.console.rendering import Renderer
from acs_bridge.web.operator.console.static import PATH as STATIC_PATH
from acs_bridge.web.operator.console.static import static
from acs_bridge.web.operator.doors import ANONYMOUS, DOORS, NOWHERE, Door
from acs_bridge.web.operator.problems import (
    BUG,
    HEADERS,
    Answers,
    Problem,
    UnreadableBody,
    WrongRole,
    found_by_http,
    headers_of,
)
from acs_bridge.web.operator.rates import TooManyStrangers
from acs_bridge.web.operator.serving import ACTOR

LOGIN: Final = "/login"
LOGOUT: Final = "/logout"
PASSWORD: Final = "/password"  # noqa: S105 -- a path
FORM: Final = "application/x-www-form-urlencoded"
LARGEST_FORM: Final = 16 * 1024
LONGEST_NEXT: Final = 2000
BODY_SECONDS: Final = 20.0
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = {
    **HEADERS,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with less, a browser would not say where a form comes from
}

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NothingHere(AcsBridgeError):
    """An address that leads nowhere."""

    status = HTTPStatus.NOT_FOUND
    title = "There is nothing at this address"

    def __init__(self) -> None:
        """Say what else to do."""
        super().__init__("the link may be an old one; the search box finds every line, subscriber and gateway")


class Console:
    """Serves the pages."""

    def __init__(self, pages: Sequence[Page], callers: Callers, queue: Queue, clock: Clock) -> None:
        self._pages = pages
        self.callers = callers
        self._queue = queue
        self.renderer = Renderer(pages, clock)
        self.door = Door(Answers(self.bare_error, self._bare_http, self._bare_bug))
        """How is answered what goes wrong before there is a page, or keeps it from being one."""

    def add_to(self, application: web.Application) -> None:
        """Serve every page of the table. `ANONYMOUS` is there already: a page looks itself who comes."""
        application[ANONYMOUS].add(STATIC_PATH)
        application.router.add_get(STATIC_PATH, static().serve)
        nowhere = Page("", "product.name", _nowhere)
        application[DOORS][NOWHERE] = replace(self.door, serve=self._handler(nowhere, nowhere.show))
        for page in self._pages:
            pattern = page.path.replace("}", ":[^/]+}")
            resource = application.router.add_resource(pattern)
            application[ANONYMOUS].add(resource.canonical)
            application[DOORS][resource.canonical] = self.door
            for method in ("GET", "HEAD"):
                resource.add_route(method, self._handler(page, page.show))
            if page.posted is not None:
                resource.add_route("POST", self._handler(page, page.posted))

    def _handler(self, page: Page, work: Callable[[Visit], Awaitable[Outcome]]) -> Handler:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                session = await self.enter(request)
            except (Unauthenticated, TooManyStrangers):  # a person may log in, whoever else is at their address
                return to_login(request)
            except Forbidden as error:
                return self.bare_error(error)
            if session.must_change and not page.before_password:
                return answered(PASSWORD)
            visit = Visit(session, dict(request.match_info), request.query)
            try:
                if session.actor.role not in page.roles:
                    raise WrongRole(page.roles, session.actor.role)
                if request.method == "POST":
                    form = await self.form(request, session)
                    visit = Visit(session, visit.path, visit.query, form)
                outcome = await work(visit)
            except AcsBridgeError as error:
                return await self._error(error, page, visit, request)
            return await self._answer(outcome, page, visit)

        return serve

    async def enter(self, request: web.Request) -> Session:
        """Say whose session a request shows, and count it."""
        session = await self.callers.session(request)
        request[ACTOR] = session.actor
        self.callers.rates.take(request, session.actor)
        return session

    async def form(self, request: web.Request, session: Session) -> dict[str, str]:
        """Read what was posted; Forged when it does not show the session's own secret."""
        form = await read_form(request)
        if not session.admits(form.get("csrf", "")):
            await self.callers.refused(session.actor, "request_forged", request)
            raise Forged
        return form

    async def _answer(self, outcome: Outcome, page: Page, visit: Visit) -> web.Response:
        if isinstance(outcome, Redirect):
            response = answered(outcome.to)
            if outcome.session is not None:
                self.give(response, outcome.session)
            return response
        content = self.renderer.page(outcome, page, visit, await self._queue.held())
        return html(content, outcome.status)

    async def _error(self, error: AcsBridgeError, page: Page, visit: Visit, request: web.Request) -> web.Response:
        """Show an error in the frame of the pages."""
        if isinstance(error, WrongRole):
            await self.callers.refused(visit.actor, "request_refused", request)
        view = View("error.html", {"error": error}, HTTPStatus(error.status), title=error.title)
        return await self._answer(view, page, visit)

    def bare_error(self, error: AcsBridgeError) -> web.Response:
        """Show an error to somebody who is not let in, or when it is not known who that is."""
        return self._bare(Problem.of(error), headers_of(error))

    def _bare_http(self, error: web.HTTPException) -> web.Response:
        return self._bare(*found_by_http(error))

    def _bare_bug(self) -> web.Response:
        return self._bare(BUG, {})

    def _bare(self, problem: Problem, headers: Mapping[str, str]) -> web.Response:
        content = self.renderer.bare("refused.html", error=problem.detail, title=problem.title)
        response = html(content, HTTPStatus(problem.status))
        response.headers.update(headers)
        return response

    def give(self, response: web.Response, session: Session) -> None:
        """Give a browser its session."""
        response.set_cookie(
            self.callers.cookie,
            session.token,
            path="/",
            secure=self.callers.secure,
            httponly=True,
            samesite="Lax",
        )


async def _nowhere(_: Visit) -> Outcome:
    raise NothingHere


async def read_form(request: web.Request) -> dict[str, str]:
    """Read a form; a field that is given twice is taken once, as its first."""
    if request.content_type != FORM or (request.content_length or 0) > LARGEST_FORM:
        raise UnreadableBody(f"a form has at most {LARGEST_FORM // 1024} KiB, as {FORM}")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            posted = await request.post()
    except (TimeoutError, ValueError, web.RequestPayloadError, ConnectionError):
        raise UnreadableBody("the form cannot be read") from None
    return {name: value for name, value in reversed(list(posted.items())) if isinstance(value, str)}


def html(content: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Answer with a page."""
    return web.Response(text=content, status=status, content_type="text/html", charset="utf-8", headers=PAGE_HEADERS)


def answered(to: str) -> web.Response:
    """Answer with another address, which is fetched with GET."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={**PAGE_HEADERS, "Location": to})


def to_login(request: web.Request) -> web.Response:
    """Send somebody to the login page, and back from there to what they were looking for."""
    wanted = request.raw_path
    known = request.method in {"GET", "HEAD"} and wanted != "/" and len(wanted) <= LONGEST_NEXT
    return answered(f"{LOGIN}?next={quote(wanted, safe='/')}" if known else LOGIN)


def place(text: str) -> str:
    """Read where to go after the login: a path of ours, or the beginning."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isascii() and text.isprintable()
    return text if is_ours and len(text) <= LONGEST_NEXT and "\\" not in text else "/"
