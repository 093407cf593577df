"""Waiting for a change without polling."""

import asyncio

import pytest

from acs_bridge.simulator.signal import Signal


async def test_a_condition_that_holds_already_is_not_waited_for():
    await Signal().until(lambda: True)


async def test_a_condition_that_holds_only_for_a_moment_is_not_missed():
    signal, seen = Signal(), {"state": "idle"}
    waiting = asyncio.create_task(signal.until(lambda: seen["state"] == "busy"))
    await asyncio.sleep(0)
    seen["state"] = "busy"
    signal.announce()
    seen["state"] = "idle"
    signal.announce()
    await waiting


async def test_each_waits_for_its_own_condition():
    signal, seen = Signal(), {"number": 0}
    first = asyncio.create_task(signal.until(lambda: seen["number"] >= 1))
    second = asyncio.create_task(signal.until(lambda: seen["number"] >= 2))
    await asyncio.sleep(0)
    seen["number"] = 1
    signal.announce()
    await first
    assert not second.done()
    seen["number"] = 2
    signal.announce()
    await second


async def test_nothing_is_left_behind_by_whoever_stops_waiting():
    signal = Signal()
    waiting = asyncio.create_task(signal.until(lambda: False))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert signal._waiting == {}
    signal.announce()
