"""The console as a browser reaches it, without one: real HTTP, cookies kept by hand, pages read by lxml."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from lxml import html

from acs_bridge.domain.actor import Role
from acs_bridge.services.access.users import Users
from tests.web.operator.conftest import MAKER, PUBLIC_URL, QUICK, Operator, Reply, admin, intake, operator

__all__ = ["admin", "intake", "operator"]

PASSWORDS = {Role.ADMIN: "correct horse battery", Role.CSR: "staple of the night"}
SAME_ORIGIN = {"Origin": PUBLIC_URL.removesuffix("/acs"), "Sec-Fetch-Site": "same-origin"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Browser:
    """Keeps cookies as a browser that reaches the daemon by TLS would, and says where a request comes from."""

    operator: Operator
    cookies: dict[str, str] = field(default_factory=dict)
    last: Reply | None = None
    shown: str = ""
    sent_by: str | None = None  # what a proxy says

    async def __call__(self, method: str, path: str, **more: Any) -> Reply:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {} if method in {"GET", "HEAD"} else SAME_ORIGIN
        headers |= {} if self.sent_by is None else {"X-Forwarded-For": self.sent_by}
        headers |= more.pop("headers", {})
        self.last = await self.operator.as_(None)(method, path, headers=headers, allow_redirects=False, **more)
        for set_cookie in self.last.headers.getall("Set-Cookie", []):
            name, _, rest = set_cookie.partition("=")
            value = rest.partition(";")[0].strip('"')
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
        return self.last

    async def get(self, path: str, **more: Any) -> Reply:
        return await self("GET", path, **more)

    async def submit(self, path: str, **fields: str) -> Reply:
        """Post a plain form, with the CSRF token of the page before."""
        body = "&".join(
            f"{name}={re.sub('[^A-Za-z0-9]', lambda c: ''.join(f'%{b:02X}' for b in c[0].encode()), value)}"
            for name, value in fields.items()
        )
        return await self("POST", path, body=body.encode(), headers={"Content-Type": FORM})

    async def call(self, method: str, path: str, body: Any = None, *, csrf: str | None = None) -> Reply:
        """Call /v1 as our scripts do."""
        shown = self.csrf if csrf is None else csrf
        return await self(method, path, body=body, headers={"X-CSRF-Token": shown})

    async def log_in(self, name: str, password: str) -> Reply:
        return await self.submit("/login", name=name, password=password)

    @property
    def csrf(self) -> str:
        """What the last page told its scripts."""
        if self.last and self.last.headers["Content-Type"].startswith("text/html"):
            (self.shown,) = page(self.last).xpath("//meta[@name='csrf-token']/@content")
        return self.shown


def page(reply: Reply) -> Any:
    """Read a page."""
    return html.document_fromstring(reply.text)


def words(reply: Reply) -> str:
    """What a page says, in one line."""
    return " ".join(page(reply).find("body").text_content().split())


async def deeds(office: Any, *actions: str) -> list[tuple[Any, ...]]:
    """Who did these things, from where, and what stands beside it."""
    rows = await office.database.fetch("select actor, address, action, detail from audit order by id")
    return [tuple(row) for row in rows if row["action"] in actions]


@pytest.fixture
async def users(operator: Operator) -> Users:
    """Users with passwords of their own, one of each role."""
    users = Users(operator.office.database, operator.office.clock, lambda count: bytes(range(count)), QUICK)
    for role, password in PASSWORDS.items():
        await users.add(f"an-{role}", role, MAKER, password)
    return users


@pytest.fixture
def browser(operator: Operator, users: Users) -> Browser:
    return Browser(operator)


async def logged_in(operator: Operator, role: Role) -> Browser:
    browser = Browser(operator)
    assert (await browser.log_in(f"an-{role}", PASSWORDS[role])).status == 303
    assert (await browser.get("/password")).status == 200
    return browser


@pytest.fixture
async def boss(operator: Operator, users: Users) -> Browser:
    """An Admin's browser, who is logged in and has a page before them."""
    return await logged_in(operator, Role.ADMIN)


@pytest.fixture
async def csr(operator: Operator, users: Users) -> Browser:
    """The same of a CSR."""
    return await logged_in(operator, Role.CSR)
