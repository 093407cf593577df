"""A PHAN URL that works in a gateway already is recorded for its line, and never written again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims, PhanUrlRefused, PhanUrls
from acs_bridge.errors import Conflict
from acs_bridge.services.records.adoption import Adoption
from acs_bridge.store.gateways import Identity
from acs_bridge.store.observations import Observed, Question, answer, ask

BOX = Identity("00236A", "S-1", "SR400")
ANN = ("Ann Example", "C-1")


class Field:
    """A gateway in the field with a URL, of which the database may know nothing."""

    def __init__(self, office: Any, phan_urls: PhanUrls, now: datetime) -> None:
        self.office, self.phan_urls, self.now = office, phan_urls, now
        self.adoption = Adoption(office.database, office.clock, phan_urls)

    def url(self, association_id: UUID, generation: int = 1, line: str = "L-1") -> str:
        claims = PhanClaims(line, association_id, generation, self.now.replace(microsecond=0))
        return self.phan_urls.seal(self.phan_urls.current_key_id, claims)

    async def seen(self, association_id: UUID, generation: int = 1, box: Identity = BOX) -> int:
        """An observing daemon has read it."""
        database, id = self.office.database, new_id(self.now)
        gateway_id: int = await self.office.inform(box)
        number = await database.fetchval("select session_number from gateway where id = $1", gateway_id)
        assert await ask(database, Question(gateway_id, number, id, "1.0", "roomy", "r", self.now), 3)
        observed = Observed("provisionable", "", association_id, generation, self.phan_urls.current_key_id)
        assert await answer(database, gateway_id, id, observed, self.now)
        return gateway_id

    async def adopt(self, url: str, subscriber: tuple[str, str] | None = None) -> Any:
        return await self.adoption.adopt(url, subscriber, self.office.actor)


@pytest.fixture
def field(office, phan_urls, now) -> Field:
    return Field(office, phan_urls, now)


async def test_a_line_that_was_lost_is_there_again_and_nothing_is_queued(field, lookup):
    association_id = new_id(field.now)
    gateway_id = await field.seen(association_id, 3)
    url = field.url(association_id, 3)
    adopted = await field.adopt(url, ANN)
    assert (adopted.line_of_service, adopted.gateway_id, adopted.is_new) == ("L-1", gateway_id, True)
    assert await field.office.story("L-1") == [("provision", "verified", gateway_id, 3)]
    assert (await lookup.open(url)).active is True
    assert (await field.office.associations.find(association_id)).subscriber_code == "C-1"
    assert await field.office.associations.reveal(association_id, field.office.actor) == url
    assert (await field.office.deeds())[0] == "phan_url_adopted"
    assert (await field.adopt(url)).is_new is False
    assert len(await field.office.story("L-1")) == 1


async def test_a_line_whose_write_waits_is_not_written_any_more(field):
    """Its database was restored from before the write was settled."""
    receipt = await field.office.request("C-1", "L-1", BOX)
    gateway_id = await field.seen(receipt.association_id)
    await field.adopt(field.url(receipt.association_id))
    assert await field.office.story("L-1") == [
        ("provision", "superseded", gateway_id, 1),
        ("provision", "verified", gateway_id, 1),
    ]


async def test_a_database_that_is_older_than_the_field_goes_on_from_there(field):
    receipt = await field.office.request("C-1", "L-1", BOX)
    await field.seen(receipt.association_id, 4)
    await field.adopt(field.url(receipt.association_id, 4))
    assert (await field.office.associations.find(receipt.association_id)).generation == 4


class TestIsRefused:
    async def test_what_no_gateway_was_seen_with(self, field):
        with pytest.raises(Conflict, match="no gateway was seen"):
            await field.adopt(field.url(new_id(field.now)), ANN)

    async def test_what_is_not_ours(self, field):
        with pytest.raises(PhanUrlRefused):
            await field.adopt("https://elsewhere.example/x")

    async def test_a_line_of_nobody(self, field):
        association_id = new_id(field.now)
        await field.seen(association_id)
        with pytest.raises(Conflict, match="say whose it is"):
            await field.adopt(field.url(association_id))
        assert await field.office.database.fetchval("select count(*) from device") == 0

    async def test_a_url_that_counts_no_more(self, field):
        receipt = await field.office.request("C-1", "L-1", BOX)
        await field.office.associations.reissue(receipt.association_id, field.office.actor)
        await field.seen(receipt.association_id, 1)
        with pytest.raises(Conflict, match="of generation 1, not 2: it counts no more"):
            await field.adopt(field.url(receipt.association_id, 1))

    async def test_a_line_that_has_ended_or_belongs_to_another_association(self, field):
        receipt = await field.office.request("C-1", "L-1", BOX)
        url = field.url(receipt.association_id)
        await field.seen(receipt.association_id)
        await field.office.associations.end(receipt.association_id, field.office.actor)
        with pytest.raises(Conflict, match="has ended"):
            await field.adopt(url, ANN)
        await field.office.request("C-2", "L-1", BOX)
        with pytest.raises(Conflict, match="associated anew"):
            await field.adopt(url, ANN)

    async def test_a_gateway_of_another_line(self, field):
        await field.office.request("C-2", "L-2", BOX)
        association_id = new_id(field.now)
        await field.seen(association_id)
        with pytest.raises(Conflict, match="belongs to line of service L-2"):
            await field.adopt(field.url(association_id), ANN)
