"""What goes wrong is a page for people, and a problem document for programs."""

import pytest

from acs_bridge.errors import Unavailable
from acs_bridge.services.queue.queue import Queue
from tests.web.operator.console.conftest import page, words

PERSON = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def test_an_address_that_leads_nowhere_is_a_page_for_who_is_logged_in(boss):
    reply = await boss.get("/no/such/page", headers=PERSON)
    assert (reply.status, page(reply).findtext(".//h1")) == (404, "There is nothing at this address")
    assert "Content-Security-Policy" in reply.headers
    assert page(reply).xpath("//nav//a/@href")[0] == "/queue"


async def test_and_leads_to_the_login_who_is_not(browser):
    reply = await browser.get("/no/such/page", headers=PERSON)
    assert (reply.status, reply.headers["Location"]) == (303, "/login?next=/no/such/page")


@pytest.mark.parametrize("path", ["/no/such/page", "/v1/nothing", "/soap/nothing"])
async def test_a_program_gets_a_problem_document(boss, path):
    headers = PERSON if path.startswith("/v1") else {"Accept": "*/*"}
    reply = await boss.get(path, headers=headers)
    assert (reply.status, reply.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("error", "status", "title", "said"),
    [
        (Unavailable("the database is away"), 503, "The daemon cannot do this now", "The database is away."),
        (ZeroDivisionError("secret"), 500, "The daemon made a mistake", "The log of the daemon says more."),
    ],
)
async def test_what_nobody_could_help_is_a_page_too(boss, monkeypatch, error, status, title, said):
    async def fails(_: Queue) -> None:
        raise error

    monkeypatch.setattr(Queue, "held", fails)
    reply = await boss.get("/queue", headers=PERSON)
    assert (reply.status, page(reply).findtext(".//h1")) == (status, title)
    assert said in words(reply)
    assert "secret" not in reply.text
