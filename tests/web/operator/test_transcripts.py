"""`/v1/gateways/{id}/transcript`: begun, read and taken away by Admins, and written down."""

from uuid import uuid4

from tests.services.conftest import INFORM

ENTRY = {
    "at": "2026-03-14T12:00:00.000Z",
    "session": 2,
    "direction": "received",
    "status": None,
    "size": 12,
    "headers": {"User-Agent": "CPE/1.0"},
    "message": "Inform",
    "note": None,
    "body": ["Envelope", "  Body"],
}


async def known(office, serial="S1"):
    return await office.database.fetchval(INFORM, "00005E", serial, "GW", office.clock())


async def deeds(office):
    rows = await office.database.fetch("select action from audit where action like 'transcript%' order by id")
    return [row["action"] for row in rows]


async def test_is_begun_read_as_json_and_as_text_and_taken_away(operator, admin, office):
    path = f"/v1/gateways/{await known(office)}/transcript"
    made = await admin("POST", path, {"sessions": 2, "minutes": 30})
    assert made.status == 201
    assert made.headers["Location"] == path
    assert (made.json["recording"], made.json["sessions"], made.json["sessions_left"]) == (True, 2, 2)
    assert made.json["entries"] == []
    await office.database.execute(
        "insert into transcript_entry (gateway_id, entry) select gateway_id, $1 from transcript", ENTRY
    )
    (entry,) = (await admin("GET", path)).json["entries"]
    assert {**entry, "at": ENTRY["at"]} == ENTRY
    text = await admin("GET", path, headers={"Accept": "text/plain"})
    assert text.headers["Content-Type"].startswith("text/plain")
    assert "recording until 2026-" in text.text
    assert ">>> 2026-03-14T12:00:00.000Z session 2: POST, 12 bytes, Inform\n    User-Agent: CPE/1.0\n" in text.text
    assert (await admin("DELETE", path)).status == 204
    assert (await admin("GET", path)).status == 404
    assert (await admin("DELETE", path)).status == 404
    assert await deeds(office) == ["transcript_started", "transcript_read", "transcript_read", "transcript_deleted"]


async def test_a_second_gateway_hears_which_one_is_first(operator, admin, office):
    first, second = await known(office), await known(office, "S2")
    assert (await admin("POST", f"/v1/gateways/{first}/transcript")).status == 201
    refused = await admin("POST", f"/v1/gateways/{second}/transcript")
    assert refused.status == 409
    assert f"gateway {first} (00005E GW S1)" in refused.json["detail"]
    assert (await admin("POST", f"/v1/gateways/{first}/transcript")).status == 201  # begins anew
    office.clock.advance(hours=1)
    assert (await admin("POST", f"/v1/gateways/{second}/transcript")).status == 201


async def test_what_cannot_be_is_refused(operator, admin, office):
    path = f"/v1/gateways/{await known(office)}/transcript"
    for body in ({"sessions": 0}, {"sessions": 101}, {"minutes": 0}, {"minutes": 1441}, {"hours": 1}):
        refused = await admin("POST", path, body)
        assert refused.status == 422, body
        assert next(iter(body)) in refused.text
    assert (await admin("POST", "/v1/gateways/999/transcript")).status == 404
    assert (await admin("POST", f"/v1/gateways/{uuid4()}/transcript")).status == 404
    assert await deeds(office) == []
