"""A gateway: who it is, what it holds, what it has to report, and its sessions with an ACS, one at a time.

It speaks real HTTP to whatever its `ManagementServer.URL` names, with the credentials in its data model, so that an ACS
that writes these changes them. It opens sessions only when told to, and whatever goes wrong in one is in the report.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from acs_bridge.simulator import reporting
from acs_bridge.simulator.behaviour import BY_THE_BOOK, Applies, Behaviour
from acs_bridge.simulator.conversation import Conversation, SessionEnded
from acs_bridge.simulator.data_model import DataModel
from acs_bridge.simulator.line import Endpoint
from acs_bridge.simulator.login import Login
from acs_bridge.simulator.models import TR181
from acs_bridge.simulator.report import Outcome, SessionReport
from acs_bridge.simulator.rpcs import answer
from acs_bridge.simulator.schema import Schema
from acs_bridge.simulator.signal import Signal
from acs_bridge.simulator.surroundings import Surroundings
from cwmp.messages import DeviceId, EmptyPost, EventStruct, Inform, Message, rpc_name

BOOTSTRAP = "0 BOOTSTRAP"
BOOT = "1 BOOT"
PERIODIC = ("2 PERIODIC",)
CONNECTION_REQUEST = ("6 CONNECTION REQUEST",)
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a gateway shows its ACS."""

    username: str
    password: str = field(repr=False)


