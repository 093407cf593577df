"""What narrows a token: where it is taken from, how often, and until when, also where it is only remembered."""

from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_network

import pytest
from aiohttp import ClientSession, TCPConnector
from structlog.testing import capture_logs

from acs_bridge.domain.actor import Role
from acs_bridge.errors import Unauthenticated
from acs_bridge.store.database import Database
from acs_bridge.store.statements import load
from acs_bridge.web.operator import rates
from tests.web.operator.conftest import MAKER, PROXY, STRANGERS, USUAL_RATE, Api

QUEUE = "/v1/queue"
REQUESTS = "/v1/provisioning-requests"
GUESSED = {"Cookie": "__Host-acs-bridge=guessed"}
AT_HOME = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/48"))


@pytest.fixture
async def narrow(operator):
    """A caller behind the trusted proxy whose token is for some networks."""
    token = await operator.office.tokens.create("narrow", Role.ADMIN, MAKER, networks=AT_HOME)
    async with ClientSession(connector=TCPConnector(local_addr=(PROXY, 0))) as session:
        yield Api(session, operator.base, token)


async def limited(operator, per_minute):
    name = f"limited-{per_minute}"
    token = await operator.office.tokens.create(name, Role.ADMIN, MAKER, requests_per_minute=per_minute)
    return Api(operator.session, operator.base, token)


