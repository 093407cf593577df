"""Logging in to the console, and what a session is worth."""

import re
from dataclasses import replace

import pytest
from aiohttp import ClientSession, TCPConnector

from acs_bridge.domain.actor import Role
from acs_bridge.domain.passwords import ONE_TIME_BYTES, one_time
from tests.web.operator.conftest import MAKER, PROXY, PUBLIC_URL
from tests.web.operator.console.conftest import PASSWORDS, Browser, deeds, logged_in, page, words

ADMIN, PASSWORD = "an-admin", PASSWORDS[Role.ADMIN]
MADE = one_time(bytes(range(ONE_TIME_BYTES)))  # by users without chance
SESSION = "__Host-acs-bridge"


class TestWhoIsNotLoggedIn:
    async def test_is_sent_to_the_login_page_and_back(self, browser):
        reply = await browser.get("/queue?state=failed")
        assert (reply.status, reply.headers["Location"]) == (303, "/login?next=/queue%3Fstate%3Dfailed")
        (field,) = page(await browser.get(reply.headers["Location"])).xpath("//input[@name='next']/@value")
        assert field == "/queue?state=failed"
        reply = await browser.submit("/login", name=ADMIN, password=PASSWORD, next=field)
        assert (reply.status, reply.headers["Location"]) == (303, "/queue?state=failed")

    @pytest.mark.parametrize(
        "elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example", "queue", "/a\\b"]
    )
    async def test_is_never_sent_to_another_site(self, browser, elsewhere):
        reply = await browser.submit("/login", name=ADMIN, password=PASSWORD, next=elsewhere)
        assert (reply.status, reply.headers["Location"]) == (303, "/")

    async def test_gets_nothing_of_the_api(self, browser):
        assert (await browser.get("/v1/queue")).status == 401

    async def test_is_told_the_same_whatever_is_wrong(self, browser, users):
        await users.add("gone", Role.CSR, MAKER, "a password that was good")
        await users.disable("gone", MAKER)
        said = set()
        for name, password in [
            (ADMIN, "wrong password"),
            ("nobody", PASSWORD),
            ("gone", "a password that was good"),
            ("", ""),
            ("x" * 5_000, "y" * 5_000),
            ("<script>", "\u202e"),
        ]:
            reply = await browser.log_in(name, password)
            assert SESSION not in browser.cookies
            said.add((reply.status, page(reply).xpath("string(//p[@class='refusal'])")))
        assert said == {(422, "User name and password do not go together.")}

    async def test_is_told_what_is_too_long_to_be_read(self, browser):
        reply = await browser.log_in("x" * 10_000, "y" * 10_000)
        assert (reply.status, "at most 16 KiB" in words(reply)) == (400, True)

    async def test_keeps_the_name_that_was_typed_and_no_password(self, browser):
        reply = await browser.log_in('an"><b>', "secret-text")
        assert page(reply).xpath("//input[@name='name']/@value") == ['an"><b>']
        assert "secret-text" not in reply.text


class TestALogin:
    async def test_begins_a_session_that_the_pages_and_the_api_know(self, browser):
        reply = await browser.log_in(ADMIN, PASSWORD)
        assert reply.status == 303
        (cookie,) = [each for each in reply.headers.getall("Set-Cookie") if each.startswith(SESSION)]
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Domain" not in cookie
        assert (await browser.get("/queue")).status == 200
        assert (await browser.get("/v1/queue")).json["counts"]["queued"] == 0

    async def test_takes_a_name_without_regard_to_case_and_blanks(self, browser):
        assert (await browser.log_in(" An-Admin ", PASSWORD)).status == 303

    async def test_is_kept_as_hashes_only(self, browser, operator):
        await browser.log_in(ADMIN, PASSWORD)
        dump = await operator.office.database.fetch(
            "select to_jsonb(u)::text from console_user u union all select to_jsonb(s)::text from console_session s"
        )
        text = " ".join(row[0] for row in dump)
        assert PASSWORD not in text
        assert browser.cookies[SESSION] not in text
        assert "$argon2id$" in text

    async def test_is_written_down_and_so_is_one_that_failed(self, browser, operator):
        await browser.log_in(ADMIN, "wrong")
        await browser.log_in("my password by mistake", "wrong")
        await browser.log_in(ADMIN, PASSWORD)
        await browser.get("/queue")
        await browser.submit("/logout", csrf=browser.csrf)
        assert await deeds(operator.office, "login_failed", "user_logged_in", "user_logged_out") == [
            ("user:an-admin", "127.0.0.1", "login_failed", {}),
            ("user:", "127.0.0.1", "login_failed", {}),
            ("user:an-admin", "127.0.0.1", "user_logged_in", {}),
            ("user:an-admin", "127.0.0.1", "user_logged_out", {}),
        ]

    async def test_from_another_site_is_none(self, browser):
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            reply = await browser(
                "POST",
                "/login",
                body=f"name={ADMIN}&password={PASSWORD}".encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
            )
            assert reply.status == 403
            assert SESSION not in browser.cookies


