"""Profiles read again: all of them or none, and whoever waits for a bad firmware to go."""

import asyncio
from datetime import timedelta

import pytest

from acs_bridge.domain.profile import InvalidProfile, parse_profile
from acs_bridge.services.profiles.reloading import refuse_too_long
from acs_bridge.store.gateways import Identity
from tests.services.conftest import ADMIN, PROFILE, Office

GATEWAY = Identity("00236A", "S1", "HG")
SHORTER = PROFILE.replace("160", "150")
BLOCKED = PROFILE + '[[block]]\nproduct_class = "H*"\nreason = "1.x forgets"\nuntil = UNTIL\n'


async def test_what_was_read_is_in_force_at_once(office: Office) -> None:
    office.text = SHORTER
    in_force = await office.reloading.reload(ADMIN)
    assert in_force.profiles == office.profiles.all
    assert office.profiles.all[0].parameters[0].max_length == 150
    assert in_force.loaded_at == office.clock()
    assert office.reloading.in_force == in_force
    assert (await office.deeds())[-1] == "profiles_reloaded"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROFILE.replace("clear =", "cleer ="), r"roomy.toml: parameter\[1\].cleer: is not known; did you mean clear?"),
        (PROFILE.replace("160", "60"), "roomy.toml: parameter: profile roomy: Device.X_EXAMPLE.URL takes at most 60"),
        ("name =", "roomy.toml: is not TOML"),
    ],
)
async def test_a_mistake_is_named_and_changes_nothing(office: Office, text: str, words: str) -> None:
    before, office.text = office.reloading.in_force, text
    with pytest.raises(InvalidProfile, match=f"^{words}"):
        await office.reloading.reload(ADMIN)
    assert office.reloading.in_force is before
    assert office.profiles.all == before.profiles
    assert "profiles_reloaded" not in await office.deeds()


async def test_two_that_fit_a_gateway_on_record_equally_well_are_named(office: Office) -> None:
    """A tie that no gateway meets is none: who meets one later has its write parked."""
    tied = [
        (f"{name}.toml", PROFILE.replace('"roomy"', f'"{name}"').replace("[match]", f"[match]\nproduct_class = {glob}"))
        for name, glob in (("left", '"H*"'), ("right", '"*G"'))
    ]
    office.reloading._read = lambda: [tied]
    await office.reloading.reload(ADMIN)
    await office.inform(GATEWAY)
    before = office.profiles.all
    with pytest.raises(InvalidProfile, match=r"^left\.toml: match: left fits as well as right for gateways on record"):
        await office.reloading.reload(ADMIN)
    assert office.profiles.all is before


async def test_a_line_on_record_that_would_be_too_long_is_a_warning(office: Office) -> None:
    await office.request(line="L" * 40)
    office.text = PROFILE.replace("160", "120")
    (warning,) = (await office.reloading.reload(ADMIN)).warnings
    assert warning.startswith("roomy.toml: for the longest line of service on record, 40 characters: profile roomy: ")


async def test_every_process_hears_of_it_with_the_texts_that_were_checked(office: Office) -> None:
    heard = []

    async def tell(texts: object) -> None:
        heard.append(texts)

    office.reloading.reaches(tell)
    office.text = SHORTER
    await office.reloading.reload(ADMIN)
    assert heard == [[[("roomy.toml", SHORTER)]]]


async def test_a_signal_does_the_same_and_a_mistake_ends_nothing(office: Office) -> None:
    running = asyncio.create_task(office.reloading.run())
    before = office.reloading.in_force
    heard: asyncio.Queue[object] = asyncio.Queue()
    office.reloading.reaches(heard.put)
    texts, first, loop = ["name =", SHORTER], asyncio.Event(), asyncio.get_running_loop()

    def read() -> list[list[tuple[str, str]]]:
        loop.call_soon_threadsafe(first.set)
        return [[("roomy.toml", texts.pop(0))]]

    office.reloading._read = read
    office.reloading.soon()
    await first.wait()
    office.reloading.soon()
    await heard.get()
    assert office.profiles.all != before.profiles
    running.cancel()


def test_a_profile_that_no_line_is_short_enough_for_is_refused_from_the_beginning(office: Office, phan_urls) -> None:
    refuse_too_long(office.profiles.all, phan_urls, office.clock())
    short = parse_profile(PROFILE.replace("160", "60"), "short.toml")
    with pytest.raises(InvalidProfile, match=r"^short\.toml: parameter: .* for the shortest line of service already$"):
        refuse_too_long([short], phan_urls, office.clock())


class TestABlock:
    async def test_parks_the_writes_of_its_gateways_with_the_reason_until_it_is_over(self, office: Office) -> None:
        until = office.clock() + timedelta(hours=1)
        office.text = BLOCKED.replace("UNTIL", f"{until:%Y-%m-%dT%H:%M:%SZ}")
        await office.request(gateway=GATEWAY)
        await office.inform(GATEWAY)
        await office.database.execute("update gateway set approved_at = now(), approved_by = 'x'")
        await office.reloading.reload(ADMIN)
        (seen,) = await office.writes_of("L-1")
        words = f"the profile of its gateway blocks it: 1.x forgets (until {until:%Y-%m-%d %H:%M} UTC)"
        assert seen.waiting.waiting_for == words
        office.clock.set(until)
        (seen,) = await office.writes_of("L-1")
        assert seen.waiting.waiting_for is not None
        assert seen.waiting.waiting_for.startswith("the next Inform of the gateway")

    async def test_is_over_when_the_profile_says_so_no_more(self, office: Office) -> None:
        office.text = BLOCKED.replace("UNTIL", "2999-01-01")
        await office.reloading.reload(ADMIN)
        await office.request(gateway=GATEWAY)
        gateway_id = await office.inform(GATEWAY)
        assert (await office.plans.of_gateway(gateway_id)).blocked == "1.x forgets (until 2999-01-01 00:00 UTC)"
        office.text = PROFILE
        await office.reloading.reload(ADMIN)
        plan = await office.plans.of_gateway(gateway_id)
        assert (plan.blocked, plan.profile, len(plan.requests)) == (None, "roomy", 2)
