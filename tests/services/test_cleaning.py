"""What is over is taken away when its time is over, and not before."""

import asyncio

from acs_bridge.services import cleaning
from acs_bridge.services.cleaning import Cleaning, Kept
from acs_bridge.store import events

LEFT = (
    "select d.line_of_service from write_event e join write w on w.id = e.write_id join device d on d.id = w.device_id"
)


async def left(office):
    return [row["line_of_service"] for row in await office.database.fetch(LEFT)]


async def test_the_history_is_kept_for_its_days_and_no_longer(office, monkeypatch):
    monkeypatch.setattr(cleaning, "ROWS_A_STEP", 2)
    for number in range(5):
        await office.request(f"C-{number}", f"L-{number}")
    office.clock.advance(days=29)
    await office.request("C-new", "L-new")
    cleaner = Cleaning(office.database, office.clock, [Kept("history", 30, events.clean)])
    await cleaner.clean()
    assert len(await left(office)) == 6
    office.clock.advance(days=1, seconds=1)
    await cleaner.clean()
    assert await left(office) == ["L-new"]


async def test_two_daemons_clean_at_once_without_harm(office):
    for number in range(20):
        await office.request(f"C-{number}", f"L-{number}")
    office.clock.advance(days=2)
    kept = [Kept("history", 1, events.clean)]
    await asyncio.gather(*(Cleaning(office.database, office.clock, kept).clean() for _ in range(3)))
    assert await left(office) == []