class TestASession:
    async def test_ends_with_a_logout_at_once(self, boss):
        csrf = boss.csrf
        reply = await boss.submit("/logout", csrf=csrf)
        assert (reply.status, reply.headers["Location"]) == (303, "/login")
        assert SESSION not in boss.cookies

    async def test_that_was_copied_ends_with_it_too(self, boss, operator):
        copy = Browser(operator, dict(boss.cookies))
        await boss.submit("/logout", csrf=boss.csrf)
        assert (await copy.get("/v1/queue")).status == 401

    async def test_ends_without_use(self, boss, clock):
        for _ in range(5):
            clock.advance(minutes=119)
            assert (await boss.get("/queue")).status == 200
        clock.advance(minutes=122)
        assert (await boss.get("/queue")).status == 303

    async def test_ends_after_half_a_day_however_busy(self, boss, clock):
        for _ in range(12):
            assert (await boss.get("/queue")).status == 200
            clock.advance(minutes=61)
        assert (await boss.get("/queue")).status == 303

    async def test_ends_when_its_user_is_disabled(self, boss, users):
        await users.disable(ADMIN, MAKER)
        assert (await boss.get("/queue")).status == 303
        assert (await boss.log_in(ADMIN, PASSWORD)).status == 422
        await users.enable(ADMIN, MAKER)
        assert (await boss.log_in(ADMIN, PASSWORD)).status == 303

    async def test_ends_when_its_user_gets_another_password(self, boss, users):
        await users.set_password(ADMIN, MAKER, "quite another password")
        assert (await boss.get("/queue")).status == 303

    async def test_of_somebody_else_is_not_guessed(self, boss):
        boss.cookies[SESSION] = "x" * len(boss.cookies[SESSION])
        assert (await boss.get("/v1/queue")).status == 401
        boss.cookies[SESSION] = "x" * 5000
        assert (await boss.get("/queue")).status == 303


