"""The way into an instance of a table: one row for each answer that a gateway may give."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from acs_bridge.domain import planner
from acs_bridge.domain.ids import tag
from acs_bridge.domain.planner import Answer, Asked, Mark, Memory, Move, OpenWrite, Place, Plan, Wanted
from acs_bridge.domain.profile import InstanceRule, Requirement, Row
from acs_bridge.domain.write import Purpose, WriteEvent, WriteState
from cwmp.messages import (
    AddObject,
    AddObjectResponse,
    DeleteObject,
    DeleteObjectResponse,
    Fault,
    GetParameterNames,
    GetParameterNamesResponse,
    GetParameterValues,
    GetParameterValuesResponse,
    ParameterFault,
    ParameterInfoStruct,
    ParameterValueStruct,
    SetParameterValues,
)

S, E, A = WriteState, WriteEvent, Asked
ID = UUID("019ace00-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STEP = 3
KEY = tag(ID, STEP + 1)
TABLE = "Device.T."
URL = "https://phan.example/r/token"
RULE = InstanceRule(
    TABLE,
    ("Name", "URL"),
    "On",
    "Device.Max",
    (Row("R.", "Ref", (("Name", "a"), ("Ref", "Device.A."))), Row("R.", "Ref", (("Ref", "Device.B."),))),
    (Requirement("Device.Protocols", has="HTTP"), Requirement(f"{TABLE}{{i}}.Methods", has="POST", optional=True)),
)
MARKS = (Mark("Name", "ours", begins=False), Mark("URL", "https://phan.example/r/", begins=True))
VALUES = (
    ParameterValueStruct(f"{TABLE}{{i}}.Name", "ours"),
    ParameterValueStruct(f"{TABLE}{{i}}.URL", URL),
    ParameterValueStruct(f"{TABLE}{{i}}.On", "1", "xsd:boolean"),
    ParameterValueStruct("Device.On", "1", "xsd:boolean"),
)
WANTED = Wanted(VALUES, place=Place(RULE, MARKS))
CLEARING = Wanted(
    (ParameterValueStruct(f"{TABLE}{{i}}.URL", ""), ParameterValueStruct(f"{TABLE}{{i}}.On", "0", "xsd:boolean")),
    place=Place(RULE, MARKS, removes=True),
)
LIST = GetParameterNames(TABLE, next_level=True)
ABLE = {"Device.Protocols": "File, http", "Device.Max": "4"}


def a_write(asked: Asked, memory: Memory, state: WriteState = S.SENT, **columns: object) -> OpenWrite:
    write = OpenWrite(
        id=ID,
        purpose=Purpose.PROVISION,
        state=state,
        moves=1,
        attempts=1,
        step=STEP,
        plan=Plan(asked=asked, memory=memory),
        parameter_key=tag(ID, STEP),
        request_id="r",
        session_number=7,
        moved_at=NOW,
        generation=1,
    )
    return write._replace(**columns)  # type: ignore[arg-type]


def clearing(asked: Asked, memory: Memory, **columns: object) -> OpenWrite:
    return a_write(asked, memory, **{"purpose": Purpose.CLEAR, **columns})  # type: ignore[arg-type]


def answered(write: OpenWrite, answer: Answer, wanted: Wanted = WANTED, flags: str = "") -> Move:
    return planner.answered(write, wanted, answer, last_attempt="l" in flags, in_force="f" in flags)


def names(*found: str) -> GetParameterNamesResponse:
    return GetParameterNamesResponse(tuple(ParameterInfoStruct(name, writable=True) for name in found))


def values(*pairs: tuple[str, str], type: str = "xsd:string") -> GetParameterValuesResponse:
    return GetParameterValuesResponse(tuple(ParameterValueStruct(name, value, type) for name, value in pairs))


def told(number: int, name: str = "", url: str = "", on: str = "0") -> tuple[tuple[str, str], ...]:
    path = f"{TABLE}{number}."
    return ((f"{path}Name", name), (f"{path}URL", url), (f"{path}On", on))


def look(*numbers: int) -> GetParameterValues:
    below = [f"{TABLE}{number}.{name}" for number in numbers for name in ("Name", "URL", "On")]
    return GetParameterValues(("Device.Protocols", "Device.Max", *below))


class TestTheBeginning:
    def test_is_a_list_of_what_there_is(self) -> None:
        queued = a_write(A.SET, Memory(), S.QUEUED)._replace(plan=Plan(), request_id=None)
        assert planner.begin(queued, WANTED) == Move(E.DISPATCHED, LIST, Plan(asked=A.LIST, memory=Memory()))

    def test_of_another_attempt_remembers_what_it_added(self) -> None:
        memory = Memory(listed=(1,), adding=True, instance=3, added=True)
        move = planner.begin(a_write(A.SET, memory, S.QUEUED), WANTED)
        assert move == Move(E.DISPATCHED, LIST, Plan(asked=A.LIST, memory=memory))

    def test_after_the_values_were_taken_is_to_read_them(self) -> None:
        move = planner.begin(a_write(A.READ, Memory(instance=3, rows=(1, 2)), S.APPLIED), WANTED)
        below = ("Name", "URL", "On")
        expected = [f"{TABLE}3.{name}" for name in below] + ["Device.On"]
        expected += [f"{TABLE}3.R.1.Name", f"{TABLE}3.R.1.Ref", f"{TABLE}3.R.2.Ref"]
        assert (move.event, move.request) == (None, GetParameterValues(tuple(expected)))

    def test_after_it_was_removed_is_to_list_again(self) -> None:
        assert planner.begin(clearing(A.LIST, Memory(gone=True), state=S.STAGED), CLEARING).request == LIST

    def test_of_what_another_profile_wrote_is_to_wait_for_its_key(self) -> None:
        move = planner.begin(a_write(A.READ, Memory(), S.APPLIED)._replace(plan=Plan()), WANTED)
        assert move == Move(plan=Plan(unreadable=True))


class TestAList:
    @pytest.mark.parametrize(
        ("answer", "listed"),
        [
            (names(), ()),
            (names(TABLE), ()),
            (names(TABLE, f"{TABLE}2.", f"{TABLE}1."), (1, 2)),
            (names(f"{TABLE}3", f"{TABLE}3.Name"), (3,)),
            (names("Device.Other.4."), ()),
        ],
    )
    def test_is_looked_at_by_name(self, answer: Answer, listed: tuple[int, ...]) -> None:
        move = answered(a_write(A.LIST, Memory()), answer)
        assert move == Move(E.ADVANCED, look(*listed), Plan(asked=A.LOOK, memory=Memory(listed=listed)))

    def test_after_an_object_was_asked_for_tells_which_came(self) -> None:
        move = answered(a_write(A.LIST, Memory(listed=(1,), adding=True)), names(f"{TABLE}1.", f"{TABLE}4."))
        assert move.plan.memory == Memory(listed=(1, 4), fresh=(4,))

    def test_of_aliases_is_not_guessed_at(self) -> None:
        move = answered(a_write(A.LIST, Memory()), names(f"{TABLE}[cpe-1]."))
        assert (move.event, move.request) == (E.REFUSED, None)

    @pytest.mark.parametrize("code", [9000, 9003, 9005])
    def test_that_is_refused_is_replaced_by_everything_below(self, code: int) -> None:
        rule = replace(
            RULE, limit="Device.T.Max", requires=(Requirement("Device.T.Can", has="x"),), table="Device.T.P."
        )
        wanted = WANTED._replace(place=Place(rule, MARKS))
        move = answered(a_write(A.LIST, Memory()), Fault(code, "no"), wanted)
        assert move == Move(
            E.ADVANCED, GetParameterValues(("Device.T.",)), Plan(asked=A.LOOK, memory=Memory(whole=True))
        )

    def test_that_is_put_off_is_tried_later(self) -> None:
        assert answered(a_write(A.LIST, Memory()), Fault(9002, "busy")).event == E.FALTERED


class TestALook:
    LOOKING = a_write(A.LOOK, Memory(listed=(1, 2)))

    @pytest.mark.parametrize(
        ("found", "instance"),
        [
            ((told(1, "theirs", on="1"), told(2, "ours")), 2),
            ((told(1, "theirs", on="1"), told(2, "", "https://phan.example/r/other")), 2),
            ((told(1), told(2, "ours", on="1")), 2),
            ((told(1), told(2, "theirs", on="1")), 1),
            ((told(1, on="false"), told(2)), 1),
            ((told(1, "ours"), told(2, "ours")), 1),
        ],
    )
    def test_finds_the_instance_that_is_ours_or_free(self, found: tuple, instance: int) -> None:  # P-03
        move = answered(self.LOOKING, values(*ABLE.items(), *found[0], *found[1]))
        assert move.request == GetParameterValues((f"{TABLE}{instance}.", "Device.On"))
        assert move.plan.memory == Memory(listed=(1, 2), instance=instance)

    @pytest.mark.parametrize(
        "found",
        [
            (told(1, "theirs", on="1"), told(2, "", "https://their.example/")),
            (told(1, on="1"), told(2, on="1")),
            ((), ()),
            (told(1, "ours too"), told(2, "our")),
        ],
    )
    def test_that_finds_none_adds_one(self, found: tuple) -> None:
        move = answered(self.LOOKING, values(*ABLE.items(), *found[0], *found[1]))
        assert move.request == AddObject(TABLE, KEY)
        assert move.plan.memory == Memory(listed=(1, 2), adding=True, written=False)

    def test_finds_what_came_since_one_was_asked_for(self) -> None:
        memory = Memory(listed=(1, 2), fresh=(2,))
        move = answered(a_write(A.LOOK, memory), values(*ABLE.items(), *told(1), *told(2)))
        assert move.plan.memory == replace(memory, instance=2, added=True)

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"Device.Protocols": "File"}, "the gateway's Device.Protocols is 'File', without HTTP"),
            ({"Device.Protocols": None}, "the gateway has no Device.Protocols"),
            ({"Device.Max": "2"}, "the gateway has room for 2 instances of Device.T., and has 2"),
        ],
    )
    def test_that_finds_it_unfit_refuses_before_anything_is_written(
        self, changes: dict[str, str | None], reason: str
    ) -> None:  # P-02
        found = {name: value for name, value in (ABLE | changes).items() if value is not None}
        move = answered(self.LOOKING, values(*found.items(), *told(1, "a", on="1"), *told(2, "b", on="1")))
        assert (move.event, move.request, move.fault) == (E.REFUSED, None, Fault(0, reason))

    @pytest.mark.parametrize("limit", ["-1", "", "many", "3"])
    def test_with_room_or_no_limit_that_can_be_read_adds(self, limit: str) -> None:
        found = ABLE | {"Device.Max": limit}
        move = answered(self.LOOKING, values(*found.items(), *told(1, "a", on="1"), *told(2, "b", on="1")))
        assert isinstance(move.request, AddObject)

    def test_by_whole_paths_counts_the_instances_itself(self) -> None:
        memory = Memory(whole=True, listed=(1,), adding=True)
        found = values(*ABLE.items(), (f"{TABLE}1.Name", "theirs"), (f"{TABLE}9.Other", "x"))
        move = answered(a_write(A.LOOK, memory), found)
        assert move.plan.memory == Memory(whole=True, listed=(1, 9), fresh=(9,), instance=9, added=True)

    def test_by_whole_paths_does_not_guess_at_aliases(self) -> None:
        found = values(*ABLE.items(), (f"{TABLE}[cpe-1].Name", ""))
        assert answered(a_write(A.LOOK, Memory(whole=True)), found).event == E.REFUSED

    def test_that_is_refused_twice_is_refused(self) -> None:
        move = answered(a_write(A.LOOK, Memory(whole=True)), Fault(9005, "no such"))
        assert (move.event, move.fault) == (E.REFUSED, Fault(9005, "no such"))


class TestAnObjectThatWasAdded:
    ADDING = a_write(A.ADD, Memory(listed=(1,), adding=True, written=False))

    def test_is_surveyed(self) -> None:
        move = answered(self.ADDING, AddObjectResponse(5, 0))
        memory = Memory(listed=(1,), instance=5, added=True, written=False)
        survey = GetParameterValues((f"{TABLE}5.", "Device.On"))
        assert move == Move(E.ADVANCED, survey, Plan(asked=A.SURVEY, memory=memory))

    def test_without_a_number_is_looked_for(self) -> None:
        move = answered(self.ADDING, AddObjectResponse(None, 0))
        assert (move.request, move.plan.memory) == (LIST, self.ADDING.plan.memory)

    @pytest.mark.parametrize(("code", "event"), [(9004, E.REFUSED), (9005, E.REFUSED), (9002, E.FALTERED)])
    def test_not_at_all_is_known_not_to_be_there(self, code: int, event: WriteEvent) -> None:
        move = answered(self.ADDING, Fault(code, "no"))
        assert (move.event, move.plan.memory) == (event, Memory(listed=(1,), written=False))


class TestASurvey:
    NEW = Memory(instance=5, added=True)
    FOUND = ((f"{TABLE}5.R.2.Ref", "Device.B."), (f"{TABLE}5.R.7.Ref", ""), (f"{TABLE}5.R.8.Ref", "Device.Z."))

    def test_finds_rows_by_their_mark_and_takes_blank_ones(self) -> None:
        move = answered(a_write(A.SURVEY, self.NEW), values(*self.FOUND))
        assert move.plan.memory == replace(self.NEW, rows=(7, 2))
        rows = [(f"{TABLE}5.R.7.Name", "a"), (f"{TABLE}5.R.7.Ref", "Device.A."), (f"{TABLE}5.R.2.Ref", "Device.B.")]
        whole = tuple(each._replace(name=each.name.replace("{i}", "5")) for each in VALUES) + values(*rows).parameters
        assert move.request == SetParameterValues(whole, KEY)

    def test_never_takes_one_row_for_two(self) -> None:
        move = answered(a_write(A.SURVEY, self.NEW), values((f"{TABLE}5.R.7.Ref", "")))
        assert move.plan.memory == replace(self.NEW, rows=(7, 0), written=False)
        assert move.request == AddObject(f"{TABLE}5.R.", KEY)

    def test_learns_the_types_that_the_gateway_has(self) -> None:
        found = GetParameterValuesResponse(
            (
                *values(*self.FOUND).parameters,
                ParameterValueStruct(f"{TABLE}5.On", "0", "xsd:unsignedInt"),
                ParameterValueStruct(f"{TABLE}5.URL", "", "xsd:string"),
            )
        )
        request = answered(a_write(A.SURVEY, self.NEW), found).request
        assert isinstance(request, SetParameterValues)
        assert request.parameters[2] == (f"{TABLE}5.On", "1", "xsd:unsignedInt")

    def test_keeps_what_was_there_before_us_and_nothing_of_what_we_added(self) -> None:
        found = values(*self.FOUND, (f"{TABLE}5.URL", "https://their.example/"), ("Device.On", "0"))
        move = answered(a_write(A.SURVEY, Memory(instance=5)), found)
        assert move.former is not None
        assert [each.value for each in move.former] == ["Device.B.", "", "https://their.example/", "0"]
        assert answered(a_write(A.SURVEY, self.NEW), found).former is None

    def test_that_finds_everything_there_writes_nothing(self) -> None:
        rows = [(f"{TABLE}5.R.1.Name", "a"), (f"{TABLE}5.R.1.Ref", "Device.A."), (f"{TABLE}5.R.2.Ref", "Device.B.")]
        own = [(each.name.replace("{i}", "5"), each.value) for each in VALUES]
        move = answered(a_write(A.SURVEY, Memory(instance=5)), values(*own, *rows))
        assert (move.event, move.plan.asked) == (E.ACCEPTED, A.READ)
        hidden = WANTED._replace(hidden=frozenset({f"{TABLE}{{i}}.URL"}))
        move = answered(a_write(A.SURVEY, Memory(instance=5)), values(*own, *rows), hidden)
        assert (move.event, move.plan.asked) == (E.ADVANCED, A.SET)

    def test_that_finds_it_unfit_takes_away_what_was_added(self) -> None:
        move = answered(a_write(A.SURVEY, self.NEW), values((f"{TABLE}5.Methods", "PUT")))
        assert (move.event, move.request) == (E.ADVANCED, DeleteObject(f"{TABLE}5.", KEY))
        assert move.fault == Fault(0, f"the gateway's {TABLE}5.Methods is 'PUT', without POST")
        assert move.plan.memory == replace(self.NEW, ends=E.REFUSED, written=False)


class TestARow:
    def test_that_was_added_has_the_next_asked_for(self) -> None:
        move = answered(a_write(A.ADD_ROW, Memory(instance=5, rows=(0, 0))), AddObjectResponse(4, 0))
        memory = Memory(instance=5, rows=(4, 0), rows_added=(0,), written=False)
        assert (move.request, move.plan.memory) == (AddObject(f"{TABLE}5.R.", KEY), memory)

    def test_without_a_number_is_looked_for(self) -> None:
        move = answered(a_write(A.ADD_ROW, Memory(instance=5, rows=(0, 2))), AddObjectResponse(None, None))
        assert move.request == GetParameterValues((f"{TABLE}5.", "Device.On"))

    def test_that_is_refused_takes_away_those_before_it(self) -> None:
        memory = Memory(instance=5, rows=(4, 0), rows_added=(0,))
        move = answered(a_write(A.ADD_ROW, memory), Fault(9000, "no"))
        assert move.request == DeleteObject(f"{TABLE}5.R.4.", KEY)


class TestWhatIsRefused:
    BAD = Fault(9003, "bad", (ParameterFault(f"{TABLE}5.URL", 9007, "too long"),))

    @pytest.mark.parametrize("added", [True, False])
    @pytest.mark.parametrize("flags", ["", "l"])
    def test_is_removed_first_if_we_added_it(self, added: bool, flags: str) -> None:  # P-04
        memory = Memory(instance=5, rows=(1, 2), added=added)
        fault = Fault(9002, "busy") if flags else self.BAD
        move = answered(a_write(A.SET, memory), fault, flags=flags)
        ends = E.EXHAUSTED if flags else E.REFUSED
        assert move.fault == fault
        if not added:
            assert (move.event, move.request) == (ends, None)
            return
        assert (move.event, move.request) == (E.ADVANCED, DeleteObject(f"{TABLE}5.", KEY))
        removed = answered(a_write(A.DELETE, move.plan.memory or memory), DeleteObjectResponse(0))
        assert removed == Move(ends, plan=Plan(memory=Memory(written=False)))

    @pytest.mark.parametrize("answer", [DeleteObjectResponse(1), Fault(9005, "gone"), Fault(9002, "busy")])
    def test_ends_whatever_becomes_of_the_removal(self, answer: Answer) -> None:
        memory = Memory(instance=5, added=True, ends=E.REFUSED)
        assert answered(a_write(A.DELETE, memory), answer).event == E.REFUSED

    def test_removes_rows_one_after_the_other(self) -> None:
        memory = Memory(instance=5, rows=(4, 6), rows_added=(0, 1), ends=E.REFUSED)
        move = answered(a_write(A.DELETE, memory), DeleteObjectResponse(0))
        assert (move.event, move.request) == (E.ADVANCED, DeleteObject(f"{TABLE}5.R.6.", KEY))
        assert answered(a_write(A.DELETE, move.plan.memory or memory), DeleteObjectResponse(0)).event == E.REFUSED

    def test_for_a_while_keeps_what_was_added_for_the_next_attempt(self) -> None:
        memory = Memory(instance=5, rows=(1, 2), added=True)
        move = answered(a_write(A.SET, memory), Fault(9002, "busy"))
        assert (move.event, move.request, move.later) == (E.FALTERED, None, True)

    def test_for_its_type_is_asked_for_its_own(self) -> None:
        memory = Memory(instance=5, rows=(1, 2), added=True)
        fault = Fault(9003, "bad", (ParameterFault(f"{TABLE}5.On", 9006, "type"),))
        move = answered(a_write(A.SET, memory), fault)
        assert isinstance(move.request, GetParameterValues)
        found = values((f"{TABLE}5.On", "0"))
        again = answered(a_write(A.READ, move.plan.memory or memory), found)
        assert isinstance(again.request, SetParameterValues)
        assert again.request.parameters[2].type == "xsd:string"
        assert answered(a_write(A.SET, again.plan.memory or memory), fault).request == DeleteObject(f"{TABLE}5.", KEY)


class TestClearing:
    LISTED = Memory(listed=(1, 5), instance=5, added=True)

    def test_looks_for_ours_without_asking_what_the_gateway_can(self) -> None:
        move = answered(clearing(A.LIST, Memory(instance=5, added=True)), names(f"{TABLE}5."), CLEARING)
        assert move.request == GetParameterValues(tuple(f"{TABLE}5.{name}" for name in ("Name", "URL", "On")))

    @pytest.mark.parametrize(
        ("memory", "found", "request_", "event"),
        [
            (LISTED, told(5, "ours"), DeleteObject(f"{TABLE}5.", KEY), E.ADVANCED),
            (
                replace(LISTED, added=False),
                told(5, "ours"),
                SetParameterValues(
                    (
                        ParameterValueStruct(f"{TABLE}5.URL", ""),
                        ParameterValueStruct(f"{TABLE}5.On", "0", "xsd:boolean"),
                    ),
                    KEY,
                ),
                E.ADVANCED,
            ),
            (LISTED, told(5, "theirs"), LIST, E.ACCEPTED),
            (LISTED, told(5), LIST, E.ACCEPTED),
        ],
    )
    def test_removes_what_we_added_and_empties_what_we_did_not(
        self, memory: Memory, found: tuple, request_: object, event: WriteEvent
    ) -> None:
        move = answered(clearing(A.LOOK, memory), values(*found), CLEARING)
        assert (move.event, move.request) == (event, request_)

    @pytest.mark.parametrize(
        ("answer", "event", "asked"),
        [
            (DeleteObjectResponse(0), E.ACCEPTED, A.LIST),
            (DeleteObjectResponse(None), E.ACCEPTED, A.LIST),
            (Fault(9005, "gone"), E.ACCEPTED, A.LIST),
            (DeleteObjectResponse(1), E.DEFERRED, None),
            (Fault(9000, "never"), E.ADVANCED, A.SET),
            (Fault(9002, "busy"), E.FALTERED, None),
        ],
    )
    def test_hears_what_became_of_the_removal(
        self, answer: Answer, event: WriteEvent, asked: Asked | None
    ) -> None:
        move = answered(clearing(A.DELETE, self.LISTED), answer, CLEARING)
        assert (move.event, move.plan.asked) == (event, asked)

    @pytest.mark.parametrize(
        ("state", "answer", "flags", "event"),
        [
            (S.APPLIED, names(f"{TABLE}1."), "", E.READ_BACK_EQUAL),
            (S.APPLIED, Fault(9005, "no such"), "", E.READ_BACK_EQUAL),
            (S.APPLIED, names(f"{TABLE}5."), "", E.READ_BACK_DIFFERS),
            (S.APPLIED, names(f"{TABLE}5."), "l", E.EXHAUSTED),
            (S.APPLIED, Fault(9002, "busy"), "", None),
            (S.STAGED, names(f"{TABLE}5."), "", None),
            (S.STAGED, names(f"{TABLE}5."), "f", E.READ_BACK_DIFFERS),
            (S.STAGED, names(), "", E.READ_BACK_EQUAL),
        ],
    )
    def test_is_proven_by_its_absence(
        self, state: WriteState, answer: Answer, flags: str, event: WriteEvent | None
    ) -> None:
        move = answered(clearing(A.LIST, Memory(gone=True, instance=5), state=state), answer, CLEARING, flags)
        assert move.event == event


class TestALostSession:
    @pytest.mark.parametrize(
        ("written", "key", "flags", "event"),
        [
            (True, tag(ID, STEP), "", E.KEY_MATCHES),
            (False, tag(ID, STEP), "", E.KEY_OF_AN_EARLIER_STEP),
            (False, tag(ID, STEP), "l", E.EXHAUSTED),
            (False, tag(ID, 1), "", E.KEY_OF_AN_EARLIER_STEP),
            (False, "another", "", E.KEY_DIFFERS),
            (False, None, "", E.KEY_ABSENT),
        ],
    )
    def test_is_proven_only_by_the_key_of_the_values(
        self, written: bool, key: str | None, flags: str, event: WriteEvent
    ) -> None:  # S-19
        write = a_write(A.ADD, Memory(written=written))
        assert planner.lost(write, key, last_attempt="l" in flags).event == event


class TestARepeat:
    @pytest.mark.parametrize("asked", list(Asked))
    def test_is_made_of_what_is_remembered(self, asked: Asked) -> None:
        memory = Memory(listed=(1,), instance=5, added=True, rows=(3, 0) if asked is A.ADD_ROW else (3, 4))
        write = a_write(asked, memory)
        move = planner.repeat(write, WANTED, counts=True)
        assert move.again
        assert move.plan == write.plan._replace(repeated=True)
        assert getattr(move.request, "parameter_key", tag(ID, STEP)) == tag(ID, STEP)


class TestAProfileOfAnotherKind:
    @pytest.mark.parametrize(
        ("plan", "wanted", "resumes"),
        [
            (Plan(asked=A.SET), Wanted(()), True),
            (Plan(asked=A.READ, memory=Memory(former="x")), Wanted(()), True),
            (Plan(asked=A.LIST, memory=Memory()), Wanted(()), False),
            (Plan(asked=A.SET), WANTED, False),
            (Plan(asked=A.SET, memory=Memory(instance=3)), WANTED, True),
            (Plan(asked=A.LIST, memory=Memory()), WANTED, True),
            (Plan(asked=A.SET, memory=Memory(instance=3, rows=(1, 2, 3))), WANTED, False),
        ],
    )
    def test_does_not_go_on_with_what_was_begun(self, plan: Plan, wanted: Wanted, resumes: bool) -> None:
        assert planner.resumes(a_write(A.SET, Memory())._replace(plan=plan), wanted) is resumes
