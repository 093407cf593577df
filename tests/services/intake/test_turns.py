"""A chunk of an upload begins before the one before it is over only where they cannot meet."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from acs_bridge.domain.names import line_of_service, subscriber_code
from acs_bridge.services.intake.orders import Order
from acs_bridge.services.intake.turns import Turn, Turns
from acs_bridge.store.gateways import Identity

ONE, OTHER = UUID(int=1), UUID(int=2)


def order(number: int, *, code: str = "", gateway: Identity | None = None) -> Order:
    return Order(subscriber_code(code or f"C-{number}"), "Ann", line_of_service(f"L-{number}"), gateway)


async def settled(task: "asyncio.Task[Turn]") -> bool:
    """Tell whether it comes to its turn, when everything that can go on has gone on."""
    for _ in range(10):
        await asyncio.sleep(0)
    return task.done()


class Upload:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._turns = Turns()

    def chunk(self, *orders: Order, batch_id: UUID = ONE) -> "asyncio.Task[Turn]":
        return asyncio.create_task(self._stack.enter_async_context(self._turns.take(batch_id, orders)))


@pytest.fixture
async def upload():
    async with AsyncExitStack() as stack:
        yield Upload(stack)


class TestTheNextChunk:
    async def test_waits_until_it_is_known_what_the_one_before_changes(self, upload):
        first = await upload.chunk(order(1))
        second = upload.chunk(order(2))
        assert not await settled(second)
        first.foresee()
        assert await settled(second)

    async def test_waits_for_the_end_of_one_that_does_not_say_so(self, upload):
        first = await upload.chunk(order(1))
        second = upload.chunk(order(2))
        first.end()
        assert await settled(second)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (order(1), order(1, code="C-2")),
            (order(1), order(2, code="c-1")),
            (order(1, gateway=Identity("00005E", "S", "A")), order(2, gateway=Identity("00005E", "S", None))),
        ],
        ids=["line", "subscriber", "gateway"],
    )
    async def test_waits_for_the_end_of_one_that_it_may_meet(self, upload, one, other):
        first = await upload.chunk(one)
        second = upload.chunk(other)
        first.foresee()
        assert not await settled(second)
        first.end()
        assert await settled(second)

    async def test_minds_all_that_are_before_it_not_only_the_last(self, upload):
        first = await upload.chunk(order(1))
        first.foresee()
        second = await upload.chunk(order(2))
        second.end()
        third = upload.chunk(order(1))
        assert not await settled(third)
        first.end()
        assert await settled(third)

    async def test_of_another_upload_waits_for_nobody(self, upload):
        await upload.chunk(order(1))
        assert await settled(upload.chunk(order(1), batch_id=OTHER))
