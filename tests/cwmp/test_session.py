import pytest

from cwmp.errors import LocalProtocolError, RemoteProtocolError
from cwmp.messages import (
    EmptyPost,
    EventStruct,
    Fault,
    GetParameterValues,
    GetParameterValuesResponse,
    GetRPCMethods,
    GetRPCMethodsResponse,
    InformResponse,
    Message,
    ParameterValueStruct,
    SetParameterValues,
    SetParameterValuesResponse,
    SoapFault,
    TransferComplete,
    TransferCompleteResponse,
    UnknownRequest,
    UnknownResponse,
)
from cwmp.session import TRANSITIONS, Event, Received, Role, Session, State, event_of
from tests.cwmp.samples import INFORM

SPV = SetParameterValues((ParameterValueStruct("Device.A", "1"),), "k-1")
DONE = SetParameterValuesResponse(0)
TRANSFER = TransferComplete("key")
# One message for each event; the last two are said by the ACS.
SAID: dict[Event, Message] = {
    Event.INFORM: INFORM,
    Event.CPE_REQUEST: TRANSFER,
    Event.EMPTY_POST: EmptyPost(),
    Event.RESPONSE: DONE,
    Event.FAULT: Fault(9002),
    Event.ACS_REQUEST: SPV,
    Event.END: EmptyPost(),
}
BY_ACS = {Event.ACS_REQUEST, Event.END}


def session_in(state, role=Role.ACS):
    return Session(state, SetParameterValuesResponse if state is State.AWAIT_RESPONSE else None, role=role)


def say(session, event):
    """Let the side speak that says such a thing."""
    if (event in BY_ACS) is (session.role is Role.ACS):
        session.send(SAID[event])
    else:
        session.receive(SAID[event])


class TestTable:
    def test_every_state_is_in_the_table(self):
        assert set(TRANSITIONS) == set(State)

    def test_a_state_is_reached_from_the_first_one(self):
        reached, more = set(), {State.AWAIT_INFORM}
        while more:
            reached |= more
            more = {state for known in reached for state in TRANSITIONS[known].values()} - reached
        assert reached == set(State)

    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize("event", Event)
    @pytest.mark.parametrize("state", State)
    def test_what_the_table_allows_is_allowed_and_nothing_else(self, state, event, role):
        session = session_in(state, role)
        after = TRANSITIONS[state].get(event)
        if after is None:
            ours = (event in BY_ACS) is (role is Role.ACS)
            with pytest.raises(LocalProtocolError if ours else RemoteProtocolError):
                say(session, event)
            assert session == session_in(state, role)
        else:
            say(session, event)
            assert session.state is after

    @pytest.mark.parametrize(
        ("message", "event"),
        [
            (INFORM, Event.INFORM),
            (EmptyPost(), Event.EMPTY_POST),
            (GetRPCMethods(), Event.CPE_REQUEST),
            (UnknownRequest("X"), Event.CPE_REQUEST),
            (SPV, Event.CPE_REQUEST),
            (DONE, Event.RESPONSE),
            (UnknownResponse("XResponse"), Event.RESPONSE),
            (Fault(9000), Event.FAULT),
            (SoapFault("Client"), Event.FAULT),
        ],
    )
    def test_each_message_of_a_cpe_is_an_event(self, message, event):
        assert event_of(message) is event


