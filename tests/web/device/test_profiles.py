"""What a session does where the profiles do not fit, or not any more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from acs_bridge.domain.profile import ProfileSet, parse_profile
from acs_bridge.parts import Parts
from acs_bridge.store.database import Database
from acs_bridge.web.listener import bind, serving
from tests.web.device.conftest import Acs, settings
from tests.web.device.wire import Cpe, connected, login

PROFILE = """
name = "{name}"
[match]
root = "Device."
{match}
[[parameter]]
name = "Device.X.URL"
value = "{{phan_url}}"
"""
ENDS_WITH_200 = ProfileSet(
    [[parse_profile(PROFILE.format(name="netcwmp", match="") + "[quirks]\nempty_200 = true\n", "netcwmp.toml")]]
)
MATCHES = {"left": 'product_class = "Sim*"', "right": 'product_class = "*mGW"'}
TWINS = ProfileSet(
    [[parse_profile(PROFILE.format(name=name, match=match), f"{name}.toml") for name, match in MATCHES.items()]]
)


BLOCK = '[[block]]\nsoftware_version = "1.*"\nreason = "it forgets"\n'
BLOCKED = ProfileSet([[parse_profile(PROFILE.format(name="bad", match="") + BLOCK, "bad.toml")]])


@pytest.fixture
def profiles() -> ProfileSet:
    """Those of the second worker; a test may say otherwise."""
    return ProfileSet([[]])


@pytest.fixture
async def other_port(acs: Acs, database: Database, clock: Any, profiles: ProfileSet) -> AsyncIterator[int]:
    """A second worker, with other profiles than the first."""
    parts = Parts(settings(), database, acs.parts.keyring, profiles, clock)
    bound = bind("device", "127.0.0.1", 0)
    async with serving(bound, parts.device_runner()):
        yield bound.port


class TestAGatewayThatNoProfileFits:
    async def test_has_its_write_rejected_in_words_that_say_what_it_is(self, acs: Acs, other_port: int) -> None:
        write_id = await acs.provision()
        async with connected(other_port) as wire:
            assert await Cpe().session(wire) == []
        write = await acs.write(write_id)
        assert (write["state"], write["fault"]["code"]) == ("rejected", None)
        for word in ("no profile fits", "Device.", "00005E", "SimGW", "1.0"):
            assert word in write["fault"]["text"]

    @pytest.mark.parametrize("profiles", [TWINS])
    async def test_because_two_do_hears_which(self, acs: Acs, other_port: int) -> None:
        write_id = await acs.provision()
        async with connected(other_port) as wire:
            assert await Cpe().session(wire) == []
        write = await acs.write(write_id)
        assert write["state"] == "rejected"
        assert "left" in write["fault"]["text"]
        assert "right" in write["fault"]["text"]


class TestProfilesThatChangeUnderASession:
    @pytest.mark.parametrize("answer", [True, False], ids=["an answer", "an empty POST"])
    async def test_leave_what_was_sent_in_doubt_until_the_next_inform(
        self, acs: Acs, other_port: int, answer: bool
    ) -> None:
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire, connected(other_port) as other:
            await cpe.open(wire, authorize)
            asked = await cpe.empty(wire)
            cpe.carried_out(asked.message)
            end = await (cpe.obey(other, asked, authorize()) if answer else cpe.empty(other, authorize()))
            assert end.status == 204
            assert await acs.state(write_id) == "in_doubt"
            assert await cpe.session(wire, authorize) == ["GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    async def test_leave_a_read_back_to_the_next_session(self, acs: Acs, other_port: int) -> None:
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire, connected(other_port) as other:
            await cpe.open(wire, authorize)
            asked = await cpe.obey(wire, await cpe.empty(wire))
            assert (await cpe.obey(other, asked, authorize())).status == 204
            write = await acs.write(write_id)
            assert (write["state"], write["request_id"]) == ("applied", None)
            assert await cpe.session(wire, authorize) == ["GetParameterValues"]
        assert await acs.state(write_id) == "verified"


class TestAFirmwareThatIsBlocked:
    async def test_is_asked_nothing_by_any_worker_until_it_is_blocked_no_more(
        self, acs: Acs, other_port: int, profiles: ProfileSet
    ) -> None:
        write_id = await acs.provision()
        free = ProfileSet([acs.parts.profiles.all])
        acs.parts.profiles.take(BLOCKED)
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            assert await cpe.session(wire, authorize) == []
            write = await acs.write(write_id)
            assert (write["state"], write["attempts"]) == ("queued", 0)
            acs.parts.profiles.take(free)
            assert await cpe.session(wire, authorize) == ["SetParameterValues", "GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    async def test_costs_nothing_of_the_rate(self, acs: Acs) -> None:
        await acs.database.execute(
            "update queue_rate set writes_per_minute = 60, available = 1, refilled_at = $1", acs.clock()
        )
        await acs.provision()
        acs.parts.profiles.take(BLOCKED)
        async with connected(acs.port) as wire:
            assert await Cpe().session(wire) == []
        assert await acs.database.fetchval("select available from queue_rate") == 1

    async def test_that_is_blocked_within_a_session_is_asked_nothing_by_the_worker_that_knows(
        self, acs: Acs, other_port: int
    ) -> None:
        write_id = await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(other_port) as other, connected(acs.port) as wire:
            await cpe.open(other, authorize)
            acs.parts.profiles.take(BLOCKED)
            assert (await cpe.empty(wire, authorize())).status == 204
        assert await acs.state(write_id) == "queued"


class TestAFamilyThatTakes204ForAnError:
    @pytest.mark.parametrize("profiles", [ENDS_WITH_200])
    @pytest.mark.parametrize("due", [True, False], ids=["with a write", "without one"])
    async def test_hears_200_and_nothing_else_at_the_end_from_every_worker(
        self, acs: Acs, other_port: int, due: bool
    ) -> None:
        """The session was opened where the profile says so; its cookie says it to the other worker."""
        write_id = await acs.provision() if due else None
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire, connected(other_port) as other:
            await cpe.open(other, authorize)
            asked = await cpe.empty(other)
            if write_id is not None:
                asked = await cpe.obey(other, await cpe.obey(other, asked))
                assert await acs.state(write_id) == "verified"
            assert (asked.status, asked.body, asked.get("content-length")) == (200, b"", "0")
            assert [
                (each.status, each.body) for each in [await cpe.empty(other), await cpe.empty(wire, authorize())]
            ] == [
                (200, b""),
                (200, b""),
            ]

    async def test_is_the_only_one_that_does(self, acs: Acs) -> None:  # T-17
        async with connected(acs.port) as wire:
            await Cpe().open(wire)
            assert (await Cpe().empty(wire)).status == 204