class TestNetworks:
    @pytest.mark.parametrize(
        "header",
        [
            {"X-Forwarded-For": "192.0.2.9"},
            {"X-Forwarded-For": "203.0.113.5, 192.0.2.9"},
            {"X-Forwarded-For": "::ffff:192.0.2.9"},
            {"Forwarded": 'for="[2001:db8::17]:4711";proto=https'},
        ],
    )
    async def test_a_token_is_taken_from_its_networks(self, narrow, header):
        assert (await narrow("GET", QUEUE, headers=header)).status == 200

    @pytest.mark.parametrize(
        "header",
        [
            {},
            {"X-Forwarded-For": "203.0.113.5"},
            {"X-Forwarded-For": "192.0.2.9, 203.0.113.5"},
            {"X-Forwarded-For": "2002:c000:209::1"},  # carries 192.0.2.9, and may be anybody's
            {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=203.0.113.5"},
        ],
    )
    async def test_elsewhere_it_is_refused_in_words_and_told_to_the_log(self, narrow, header):
        with capture_logs() as logs:
            reply = await narrow("GET", QUEUE, headers=header)
        assert (reply.status, reply.headers["Content-Type"]) == (403, "application/problem+json")
        assert reply.json["title"] == "This token may not be used from there"
        assert "192.0.2.0" not in reply.text
        assert {"token_shown_elsewhere"} == {line["event"] for line in logs if line.get("token") == "narrow"}
        assert narrow.token not in str(logs)

    async def test_who_is_no_trusted_proxy_cannot_say_that_it_is_elsewhere(self, operator, narrow):
        stranger = Api(operator.session, operator.base, narrow.token)
        assert (await stranger("GET", QUEUE, headers={"X-Forwarded-For": "192.0.2.9"})).status == 403

    async def test_the_audit_trail_has_the_address_that_a_trusted_proxy_names(self, operator, narrow):
        body = {"name": "Ann", "code": "C-1"}
        reply = await narrow("POST", "/v1/subscribers", body, headers={"X-Forwarded-For": "192.0.2.9"})
        assert reply.status == 201
        newest = await operator.office.database.fetchval("select address from audit order by id desc limit 1")
        assert newest == "192.0.2.9"


class TestRate:
    async def test_every_answer_says_what_is_left(self, operator, admin):
        for path, used in ((QUEUE, 1), ("/v1/writes/nothing", 2), ("/v1/nothing", 3)):
            headers = (await admin.get(path)).headers
            told = [headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")]
            assert told == [str(USUAL_RATE), str(USUAL_RATE - used), "60"]
        assert "RateLimit-Limit" not in (await operator.as_(None).get("/healthz")).headers

    async def test_beyond_its_rate_a_token_gets_429_and_when_to_come_again(self, operator, admin):
        api = await limited(operator, 2)
        assert [(await api.get(QUEUE)).status for _ in range(2)] == [200, 200]
        operator.office.clock.advance(seconds=20)
        refused = await api.get(QUEUE)
        assert (refused.status, refused.headers["Content-Type"]) == (429, "application/problem+json")
        assert (refused.headers["Retry-After"], refused.headers["RateLimit-Remaining"]) == ("40", "0")
        assert "2 requests a minute" in refused.json["detail"]
        assert (await admin.get(QUEUE)).status == 200
        operator.office.clock.advance(seconds=40)
        assert (await api.get(QUEUE)).status == 200

    async def test_an_upload_is_one_request(self, operator):
        api = await limited(operator, 1)
        line = b'{"subscriber": {"name": "Ann", "code": "C-%d"}, "line_of_service": "L-%d"}\n'
        body = b"".join(line % (n, n) for n in range(20))
        headers = {"Content-Type": "application/x-ndjson"}
        reply = await api("POST", "/v1/provisioning-requests", body, headers=headers)
        assert (reply.status, reply.text.count('"status":201')) == (200, 20)
        assert reply.headers["RateLimit-Remaining"] == "0"

    async def test_soap_counts_alike_and_says_busy(self, operator):
        api = await limited(operator, 1)
        assert (await api.get(QUEUE)).status == 200
        reply = await api("POST", "/soap/provisioning", b"<x/>", headers={"Content-Type": "text/xml"})
        assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
        assert ">Busy<" in reply.text


class TestStrangers:
    async def test_too_many_of_an_address_get_429_and_a_token_that_counts_is_taken_from_there(self, operator, admin):
        """With a wrong token, a wrong cookie or with none, at every door; an address elsewhere is counted by itself."""
        wrong = Api(operator.session, operator.base, "acsb_wrong")
        callers = [({}, wrong), (GUESSED, operator.as_(None)), ({}, operator.as_(None))] * (STRANGERS // 3)
        assert {(await each("GET", QUEUE, headers=headers)).status for headers, each in callers} == {401}
        with capture_logs() as logs:
            refused = [await wrong.get(QUEUE), await operator.as_(None).get(QUEUE)]
            refused.append(await operator.as_(None)("GET", QUEUE, headers=GUESSED))
            soap = await wrong("POST", "/soap/provisioning", b"<x/>", headers={"Content-Type": "text/xml"})
        assert [reply.status for reply in (*refused, soap)] == [429] * 4
        assert (refused[0].headers["Retry-After"], ">Busy<" in soap.text) == ("60", True)
        assert "calls without a valid token came from this address" in refused[0].json["detail"]
        assert [line["event"] for line in logs] == ["strangers_turned_away"]
        page = await operator.as_(None)("GET", "/queue", headers=GUESSED, allow_redirects=False)
        assert page.headers["Location"] == "/login?next=/queue"  # a person may still log in
        fresh = await operator.office.tokens.create("fresh", Role.ADMIN, MAKER)
        assert [(await api.get(QUEUE)).status for api in (admin, Api(operator.session, operator.base, fresh))] == [
            200
        ] * 2
        async with ClientSession(connector=TCPConnector(local_addr=(PROXY, 0))) as session:
            for address in ("192.0.2.9", "2001:db8::1"):
                headers = {"X-Forwarded-For": address}
                assert (await Api(session, operator.base, "acsb_wrong")("GET", QUEUE, headers=headers)).status == 401
        operator.office.clock.advance(seconds=60)
        assert (await wrong.get(QUEUE)).status == 401

    async def test_are_remembered_of_so_many_addresses_at_most(self, office, monkeypatch):
        monkeypatch.setattr(rates, "MOST_ADDRESSES", 3)
        strangers = rates.Strangers(office.clock, 1)
        for number in range(9):
            for address in (f"2001:db8::{number}", f"192.0.2.{number}"):
                with suppress(Unauthenticated, rates.TooManyStrangers):
                    async with strangers.knocking(address):
                        raise Unauthenticated
        assert list(strangers._windows) == ["192.0.2.6", "192.0.2.7", "192.0.2.8"]


def line(number):
    return {"subscriber": {"name": "Ann", "code": f"C-{number}"}, "line_of_service": f"L-{number}"}


class TestRecalled:
    """For a new line a caller is not looked up before it: the statement that makes the line does that."""

    @pytest.fixture
    async def bss(self, operator):
        """A caller who was looked up a moment ago, and whose token counts for half a minute more."""
        token = await operator.office.tokens.create("bss", Role.INTAKE, MAKER, timedelta(seconds=30))
        bss = Api(operator.session, operator.base, token)
        assert (await bss.post(REQUESTS, line(0))).status == 201
        return bss

    async def revoke(self, operator):
        await operator.office.tokens.revoke("bss", MAKER)

    async def expire(self, operator):
        operator.office.clock.advance(seconds=31)

    async def test_a_new_line_costs_one_statement(self, bss, monkeypatch):
        asked = []

        async def run(self, method, sql, *args, was=Database._run):
            asked.append(sql)
            return await was(self, method, sql, *args)

        monkeypatch.setattr(Database, "_run", run)
        assert (await bss.post(REQUESTS, line(1))).status == 201
        assert asked.count(load("requests").accept_new) == 1
        assert load("tokens").check not in asked

    @pytest.mark.parametrize("end", [revoke, expire])
    async def test_nothing_is_done_for_a_token_that_counts_no_more(self, operator, bss, end):
        await end(self, operator)
        assert (await bss.post(REQUESTS, line(1))).status == 401
        assert await operator.office.database.fetchval("select count(*) from device") == 1

    async def test_nor_is_it_told_what_stands_in_its_way(self, operator, bss):
        await self.revoke(operator)
        same_line_of_another = line(0) | {"subscriber": {"name": "Bob", "code": "C-9"}}
        for body in (line(0), same_line_of_another, {"wrong": 1}, b"{"):
            assert (await bss.post(REQUESTS, body)).status == 401

    async def test_what_has_to_be_asked_again_counts_once(self, bss):
        replies = [await bss.post(REQUESTS, body) for body in (line(0), line(1), {"wrong": 1}, line(1))]
        assert [reply.status for reply in replies] == [200, 201, 422, 200]
        left = [int(reply.headers["RateLimit-Remaining"]) for reply in replies]
        assert left == [left[0] - n for n in range(4)]

    async def test_its_use_is_still_noted_to_the_minute(self, operator, admin):
        office = operator.office
        for number in range(5):
            assert (await admin.post(REQUESTS, line(number))).status == 201
            noted = {row.name: row.last_used_at for row in await office.tokens.list()}
            assert office.clock() - noted["admin"] <= timedelta(minutes=1)
            office.clock.advance(seconds=25)


async def test_a_new_token_counts_for_a_year_unless_said_otherwise(operator):
    office = operator.office
    await office.tokens.create("for ever", Role.CSR, MAKER, None)
    rows = {row.name: row.expires_at for row in await office.tokens.list()}
    assert rows["for ever"] is None
    assert (rows["admin"] - office.clock()).days == 365
