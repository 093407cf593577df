"""What a gateway is asked next: one row for each rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from acs_bridge.domain import planner
from acs_bridge.domain.credentials import PairKind
from acs_bridge.domain.ids import tag
from acs_bridge.domain.planner import Answer, Asked, Association, Move, OpenWrite, Plan, Wanted
from acs_bridge.domain.principal import ANYBODY, BOOTSTRAP, Kind, Principal
from acs_bridge.domain.write import TRANSITIONS, Purpose, WriteEvent, WriteState
from cwmp.messages import (
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    ParameterFault,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = UUID("019ace00-0000-7000-8000-000000000001")
OTHER = UUID("019ace00-0000-7000-8000-000000000002")
STEP = 3
SESSION = 7

S = WriteState
E = WriteEvent
SET, READ = Asked.SET, Asked.READ
VALUES = (
    ParameterValueStruct("Device.X.URL", "https://a/"),
    ParameterValueStruct("Device.X.On", "true", "xsd:boolean"),
)
WANTED = Wanted(VALUES)
UNREADABLE = Wanted(VALUES, readable=False)
NAMES = GetParameterValues(("Device.X.URL", "Device.X.On"))

OK = SetParameterValuesResponse(0)
EQUAL = GetParameterValuesResponse(VALUES)
EQUAL_IN_OTHER_WORDS = GetParameterValuesResponse(
    (ParameterValueStruct("Device.X.On", "1"), ParameterValueStruct("Device.Y", ""), VALUES[0])
)
DIFFERENT = GetParameterValuesResponse((ParameterValueStruct("Device.X.URL", "https://b/"), VALUES[1]))
PARTLY = GetParameterValuesResponse(VALUES[:1])
NOTHING = GetParameterValuesResponse(())
TRANSIENT, PERMANENT = Fault(9002, "busy"), Fault(9005, "no such")
OF_PARAMETERS = Fault(9003, "bad", (ParameterFault("Device.X.URL", 9007, "too long"),))


def a_write(state: WriteState, plan: Plan = Plan(), **columns: object) -> OpenWrite:  # noqa: B008 - it is frozen
    write = OpenWrite(
        id=ID,
        purpose=Purpose.PROVISION,
        state=state,
        moves=1,
        attempts=1,
        step=STEP,
        plan=plan,
        parameter_key=tag(ID, STEP),
        request_id=None,
        session_number=SESSION,
        moved_at=NOW,
        generation=1,
        association=Association(OTHER, "k1", NOW, "LOS-1", "C-1"),
    )
    return write._replace(**columns)  # type: ignore[arg-type]


class TestTheFirstRequest:
    @pytest.mark.parametrize(
        ("state", "plan", "wanted", "event", "asked"),
        [
            (S.QUEUED, Plan(), WANTED, E.DISPATCHED, SET),
            (S.QUEUED, Plan(read_first=True), WANTED, E.DISPATCHED, READ),
            (S.QUEUED, Plan(read_first=True), UNREADABLE, E.DISPATCHED, SET),
            (S.APPLIED, Plan(), WANTED, None, READ),
            (S.STAGED, Plan(rests=True), WANTED, None, READ),
        ],
    )
    def test_is(self, state: WriteState, plan: Plan, wanted: Wanted, event: WriteEvent | None, asked: Asked) -> None:
        """R-13."""
        move = planner.begin(a_write(state, plan), wanted)
        request = SetParameterValues(VALUES, tag(ID, STEP + 1)) if asked is SET else NAMES
        assert move == Move(event, request, plan._replace(asked=asked, rests=False))

    @pytest.mark.parametrize(
        ("state", "plan", "columns", "may"),
        [
            (S.QUEUED, Plan(), {}, True),
            (S.QUEUED, Plan(), {"due_in": 1}, False),
            (S.QUEUED, Plan(), {"due_in": -1}, True),
            (S.SENT, Plan(asked=SET), {"request_id": "r"}, False),
            (S.IN_DOUBT, Plan(asked=SET), {"request_id": "r"}, False),
            (S.APPLIED, Plan(), {}, True),
            (S.APPLIED, Plan(), {"due_in": 1}, True),
            (S.APPLIED, Plan(asked=READ), {"request_id": "r"}, False),
            (S.APPLIED, Plan(unreadable=True), {}, False),
            (S.STAGED, Plan(), {}, True),
            (S.STAGED, Plan(rests=True), {}, False),
            (S.STAGED, Plan(rests=True), {"session_number": SESSION - 1}, True),
            (S.STAGED, Plan(rests=True, unreadable=True), {"session_number": SESSION - 1}, False),
        ],
    )
    def test_may_go_out(self, state: WriteState, plan: Plan, columns: dict[str, object], may: bool) -> None:
        columns = dict(columns)
        due_at = NOW + timedelta(seconds=columns.pop("due_in", 0))  # type: ignore[arg-type]
        assert planner.may_begin(a_write(state, plan, **columns), NOW, due_at, SESSION) is may


class TestARepeat:
    @pytest.mark.parametrize("counts", [False, True])
    @pytest.mark.parametrize("asked", [SET, READ])
    def test_is_the_same_request_and_moves_nothing(self, asked: Asked, counts: bool) -> None:
        write = a_write(S.SENT if asked is SET else S.APPLIED, Plan(asked=asked, read_first=True), request_id="r")
        move = planner.repeat(write, WANTED, counts=counts)
        request = SetParameterValues(VALUES, tag(ID, STEP)) if asked is SET else NAMES
        assert move == Move(request=request, plan=write.plan._replace(repeated=counts), again=True)

    def test_that_was_counted_stays_so(self) -> None:
        write = a_write(S.SENT, Plan(asked=SET, repeated=True), request_id="r")
        assert planner.repeat(write, WANTED, counts=False).plan.repeated


READ_BACK = Move(E.ACCEPTED, NAMES, Plan(asked=READ))
WRITTEN = Move(E.ADVANCED, SetParameterValues(VALUES, tag(ID, STEP + 1)), Plan(asked=SET))
ANOTHER_VALUE = Fault(0, "the gateway took the value, but reads back another one")

ANSWERS: list[tuple[WriteState, Asked, Answer, str, Move]] = [
    # The answer to SetParameterValues. The flags: u(nreadable), l(ast attempt), f (in force by now).
    (S.SENT, SET, OK, "", READ_BACK),
    (S.IN_DOUBT, SET, OK, "", READ_BACK),
    (S.SENT, SET, SetParameterValuesResponse(None), "", READ_BACK),
    (S.SENT, SET, SetParameterValuesResponse(7), "", READ_BACK),
    (S.SENT, SET, OK, "u", Move(E.ACCEPTED, plan=Plan(unreadable=True))),
    (S.SENT, SET, SetParameterValuesResponse(1), "", Move(E.DEFERRED, plan=Plan(rests=True))),
    (S.SENT, SET, SetParameterValuesResponse(1), "u", Move(E.DEFERRED, plan=Plan(unreadable=True, rests=True))),
    (S.SENT, SET, TRANSIENT, "", Move(E.FALTERED, fault=TRANSIENT, later=True)),
    (S.IN_DOUBT, SET, TRANSIENT, "", Move(E.FALTERED, fault=TRANSIENT, later=True)),
    (S.SENT, SET, TRANSIENT, "l", Move(E.EXHAUSTED, fault=TRANSIENT)),
    (S.SENT, SET, PERMANENT, "", Move(E.REFUSED, fault=PERMANENT)),
    (S.SENT, SET, PERMANENT, "l", Move(E.REFUSED, fault=PERMANENT)),
    (S.IN_DOUBT, SET, OF_PARAMETERS, "", Move(E.REFUSED, fault=OF_PARAMETERS)),
    # The answer to the look before writing.
    (S.SENT, READ, EQUAL, "", READ_BACK),
    (S.SENT, READ, DIFFERENT, "", WRITTEN),
    (S.IN_DOUBT, READ, PARTLY, "", WRITTEN),
    (S.SENT, READ, PERMANENT, "l", WRITTEN),
    # The answer to the read-back.
    (S.APPLIED, READ, EQUAL, "", Move(E.READ_BACK_EQUAL)),
    (S.APPLIED, READ, EQUAL_IN_OTHER_WORDS, "", Move(E.READ_BACK_EQUAL)),
    (S.STAGED, READ, EQUAL, "", Move(E.READ_BACK_EQUAL)),
    (S.APPLIED, READ, DIFFERENT, "", Move(E.READ_BACK_DIFFERS, fault=ANOTHER_VALUE, later=True)),
    (S.APPLIED, READ, PARTLY, "", Move(E.READ_BACK_DIFFERS, fault=ANOTHER_VALUE, later=True)),
    (S.APPLIED, READ, NOTHING, "l", Move(E.EXHAUSTED, fault=ANOTHER_VALUE)),
    (S.APPLIED, READ, PERMANENT, "", Move(plan=Plan(unreadable=True))),
    (S.APPLIED, READ, TRANSIENT, "l", Move(plan=Plan(unreadable=True))),
    (S.STAGED, READ, DIFFERENT, "", Move(plan=Plan(rests=True))),
    (S.STAGED, READ, DIFFERENT, "l", Move(plan=Plan(rests=True))),
    (S.STAGED, READ, DIFFERENT, "f", Move(E.READ_BACK_DIFFERS, fault=ANOTHER_VALUE, later=True)),
    (S.STAGED, READ, DIFFERENT, "lf", Move(E.EXHAUSTED, fault=ANOTHER_VALUE)),
    (S.STAGED, READ, PERMANENT, "f", Move(plan=Plan(unreadable=True))),
]


class TestAnAnswer:
    @pytest.mark.parametrize(("state", "asked", "answer", "flags", "expected"), ANSWERS)
    def test_makes_of_its_write(
        self, state: WriteState, asked: Asked, answer: Answer, flags: str, expected: Move
    ) -> None:
        """R-08, S-14."""
        write = a_write(state, Plan(asked=asked), request_id=tag(ID, STEP))
        wanted = UNREADABLE if "u" in flags else WANTED
        assert planner.answered(write, wanted, answer, last_attempt="l" in flags, in_force="f" in flags) == expected

    @pytest.mark.parametrize(("state", "asked", "answer", "flags", "expected"), ANSWERS)
    def test_keeps_to_the_law(
        self, state: WriteState, asked: Asked, answer: Answer, flags: str, expected: Move
    ) -> None:
        assert expected.event is None or expected.event in TRANSITIONS[state]


class TestTheNextInform:
    @pytest.mark.parametrize(
        ("state", "key", "last", "expected"),
        [
            (S.SENT, tag(ID, STEP), False, Move(E.KEY_MATCHES)),
            (S.SENT, tag(ID, STEP), True, Move(E.KEY_MATCHES)),
            (S.IN_DOUBT, tag(ID, STEP), False, Move(E.KEY_MATCHES)),
            (S.SENT, tag(ID, STEP - 1), False, Move(E.KEY_OF_AN_EARLIER_STEP)),
            (S.SENT, tag(OTHER, STEP), False, Move(E.KEY_DIFFERS)),
            (S.SENT, "", False, Move(E.KEY_DIFFERS)),
            (S.SENT, "(null)", False, Move(E.KEY_DIFFERS)),
            (S.IN_DOUBT, None, False, Move(E.KEY_ABSENT, plan=Plan(read_first=True))),
            (S.APPLIED, "", False, Move(plan=Plan(unreadable=True))),
            (S.STAGED, None, True, Move(plan=Plan(unreadable=True))),
        ],
    )
    def test_settles_a_lost_request(
        self, state: WriteState, key: str | None, last: bool, expected: Move
    ) -> None:  # S-19
        write = a_write(state, Plan(asked=READ, repeated=True, unreadable=True), request_id=tag(ID, STEP))
        assert planner.lost(write, key, last_attempt=last) == expected
        assert expected.event is None or expected.event in TRANSITIONS[state]

    @pytest.mark.parametrize("key", ["", None, tag(ID, STEP - 1)])
    def test_ends_a_write_that_was_lost_too_often(self, key: str | None) -> None:
        move = planner.lost(a_write(S.SENT, request_id="r"), key, last_attempt=True)
        assert move.event is E.EXHAUSTED
        assert move.fault is not None
        assert move.fault.code == 0

    def test_never_proves_a_write_that_has_sent_no_key(self) -> None:
        write = a_write(S.SENT, Plan(asked=READ, read_first=True), parameter_key=None, request_id="r")
        assert planner.lost(write, None, last_attempt=False).event is E.KEY_ABSENT
        assert not planner.proven(write._replace(state=S.APPLIED, request_id=None), None, in_force=True)

    @pytest.mark.parametrize(
        ("state", "plan", "columns", "key", "in_force", "proves"),
        [
            (S.APPLIED, Plan(unreadable=True), {}, tag(ID, STEP), False, True),
            (S.APPLIED, Plan(unreadable=True), {}, tag(ID, STEP - 1), True, False),
            (S.APPLIED, Plan(unreadable=True), {}, None, True, False),
            (S.APPLIED, Plan(unreadable=True), {"request_id": "r"}, tag(ID, STEP), True, False),
            (S.APPLIED, Plan(), {}, tag(ID, STEP), True, False),
            (S.STAGED, Plan(unreadable=True), {}, tag(ID, STEP), False, False),
            (S.STAGED, Plan(unreadable=True), {}, tag(ID, STEP), True, True),
            (S.STAGED, Plan(), {}, tag(ID, STEP), True, False),
        ],
    )
    def test_proves_what_cannot_be_read(
        self, state: WriteState, plan: Plan, columns: dict[str, object], key: str | None, in_force: bool, proves: bool
    ) -> None:
        assert planner.proven(a_write(state, plan, **columns), key, in_force=in_force) is proves


class TestAWrite:
    @pytest.mark.parametrize(
        ("text", "named"),
        [(tag(ID, 1), True), (f" {tag(ID, 99)}\n", True), (tag(OTHER, 1), False), ("", False), (None, False)],
    )
    def test_is_named_by_its_tags(self, text: str | None, named: bool) -> None:
        assert a_write(S.SENT).names(text) is named

    def test_is_named_by_the_tag_that_it_will_send(self) -> None:
        assert planner.next_tag(a_write(S.QUEUED)) == tag(ID, STEP + 1)


OWN = Principal(Kind.OWN, (7,), 2)


def credentials(state: WriteState = S.APPLIED, pair: PairKind = PairKind.OWN, **columns: object) -> OpenWrite:
    columns = {"purpose": Purpose.CREDENTIALS, "pair": pair, "association": None, "generation": 2} | columns
    return a_write(state, Plan(unreadable=True), **columns)


class TestCredentials:
    @pytest.mark.parametrize(
        ("pair", "principal", "proven"),
        [
            (PairKind.OWN, OWN, True),
            (PairKind.OWN, replace(OWN, generation=1), False),
            (PairKind.OWN, BOOTSTRAP, False),
            (PairKind.BOOTSTRAP, BOOTSTRAP, True),
            (PairKind.BOOTSTRAP, OWN, False),
            (PairKind.IMPORTED, Principal(Kind.IMPORTED, (7, 8)), True),
            (PairKind.IMPORTED, BOOTSTRAP, False),
            (PairKind.OWN, ANYBODY, False),
            (PairKind.OWN, Principal(Kind.CERTIFICATE), False),
        ],
    )
    def test_are_proven_by_a_login_with_them(self, pair: PairKind, principal: Principal, proven: bool) -> None:
        assert planner.logged_in(credentials(pair=pair), principal) is proven

    def test_are_the_only_thing_that_a_login_proves(self) -> None:
        for principal in (OWN, BOOTSTRAP, ANYBODY):
            assert not planner.logged_in(a_write(S.APPLIED), principal)

    def test_are_not_proven_by_a_parameter_key(self) -> None:
        assert not planner.proven(credentials(), tag(ID, STEP), in_force=True)

    def test_that_were_lost_are_not_read_back_when_their_key_is_there(self) -> None:
        lost = planner.lost(credentials(S.SENT, request_id="r"), tag(ID, STEP), last_attempt=False)
        assert lost == Move(E.KEY_MATCHES, plan=Plan(unreadable=True))

    @pytest.mark.parametrize(
        ("write", "principal", "flags", "event"),
        [
            (credentials(), BOOTSTRAP, "f", E.LOGIN_DIFFERS),
            (credentials(S.STAGED), BOOTSTRAP, "f", E.LOGIN_DIFFERS),
            (credentials(), BOOTSTRAP, "fl", E.EXHAUSTED),
            (credentials(), BOOTSTRAP, "", None),
            (credentials(S.QUEUED), BOOTSTRAP, "f", None),
            (credentials(request_id="r"), BOOTSTRAP, "f", None),
            (credentials(), Principal(Kind.CERTIFICATE), "f", None),
            (a_write(S.APPLIED), BOOTSTRAP, "f", None),
        ],
    )
    def test_that_a_gateway_took_and_does_not_use_are_written_again(
        self, write: OpenWrite, principal: Principal, flags: str, event: WriteEvent | None
    ) -> None:
        move = planner.not_used(write, principal, last_attempt="l" in flags, in_force="f" in flags)
        assert (move and move.event) == event

    @pytest.mark.parametrize(
        ("write", "may"),
        [
            (a_write(S.QUEUED), True),
            (a_write(S.STAGED, Plan(rests=True)), True),
            (a_write(S.APPLIED, Plan(unreadable=True)), False),
            (a_write(S.APPLIED, Plan(unreadable=True), session_number=SESSION - 1), True),
            (a_write(S.STAGED, Plan(unreadable=True), session_number=SESSION - 1), False),
        ],
    )
    def test_wait_for_a_write_that_only_its_parameter_key_will_prove(self, write: OpenWrite, may: bool) -> None:
        assert planner.may_follow(write, SESSION) is may
