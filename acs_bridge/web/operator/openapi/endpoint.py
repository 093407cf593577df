"""`/openapi.json` for everybody, and `/reference` for those with a token: in a browser, as the password of HTTP Basic.

Both are made once, when somebody first asks, in a thread: they take a tenth of a second, in which sessions go on, and
most daemons are never asked. The page says nothing that the document does not; it asks for a token
because everything does that is not named as open.
"""

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Final

from aiohttp import web

from acs_bridge.errors import AcsBridgeError, Unauthenticated
from acs_bridge.services.fresh import Fresh
from acs_bridge.web.operator import problems
from acs_bridge.web.operator.doors import ANONYMOUS, DOORS, Door
from acs_bridge.web.operator.openapi.document import document, written
from acs_bridge.web.operator.openapi.others import DESCRIPTION
from acs_bridge.web.operator.openapi.page import POLICY, page
from acs_bridge.web.operator.problems import HEADERS, PROBLEMS, Answers
from acs_bridge.web.operator.registry import AnyRoute

PAGE: Final = "/reference"
_CHALLENGE: Final = 'Basic realm="acs-bridge", charset="UTF-8"'


def _of_error(error: AcsBridgeError) -> web.Response:
    response = problems.of_error(error)
    if isinstance(error, Unauthenticated):
        response.headers.add("WWW-Authenticate", _CHALLENGE)
    return response


DOOR: Final = Door(Answers(_of_error, PROBLEMS.of_http, PROBLEMS.of_bug), takes_basic=True)


def add_description(application: web.Application, routes: Sequence[AnyRoute], public_url: str) -> None:
    """Serve both. `ANONYMOUS` and `DOORS` are there already."""

    def made() -> tuple[bytes, bytes]:
        described = document(routes, public_url)
        return written(described).encode(), page(described).encode()

    both = Fresh(inf, lambda: asyncio.to_thread(made))

    async def describe(_: web.Request) -> web.Response:
        content, _shown = await both.get()
        return web.Response(body=content, content_type="application/json", headers=HEADERS)

    async def show(_: web.Request) -> web.Response:
        _content, shown = await both.get()
        headers = {**HEADERS, "Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
        return web.Response(body=shown, content_type="text/html", charset="utf-8", headers=headers)

    application[ANONYMOUS].add(DESCRIPTION)
    application[DOORS][PAGE] = DOOR
    application.router.add_get(DESCRIPTION, describe)
    application.router.add_get(PAGE, show)
