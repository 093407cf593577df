"""What becomes of a line's writes when its gateway or its subscriber changes."""

import asyncio

import pytest

from acs_bridge.errors import Conflict, InvalidField
from acs_bridge.services.pages import Ask
from acs_bridge.services.urls.phan import Asked
from acs_bridge.store.gateways import Identity

ONE = Identity("00236A", "S-1", "SR400")
TWO = Identity("00236A", "S-2", "SR400")
BARE = Identity("00236A", "S-1")


async def associated(office, line="L-1", gateway=None):
    return await office.request(f"C-{line}", line, gateway)


class TestBinding:
    async def test_the_first_gateway_of_a_line_gets_the_write_that_waited(self, office):
        receipt = await associated(office)
        assert await office.story("L-1") == [("provision", "queued", None, 1)]
        await office.devices.bind("L-1", ONE, office.actor, replace=False)
        gateway = await office.gateway_of("L-1")
        assert await office.story("L-1") == [("provision", "queued", gateway, 1)]
        assert (await office.writes_of("L-1"))[0].row.id == receipt.write_id

    async def test_a_line_without_a_subscriber_gets_its_gateway_and_no_write(self, office):
        await office.devices.create("L-1", ONE, office.actor)
        assert await office.gateway_of("L-1") is not None
        assert await office.writes_of("L-1") == []

    async def test_the_same_gateway_again_changes_nothing(self, office):
        await associated(office, gateway=ONE)
        before = await office.deeds()
        await office.devices.bind("L-1", ONE, office.actor, replace=False)
        assert await office.deeds() == before

    async def test_a_swap_starts_the_next_generation_and_clears_the_box_that_had_the_url(self, office):
        """P-07."""
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        old = await office.gateway_of("L-1")
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        new = await office.gateway_of("L-1")
        assert await office.story("L-1") == [
            ("provision", "verified", old, 1),
            ("provision", "queued", new, 2),
            ("clear", "queued", old, 2),
        ]
        assert (await office.associations.find(receipt.association_id)).write_state == "queued"

    async def test_a_swap_in_the_middle_of_a_session_supersedes_what_was_sent(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.dispatch(receipt.write_id)
        old = await office.gateway_of("L-1")
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        assert [row[:3] for row in await office.story("L-1")] == [
            ("provision", "superseded", old),
            ("provision", "queued", await office.gateway_of("L-1")),
            ("clear", "queued", old),
        ]

    async def test_a_swap_before_anything_was_sent_clears_nothing_and_still_starts_a_generation(self, office):
        await associated(office, gateway=ONE)
        old = await office.gateway_of("L-1")
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        assert await office.story("L-1") == [
            ("provision", "superseded", old, 1),
            ("provision", "queued", await office.gateway_of("L-1"), 2),
        ]

    async def test_a_rejected_write_is_superseded_by_the_swap_and_cannot_be_retried(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.reject(receipt.write_id)
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        with pytest.raises(Conflict, match="is superseded"):
            await office.writes.retry(receipt.write_id, office.actor)

    async def test_a_box_that_comes_back_gets_the_newest_generation_and_no_clearing(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        await office.devices.bind("L-1", ONE, office.actor, replace=False)
        one = await office.gateway_of("L-1")
        states = {(row[0], row[2], row[3]): row[1] for row in await office.story("L-1")}
        assert states[("clear", one, 2)] == "superseded"
        assert states[("provision", one, 3)] == "queued"

    async def test_a_line_that_the_gateway_cannot_take_is_refused_and_nothing_changes(self, office):
        line = "L" * 64
        await office.subscribers.create("Ann", "C-1", office.actor)
        await office.devices.create(line, None, office.actor)
        await office.associations.create("C-1", line, office.actor)
        await office.inform(ONE)
        with pytest.raises(
            InvalidField, match=r"line_of_service: cannot be written to its gateway.* at most 160"
        ) as no:
            await office.devices.bind(line, ONE, office.actor, replace=False)
        assert "https://" not in str(no.value)
        assert await office.gateway_of(line) is None


class TestUnbinding:
    async def test_lets_a_write_that_went_nowhere_wait_again(self, office):
        await associated(office, gateway=ONE)
        await office.devices.unbind("L-1", office.actor)
        assert await office.story("L-1") == [("provision", "queued", None, 1)]
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        assert await office.story("L-1") == [("provision", "queued", await office.gateway_of("L-1"), 1)]

    async def test_clears_the_box_and_lets_the_next_generation_wait(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        old = await office.gateway_of("L-1")
        await office.devices.unbind("L-1", office.actor)
        assert await office.story("L-1") == [
            ("provision", "verified", old, 1),
            ("provision", "queued", None, 2),
            ("clear", "queued", old, 2),
        ]

    async def test_of_a_line_without_a_gateway_changes_nothing(self, office):
        await associated(office)
        before = await office.deeds()
        await office.devices.unbind("L-1", office.actor)
        assert await office.deeds() == before


class TestEnding:
    async def test_clears_the_gateway_that_may_hold_the_url(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.dispatch(receipt.write_id)
        ended = await office.associations.end(receipt.association_id, office.actor)
        gateway = await office.gateway_of("L-1")
        assert await office.story("L-1") == [("provision", "superseded", gateway, 1), ("clear", "queued", gateway, 1)]
        assert (ended.write_state, ended.write_id == receipt.write_id) == ("queued", False)

    async def test_cancels_a_write_that_went_nowhere(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.associations.end(receipt.association_id, office.actor)
        assert await office.story("L-1") == [("provision", "cancelled", await office.gateway_of("L-1"), 1)]

    async def test_twice_is_ending_once(self, office):
        receipt = await associated(office)
        first = await office.associations.end(receipt.association_id, office.actor)
        office.clock.advance(hours=1)
        assert await office.associations.end(receipt.association_id, office.actor) == first
        assert (await office.deeds()).count("association_ended") == 1

    async def test_the_next_association_of_the_line_replaces_the_clearing(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        await office.associations.end(receipt.association_id, office.actor)
        await office.subscribers.create("Bob", "C-2", office.actor)
        await office.associations.create("C-2", "L-1", office.actor)
        assert [row[:2] for row in await office.story("L-1")] == [
            ("provision", "verified"),
            ("clear", "superseded"),
            ("provision", "queued"),
        ]

    async def test_a_box_that_was_cleared_and_proven_is_not_cleared_again(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        ended = await office.associations.end(receipt.association_id, office.actor)
        await office.verify(ended.write_id)
        await office.devices.unbind("L-1", office.actor)
        assert [row[:2] for row in await office.story("L-1")] == [("provision", "verified"), ("clear", "verified")]


class TestTheWriteThatCounts:
    async def test_is_that_of_the_newest_generation_whenever_its_change_was_asked_for(self, office):
        async def queued():
            (only,) = [seen.row.id for seen in await office.writes_of("L-1") if seen.row.state == "queued"]
            return only

        receipt = await associated(office, gateway=ONE)
        office.clock.advance(hours=-1)  # a change that waited for its turn, or a clock that was set back
        await office.devices.bind("L-1", TWO, office.actor, replace=False)
        assert await queued() < receipt.write_id
        assert (await office.associations.find(receipt.association_id)).write_id == await queued()
        assert (await office.associations.page(Ask())).items[0].write_id == await queued()
        office.clock.advance(hours=-1)
        assert (await office.request("C-L-1", "L-1", ONE, replace=True)).write_id == await queued()


class TestMovingABox:
    async def test_is_refused_with_the_name_of_the_other_line(self, office):
        await associated(office, "L-1", ONE)
        await associated(office, "L-2")
        with pytest.raises(Conflict, match="line of service L-1 has gateway 00236A-SR400-S-1"):
            await office.devices.bind("L-2", ONE, office.actor, replace=False)

    async def test_takes_it_from_the_other_line_whose_url_dies(self, office):
        first = await associated(office, "L-1", ONE)
        await office.verify(first.write_id)
        await associated(office, "L-2")
        await office.devices.bind("L-2", ONE, office.actor, replace=True)
        box = await office.gateway_of("L-2")
        assert await office.gateway_of("L-1") is None
        assert [row for row in await office.story("L-1") if row[1] == "queued"] == [("provision", "queued", None, 2)]
        assert ("clear", "superseded", box, 2) in await office.story("L-1")
        assert await office.story("L-2") == [("provision", "queued", box, 1)]

    async def test_to_a_line_without_a_subscriber_clears_it(self, office):
        first = await associated(office, "L-1", ONE)
        await office.verify(first.write_id)
        await office.devices.create("L-2", None, office.actor)
        await office.devices.bind("L-2", ONE, office.actor, replace=True)
        assert ("clear", "queued", await office.gateway_of("L-2"), 2) in await office.story("L-1")

    async def test_exchanging_two_boxes_ends_with_each_line_on_the_other_box(self, office):
        for line, box in (("L-1", ONE), ("L-2", TWO)):
            await office.verify((await associated(office, line, box)).write_id)
        one, two = await office.gateway_of("L-1"), await office.gateway_of("L-2")
        await office.devices.bind("L-1", TWO, office.actor, replace=True)
        await office.devices.bind("L-2", ONE, office.actor, replace=True)
        assert (await office.gateway_of("L-1"), await office.gateway_of("L-2")) == (two, one)
        assert ("provision", "queued", two, 2) in await office.story("L-1")
        open_writes = [row for line in ("L-1", "L-2") for row in await office.story(line) if row[1] == "queued"]
        assert sorted(row[0] for row in open_writes) == ["provision", "provision"]

    async def test_is_cleared_of_an_earlier_line_when_the_next_one_lets_it_go_unwritten(self, office):
        first = await associated(office, "L-1", ONE)
        await office.verify(first.write_id)
        await associated(office, "L-2")
        await office.devices.bind("L-2", ONE, office.actor, replace=True)
        box = await office.gateway_of("L-2")
        await office.devices.unbind("L-2", office.actor)
        assert (await office.story("L-1"))[-1] == ("clear", "queued", box, 2)

    async def test_is_cleared_of_an_earlier_line_when_the_next_one_ends_unwritten(self, office):
        first = await associated(office, "L-1", ONE)
        await office.verify(first.write_id)
        second = await associated(office, "L-2")
        await office.devices.bind("L-2", ONE, office.actor, replace=True)
        await office.associations.end(second.association_id, office.actor)
        assert (await office.story("L-1"))[-1] == ("clear", "queued", await office.gateway_of("L-2"), 2)
        assert [row[:2] for row in await office.story("L-2")] == [("provision", "superseded")]


class TestABoxWithoutItsProductClass:
    async def test_that_is_known_is_bound(self, office):
        gateway = await office.inform(ONE)
        await office.devices.create("L-1", BARE, office.actor)
        assert await office.gateway_of("L-1") == gateway

    async def test_that_fits_several_is_refused(self, office):
        await office.inform(ONE)
        await office.inform(Identity("00236A", "S-1", "OTHER"))
        with pytest.raises(Conflict, match=r"several gateways .* product_class"):
            await office.devices.create("L-1", BARE, office.actor)

    async def test_fits_the_one_that_the_line_has_though_there_are_several(self, office):
        await office.devices.create("L-1", ONE, office.actor)
        await office.inform(Identity("00236A", "S-1", "OTHER"))
        gateway = await office.gateway_of("L-1")
        await office.devices.bind("L-1", BARE, office.actor, replace=False)
        assert await office.gateway_of("L-1") == gateway

    async def test_that_nobody_knows_is_awaited_and_bound_at_its_first_inform(self, office):
        await associated(office, gateway=BARE)
        device = await office.devices.find("L-1")
        assert (device.gateway_id, device.serial_number) == (None, "S-1")
        gateway = await office.inform(ONE)
        assert await office.binding.bind_wanted(gateway, office.clock()) is True
        assert await office.story("L-1") == [("provision", "queued", gateway, 1)]
        assert await office.binding.bind_wanted(gateway, office.clock()) is False

    async def test_is_not_taken_from_the_line_that_has_it(self, office):
        await associated(office, "L-1", BARE)
        with pytest.raises(Conflict, match="L-1 waits for"):
            await office.devices.create("L-2", ONE, office.actor)

    async def test_is_moved_while_it_is_only_awaited(self, office):
        await associated(office, "L-1", BARE)
        await office.devices.create("L-2", None, office.actor)
        await office.devices.bind("L-2", BARE, office.actor, replace=True)
        gateway = await office.inform(ONE)
        await office.binding.bind_wanted(gateway, office.clock())
        assert (await office.gateway_of("L-1"), await office.gateway_of("L-2")) == (None, gateway)

    async def test_nobody_waits_for_is_left_alone(self, office):
        assert await office.binding.bind_wanted(await office.inform(ONE), office.clock()) is False

    async def test_an_approved_one_goes_to_the_line_that_waits_for_it(self, office):
        await associated(office, gateway=BARE)
        gateway = await office.inform(ONE)
        approved = await office.gateways.approve(gateway, office.actor)
        assert (approved.line_of_service, approved.approved_by) == ("L-1", "token:crm")


class TestReissuing:
    async def test_starts_the_next_generation_and_writes_it_into_the_same_box(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        again = await office.associations.reissue(receipt.association_id, office.actor)
        gateway = await office.gateway_of("L-1")
        assert await office.story("L-1") == [("provision", "verified", gateway, 1), ("provision", "queued", gateway, 2)]
        assert (again.generation, again.write_state, again.write_id == receipt.write_id) == (2, "queued", False)
        assert (await office.writes_of("L-1"))[0].row.cause == "reissued"
        assert (await office.deeds())[-1] == "phan_url_reissued"

    async def test_makes_the_former_url_worth_nothing_at_once(self, office, lookup):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        former = await office.associations.reveal(receipt.association_id, office.actor)
        await office.associations.reissue(receipt.association_id, office.actor)
        newer = await office.associations.reveal(receipt.association_id, office.actor)
        assert [standing.active for standing in await lookup.open_all([Asked(former), Asked(newer)])] == [False, True]

    async def test_supersedes_what_is_on_its_way(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.dispatch(receipt.write_id)
        await office.associations.reissue(receipt.association_id, office.actor)
        gateway = await office.gateway_of("L-1")
        assert await office.story("L-1") == [
            ("provision", "superseded", gateway, 1),
            ("provision", "queued", gateway, 2),
        ]

    async def test_of_a_line_without_a_gateway_waits_for_one(self, office):
        receipt = await associated(office)
        await office.associations.reissue(receipt.association_id, office.actor)
        assert await office.story("L-1") == [("provision", "superseded", None, 1), ("provision", "queued", None, 2)]

    async def test_is_for_associations_that_are_not_over(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.associations.end(receipt.association_id, office.actor)
        before = await office.story("L-1")
        with pytest.raises(Conflict, match="has ended"):
            await office.associations.reissue(receipt.association_id, office.actor)
        assert await office.story("L-1") == before

    async def test_many_times_at_the_same_moment_leaves_one_write(self, office):
        receipt = await associated(office, gateway=ONE)
        await office.verify(receipt.write_id)
        again = (office.associations.reissue(receipt.association_id, office.actor) for _ in range(4))
        await asyncio.gather(*again)
        states = [row[1] for row in await office.story("L-1")]
        assert sorted(states) == ["queued", "superseded", "superseded", "superseded", "verified"]
        assert (await office.associations.find(receipt.association_id)).generation == 5


class TestAtTheSameMoment:
    async def test_one_box_goes_to_exactly_one_of_many_lines(self, office):
        lines = [f"L-{n}" for n in range(6)]
        for line in lines:
            await associated(office, line)
        outcomes = await asyncio.gather(
            *(office.devices.bind(line, ONE, office.actor, replace=False) for line in lines), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 5 + ["DeviceRow"]

    async def test_moves_and_swaps_of_the_same_boxes_end_in_a_state_that_is_whole(self, office):
        for line, box in (("L-1", ONE), ("L-2", TWO)):
            await office.verify((await associated(office, line, box)).write_id)
        moves = [("L-1", TWO), ("L-2", ONE), ("L-1", ONE), ("L-2", TWO)] * 2
        await asyncio.gather(*(office.devices.bind(line, box, office.actor, replace=True) for line, box in moves))
        boxes = [await office.gateway_of(line) for line in ("L-1", "L-2")]
        assert boxes[0] != boxes[1]
        for line, box in zip(("L-1", "L-2"), boxes, strict=True):
            newest = [row for row in await office.story(line) if row[0] == "provision"][-1]
            assert newest[1:3] == ("queued", box) or newest[1:3] == ("verified", box)
