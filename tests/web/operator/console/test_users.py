"""The Users page: what an Admin does there, and what nobody may."""

import asyncio

import pytest

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import Conflict
from tests.web.operator.conftest import MAKER
from tests.web.operator.console.conftest import Browser, deeds, page, words

NEW = "an-other"


async def do(browser, what, name, **more):
    """Send a form of the page."""
    return await browser.submit("/users", csrf=browser.csrf, do=what, name=name, **more)


def made(reply):
    """The password that a page shows."""
    (shown,) = page(reply).xpath("//output/text()")
    return shown


async def test_an_admin_adds_a_user_whose_password_is_shown_once(boss, operator):
    reply = await do(boss, "add", NEW, role="csr")
    password = made(reply)
    assert (reply.status, NEW in words(reply)) == (200, True)
    assert password not in (await boss.get("/users")).text
    theirs = Browser(operator)
    assert (await theirs.log_in(NEW, password)).headers["Location"] == "/password"
    told = await deeds(operator.office, "user_added")
    assert ("user:an-admin", "127.0.0.1", "user_added", {"user": NEW, "role": "csr"}) in told
    assert password not in str(told)


@pytest.mark.parametrize(
    ("name", "role", "status", "said"),
    [
        ("<b>", "csr", 422, "1 to 64 letters"),
        ("an-admin", "csr", 409, "There is a user named an-admin already"),
        ("AN-ADMIN", "csr", 409, "already"),
        (NEW, "intake", 422, "admin or csr"),
        (NEW, "", 422, "admin or csr"),
    ],
)
async def test_what_cannot_be_added_is_said_beside_its_field_and_stays(boss, name, role, status, said):
    reply = await do(boss, "add", name, role=role)
    assert reply.status == status
    (error,) = page(reply).xpath("//p[@class='error']/text()")
    assert said in error
    assert page(reply).xpath("//input[@name='name' and @required]/@value") == [name]


async def test_an_admin_locks_a_user_out_and_lets_them_in_again(boss, csr, operator):
    assert (await do(boss, "disable", "an-csr")).status == 303
    assert (await csr.get("/queue")).headers["Location"].startswith("/login")
    assert "locked out" in words(await boss.get("/users"))
    assert (await do(boss, "enable", "an-csr")).status == 303
    assert "locked out" not in words(await boss.get("/users"))
    assert [each[2] for each in await deeds(operator.office, "user_disabled", "user_enabled")] == [
        "user_disabled",
        "user_enabled",
    ]


async def test_an_admin_gives_a_user_a_new_password(boss, csr, operator):
    password = made(await do(boss, "password", "an-csr"))
    assert (await csr.get("/queue")).headers["Location"].startswith("/login")
    assert (await Browser(operator).log_in("an-csr", password)).headers["Location"] == "/password"


async def test_an_admin_logs_a_user_out_everywhere(boss, csr, operator):
    assert "in one browser" in words(await boss.get("/users"))
    assert (await do(boss, "log-out", "an-csr")).status == 303
    assert (await csr.get("/queue")).headers["Location"].startswith("/login")
    (deed,) = await deeds(operator.office, "sessions_ended")
    assert deed[2:] == ("sessions_ended", {"user": "an-csr", "sessions": 1})


async def test_nobody_locks_themselves_out(boss):
    reply = await do(boss, "disable", "an-admin")
    assert (reply.status, "another Admin can" in words(reply)) == (409, True)
    assert (await boss.get("/queue")).status == 200


async def test_two_admins_who_lock_each_other_out_at_the_same_time_leave_one(users):
    await users.add("other-admin", Role.ADMIN, MAKER)
    names = ("an-admin", "other-admin")
    actors = [Actor("user", name, Role.ADMIN, "") for name in names]
    done = await asyncio.gather(
        *(users.disable(name, actor) for name, actor in zip(names, reversed(actors), strict=True)),
        return_exceptions=True,
    )
    assert [type(each) for each in done if each is not None] == [Conflict]
    assert [each.disabled_at is None for each in await users.list() if each.name in names].count(True) == 1


@pytest.mark.parametrize(("what", "name", "status"), [("disable", "nobody", 404), ("erase", "an-csr", 422)])
async def test_what_cannot_be_done_is_said(boss, what, name, status):
    reply = await do(boss, what, name)
    assert (reply.status, len(page(reply).xpath("//p[@role='alert']"))) == (status, 1)


async def test_is_no_page_of_a_csr_who_changes_nothing_with_a_forged_form(csr, users, operator):
    assert (await csr.get("/users")).status == 403
    reply = await do(csr, "add", NEW, role="admin")
    assert reply.status == 403
    assert {each.name for each in await users.list()} == {f"an-{role}" for role in (Role.ADMIN, Role.CSR)}
    assert len(await deeds(operator.office, "request_refused")) == 2


async def test_a_form_of_another_site_changes_nothing(boss, users):
    assert (await boss.submit("/users", csrf="guessed", do="disable", name="an-csr")).status == 403
    assert [each.disabled_at for each in await users.list()] == [None, None]
