"""`/v1/gateways/{id}/credentials`, and the quarantine as operators see it."""

from typing import Any

import pytest

from acs_bridge.domain.principal import BOOTSTRAP, Kind, Principal
from acs_bridge.services.session.quarantine import ADDRESSES, Quarantine
from acs_bridge.store.gateways import Identity
from acs_bridge.store.sessions import Examined, InformRow
from cwmp import digest
from tests.services.conftest import Office
from tests.store.rows import INFORM
from tests.web.operator.conftest import Api, Operator

SECRET = "what-it-had"
HA1 = "0123456789abcdef0123456789ABCDEF"


@pytest.fixture
async def gateway_id(office: Office) -> int:
    return await office.inform(Identity("00005E", "S1", "GW"))


def caller(address: str = "198.51.100.7", principal: Principal = BOOTSTRAP) -> InformRow:
    return INFORM._replace(address=address, principal=principal)


async def purposes(office: Office, gateway_id: int) -> list[tuple[str, str, str]]:
    rows = await office.database.fetch(
        "select purpose, pair, state from write where gateway_id = $1 order by id", gateway_id
    )
    return [tuple(row) for row in rows]


async def deeds(office: Office) -> list[str]:
    """What was done to gateways."""
    return [deed for deed in await office.deeds() if deed.startswith(("credentials", "gateway"))]


class TestImporting:
    @pytest.mark.parametrize("pair", [{"password": SECRET}, {"ha1": HA1}, {"ha1": HA1, "realm": "acs-bridge"}])
    async def test_keeps_a_pair_and_shows_it_to_nobody(
        self, operator: Operator, admin: Api, gateway_id: int, pair: dict[str, str]
    ) -> None:
        """SEC-06."""
        path = f"/v1/gateways/{gateway_id}"
        reply = await admin("PUT", f"{path}/credentials", {"username": "00005E-S1", **pair})
        assert (reply.status, reply.json["pair"]) == (200, "imported")
        shown = reply.text + (await admin.get(path)).text + (await admin.get("/v1/gateways")).text
        assert SECRET not in shown
        assert HA1.lower() not in shown.lower()
        (known,) = await operator.office.credentials.known("00005E-S1")
        assert (known.password, known.ha1) == (pair.get("password"), pair["ha1"].lower() if "ha1" in pair else None)
        assert SECRET not in repr(known)
        assert await deeds(operator.office) == ["credentials_imported"]
        audit = await operator.office.database.fetch("select detail from audit where gateway_id is not null")
        assert [row["detail"] for row in audit] == [{}]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"username": "", "password": SECRET}, "username"),
            ({"username": "ü", "password": SECRET}, "username"),
            ({"username": "a" * 257, "password": SECRET}, "username"),
            ({"username": "gw1x1", "password": SECRET}, "username"),
            ({"username": "cpe", "password": ""}, "password"),
            ({"username": "cpe", "password": "a\nb"}, "password"),
            ({"username": "cpe"}, "password"),
            ({"username": "cpe", "password": SECRET, "ha1": HA1}, "password"),
            ({"username": "cpe", "password": SECRET, "realm": "acs-bridge"}, "realm"),
            ({"username": "bootstrap", "password": "let-me-in"}, "password"),
            ({"username": "bootstrap", "ha1": digest.ha1("bootstrap", "acs-bridge", "let-me-in")}, "password"),
            ({"username": "cpe", "ha1": "xyz"}, "ha1"),
            ({"username": "cpe", "ha1": HA1, "realm": "another"}, "realm"),
        ],
    )
    async def test_refuses_what_no_gateway_can_have_and_changes_nothing(
        self, operator: Operator, admin: Api, gateway_id: int, body: dict[str, Any], field: str
    ) -> None:
        reply = await admin("PUT", f"/v1/gateways/{gateway_id}/credentials", body)
        assert (reply.status, [error["field"] for error in reply.json["errors"]]) == (422, [field])
        assert SECRET not in reply.text
        assert await operator.office.database.fetchval("select count(*) from gateway_pair") == 0
        assert (await admin.get(f"/v1/gateways/{gateway_id}")).json["pair"] == "bootstrap"

    async def test_of_one_user_name_for_very_many_gateways_is_refused(
        self, operator: Operator, admin: Api, gateway_id: int
    ) -> None:
        office = operator.office
        for number in range(64):
            other = await office.inform(Identity("00005E", f"T{number}", "GW"))
            body = {"username": "cpe", "password": SECRET}
            assert (await admin("PUT", f"/v1/gateways/{other}/credentials", body)).status == 200
        reply = await admin("PUT", f"/v1/gateways/{gateway_id}/credentials", {"username": "cpe", "password": SECRET})
        assert reply.status == 409

    async def test_replaces_what_was_kept_before(self, operator: Operator, admin: Api, gateway_id: int) -> None:
        for name in ("one", "two"):
            body = {"username": name, "password": SECRET}
            assert (await admin("PUT", f"/v1/gateways/{gateway_id}/credentials", body)).status == 200
        assert await operator.office.credentials.known("one") == []
        assert len(await operator.office.credentials.known("two")) == 1
        assert await deeds(operator.office) == ["credentials_imported", "credentials_replaced"]


