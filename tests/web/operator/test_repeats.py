"""Idempotency-Key: a call that comes again is done once and gets the same answer, byte for byte."""

import asyncio
import json
from base64 import b64encode
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from acs_bridge.domain.actor import Role
from acs_bridge.domain.keyring import Keyring
from acs_bridge.services.intake import repeats
from acs_bridge.store import answers
from acs_bridge.store.database import DatabaseDown
from acs_bridge.store.gateways import Identity

PATH = "/v1/provisioning-requests"


def request(code="C-1", line="L-1", **more):
    return {"subscriber": {"name": f"Name {code}", "code": code}, "line_of_service": line, **more}


async def call(api, body, key="k-1", path=PATH):
    return await api("POST", path, body, headers={"Idempotency-Key": key})


async def kept(operator) -> int:
    return int(await operator.office.database.fetchval("select count(*) from idempotency_key"))


CREATING = {
    PATH: request(),
    "/v1/subscribers": {"name": "Ann", "code": "C-7"},
    "/v1/devices": {"line_of_service": "L-7"},
    "/v1/associations": {"subscriber_code": "C-0", "line_of_service": "L-0"},
}


class TestTheSameCall:
    @pytest.mark.parametrize("path", CREATING)
    async def test_gets_the_same_answer_and_has_one_effect(self, operator, intake, path):
        await intake.post("/v1/subscribers", {"name": "Ann", "code": "C-0"})
        await intake.post("/v1/devices", {"line_of_service": "L-0"})
        first, second = [await call(intake, CREATING[path], path=path) for _ in range(2)]
        assert (first.status, second.status) == (201, 201)
        assert second.text == first.text
        for header in ("Location", "Content-Type"):
            assert second.headers.get(header) == first.headers.get(header)
        assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")
        assert await kept(operator) == 1

    async def test_is_told_by_what_it_asks_and_not_by_its_spaces(self, intake):
        first = await call(intake, b'{"name":"Ann","code":"C-1"}', path="/v1/subscribers")
        second = await call(intake, b'{ "code": "C-1", "name": "Ann" }', path="/v1/subscribers")
        assert (second.status, second.text) == (201, first.text)

    async def test_may_have_its_key_in_quotes(self, intake):
        first, second = [await call(intake, request(), key=key) for key in ("k-1", '"k-1"')]
        assert (second.status, second.text) == (201, first.text)

    async def test_gets_the_conflict_that_it_got(self, intake):
        await intake.post(PATH, request("C-1"))
        first = await call(intake, request("C-2"))
        made = (await intake.get("/v1/associations")).json["items"][0]
        await intake("DELETE", f"/v1/associations/{made['id']}")
        second = await call(intake, request("C-2"))
        assert (first.status, second.status, second.text) == (409, 409, first.text)
        assert second.headers["Content-Type"] == first.headers["Content-Type"] == "application/problem+json"
        assert (await call(intake, request("C-2"), key="k-2")).status == 201

    async def test_leaves_nothing_of_what_was_refused(self, intake):
        await intake.post(PATH, request("C-1"))
        assert (await call(intake, request("C-2"))).status == 409
        assert (await intake.get("/v1/subscribers/C-2")).status == 404

    async def test_many_at_the_same_moment_have_one_effect_and_one_answer(self, operator, intake):
        replies = await asyncio.gather(*(call(intake, request()) for _ in range(8)))
        assert {(reply.status, reply.text) for reply in replies} == {(201, replies[0].text)}
        assert ["Idempotent-Replayed" in reply.headers for reply in replies].count(False) == 1
        assert await operator.office.database.fetchval("select count(*) from provisioning_request") == 1

    async def test_at_the_same_moment_on_two_hosts_has_one_effect(self, operator, keyring):
        """Each with a memory of its own: what they share is the database."""
        office = operator.office
        hosts = [repeats.Repeats(office.database, office.clock, keyring) for _ in range(2)]
        done: list[None] = []

        async def work() -> answers.KeptAnswer:
            done.append(None)
            await office.request()
            return answers.KeptAnswer(b"f", 201, None, "application/json", "{}")

        def refusal(error: Any) -> answers.KeptAnswer:
            raise AssertionError(error)

        results = await asyncio.gather(*(host.once("k", b"f", office.actor, work, refusal) for host in hosts))
        assert sorted(replayed for _, replayed in results) == [False, True]
        assert len(done) == 1


class TestAnAnswerWithASecret:
    BODY: ClassVar = {"url": "https://crm.example.net/hooks"}

    async def test_is_repeated_and_kept_sealed(self, operator, admin):
        """The webhook is made once; its secret stands nowhere in the database as it is."""
        path = "/v1/webhooks"
        first, second = [await call(admin, self.BODY, path=path) for _ in range(2)]
        assert (first.status, second.status, second.text) == (201, 201, first.text)
        assert second.headers["Location"] == first.headers["Location"]
        assert len((await admin.get(path)).json["items"]) == 1
        changed, repeated = [
            await call(admin, None, key="k-2", path=f"{path}/{first.json['id']}/secret") for _ in range(2)
        ]
        assert (changed.status, repeated.text) == (200, changed.text)
        assert changed.json["secret"] != first.json["secret"]
        rows = await operator.office.database.fetch("select body from idempotency_key")
        assert [list(json.loads(row["body"])) for row in rows] == [["sealed"], ["sealed"]]
        assert (await call(admin, {**self.BODY, "events": ["failed"]}, path=path)).status == 422

    async def test_that_another_keyring_sealed_is_gone(self, operator, admin):
        await call(admin, self.BODY, path="/v1/webhooks")
        sealed = Keyring.new(operator.office.clock()).sealer("answer under an Idempotency-Key").seal(b"{}")
        body = json.dumps({"sealed": b64encode(sealed).decode()})
        await operator.office.database.execute("update idempotency_key set body = $1", body)
        reply = await call(admin, self.BODY, path="/v1/webhooks")
        assert (reply.status, "take a new key" in reply.json["detail"]) == (410, True)
        assert len((await admin.get("/v1/webhooks")).json["items"]) == 1