class TestWholeSession:
    """The path of section 0: Inform, its response, empty POST, a write, its response, 204."""

    STEPS: tuple[tuple[str, Message, str | None], ...] = (
        ("cpe", INFORM, "1"),
        ("acs", InformResponse(), "1"),
        ("cpe", TRANSFER, "2"),
        ("acs", TransferCompleteResponse(), "2"),
        ("cpe", GetRPCMethods(), None),
        ("acs", GetRPCMethodsResponse(("Inform",)), None),
        ("cpe", UnknownRequest("X_Hello"), "3"),
        ("acs", Fault(8000), "3"),
        ("cpe", EmptyPost(), None),
        ("acs", SPV, "w-1"),
        ("cpe", DONE, "w-1"),
        ("acs", GetParameterValues(("Device.A",)), "w-2"),
        ("cpe", Fault(9005), "w-2"),
        ("acs", GetRPCMethods(), "w-3"),
        ("cpe", TRANSFER, "4"),
        ("acs", TransferCompleteResponse(), "4"),
        ("cpe", GetRPCMethodsResponse(()), "w-3"),
        ("acs", EmptyPost(), None),
        ("cpe", EmptyPost(), None),
        ("acs", EmptyPost(), None),
        ("cpe", TRANSFER, "5"),
        ("acs", TransferCompleteResponse(), "5"),
    )

    @pytest.mark.parametrize("role", Role)
    def test_both_sides_go_through_it(self, role):
        """S-04, S-05, S-06, S-07, S-09, S-13, S-16"""
        session = Session(role=role)
        for speaker, message, id in self.STEPS:
            if speaker == role:
                session.send(message, id)
            else:
                received = session.receive(message, id)
                assert (received.message, received.notes) == (message, ())
        assert session == Session(State.DONE, role=role)

    def test_it_goes_on_from_what_is_known_of_it(self):
        """A driver that keeps no session makes it anew for each POST."""
        state, expects, repeats = State.AWAIT_INFORM, None, 0
        for said, answered in zip(self.STEPS[::2], self.STEPS[1::2], strict=True):
            session = Session(state, expects, repeats)
            session.receive(said[1], said[2])
            session.send(answered[1], answered[2])
            state, expects, repeats = session.state, session.expects, session.repeats
        assert state is State.DONE


class TestTurns:
    def test_the_acs_asks_only_after_an_empty_post_or_a_response(self):
        """S-04"""
        session = Session()
        assert not session.may_ask
        session.receive(INFORM)
        for message in (SPV, EmptyPost()):
            with pytest.raises(LocalProtocolError):
                session.send(message)
        session.send(InformResponse())
        assert not session.may_ask
        with pytest.raises(LocalProtocolError):
            session.send(SPV)
        session.receive(EmptyPost())
        assert session.may_ask

    def test_a_request_of_the_cpe_is_answered_by_its_own_response(self):
        """R-21, T-18"""
        session = Session(State.CPE_TURN)
        session.receive(TRANSFER)
        for message in (GetRPCMethodsResponse(()), InformResponse(), EmptyPost(), SPV):
            with pytest.raises(LocalProtocolError):
                session.send(message)
        session.send(TransferCompleteResponse())

    def test_a_request_in_our_turn_leaves_it_our_turn(self):
        """S-06"""
        session = Session(State.ACS_TURN)
        session.receive(TRANSFER)
        assert not session.may_ask
        session.send(TransferCompleteResponse())
        assert session.may_ask

    def test_nothing_is_answered_that_was_not_asked(self):
        with pytest.raises(LocalProtocolError):
            Session(State.ACS_TURN).send(TransferCompleteResponse())

    def test_an_acs_request_from_a_cpe_is_a_request_that_we_do_not_know(self):
        """X-11"""
        session = Session(State.CPE_TURN)
        session.receive(UnknownRequest("Reboot"))
        session.send(Fault(8000))
        session.receive(SPV)
        session.send(Fault(8000))
        assert session.state is State.CPE_TURN

    def test_a_request_outside_a_session_can_be_answered_with_a_fault(self):
        """S-01"""
        with pytest.raises(RemoteProtocolError) as caught:
            Session().receive(TRANSFER, "7")
        assert (caught.value.answerable, caught.value.request_id) == (True, "7")

    def test_an_inform_in_a_session_says_so(self):
        """S-22: its driver begins a new one instead."""
        with pytest.raises(RemoteProtocolError):
            Session(State.CPE_TURN).receive(INFORM)