class TestRotatingAndHandingBack:
    async def test_queue_one_write_at_a_time_and_are_audited(
        self, operator: Operator, admin: Api, gateway_id: int
    ) -> None:
        path = f"/v1/gateways/{gateway_id}/credentials"
        for step in ("rotate", "rotate", "hand-back"):
            assert (await admin.post(f"{path}/{step}")).status == 200
        assert await purposes(operator.office, gateway_id) == [
            ("credentials", "own", "superseded"),
            ("credentials", "own", "superseded"),
            ("credentials", "bootstrap", "queued"),
        ]
        assert await deeds(operator.office) == ["credentials_rotated"] * 2 + ["credentials_handed_back"]
        (newest, *_) = (await admin.get("/v1/writes")).json["items"]
        assert (newest["purpose"], newest["state"], newest["line_of_service"]) == ("credentials", "queued", None)

    async def test_say_where_there_is_nothing_to_hand_back(self, admin: Api, gateway_id: int) -> None:
        reply = await admin.post(f"/v1/gateways/{gateway_id}/credentials/hand-back")
        assert (reply.status, "nothing to hand back" in reply.text) == (409, True)

    async def test_say_where_only_a_hash_is_known(self, admin: Api, gateway_id: int) -> None:
        path = f"/v1/gateways/{gateway_id}/credentials"
        await admin("PUT", path, {"username": "cpe", "ha1": HA1})
        await admin.post(f"{path}/rotate")
        reply = await admin.post(f"{path}/hand-back")
        assert (reply.status, "hash" in reply.text) == (409, True)

    async def test_know_no_gateway_that_is_not_there(self, admin: Api) -> None:
        for step in ("rotate", "hand-back"):
            assert (await admin.post(f"/v1/gateways/77/credentials/{step}")).status == 404
        assert (await admin("PUT", "/v1/gateways/77/credentials", {"username": "a", "password": "b"})).status == 404

    async def test_leave_no_way_to_send_former_credentials_again(
        self, operator: Operator, admin: Api, gateway_id: int
    ) -> None:
        """A write that had failed must not bring back a pair that no login would be taken with."""
        office, path = operator.office, f"/v1/gateways/{gateway_id}/credentials"
        await admin.post(f"{path}/rotate")
        (write,) = (await admin.get("/v1/writes")).json["items"]
        await office.reject(write["id"])
        assert (await admin.post(f"/v1/writes/{write['id']}/retry")).status == 200
        await office.reject(write["id"])
        await admin.post(f"{path}/rotate")
        (newest, _) = (await admin.get("/v1/writes")).json["items"]
        await office.reject(newest["id"])
        reply = await admin.post(f"/v1/writes/{write['id']}/retry")
        assert (reply.status, "count no more" in reply.text) == (409, True)


class TestTheQuarantine:
    async def test_is_seen_with_since_when_from_where_and_why(
        self, operator: Operator, admin: Api, gateway_id: int, clock: Any, now: Any
    ) -> None:
        quarantine = Quarantine(operator.office.database, clock)
        other = await operator.office.inform(Identity("00005E", "S2", "GW"))
        for address in ("198.51.100.7", "198.51.100.7", "2001:db8:1:2:3::4", "2001:db8:1:2:ffff::5"):
            await quarantine.note(caller(address), Examined(gateway_id, admitted=False))
            clock.advance(minutes=1)
        foreign = Principal(Kind.OWN, (other,), 1)
        await quarantine.note(caller(principal=foreign), Examined(gateway_id, admitted=False))
        listed = (await admin.get("/v1/gateways?quarantined=true")).json["items"]
        assert [gateway["id"] for gateway in listed] == [other, gateway_id]
        assert [call["reason"] for call in listed[0]["quarantine"]] == ["foreign_pair"]
        assert listed[0]["quarantine"][0]["claimed"] == "00005E-GW-S1"
        first, second = listed[1]["quarantine"]
        assert (first["reason"], first["address"], first["calls"]) == ("bootstrap_pair", "198.51.100.7", 2)
        assert first["since"] == now.isoformat().replace("+00:00", "Z")
        assert (second["address"], second["calls"]) == ("2001:db8:1:2::/64", 2)
        assert (await admin.get("/v1/gateways?quarantined=false")).json["items"] == []
        assert (await admin.get("/v1/queue")).json["gateways"]["quarantined"] == 2
        assert 'acs_bridge_gateways{standing="quarantined"} 2.0' in (await admin.get("/metrics")).text

    async def test_is_bounded_however_many_addresses_call(
        self, operator: Operator, admin: Api, gateway_id: int, clock: Any
    ) -> None:
        """SEC-10."""
        quarantine = Quarantine(operator.office.database, clock)
        for number in range(ADDRESSES + 9):
            await quarantine.note(caller(f"198.51.100.{number}"), Examined(gateway_id, admitted=False))
        calls = (await admin.get(f"/v1/gateways/{gateway_id}")).json["quarantine"]
        assert len(calls) == ADDRESSES + 1
        assert {call["calls"] for call in calls if call["address"] == ""} == {9}

    async def test_is_left_by_an_approval_which_is_audited_and_the_second_changes_nothing(
        self, operator: Operator, admin: Api, gateway_id: int, clock: Any
    ) -> None:
        office = operator.office
        await admin("PUT", f"/v1/gateways/{gateway_id}/credentials", {"username": "cpe", "password": SECRET})
        await Quarantine(office.database, clock).note(caller(), Examined(gateway_id, admitted=False))
        for _ in range(2):
            reply = await admin.post(f"/v1/gateways/{gateway_id}/approve")
            assert (reply.status, reply.json["quarantine"], reply.json["pair"]) == (200, [], "own")
        assert await deeds(office) == ["credentials_imported", "gateway_readmitted", "gateway_approved"]
        assert await purposes(office, gateway_id) == [("credentials", "own", "queued")]
