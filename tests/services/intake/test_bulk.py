"""Many requests at a time have the outcomes that they would have had alone, one after the other."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.names import line_of_service, subscriber_code
from acs_bridge.errors import AcsBridgeError, Unavailable
from acs_bridge.services.intake import bulk as bulk_service
from acs_bridge.services.intake import chunks
from acs_bridge.services.intake.orders import Order, Receipt
from acs_bridge.store import bulk as bulk_store
from acs_bridge.store.database import Database, DatabaseDown
from acs_bridge.store.gateways import Identity
from tests.conftest import SettableClock, run
from tests.databases import TEMPLATE, Postgres, fresh_database
from tests.services.conftest import ADMIN, Office

BOXES = [
    None,
    *(Identity("00236A", serial, product_class) for serial in ("S-1", "S-2") for product_class in ("A", "B", None)),
]


def order(code: str = "C-1", line: str = "L-1", gateway: Identity | None = None, name: str = "", **more: Any) -> Order:
    return Order(subscriber_code(code), name or "Ann", line_of_service(line), gateway, **more)


def shown(outcomes: Sequence[Any]) -> list[object]:
    """Outcomes with each id by the place where it first came up: what two runs have in common."""
    places: dict[object, int] = {}

    def placed(id: object) -> int:
        return places.setdefault(id, len(places))

    return [
        (placed(outcome.id), placed(outcome.association_id), placed(outcome.write_id), outcome.state, outcome.created)
        if isinstance(outcome, Receipt)
        else (type(outcome).__name__, outcome.status, str(outcome))
        for outcome in outcomes
    ]


async def alone(office: Office, orders: Sequence[Order]) -> list[Any]:
    outcomes: list[Any] = []
    for each in orders:
        try:
            outcomes.append(await office.intake.provision(each, ADMIN))
        except AcsBridgeError as error:
            outcomes.append(error)
    return outcomes


async def together(office: Office, orders: Sequence[Order]) -> list[Any]:
    return list(await office.bulk.provision(orders, ADMIN, office.bulk.begin()))


async def in_chunks(office: Office, orders: Sequence[Order]) -> list[Any]:
    """As an upload of several chunks, all of them handed in at the same moment."""
    batch_id = office.bulk.begin()
    chunks = [orders[start : start + 3] for start in range(0, len(orders), 3)]
    outcomes = await asyncio.gather(*(office.bulk.provision(chunk, ADMIN, batch_id) for chunk in chunks))
    return [outcome for each in outcomes for outcome in each]


async def test_a_receipt_is_foretold_while_the_database_is_at_work(office, monkeypatch):
    seen: list[object] = []

    async def run(self, method, sql, *args, was=Database._run):
        answer = await was(self, method, sql, *args)
        seen.append("answered")
        return answer

    monkeypatch.setattr(Database, "_run", run)
    new = order()
    receipt = await office.intake.provision(new, ADMIN, foretell=seen.append)
    assert seen[:2] == [receipt, "answered"]
    assert (await office.intake.provision(new, ADMIN)) == replace(receipt, created=False)


RECORDS = {
    "subscribers": "select code, name from subscriber order by code_key",
    "gateways": "select oui, serial_number, product_class from gateway order by 1, 2, 3",
    "lines": "select line_of_service, g.serial_number, g.product_class, wanted_serial, s.code, a.generation"
    " from device d left join gateway g on g.id = d.gateway_id"
    " left join association a on a.device_id = d.id and a.ended_at is null"
    " left join subscriber s on s.id = a.subscriber_id order by 1",
    "writes": "select d.line_of_service, w.purpose, w.state, w.generation, g.serial_number, g.product_class, count(*)"
    " from write w left join device d on d.id = w.device_id left join gateway g on g.id = w.gateway_id"
    " group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6",
    "requests": "select count(*) from provisioning_request",
    "history": "select event, count(*) from write_event group by 1 order by 1",
    "audit": "select action, count(*) from audit group by 1 order by 1",
}


async def records(database: Database) -> dict[str, list[tuple[object, ...]]]:
    return {name: [tuple(row) for row in await database.fetch(sql)] for name, sql in RECORDS.items()}


ORDERS = st.builds(
    order,
    code=st.sampled_from(["C-1", "C-2", "c-1", "C-3"]),
    line=st.sampled_from(["L-1", "L-2", "l-1", "L-3", "L-4"]),
    gateway=st.sampled_from(BOXES),
    name=st.sampled_from(["Ann", "Ann", "Ann", "Bob"]),
    replace=st.booleans(),
)


class TestTheSameAsAlone:
    @pytest.mark.slow
    @pytest.mark.timeout(300)
    @given(known=st.lists(ORDERS, max_size=4), orders=st.lists(ORDERS, min_size=1, max_size=12))
    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_for_any_requests_in_any_order(
        self, postgres: Postgres, now: Any, seals: Any, keyring: Keyring, known: list[Order], orders: list[Order]
    ) -> None:
        async def compare() -> None:
            results = []
            for way in (alone, together, in_chunks):
                async with an_office(postgres, now, seals, keyring) as office:
                    await alone(office, known)
                    await office.inform(Identity("00236A", "S-1", "A"))
                    outcomes = shown(await way(office, orders))
                    results.append((outcomes, await records(office.database)))
            assert results[1:] == results[:1] * 2

        run(compare())

    async def test_of_lines_that_share_nothing_but_a_subscriber(self, office: Office) -> None:
        orders = [order("C-1", f"L-{number}", Identity("00236A", f"S-{number}", "A")) for number in range(5)]
        outcomes = await together(office, orders)
        assert all(outcome.created for outcome in outcomes)
        assert await office.database.fetchval("select count(*) from subscriber") == 1
        assert await office.database.fetchval("select count(distinct batch_id) from write") == 1
        assert shown(await together(office, orders)) == [
            (n * 3, n * 3 + 1, n * 3 + 2, "queued", False) for n in range(5)
        ]

    async def test_a_line_that_comes_twice_is_made_once_and_answered_twice(self, office: Office) -> None:
        first, other, second = await together(office, [order(), order("C-2", "L-2"), order()])
        assert (first.created, other.created, second) == (True, True, replace(first, created=False))

    async def test_a_box_that_has_informed_meanwhile_is_bound(self, office: Office) -> None:
        gateway_id = await office.inform(Identity("00236A", "S-1", "A"))
        await together(office, [order(gateway=Identity("00236A", "S-1"))])
        assert await office.gateway_of("L-1") == gateway_id


class TestAtTheSameMoment:
    async def test_two_uploads_of_the_same_lines_make_them_once(self, office: Office) -> None:
        orders = [order(f"C-{n}", f"L-{n}", Identity("00236A", f"S-{n}", "A")) for n in range(40)]
        both = await asyncio.gather(together(office, orders), together(office, orders[::-1]))
        ids = [{outcome.id for outcome in outcomes} for outcomes in both]
        assert ids[0] == ids[1]
        assert sum(outcome.created for outcomes in both for outcome in outcomes) == len(orders)
        assert await office.database.fetchval("select count(*) from write") == len(orders)

    async def test_single_requests_beside_an_upload_are_made_once(self, office: Office) -> None:
        orders = [order(f"C-{n}", f"L-{n}") for n in range(20)]
        results = await asyncio.gather(together(office, orders), *(alone(office, [each]) for each in orders))
        assert {outcome.id for outcome in results[0]} == {outcomes[0].id for outcomes in results[1:]}
        assert await office.database.fetchval("select count(*) from write") == len(orders)


class TestTrouble:
    async def test_a_chunk_that_cannot_be_done_as_a_whole_is_done_one_by_one(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: object) -> None:
            raise asyncpg.DataError("as if one of the lines had something in it")

        monkeypatch.setattr(bulk_store, "accept_new", broken)
        outcomes = await together(office, [order("C-1", "L-1"), order("C-2", "L-1"), order("C-3", "L-3")])
        assert [
            getattr(outcome, "created", outcome.status if isinstance(outcome, AcsBridgeError) else None)
            for outcome in outcomes
        ] == [True, 409, True]

    async def test_a_database_that_is_away_is_waited_for_and_then_said_to_every_line(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(chunks, "PATIENCE_SECONDS", (0.0, 0.0))
        tried: list[None] = []

        async def away(*_: object, **__: object) -> None:
            tried.append(None)
            raise DatabaseDown("as if it were away")

        monkeypatch.setattr(bulk_service, "in_transaction", away)
        outcomes = await together(office, [order("C-1", "L-1"), order("C-2", "L-2")])
        assert [isinstance(outcome, Unavailable) for outcome in outcomes] == [True, True]
        assert len(tried) == 3


@asynccontextmanager
async def an_office(postgres: Postgres, now: Any, seals: Any, keyring: Keyring) -> AsyncIterator[Office]:
    async with (
        asynccontextmanager(fresh_database)(postgres, TEMPLATE) as name,
        Database.connect(postgres.runtime_url(name), pool_size=2) as database,
    ):
        yield Office(database, SettableClock(now), seals, keyring=keyring)
