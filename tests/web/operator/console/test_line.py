"""The page of one line of service, as a browser gets it."""

import json

import pytest

from acs_bridge.domain.ring import RingResult
from acs_bridge.domain.write import Cause, WriteEvent
from acs_bridge.store.gateways import Identity
from acs_bridge.store.rings import Rings
from acs_bridge.web.operator.console.texts import texts
from tests.web.operator.console.conftest import page, words

LINE = "LOS-77/1"
PATH = "/lines/LOS-77%2F1"
IDENTITY = Identity("00005E", "SN0001", "HG")


@pytest.fixture
async def town(office):
    await office.inform(IDENTITY)
    await office.request("C-1001", LINE, IDENTITY, name="Ann <b>O'Brien</b>")
    return office


def story(reply):
    """What the timeline says, oldest first."""
    return [" ".join(" ".join(each.itertext()).split()) for each in page(reply).xpath("//ol/li/span[2]")][::-1]


async def test_shows_subscriber_gateway_writes_and_story(boss, town):
    (write,) = await town.writes_of(LINE)
    await town.verify(write.row.id)
    said = words(await boss.get(PATH))
    for expected in ("Ann <b>O'Brien</b>", "C-1001", "00005E HG SN0001", "verified", "Last Inform", "token:crm"):
        assert expected in said
    assert story(boss.last) == [
        "associated",
        "write queued: the line got a subscriber queued",
        "sent to the gateway sent",
        "the gateway took it applied",
        "read back: the gateway has it verified",
        "asked for a line to be provisioned",
    ]


async def test_says_what_a_write_waits_for_and_what_went_wrong(boss, town):
    (write,) = await town.writes_of(LINE)
    assert write.waiting.waiting_for is not None
    assert write.waiting.waiting_for[:20] in words(await boss.get(PATH))
    await town.reject(write.row.id)
    assert "The gateway has no such parameter" in words(await boss.get(PATH))
    forms = page(boss.last).xpath("//section[@id='writes']//form/@data-api")
    assert forms == [f"POST /v1/writes/{write.row.id}/{what}" for what in ("retry", "cancel")]


async def test_rings_of_its_gateway_are_in_the_story(boss, town):
    gateway = await town.gateway_of(LINE)
    rings = Rings(town.database)
    await town.database.execute(
        "insert into ring (gateway_id, rung_at, rings) values ($1, $2, 1)"
        " on conflict (gateway_id) do update set rung_at = excluded.rung_at",
        gateway,
        town.clock.advance(seconds=1),
    )
    await rings.finish_by_hand(gateway, RingResult.TIMED_OUT, None, "user:ann")
    assert story(await boss.get(PATH))[-1] == (
        "connection request no answer in time: the gateway is off, or a firewall or NAT stands before it"
    )


async def test_a_box_under_another_device_id_goes_on_with_its_line(boss, csr, town):
    renamed = Identity("00236A", IDENTITY.serial_number, IDENTITY.product_class)
    assert "another OUI" not in words(await boss.get(PATH))
    town.clock.advance(seconds=1)
    await town.inform(renamed)
    assert "has informed under another OUI or product class: 00236A HG" in words(await csr.get(PATH))
    await boss.get(PATH)
    for address in (PATH, "/gateways"):
        (form,) = page(await boss.get(address)).xpath("//form[starts-with(@id, 'same-')]")
        assert form.get("data-api") == "PUT /v1/devices/LOS-77%2F1/gateway"
    method, path = form.get("data-api").split(" ")
    assert (await boss.call(method, path, json.loads(form.get("data-body")))).status == 200
    assert "00236A HG SN0001" in words(await boss.get(PATH))
    assert not page(boss.last).xpath("//form[starts-with(@id, 'same-')]")


async def test_a_csr_sees_all_of_it_and_can_do_nothing(csr, town):
    (write,) = await town.writes_of(LINE)
    await town.reject(write.row.id)
    reply = await csr.get(PATH)
    assert reply.status == 200
    assert "Ann" in words(reply)
    assert not page(reply).xpath("//main//form | //main//button")


async def test_an_admin_reveals_the_url_and_that_is_written_down(boss, town):
    (form,) = page(await boss.get(PATH)).xpath("//form[@data-reveal]/@data-api")
    method, path = form.split(" ")
    revealed = await boss.call(method, path)
    assert revealed.status == 200
    assert revealed.json["phan_url"].startswith("https://")
    reply = await boss.get(PATH)
    assert revealed.json["phan_url"] not in reply.text
    assert story(reply)[-1] == "looked at a PHAN URL"


async def test_former_associations_have_their_story_and_an_erased_subscriber_no_name(boss, town):
    (association,) = page(await boss.get(PATH)).xpath("//form[@id='end']/@data-api")
    assert (await boss.call(*association.split(" "))).status == 200
    await town.subscribers.delete("C-1001", town.actor)
    await town.request("C-2002", LINE, name="Bob")
    reply = await boss.get(PATH)
    assert "a subscriber who was erased" in words(reply)
    assert "Ann" not in reply.text
    (former,) = page(reply).xpath("//ul[@class='plain']//a/@href")
    assert "ended an association" in story(await boss.get(former))
    assert (await boss.get(f"{PATH}?association=x")).status == 404


async def test_what_is_offered_with_a_gateway_comes_with_it(boss, town):
    await town.devices.create("LOS-78", None, town.actor)
    live = "//div[@id='recording'][@data-live]"
    assert not page(await boss.get("/lines/LOS-78")).xpath(f"{live}/*")
    assert page(await boss.get(PATH)).xpath(f"{live}//form[@id='transcript-start']")


async def test_a_line_without_anything_says_so(boss, office):
    await office.devices.create("00:11:22:33:44:5A", None, office.actor)
    said = words(await boss.get("/lines/00%3A11%3A22%3A33%3A44%3A5A"))
    assert "Nobody is associated with this line." in said
    assert "This line has no gateway." in said
    assert "looks like a MAC address" in said
    assert (await boss.get("/lines/nowhere")).status == 404


def test_every_move_and_every_cause_has_words():
    known = texts().all
    assert not [event for event in WriteEvent if f"moment.write_{event}" not in known]
    assert not [cause for cause in Cause if f"cause.{cause}" not in known]
