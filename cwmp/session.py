"""The law of one CWMP session, the same for both sides: who may say what now, and what that leads to.

A Session is a handful of values and can be made anew from them at any moment, so that a driver need not keep one
between two messages. It knows no bytes, no time-out and no cookie, and an Inform on a session that is open is a matter
for its driver: it always begins a new one (S-22).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cwmp.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from cwmp.messages import (
    ACS_REQUESTS,
    RESPONSE_TO,
    RESPONSES,
    EmptyPost,
    Fault,
    Inform,
    Message,
    SoapFault,
    UnknownRequest,
    rpc_name,
)


class State(StrEnum):
    """Where a session stands."""

    AWAIT_INFORM = "await_inform"
    CPE_TURN = "cpe_turn"
    ACS_TURN = "acs_turn"
    AWAIT_RESPONSE = "await_response"
    DONE = "done"


class Event(StrEnum):
    """What moves a session: all of it is said by the CPE, but for ACS_REQUEST and END."""

    INFORM = "inform"
    CPE_REQUEST = "cpe_request"
    EMPTY_POST = "empty_post"
    ACS_REQUEST = "acs_request"
    RESPONSE = "response"
    FAULT = "fault"
    END = "end"


class Role(StrEnum):
    """Which side a Session is held by."""

    ACS = "acs"
    CPE = "cpe"


TRANSITIONS: dict[State, dict[Event, State]] = {
    State.AWAIT_INFORM: {Event.INFORM: State.CPE_TURN},
    State.CPE_TURN: {Event.CPE_REQUEST: State.CPE_TURN, Event.EMPTY_POST: State.ACS_TURN},
    State.ACS_TURN: {
        Event.CPE_REQUEST: State.ACS_TURN,
        Event.ACS_REQUEST: State.AWAIT_RESPONSE,
        Event.END: State.DONE,
    },
    State.AWAIT_RESPONSE: {
        Event.CPE_REQUEST: State.AWAIT_RESPONSE,
        Event.EMPTY_POST: State.AWAIT_RESPONSE,  # the same request again; the second time it is a FAULT
        Event.RESPONSE: State.ACS_TURN,
        Event.FAULT: State.ACS_TURN,
    },
    State.DONE: {Event.CPE_REQUEST: State.DONE, Event.EMPTY_POST: State.DONE},
}

# What an empty POST counts as, the second time that a CPE answers a request with it.
_NOT_SUPPORTED = Fault(9000, "the CPE answered with an empty POST twice")
_MOST_REPEATS = 1


class Received(NamedTuple):
    """What a message amounts to: the message is replaced where it counts as another one.

    `repeat` asks for the outstanding request to be sent again. `notes` are for the log.
    """

    event: Event | None
    message: Message
    repeat: bool = False
    notes: tuple[str, ...] = ()


_EVENTS: dict[type[Message], Event] = dict.fromkeys(RESPONSES, Event.RESPONSE) | {
    EmptyPost: Event.EMPTY_POST,
    Inform: Event.INFORM,
    Fault: Event.FAULT,
    SoapFault: Event.FAULT,
}


def event_of(message: Message) -> Event:
    """Give the event that a message from the CPE is; a request that only an ACS makes is one more CPE request."""
    return _EVENTS.get(type(message), Event.CPE_REQUEST)


@dataclass(slots=True)
class Session:
    """One session as it stands.

    `expects` is the type of response that the ACS's outstanding request wants, `repeats` how often that request was
    answered with an empty POST, `expects_id` its ID. `owes` is the answer that the ACS still owes to what the CPE said
    last; within one HTTP exchange it is settled again.
    """

    state: State = State.AWAIT_INFORM
    expects: type[Message] | None = None
    repeats: int = 0
    role: Role = Role.ACS
    expects_id: str | None = None
    owes: type[Message] | None = None
    owes_id: str | None = None

    @property
    def may_ask(self) -> bool:
        """Whether the ACS may send a request now, or end the session (S-04, S-07)."""
        return self.state is State.ACS_TURN and self.owes is None

    def receive(self, message: Message, id: str | None = None) -> Received:
        """Take what the other side said. Raises RemoteProtocolError where the law does not allow it."""
        return self._from_cpe(message, id) if self.role is Role.ACS else self._from_acs(message, id)

    def send(self, message: Message, id: str | None = None) -> None:
        """Note what we are about to say. Raises LocalProtocolError where the law does not allow it."""
        if self.role is Role.ACS:
            self._from_acs(message, id)
        else:
            self._from_cpe(message, id)

    # --- what the CPE says ------------------------------------------------------------------------------------------

    def _from_cpe(self, message: Message, id: str | None) -> Received:
        if self.owes is not None:
            raise self._wrong(Role.CPE, message, id, "the CPE spoke before it was answered")
        event = _EVENTS.get(type(message), Event.CPE_REQUEST)
        if event is Event.RESPONSE and self.expects is not None and type(message) is not self.expects:
            raise self._wrong(Role.CPE, message, id, f"the response that is awaited is {self.expects.__name__}")
        if event is Event.EMPTY_POST and self.state is State.AWAIT_RESPONSE:
            return self._unanswered(message)
        self._move(event, Role.CPE, message, id)
        notes: tuple[str, ...] = ()
        if event is Event.RESPONSE or event is Event.FAULT:
            notes = self._notes_on_id(id)
            self.expects, self.expects_id, self.repeats = None, None, 0
        elif event is Event.EMPTY_POST:
            # Only in DONE is there just one answer: no content, once more (S-16).
            self.owes = EmptyPost if self.state is State.DONE else None
        else:
            self.owes, self.owes_id = RESPONSE_TO.get(type(message), Fault), id
        return Received(event, message, notes=notes)

    def _unanswered(self, message: Message) -> Received:
        """Take an empty POST where a response was due: some CPEs answer a request that way that they do not know."""
        self.repeats += 1
        if self.repeats <= _MOST_REPEATS:
            return Received(Event.EMPTY_POST, message, repeat=True, notes=("empty POST for a response",))
        self._move(Event.FAULT, Role.CPE, message, None)
        self.expects, self.expects_id, self.repeats = None, None, 0
        return Received(Event.FAULT, _NOT_SUPPORTED, notes=("empty POST for a response, again",))

    def _notes_on_id(self, id: str | None) -> tuple[str, ...]:
        """Correlate by the method; an ID that differs is noted and no more (S-08)."""
        if id == self.expects_id or self.expects_id is None:
            return ()
        if id is None:
            return ("response without ID",)
        return () if id.strip() == self.expects_id else ("response with another ID",)

    # --- what the ACS says ------------------------------------------------------------------------------------------

    def _from_acs(self, message: Message, id: str | None) -> Received:
        if self.owes is not None:
            return self._answer(message, id)
        if isinstance(message, EmptyPost):
            self._move(Event.END, Role.ACS, message, id)
            return Received(Event.END, message)
        if type(message) not in ACS_REQUESTS and not isinstance(message, UnknownRequest):
            raise self._wrong(Role.ACS, message, id, "nothing was asked that this would answer")
        expects = RESPONSE_TO.get(type(message), Fault)
        if self.repeats and expects is self.expects:
            self.expects_id = id
            return Received(Event.ACS_REQUEST, message, repeat=True)
        self._move(Event.ACS_REQUEST, Role.ACS, message, id)
        self.expects, self.expects_id, self.repeats = expects, id, 0
        return Received(Event.ACS_REQUEST, message)

    def _answer(self, message: Message, id: str | None) -> Received:
        """Settle what is owed: a request is answered with its response or a fault, and with nothing else (T-18)."""
        fault = isinstance(message, Fault | SoapFault) and self.owes is not EmptyPost
        if type(message) is not self.owes and not fault:
            raise self._wrong(Role.ACS, message, id, "the CPE's request has to be answered first")
        notes = () if id == self.owes_id else ("answer with another ID",)
        self.owes = self.owes_id = None
        return Received(None, message, notes=notes)

    # --- the table --------------------------------------------------------------------------------------------------

    def _move(self, event: Event, speaker: Role, message: Message, id: str | None) -> None:
        state = TRANSITIONS[self.state].get(event)
        if state is None:
            raise self._wrong(speaker, message, id, f"{event} is not allowed in {self.state}")
        self.state = state

    def _wrong(self, speaker: Role, message: Message, id: str | None, reason: str) -> ProtocolError:
        name = rpc_name(message)
        if speaker is self.role:
            return LocalProtocolError(f"{name}: {reason}")
        method = None if isinstance(message, EmptyPost) else name
        return RemoteProtocolError(f"{name}: {reason}", method=method, request_id=id)