class TestAnotherCall:
    async def test_with_the_same_key_is_refused(self, intake):
        await call(intake, request())
        reply = await call(intake, request(line="L-2"))
        assert (reply.status, "take a new key" in reply.json["detail"]) == (422, True)
        assert (await intake.get("/v1/devices/L-2")).status == 404
        assert (await call(intake, {"name": "Ann", "code": "C-9"}, path="/v1/subscribers")).status == 422

    async def test_of_another_token_has_keys_of_its_own(self, operator, intake):
        await call(intake, request())
        reply = await call(operator.as_(Role.ADMIN), request(line="L-2"))
        assert reply.status == 201

    @pytest.mark.parametrize("key", ["", '""', "x" * 256, "é"])
    async def test_with_a_key_that_is_none_is_refused(self, operator, intake, key):
        reply = await call(intake, request(), key=key)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, "Idempotency-Key")
        assert await kept(operator) == 0

    async def test_that_is_an_upload_has_no_key(self, operator, intake):
        headers = {"Idempotency-Key": "k", "Content-Type": "application/x-ndjson"}
        reply = await intake("POST", PATH, b"{}\n", headers=headers)
        assert (reply.status, "sent again are done once" in reply.json["detail"]) == (422, True)


class TestWhatIsKept:
    @pytest.mark.parametrize(("body", "status"), [(b"{", 400), ({"name": "Ann"}, 422)])
    async def test_nothing_of_a_body_that_cannot_be_read(self, operator, intake, body, status):
        assert (await call(intake, body)).status == status
        assert await kept(operator) == 0
        assert (await call(intake, request())).status == 201

    @pytest.mark.parametrize(("error", "status"), [(DatabaseDown(), 503), (RuntimeError(), 500)])
    async def test_nothing_of_our_own_errors(self, operator, intake, monkeypatch, error, status):
        async def broken(*_: object, **__: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(operator.office.intake, "provision", broken)
            assert (await call(intake, request())).status == status
        reply = await call(intake, request())
        assert (reply.status, await kept(operator)) == (201, 1)

    async def test_the_answer_and_the_effect_or_neither(self, operator, intake, monkeypatch):
        async def broken(*_: object) -> None:
            raise DatabaseDown("as if the answer could not be written")

        with monkeypatch.context() as patch:
            patch.setattr(answers, "keep", broken)
            assert (await call(intake, request())).status == 503
        assert await operator.office.database.fetchval("select count(*) from write") == 0
        assert (await call(intake, request())).status == 201

    async def test_for_as_long_as_the_settings_say(self, operator, intake):
        office = operator.office
        await call(intake, request(), key="old")
        office.clock.advance(days=2)
        await call(intake, request(), key="new")
        before = office.clock() - timedelta(days=1)
        assert [await answers.clean(office.database, before, 10) for _ in range(2)] == [1, 0]
        assert (await call(intake, request(), key="new")).headers["Idempotent-Replayed"] == "true"

    async def test_a_box_that_informs_meanwhile_is_bound_after_the_commit(self, operator, intake):
        office = operator.office
        gateway_id = await office.inform(Identity("00236A", "S-1", "A"))
        bare = {"oui": "00236A", "serial_number": "S-1"}
        assert (await call(intake, request(gateway=bare))).status == 201
        assert await office.gateway_of("L-1") == gateway_id


class TestAnErasedSubscriber:
    async def test_is_in_no_answer_that_was_kept(self, operator, intake):
        new = {"name": "Ann Nobody", "code": 'C-"9"'}
        await call(intake, new, path="/v1/subscribers")
        await call(intake, {"name": "Bob", "code": 'c-"9"'}, key="k-2", path="/v1/subscribers")
        await call(intake, {"name": "Carl", "code": 'C-"9"0'}, key="k-3", path="/v1/subscribers")
        await call(intake, request('C-"9"'), key="k-4")
        before = await operator.office.database.fetchval("select string_agg(body, ' ') from idempotency_key")
        assert "Ann Nobody" in before
        assert (await intake("DELETE", "/v1/subscribers/C-%229%22")).status == 204
        after = await operator.office.database.fetch(
            "select key, status, body, location from idempotency_key order by 1"
        )
        assert [row["status"] for row in after] == [410, 410, 201, 410]
        assert "Ann Nobody" not in str(after)
        repeated = await call(intake, new, path="/v1/subscribers")
        assert (repeated.status, "has been erased" in repeated.json["detail"]) == (410, True)

    async def test_leaves_nothing_of_who_it_was_in_any_table(self, operator, intake):
        await intake.post(PATH, request("ERASE-ME", "L-9"))
        association = (await intake.get("/v1/associations?line_of_service=L-9")).json["items"][0]["id"]
        await intake("DELETE", f"/v1/associations/{association}")
        assert (await intake("DELETE", "/v1/subscribers/ERASE-ME")).status == 204
        tables = await operator.office.database.fetch(
            "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
        )
        for table in tables:
            said = await operator.office.database.fetchval(
                f"select string_agg(t::text, ' ') from {table['relname']} as t"  # noqa: S608 -- a name of ours
            )
            assert "erase-me" not in (said or "").lower(), table["relname"]
