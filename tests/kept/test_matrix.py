"""What happens to lines and boxes, whatever the boxes are doing meanwhile: one table, over real HTTP.

`SITUATIONS` says what is there before, what happens, and who has which URL in the end; `TROUBLES` says what the boxes
are doing. Each row of the one meets each row of the other. In the end each box holds exactly the URL of its line, each
line has exactly one URL that counts, no box was sent a URL that was dead, the history is whole, and no write is left.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import pytest

from acs_bridge.domain.write import TRANSITIONS, WriteEvent, WriteState
from acs_bridge.settings import Settings
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Behaviour
from tests.kept.conftest import Site, held
from tests.web.device.conftest import settings

Deed: TypeAlias = Callable[[Site], Awaitable[Any]]


@pytest.fixture
def configured() -> Settings:
    """The brake on loops is far away: what is shown here ends by itself."""
    return settings(queue={"writes_per_gateway_per_day": 50, "max_attempts": 10})


# --- what happens -------------------------------------------------------------------------------------------------


async def activate(site: Site) -> None:
    await site.provision("U1", "L1", "B1")


async def reset(site: Site) -> None:
    site.box("B1").factory_reset()


async def give_box_1_to_user_2(site: Site) -> None:
    await site.provision("U2", "L2", "B1", replace=True)


async def give_box_2_to_user_1(site: Site) -> None:
    await site.bind("L1", "B2")


async def deploy_again(site: Site) -> None:
    await site.bind("L1", "B2")
    await site.provision("U2", "L2", "B1")


async def take_the_next(site: Site) -> None:
    await site.ask("PUT", "/v1/devices/L1/gateway", {"next": {"product_class": "SimGW", "hours": 2160}})


async def read_the_label(site: Site) -> None:
    await site.inform("B2")
    await site.ask("PUT", "/v1/devices/L1/gateway", {"serial_suffix": "00b2"})


async def bring_back(site: Site) -> None:
    await site.bind("L1", "B2")
    await site.bind("L1", "B1")


async def take_box_2_away(site: Site) -> None:
    await site.bind("L1", "B2", replace=True)


async def exchange(site: Site) -> None:
    await site.bind("L1", "B2", replace=True)
    await site.bind("L2", "B1", replace=True)


async def move_with_the_box(site: Site) -> None:
    await site.provision("U1", "L2", "B1", replace=True)
    await site.end("U1", "L1")


async def move_without_the_box(site: Site) -> None:
    await site.provision("U1", "L2", "B2")
    await site.end("U1", "L1")


async def hand_over(site: Site) -> None:
    await site.provision("U2", "L1", replace=True)


async def end(site: Site) -> None:
    await site.end("U1", "L1")


async def end_and_begin_anew(site: Site) -> None:
    await site.end("U1", "L1")
    await site.provision("U2", "L1")


async def issue_another_url(site: Site) -> None:
    association = await site.association("L1")
    await site.ask("POST", f"/v1/associations/{association['id']}/reissue")


async def unbind(site: Site) -> None:
    await site.ask("DELETE", "/v1/devices/L1/gateway")


@dataclass(frozen=True)
class Situation:
    """`before`: (subscriber, line, box). `after`: whose URL each box holds; a box that is not named holds none."""

    name: str
    before: tuple[tuple[str, str, str], ...]
    happens: Deed
    after: dict[str, str]
    waiting: tuple[str, ...] = ()  # lines whose URL waits for a box


ONE, TWO = ("U1", "L1", "B1"), ("U2", "L2", "B2")

SITUATIONS = (
    #          what                                before      happens                after
    Situation("a new activation",                  (),         activate,              {"B1": "L1"}),
    Situation("the same box once more",            (ONE,),     activate,              {"B1": "L1"}),
    Situation("a factory reset",                   (ONE,),     reset,                 {"B1": "L1"}),
    Situation("box 1 to user 2",                   (ONE,),     give_box_1_to_user_2,  {"B1": "L2"}, ("L1",)),
    Situation("box 2 to user 1",                   (ONE,),     give_box_2_to_user_1,  {"B2": "L1"}),
    Situation("box 2 of user 2 to user 1",         (ONE, TWO), take_box_2_away,       {"B2": "L1"}, ("L2",)),
    Situation("the next box to user 1",            (ONE,),     take_the_next,         {"B2": "L1"}),
    Situation("box 2 to user 1, by its label",     (ONE,),     read_the_label,        {"B2": "L1"}),
    Situation("box 2 to user 1, and back",         (ONE,),     bring_back,            {"B1": "L1"}),
    Situation("box 2 to user 1, 1 to user 2",      (ONE,),     deploy_again,          {"B2": "L1", "B1": "L2"}),
    Situation("two boxes exchanged",               (ONE, TWO), exchange,              {"B1": "L2", "B2": "L1"}),
    Situation("the subscriber moves, with box",    (ONE,),     move_with_the_box,     {"B1": "L2"}),
    Situation("the subscriber moves, without box", (ONE,),     move_without_the_box,  {"B2": "L2"}),
    Situation("another subscriber on the line",    (ONE,),     hand_over,             {"B1": "L1"}),
    Situation("the line gets another URL",         (ONE,),     issue_another_url,     {"B1": "L1"}),
    Situation("the line loses its box",            (ONE,),     unbind,                {}, ("L1",)),
    Situation("the line ends",                     (ONE,),     end,                   {}),
    Situation("the line ends and begins anew",     (ONE,),     end_and_begin_anew,    {"B1": "L1"}),
)  # fmt: skip

Trouble: TypeAlias = Callable[[Site, Situation], Awaitable[None]]

# --- what the boxes are doing meanwhile ---------------------------------------------------------------------------

GAPS: dict[str, Behaviour] = {
    "the InformResponse": Behaviour(drop_on_answer=1),
    "SetParameterValues": Behaviour(drop_on_request=1),
    "SetParameterValuesResponse": Behaviour(drop_before_response=1),
    "GetParameterValues": Behaviour(drop_on_request=2),
    "GetParameterValuesResponse": Behaviour(drop_before_response=2),
    "the 204": Behaviour(drop_on_answer=4),
}
"""Where a connection may end: with this message on its way."""


async def settle_before(site: Site, situation: Situation) -> None:
    for user, line, box in situation.before:
        await site.provision(user, line, box)
        await site.inform(box)


async def online(site: Site, situation: Situation) -> None:
    await settle_before(site, situation)
    await situation.happens(site)


async def offline(site: Site, situation: Situation) -> None:
    """Away for a month, and everything that was on its way is over."""
    await settle_before(site, situation)
    await situation.happens(site)
    site.clock.advance(days=30)
    await site.parts.janitor.sweep()


async def never_there_before(site: Site, situation: Situation) -> None:
    """What was queued before has gone nowhere."""
    for user, line, box in situation.before:
        await site.provision(user, line, box)
    await situation.happens(site)


def in_session(request: int) -> Trouble:
    """It happens while every box of before is about to carry out its so many-th request."""

    async def trouble(site: Site, situation: Situation) -> None:
        release = asyncio.Event()
        for user, line, box in situation.before:
            await site.provision(user, line, box)
            site.box(box).behaviour = Behaviour(hold=release) if request == 1 else BY_THE_BOOK
        sessions = []
        for _, _, box in situation.before:
            if request == 2:
                site.box(box).behaviour = Behaviour(hold=_SecondTime(release))
            sessions.append(asyncio.create_task(site.box(box).session()))
            await held(site.box(box), sessions[-1])
            assert site.box(box).holding
        await situation.happens(site)
        release.set()
        await asyncio.gather(*sessions)
        for _, _, box in situation.before:
            site.note(box, since=request)
            site.box(box).behaviour = BY_THE_BOOK

    return trouble


class _SecondTime(asyncio.Event):
    """Lets the first one pass, and who comes after that when another event is set."""

    def __init__(self, release: asyncio.Event) -> None:
        super().__init__()
        self._release, self._looks = release, 0

    def is_set(self) -> bool:
        self._looks += 1
        return self._looks == 1 or self._release.is_set()

    async def wait(self) -> Literal[True]:
        return await self._release.wait()


def died_before(gap: Behaviour) -> Trouble:
    """The session that brought the first URL was lost."""

    async def trouble(site: Site, situation: Situation) -> None:
        for user, line, box in situation.before:
            await site.provision(user, line, box)
            site.box(box).behaviour = gap
            await site.inform(box)
            site.box(box).behaviour = BY_THE_BOOK
        await situation.happens(site)

    return trouble


def dies_after(gap: Behaviour) -> Trouble:
    """The first session after it is lost."""

    async def trouble(site: Site, situation: Situation) -> None:
        await settle_before(site, situation)
        await situation.happens(site)
        for name in ("B1", "B2"):
            site.box(name).behaviour = gap
            await site.inform(name)
            site.box(name).behaviour = BY_THE_BOOK

    return trouble


TROUBLES: dict[str, Trouble] = {
    "online": online,
    "offline": offline,
    "not there before": never_there_before,
    "in session, at its SetParameterValues": in_session(1),
    "in session, at its GetParameterValues": in_session(2),
    **{f"dying before, with {at}": died_before(gap) for at, gap in GAPS.items()},
    **{f"dying afterwards, with {at}": dies_after(gap) for at, gap in GAPS.items()},
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.name)
async def test_each_box_has_the_url_of_its_line_in_the_end(site: Site, situation: Situation, trouble: Trouble) -> None:
    """S-18, S-30, P-07."""
    before = Watched(site)
    watched = replace(situation, happens=before.around(situation.happens))
    await trouble(site, watched)
    await site.rest("B1", "B2")
    await before.check_urls(situation)
    await check_history(site)
    await check_nothing_is_left(site, situation)
    for name in ("B1", "B2"):
        assert (await site.inform(name)).served == ()  # and nobody asks for anything any more


class Watched:
    """Knows the URLs that counted before it happened, and what was sent until then."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.former: set[str] = set()
        self.sent: dict[str, int] = {}

    def around(self, happens: Deed) -> Deed:
        async def watched(site: Site) -> None:
            self.former = {await site.url_of(line) for line in await lines(site)} - {""}
            await happens(site)
            self.sent = {name: len(values) for name, values in site.written.items()}

        return watched

    async def check_urls(self, situation: Situation) -> None:
        """Each box holds what it should, nobody was sent what was dead, and what counts counts alone."""
        site = self.site
        current = {line: await site.url_of(line) for line in await lines(site)}
        for name in ("B1", "B2"):
            assert site.holds(name) == current.get(situation.after.get(name, ""), ""), name
            later = site.written.get(name, [])[self.sent.get(name, 0) :]
            assert set(later) <= {"", *current.values()}, f"{name} was sent a URL that was dead"
        known = sorted({*self.former, *current.values(), *(u for sent in site.written.values() for u in sent)} - {""})
        opened = (await site.ask("POST", "/v1/phan/open", {"urls": known}))["items"] if known else []
        active = {url for url, each in zip(known, opened, strict=True) if each["active"]}
        assert active == set(current.values()) - {""}


