"""Gateways that nobody knows: so many are taken down and no more, and whoever is kept out is answered all the same."""

from datetime import timedelta
from typing import Any

import pytest

from acs_bridge.settings import Settings
from tests.web.device.conftest import OUI, Acs, settings
from tests.web.device.wire import Cpe, connected, login


@pytest.fixture
def configured() -> Settings:
    return settings(
        cpe_auth={"bootstrap": "approve"},
        device_listener={"inbox_rows": 10, "inbox_rows_per_address": 4, "inbox_days": 7},
    )


async def come(acs: Acs, *serials: str, source: str = "127.0.0.1") -> None:
    """These gateways open a session each, with the shared pair, and are asked for nothing."""
    authorize = await login(acs.port, source=source)
    for serial in serials:
        async with connected(acs.port, source=source) as wire:
            cpe = Cpe(serial)
            assert await cpe.session(wire, authorize) == []
            assert (await cpe.empty(wire)).status == 204


async def known(acs: Acs) -> set[str]:
    return {row["serial_number"] for row in await acs.database.fetch("select serial_number from gateway")}


def kept_out(acs: Acs) -> int:
    return int(acs.parts.registry.get_sample_value("acs_bridge_device_shed_total", {"reason": "inbox"}) or 0)


class TestTheInbox:
    async def test_takes_so_many_of_one_address_and_answers_the_others(self, acs: Acs) -> None:  # SEC-10
        await acs.parts.inbox.tidy()
        await come(acs, *(f"A{number}" for number in range(8)))
        await come(acs, "B1", source="127.0.0.2")
        assert await known(acs) == {"A0", "A1", "A2", "A3", "B1"}
        assert kept_out(acs) == 4
        await come(acs, "A0")
        assert kept_out(acs) == 4

    async def test_takes_about_so_many_of_all_and_forgets_who_was_silent_for_longest(
        self, acs: Acs, clock: Any
    ) -> None:  # SEC-10
        for address in range(4):
            clock.advance(seconds=60)
            await come(acs, *(f"S{address}{number}" for number in range(3)), source=f"127.0.0.{address + 1}")
        clock.advance(seconds=60)
        await come(acs, "S00")
        assert await acs.parts.inbox.tidy() == 3
        assert {"S01", "S02"}.isdisjoint(await known(acs))
        assert {"S00", "S20", "S21", "S22", "S30", "S31", "S32"} <= await known(acs)
        assert len(await known(acs)) == 9
        await come(acs, "NEW", source="127.0.0.9")
        assert "NEW" not in await known(acs)
        await acs.parts.inbox.tidy()
        await come(acs, "NEW", source="127.0.0.9")
        assert "NEW" in await known(acs)

    async def test_forgets_who_is_not_heard_of_any_more(self, acs: Acs, clock: Any) -> None:
        await come(acs, "OLD", "KEPT")
        await acs.provision("BOUND")
        clock.advance(seconds=timedelta(days=8).total_seconds())
        await come(acs, "KEPT")
        assert await acs.parts.inbox.tidy() == 1
        assert await known(acs) == {"KEPT", "BOUND"}

    async def test_never_forgets_who_was_approved_or_bound(self, acs: Acs, clock: Any) -> None:
        await come(acs, "APPROVED", "BOUND", "WRITTEN")
        await acs.database.execute("update gateway set approved_at = now() where serial_number = 'APPROVED'")
        await acs.provision("BOUND")
        clock.advance(seconds=timedelta(days=400).total_seconds())
        assert await acs.parts.inbox.tidy() == 1
        assert await known(acs) == {"APPROVED", "BOUND"}
        assert await acs.database.fetchval("select count(*) from inbox") == 0

    async def test_has_room_for_a_gateway_that_a_line_waits_for(self, acs: Acs, clock: Any) -> None:
        await acs.database.execute("update inbox_bound set is_full = true")
        await acs.database.execute(
            "insert into device (line_of_service, line_key, wanted_oui, wanted_serial, created_at, updated_at)"
            " values ('LOS-9', 'los-9', $1, 'WANTED', $2, $2)",
            OUI,
            clock(),
        )
        await come(acs, "WANTED", "OTHER")
        assert await known(acs) == {"WANTED"}


class TestWithoutApproval:
    @pytest.fixture
    def configured(self) -> Settings:
        return settings(device_listener={"inbox_rows_per_address": 1})

    async def test_nobody_is_in_the_inbox(self, acs: Acs) -> None:
        await acs.parts.inbox.tidy()
        await come(acs, "S1", "S2", "S3")
        assert await known(acs) == {"S1", "S2", "S3"}
        assert await acs.database.fetchval("select count(*) from inbox") == 0
