"""What a gateway accepts and does not show at once: each way to `verified`, or an honest word that there is none."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.services.queue.writes import Writes
from acs_bridge.simulator.behaviour import Applies, Behaviour
from acs_bridge.simulator.gateway import SimulatedGateway
from cwmp.messages import Fault
from tests.web.device.conftest import Acs

URL = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
PROFILE = f"""
name = "ours"
[match]
root = "Device."
[[parameter]]
name = "{URL}"
value = "{{phan_url}}"
"""
LATE = "[quirks]\nshows_late = true\n"
HIDDEN = "hidden = true\n"
PASSWORD = """
[[parameter]]
name = "Device.ManagementServer.ConnectionRequestPassword"
value = "a secret of all gateways"
hidden = true
"""
MISTYPED = """
[[parameter]]
name = "Device.ManagementServer.PeriodicInformEnable"
value = "1"
type = "xsd:string"
"""
CANNOT_READ = {"GetParameterValues": Fault(9000, "Method not supported")}


async def provisioned(acs: Acs, profile: str, **behaviour: Any) -> tuple[SimulatedGateway, UUID]:
    acs.parts.profiles.take(ProfileSet([[parse_profile(profile, "ours.toml")]]))
    gateway, write_id = acs.gateway(behaviour=Behaviour(**behaviour)), await acs.provision()
    await gateway.session()
    return gateway, write_id


async def outcome(acs: Acs, write_id: UUID) -> tuple[str, str | None, int]:
    write = await acs.write(write_id)
    return write["state"], write["proof"], write["attempts"]


class TestAValueThatAppliesLater:
    @pytest.mark.parametrize(("profile", "status"), [(PROFILE, 1), (PROFILE + LATE, 0)], ids=["status 1", "status 0"])
    async def test_after_the_session_is_read_back_in_the_next(self, acs: Acs, profile: str, status: int) -> None:
        gateway, write_id = await provisioned(acs, profile, status=status, applies=Applies.AFTER_SESSION)
        assert await outcome(acs, write_id) == ("staged", None, 1)
        await gateway.session()
        assert await outcome(acs, write_id) == ("verified", "read_back", 1)

    @pytest.mark.parametrize(("profile", "status"), [(PROFILE, 1), (PROFILE + LATE, 0)], ids=["status 1", "status 0"])
    async def test_after_a_boot_is_waited_for_and_not_written_again(
        self, acs: Acs, clock: Callable[..., Any], profile: str, status: int
    ) -> None:
        gateway, write_id = await provisioned(acs, profile, status=status, applies=Applies.AFTER_BOOT)
        await gateway.session()
        assert await outcome(acs, write_id) == ("staged", None, 1)
        clock.advance(hours=1)  # type: ignore[attr-defined]
        gateway.reboot()
        await gateway.session()
        assert await outcome(acs, write_id) == ("verified", "read_back", 1)

    async def test_and_cannot_be_read_is_proven_by_its_key_after_the_boot(
        self, acs: Acs, clock: Callable[..., Any]
    ) -> None:
        gateway, write_id = await provisioned(acs, PROFILE + HIDDEN, status=1, applies=Applies.AFTER_BOOT)
        await gateway.session()
        assert await outcome(acs, write_id) == ("staged", None, 1)
        clock.advance(hours=1)  # type: ignore[attr-defined]
        gateway.reboot()
        await gateway.session()
        assert await outcome(acs, write_id) == ("verified", "parameter_key", 1)


class TestAHiddenParameter:
    async def test_does_not_keep_the_others_from_being_read_back(self, acs: Acs) -> None:
        gateway, write_id = await provisioned(acs, PROFILE + PASSWORD)
        assert await outcome(acs, write_id) == ("verified", "read_back", 1)
        assert gateway.value("ManagementServer.ConnectionRequestPassword") == "a secret of all gateways"

    async def test_alone_is_proven_by_the_key_of_the_next_inform(self, acs: Acs) -> None:
        gateway, write_id = await provisioned(acs, PROFILE + HIDDEN, hides=frozenset({URL}))
        assert await outcome(acs, write_id) == ("applied", None, 1)
        await gateway.session()
        assert await outcome(acs, write_id) == ("verified", "parameter_key", 1)


class TestAGatewayThatCannotBeAsked:
    async def test_proves_it_by_its_key(self, acs: Acs) -> None:
        gateway, write_id = await provisioned(acs, PROFILE, faults=CANNOT_READ)
        assert await outcome(acs, write_id) == ("applied", None, 1)
        await gateway.session()
        assert await outcome(acs, write_id) == ("verified", "parameter_key", 1)

    async def test_and_shows_no_key_stays_accepted_and_says_so(self, acs: Acs, clock: Callable[..., Any]) -> None:
        gateway, write_id = await provisioned(acs, PROFILE, faults=CANNOT_READ, no_parameter_key=True)
        writes = Writes(acs.database, acs.clock, approval_needed=False, blocked=lambda *_: None)
        waiting = (await writes.find(write_id)).waiting.waiting_for
        assert waiting == "the gateway took the value and cannot be asked for it: a later Inform may prove it"
        clock.advance(seconds=timedelta(hours=1).total_seconds())  # type: ignore[attr-defined]
        await gateway.session()
        assert await outcome(acs, write_id) == ("applied", None, 1)
        waiting = (await writes.find(write_id)).waiting.waiting_for
        assert waiting is not None
        assert waiting.startswith("nothing more: the gateway accepted the value, it cannot be read back")


class TestATypeThatTheGatewayHasOtherwise:
    async def test_is_the_one_that_is_written(self, acs: Acs) -> None:
        """It refuses ours (9006), is asked for its own, and takes that: in one session."""
        gateway, write_id = await provisioned(acs, PROFILE + MISTYPED)
        assert await outcome(acs, write_id) == ("verified", "read_back", 1)
        assert gateway.model.value(URL) == await acs.url_of(write_id)

    async def test_is_known_beforehand_where_the_profile_reads_first(self, acs: Acs) -> None:
        _, write_id = await provisioned(acs, "read_former = true\n" + PROFILE + MISTYPED)
        assert await acs.history(write_id) == ["created", "dispatched", "advanced", "accepted", "read_back_equal"]