class TestResponses:
    @pytest.mark.parametrize(
        "message", [GetParameterValuesResponse(()), UnknownResponse("XResponse"), InformResponse()]
    )
    def test_the_wrong_response_is_an_error_and_changes_nothing(self, message):
        """S-08"""
        session = session_in(State.AWAIT_RESPONSE)
        with pytest.raises(RemoteProtocolError) as caught:
            session.receive(message, "1")
        assert not caught.value.answerable
        assert session == session_in(State.AWAIT_RESPONSE)

    @pytest.mark.parametrize(
        ("id", "notes"),
        [
            ("w-1", ()),
            (" w-1 ", ()),
            (None, ("response without ID",)),
            ("other", ("response with another ID",)),
        ],
    )
    def test_an_id_that_differs_is_noted(self, id, notes):
        """S-08"""
        session = Session(State.AWAIT_RESPONSE, SetParameterValuesResponse, expects_id="w-1")
        assert session.receive(DONE, id) == Received(Event.RESPONSE, DONE, notes=notes)
        assert session == Session(State.ACS_TURN)

    def test_an_empty_post_for_a_response_asks_for_the_same_request_once(self):
        """Some CPEs answer a request that way that they do not know."""
        session = Session(State.AWAIT_RESPONSE, SetParameterValuesResponse)
        first = session.receive(EmptyPost())
        assert (first.repeat, session.state, session.repeats) == (True, State.AWAIT_RESPONSE, 1)
        session.send(SPV, "w-1")
        session = Session(session.state, session.expects, session.repeats)
        second = session.receive(EmptyPost())
        assert (second.event, second.message.code, second.repeat) == (Event.FAULT, 9000, False)
        assert session == Session(State.ACS_TURN)

    def test_only_the_same_request_is_repeated(self):
        session = Session(State.AWAIT_RESPONSE, SetParameterValuesResponse, repeats=1)
        with pytest.raises(LocalProtocolError):
            session.send(GetParameterValues(("Device.A",)))

    def test_a_response_in_time_after_the_repetition_is_fine(self):
        session = Session(State.AWAIT_RESPONSE, SetParameterValuesResponse, repeats=1)
        session.receive(DONE)
        assert session == Session(State.ACS_TURN)


class TestCpe:
    def test_a_cpe_notices_a_wrong_answer(self):
        session = Session(role=Role.CPE)
        session.send(INFORM, "1")
        with pytest.raises(RemoteProtocolError):
            session.receive(EmptyPost())
        with pytest.raises(RemoteProtocolError):
            session.receive(TransferCompleteResponse(), "1")
        assert session.receive(InformResponse(), "2").notes == ("answer with another ID",)

    def test_a_cpe_answers_what_it_was_asked(self):
        session = Session(State.ACS_TURN, role=Role.CPE)
        received = session.receive(UnknownRequest("Reboot"), "1")
        assert received.event is Event.ACS_REQUEST
        session.send(Fault(9000), "1")
        session.receive(SPV, "2")
        with pytest.raises(LocalProtocolError):
            session.send(GetParameterValuesResponse(()), "2")
        session.send(DONE, "2")
        session.receive(EmptyPost())
        assert session.state is State.DONE


def test_an_event_has_the_number_before_its_first_blank():
    """E-01, E-02"""
    numbers = {
        "0 BOOTSTRAP": 0,
        "1 Boot": 1,
        " 1 BOOT": 1,
        "10 AUTONOMOUS TRANSFER COMPLETE": 10,
        "14 HEARTBEAT": 14,
        "99 NEW": 99,
        "M Reboot": None,
        "X 00005E Foo": None,
        "1BOOT": 1,
        "0Bootstrap": 0,
        "0C5A00 Foo": None,
        "0CAFFE Foo": None,
        "00005E 0": None,
        "1st": None,
        "": None,
        "9" * 5000 + " X": None,
    }
    assert {code: EventStruct(code).number for code in numbers} == numbers