async def lines(site: Site) -> list[str]:
    return [each["line_of_service"] for each in (await site.ask("GET", "/v1/devices"))["items"]]


async def check_history(site: Site) -> None:
    """Every write has moved by its law from the beginning to where it is, and the timelines tell all of it."""
    rows = await site.database.fetch("select id, association_id, state, moves from write")
    for row in rows:
        events = await site.database.fetch("select * from write_event where write_id = $1 order by move", row["id"])
        assert [each["move"] for each in events] == list(range(row["moves"] + 1))
        state = WriteState.QUEUED
        for each in events[1:]:
            state = TRANSITIONS[state][WriteEvent(each["event"])]
        assert state == row["state"]
    for association in await site.database.fetch("select id from association"):
        told = (await site.ask("GET", f"/v1/associations/{association['id']}/timeline?limit=200"))["items"]
        assert told[0]["event"] == "association_created"
        moves = [each for each in told if each["write_id"] and each["event"].startswith("write_")]
        assert len(moves) == sum(row["moves"] + 1 for row in rows if row["association_id"] == association["id"])


async def check_nothing_is_left(site: Site, situation: Situation) -> None:
    """What is not settled waits for a box that its line does not have."""
    rows = await site.database.fetch(
        "select d.line_of_service, w.purpose, w.state, w.gateway_id from write w join device d on d.id = w.device_id"
        " where w.finished_at is null order by 1"
    )
    assert [tuple(row) for row in rows] == [(line, "provision", "queued", None) for line in situation.waiting]
    assert await site.database.fetchval("select count(*) from write where state in ('rejected', 'failed')") == 0