class TestAForgedRequest:
    async def test_without_the_secret_of_the_session_changes_nothing_and_is_written_down(self, boss, operator):
        for csrf in ("", "x", "é"):
            reply = await boss.call("POST", "/v1/subscribers", {"name": "Ada", "code": "C-1"}, csrf=csrf)
            assert reply.status == 403, reply.text
        assert await operator.office.database.fetchval("select count(*) from subscriber") == 0
        assert await deeds(operator.office, "request_forged") == 3 * [
            ("user:an-admin", "127.0.0.1", "request_forged", {"route": "POST /v1/subscribers"})
        ]

    async def test_from_another_site_is_refused_even_with_it(self, boss, operator):
        csrf = boss.csrf
        for headers in (
            {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
            {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
            {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-site"},
        ):
            body = {"name": "Ada", "code": "C-1"}
            reply = await boss("POST", "/v1/subscribers", body=body, headers={"X-CSRF-Token": csrf, **headers})
            assert reply.status == 403
        assert len(await deeds(operator.office, "request_forged")) == 3

    async def test_to_a_form_is_refused(self, boss, operator):
        assert (await boss.submit("/logout", csrf="x")).status == 403
        assert (await boss.submit("/password", current=PASSWORD, new="n" * 20, again="n" * 20)).status == 403
        assert (await boss.get("/queue")).status == 200
        assert len(await deeds(operator.office, "request_forged")) == 2

    async def test_with_it_all_is_done(self, boss):
        assert (await boss.call("POST", "/v1/subscribers", {"name": "Ada", "code": "C-1"})).status == 201

    async def test_of_a_csr_is_refused_and_written_down(self, csr, operator):
        reply = await csr.call("POST", "/v1/subscribers", {"name": "Ada", "code": "C-1"})
        assert reply.status == 403
        assert "csr" in reply.json["detail"]
        assert await deeds(operator.office, "request_refused") == [
            ("user:an-csr", "127.0.0.1", "request_refused", {"route": "POST /v1/subscribers"})
        ]

    async def test_without_end_does_not_fill_the_audit_trail(self, csr, operator, clock):
        for _ in range(70):
            assert (await csr.call("POST", "/v1/queue/pause", csrf="x")).status == 403
        assert len(await deeds(operator.office, "request_forged")) == 60
        clock.advance(minutes=1)
        await csr.call("POST", "/v1/queue/pause", csrf="x")
        assert len(await deeds(operator.office, "request_forged")) == 61


class TestAPasswordForOneLogin:
    @pytest.fixture
    async def newcomer(self, operator, users):
        assert await users.add("new", Role.ADMIN, MAKER) == MADE
        browser = Browser(operator)
        reply = await browser.log_in("new", MADE)
        assert (reply.status, reply.headers["Location"]) == (303, "/password")
        return browser

    async def test_lets_its_user_do_nothing_else(self, newcomer):
        reply = await newcomer.get("/queue")
        assert (reply.status, reply.headers["Location"]) == (303, "/password")
        assert (await newcomer.get("/v1/queue")).status == 403
        await newcomer.get("/password")
        assert (await newcomer.call("POST", "/v1/queue/pause")).status == 403

    async def test_is_changed_for_one_of_their_own(self, newcomer, operator):
        await newcomer.get("/password")
        before = newcomer.cookies[SESSION]
        chosen = "my own long password"
        reply = await newcomer.submit("/password", csrf=newcomer.csrf, current=MADE, new=chosen, again=chosen)
        assert (reply.status, reply.headers["Location"]) == (303, "/")
        assert newcomer.cookies[SESSION] != before
        assert (await newcomer.get("/queue")).status == 200
        assert (await Browser(operator).log_in("new", MADE)).status == 422
        assert (await Browser(operator).log_in("new", chosen)).status == 303
        assert await deeds(operator.office, "password_changed") == [("user:new", "127.0.0.1", "password_changed", {})]

    @pytest.mark.parametrize(
        ("new", "again", "field", "said"),
        [
            ("short", "short", "new", "12 to 256"),
            ("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "new", "different characters"),
            ("new-new-new1", "new-new-new1", "new", "beside the user name"),
            ("a long good password", "another one", "again", "not the same"),
            ("x" * 300, "x" * 300, "new", "12 to 256"),
            ("a long\x07 password", "a long\x07 password", "new", "control characters"),
        ],
    )
    async def test_is_not_changed_for_a_bad_one(self, newcomer, new, again, field, said):
        await newcomer.get("/password")
        reply = await newcomer.submit("/password", csrf=newcomer.csrf, current=MADE, new=new, again=again)
        assert reply.status == 422
        (invalid,) = page(reply).xpath("//input[@aria-invalid='true']")
        assert invalid.get("name") == field
        assert said in words(reply)
        assert new not in reply.text

    async def test_is_asked_for_again(self, newcomer):
        await newcomer.get("/password")
        chosen = "my own long password"
        reply = await newcomer.submit("/password", csrf=newcomer.csrf, current="wrong", new=chosen, again=chosen)
        assert reply.status == 422
        assert page(reply).xpath("//input[@aria-invalid='true']/@name") == ["current"]


class TestGuessing:
    async def fail(self, browser, times, name=ADMIN):
        return [(await browser.log_in(name, "wrong")).status for _ in range(times)]

    async def test_at_one_address_takes_longer_each_time(self, browser, clock):
        assert await self.fail(browser, 11) == 11 * [422]
        reply = await browser.log_in(ADMIN, PASSWORD)
        assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
        clock.advance(seconds=2)
        assert await self.fail(browser, 1) == [422]
        assert (await browser.log_in(ADMIN, PASSWORD)).headers["Retry-After"] == "2"
        clock.advance(seconds=3)
        assert (await browser.log_in(ADMIN, PASSWORD)).status == 303

    async def test_a_name_that_nobody_has_is_held_back_as_well(self, browser):
        assert await self.fail(browser, 12, "nobody") == 11 * [422] + [429]

    async def test_does_not_keep_out_a_browser_that_its_user_knows(self, operator, users, clock):
        known = await logged_in(operator, Role.ADMIN)
        stranger = Browser(operator)
        for _ in range(40):
            await self.fail(stranger, 1)
            clock.advance(seconds=1)
        assert (await stranger.log_in(ADMIN, PASSWORD)).status == 429
        assert (await known.log_in(ADMIN, PASSWORD)).status == 303

    async def test_that_browser_is_held_back_for_itself(self, operator, users):
        known = await logged_in(operator, Role.ADMIN)
        assert await self.fail(known, 12) == 11 * [422] + [429]
        assert (await Browser(operator).log_in(ADMIN, PASSWORD)).status == 303

    async def test_what_another_user_has_left_in_a_browser_helps_nobody(self, operator, users):
        known = await logged_in(operator, Role.CSR)
        assert await self.fail(known, 12) == 11 * [422] + [429]

    async def test_from_everywhere_holds_a_name_back_for_a_minute_at_most(self, operator, users, clock):
        async with ClientSession(connector=TCPConnector(local_addr=(PROXY, 0))) as session:
            through_proxy = replace(operator, session=session)
            statuses = []
            for number in range(30):
                stranger = Browser(through_proxy, sent_by=f"198.51.100.{number}")
                statuses.append((await stranger.log_in(ADMIN, "wrong")).status)
            assert statuses == 21 * [422] + 9 * [429]
            for number in range(30, 45):
                clock.advance(seconds=61)
                assert (await Browser(through_proxy, sent_by=f"198.51.100.{number}").log_in(ADMIN, "x")).status == 422
        assert (await Browser(operator).log_in(ADMIN, PASSWORD)).headers["Retry-After"] == "60"
        clock.advance(seconds=61)
        assert (await Browser(operator).log_in(ADMIN, PASSWORD)).status == 303

    async def test_is_forgiven_by_a_new_password_from_the_command_line(self, operator, users, browser):
        await self.fail(browser, 12)
        rows = await operator.office.database.fetch("select kind from login_throttle order by kind")
        assert [row["kind"] for row in rows] == ["address", "name"]
        await users.set_password(ADMIN, MAKER, "quite another password")
        rows = await operator.office.database.fetch("select kind from login_throttle")
        assert [row["kind"] for row in rows] == ["address"]


class TestHeaders:
    async def test_let_nobody_frame_a_page_or_run_a_script_in_it(self, boss):
        for path in ("/login", "/queue", "/password"):
            reply = await boss.get(path)
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Referrer-Policy"] == "same-origin"
            assert reply.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert reply.headers["Cache-Control"] == "no-store"
            policy = dict(
                part.strip().partition(" ")[::2] for part in reply.headers["Content-Security-Policy"].split(";")
            )
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == "'self'"
            assert not page(reply).xpath("//script[not(@src)] | //style | //@style | //@*[starts-with(name(), 'on')]")

    async def test_what_a_page_loads_is_there_and_kept_for_ever(self, boss):
        reply = await boss.get("/queue")
        loaded = page(reply).xpath("//script/@src | //link/@href")
        assert len(loaded) >= 3
        for path in loaded:
            served = await boss.get(path)
            assert served.status == 200
            assert "immutable" in served.headers["Cache-Control"]
            for module in re.findall(r'from "\./([\w.]+)"|import "\./([\w.]+)"', served.text):
                assert (await boss.get(path.rpartition("/")[0] + "/" + "".join(module))).status == 200
        version = loaded[0].split("/")[2]
        other = await boss.get(loaded[0].replace(version, "another-version"))
        assert (other.status, other.headers["Cache-Control"]) == (200, "no-store")
        assert (await boss.get(f"/static/{version}/../texts.toml")).status in {401, 404}
        assert (await boss.get(f"/static/{version}/texts.toml")).status == 404