class SimulatedGateway:
    """One gateway; `session` is everything that it does by itself."""

    def __init__(
        self,
        identity: DeviceId,
        acs_url: str,
        credentials: Credentials | None = None,
        *,
        schema: Schema = TR181,
        behaviour: Behaviour = BY_THE_BOOK,
        surroundings: Surroundings,
    ) -> None:
        """`acs_url` and `credentials` are the factory's: a factory reset brings them back."""
        Endpoint.of(acs_url)  # a URL that no session could use is a mistake of the caller
        self.identity = identity
        self.behaviour = behaviour
        self.model = DataModel(schema, _from_the_factory(identity, acs_url, credentials or Credentials("", "")))
        self.pending: list[EventStruct] = []
        """Events of the gateway's own life that no session has reported yet."""
        self.retry_count = 0
        self.holding = False
        """Whether a request of the ACS waits for `Behaviour.hold`."""
        self.in_session = False
        self.received: list[Message] = []
        """What the ACS has asked in the newest session."""
        self.last_report: SessionReport | None = None
        self.reported: tuple[int, ...] = ()
        """What it heard when it last reported, for each place."""
        self._surroundings = surroundings
        self._acs_url = acs_url
        self._cookie = ""
        self._signal = Signal()
        self._one_at_a_time = asyncio.Lock()
        self._called = False

    # What a test or a fleet asks for

    async def session(self, events: Iterable[str] = PERIODIC) -> SessionReport:
        """Have one session: Inform with what is pending and `events`, serve the ACS until it is done."""
        async with self._one_at_a_time:
            self._called = False
            self._notice_a_new_acs()
            reported = self._to_report(events)
            conversation = self._conversation()
            self.received = []
            self._change(in_session=True)
            try:
                report = await self._report_of(conversation, reported)
            finally:
                conversation.close()
                self._cookie = conversation.cookie
                self._end_session()
            self._settle(report, reported)
            return report

    async def answer_ring(self) -> SessionReport | None:
        """Have a session because somebody rang, after the one that is open; rings before it begins are one (3.2.2).

        None for those: the first of them has it.
        """
        if self._called:
            return None
        self._called = True
        return await self.session(CONNECTION_REQUEST)

    async def report(self) -> tuple[int, ...]:
        """Report to every URL that it was given for that; the status of each answer. Raises LineError."""
        self.reported = await reporting.report(self.model, self.identity, self._surroundings)
        self._signal.announce()
        return self.reported

    @property
    def reports_to(self) -> tuple[reporting.Place, ...]:
        """Where it reports; nowhere, until it has a URL."""
        return reporting.places(self.model)

    async def until(self, condition: Callable[["SimulatedGateway"], bool]) -> None:
        """Return once `condition` holds; it is looked at on every change, so that none is missed."""
        await self._signal.until(partial(condition, self))

    def value(self, name: str) -> str:
        """Return what the gateway holds for a parameter, by its name below the root."""
        return self.model.value(self.model.schema.root + name)

    def reboot(self, command_key: str | None = None) -> None:
        """Boot: values that wait for that come into force. With a key, because the ACS had asked for it."""
        self._add_pending(EventStruct(BOOT))
        if command_key is not None:
            self._add_pending(EventStruct("M Reboot", command_key))
        self.model.apply_staged()
        self._signal.announce()

    def factory_reset(self) -> None:
        """Forget everything since the factory, and contact the ACS as if for the first time."""
        self.model.factory_reset()
        self.pending = [EventStruct(BOOTSTRAP), EventStruct(BOOT)]
        self.retry_count = 0
        self._cookie = ""
        self._acs_url = self.value("ManagementServer.URL")
        self._signal.announce()

    # How a session goes

    async def _report_of(self, conversation: Conversation, events: tuple[EventStruct, ...]) -> SessionReport:
        timer = self._surroundings.timer
        begin = timer()
        inform_seconds: float | None = None
        outcome, error = Outcome.COMPLETED, ""
        try:
            await conversation.inform(self._inform(events))
            inform_seconds = timer() - begin
            await self._serve(conversation)
        except SessionEnded as end:
            outcome, error = end.outcome, end.error
        served = tuple(rpc_name(request) for request in self.received)
        return SessionReport(outcome, timer() - begin, inform_seconds, conversation.exchanges, served, error)

    async def _serve(self, conversation: Conversation) -> None:
        for own in self.behaviour.own_requests:
            await conversation.ask(own)
        request = await conversation.say(EmptyPost())
        while not isinstance(request, EmptyPost):
            self.received.append(request)
            self._signal.announce()
            if self.behaviour.drop_on_request == len(self.received):
                raise SessionEnded(Outcome.DROPPED, "on a request")
            await self._wait_while_held()
            response = answer(self.model, self.behaviour, request)
            self._signal.announce()
            if self.behaviour.drop_before_response == len(self.received):
                raise SessionEnded(Outcome.DROPPED, "before a response")
            request = await conversation.say(response)

    async def _wait_while_held(self) -> None:
        if self.behaviour.hold is not None and not self.behaviour.hold.is_set():
            self._change(holding=True)
            await self.behaviour.hold.wait()
            self._change(holding=False)

    def _inform(self, events: tuple[EventStruct, ...]) -> Inform:
        parameters = self.model.forced() + self.model.get_values(self.behaviour.announces)
        if self.behaviour.no_parameter_key:
            parameters = tuple(each for each in parameters if not each.name.endswith(".ParameterKey"))
        events = () if self.behaviour.no_events else events
        now = self._surroundings.clock().strftime(_TIME_FORMAT)
        return Inform(self.identity, events, parameters, current_time=now, retry_count=self.retry_count)

    def _end_session(self) -> None:
        if self.behaviour.applies is Applies.AFTER_SESSION:
            self.model.apply_staged()
        self._change(in_session=False, holding=False)

    def _settle(self, report: SessionReport, reported: tuple[EventStruct, ...]) -> None:
        """Forget what has been reported; a session that failed is tried again with the same events (3.2.1.1)."""
        self.last_report = report
        if report.completed:
            self.retry_count = 0
            self.pending = [event for event in self.pending if event not in reported]
        else:
            self.retry_count += 1
        self._signal.announce()

    # What it knows

    def _to_report(self, events: Iterable[str]) -> tuple[EventStruct, ...]:
        for code in events:
            self._add_pending(EventStruct(code))
        return tuple(self.pending)

    def _add_pending(self, event: EventStruct) -> None:
        if event not in self.pending:
            self.pending.append(event)

    def _notice_a_new_acs(self) -> None:
        """Begin anew with an ACS whose URL has not been contacted before (TR-069 3.7.1.5)."""
        url = self.value("ManagementServer.URL")
        if url != self._acs_url:
            self._acs_url = url
            self.pending = [EventStruct(BOOTSTRAP)]

    def _conversation(self) -> Conversation:
        username, password = self.value("ManagementServer.Username"), self.value("ManagementServer.Password")
        cookie = self._cookie if self.behaviour.stale_cookie else ""
        login = Login(username, password, self._surroundings.new_cnonce, sha_256=self.behaviour.sha_256)
        return Conversation(self._acs_url, login, self.behaviour, self._surroundings, cookie)

    def _change(self, *, in_session: bool | None = None, holding: bool | None = None) -> None:
        self.in_session = self.in_session if in_session is None else in_session
        self.holding = self.holding if holding is None else holding
        self._signal.announce()


def _from_the_factory(identity: DeviceId, acs_url: str, credentials: Credentials) -> dict[str, str]:
    return {
        "DeviceInfo.Manufacturer": identity.manufacturer,
        "DeviceInfo.ManufacturerOUI": identity.oui,
        "DeviceInfo.ProductClass": identity.product_class,
        "DeviceInfo.SerialNumber": identity.serial_number,
        "ManagementServer.URL": acs_url,
        "ManagementServer.Username": credentials.username,
        "ManagementServer.Password": credentials.password,
    }
