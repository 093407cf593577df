"""One message of a gateway in, one message for it out: CWMP, without a word of HTTP.

The law of a session is `cwmp.session`'s. A session has no object here that lives from one POST to the next: where it
stands is said by its ticket and by the write whose request is outstanding, and the law is asked anew each time.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final, NamedTuple

import structlog

from acs_bridge.domain import identities
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import read_tag
from acs_bridge.domain.planner import ANSWER_TO, ANSWERS, OpenWrite
from acs_bridge.domain.principal import Kind
from acs_bridge.services.session.visit import Conductor, Contact, Outgoing, Overtaken, Visit
from acs_bridge.web.device.connection import Connection
from acs_bridge.web.device.gate import Admission
from acs_bridge.web.device.origin import Origin
from acs_bridge.web.device.ticket import Ticket
from cwmp import messages
from cwmp.envelope import Envelope
from cwmp.errors import RemoteProtocolError
from cwmp.faults import ACS_FAULTS
from cwmp.messages import EmptyPost, Fault, Inform, InformResponse, Message
from cwmp.session import Event, Received, Session, State, event_of
from cwmp.version import negotiate

_log = structlog.get_logger(__name__)

_FAMILY: Final = "urn:dslforum-org:cwmp-1-"
_LOOKS: Final = 3  # at a write: as remembered, as it stands, and once more if it moved in between

# What a request of the gateway hears: that it was noted, or (everything else) that it is not supported.
_NOTED: Final[dict[type[Message], Message]] = {
    messages.TransferComplete: messages.TransferCompleteResponse(),
    messages.AutonomousTransferComplete: messages.AutonomousTransferCompleteResponse(),
    messages.RequestDownload: messages.RequestDownloadResponse(),
    messages.DUStateChangeComplete: messages.DUStateChangeCompleteResponse(),
    messages.AutonomousDUStateChangeComplete: messages.AutonomousDUStateChangeCompleteResponse(),
}
_METHODS: Final = messages.GetRPCMethodsResponse(("Inform", "GetRPCMethods", *(request.__name__ for request in _NOTED)))
_ANSWERS: Final[dict[type[Message], Message]] = {messages.GetRPCMethods: _METHODS, **_NOTED}
_REQUESTS: Final = frozenset((Event.INFORM, Event.CPE_REQUEST))  # only they may be answered with a fault
_DENIED: Final = Fault(8001, ACS_FAULTS[8001].name)
_NOT_SUPPORTED: Final = Fault(8000, ACS_FAULTS[8000].name)


class Reply(NamedTuple):
    """What goes back to the gateway; no message is HTTP 204, or an empty 200."""

    message: Message | None
    namespace: str
    id: str | None = None
    use_version: str | None = None
    ticket: Ticket | None = None  # a session was opened: this is its cookie
    kept_out: bool = False  # of the inbox, where there was no room
    empty_200: bool = False  # to a gateway that takes 204 for an error

    @classmethod
    def fault(cls, error: RemoteProtocolError) -> "Reply":
        """The fault that answers a request which CWMP does not allow."""
        return cls(Fault(error.fault, ACS_FAULTS[error.fault].name), error.namespace, error.request_id)


class Dialogue:
    """Speaks with gateways."""

    def __init__(
        self, conductor: Conductor, clock: Clock, *, believed: bool, on_end: Callable[[int, int], None]
    ) -> None:
        """`believed`: the shared bootstrap pair is enough to be taken for whom a gateway says it is.

        `on_end` is told the gateway and the number of each session that is over.
        """
        self._conductor = conductor
        self._clock = clock
        self._believed = believed
        self._on_end = on_end

    async def answer(
        self, received: Envelope, connection: Connection, origin: Origin, admission: Admission, cookie: Ticket | None
    ) -> Reply | None:
        """Answer one message; None asks for credentials. Raises RemoteProtocolError where the gateway erred, Replayed.

        What this very request proved is what opens a session. The messages behind it may ride on an earlier login from
        the same address on this connection.
        """
        message, header = received.message, received.header
        if header.not_understood and event_of(message) in _REQUESTS:
            refusal = messages.SoapFault("MustUnderstand", "a header that must be understood is not known here")
            return Reply(refusal, received.namespace, header.id)
        if isinstance(message, Inform):
            return await self._open(received, message, connection, origin, admission)
        ticket = self._session_of(connection, origin, cookie)
        if ticket is None:
            return self._outside(message)
        if origin.exposed and ticket.work_due:  # whatever was due when the session was opened, from wherever that was
            ticket = ticket._replace(work_due=False)
        if received.repairs:
            _tell_repairs(received, connection.visit(ticket, work_due=ticket.work_due), origin)
        if type(message) in messages.CPE_REQUESTS:
            # Allowed in every state of an open session, and it moves none: the database need not be asked.
            answer = _ANSWERS.get(type(message), _NOT_SUPPORTED)
            return Reply(answer, f"{_FAMILY}{ticket.namespace}", header.id)
        outgoing = await self._proceed(message, header.id, connection, ticket)
        if outgoing is None:
            self._on_end(ticket.gateway_id, ticket.session_number)
        return _next(outgoing, ticket)

    def goes_on(self, connection: Connection, cookie: Ticket | None) -> bool:
        """Whether a session has begun that a message belongs to: no new work if it is answered."""
        ticket = cookie if cookie is not None else connection.ticket_without_cookie()
        return ticket is not None and not ticket.is_over(self._clock())

    def recorded(
        self, connection: Connection, origin: Origin, cookie: Ticket | None, opened: Ticket | None
    ) -> Ticket | None:
        """The session that a message belongs to or has `opened`, if somebody records it."""
        ticket = opened or cookie or connection.ticket_without_cookie()
        if ticket is None or not ticket.recorded:
            return None
        return opened or self._session_of(connection, origin, cookie)

    async def _open(
        self, received: Envelope, inform: Inform, connection: Connection, origin: Origin, admission: Admission
    ) -> Reply | None:
        principal, device = admission.principal, inform.device_id
        if principal is None:
            return None
        version = negotiate(received)
        if principal.kind is Kind.CERTIFICATE and not identities.name(
            principal.identities, device.oui, device.product_class, device.serial_number
        ):
            _log.warning("identity_refused", peer=origin.peer, named=sorted(principal.identities))
            return Reply(_DENIED, version.namespace, received.header.id, version.use_version)
        believed = self._believed or principal.kind is not Kind.BOOTSTRAP
        contact = Contact(origin.peer, version.namespace, principal, believed, origin.exposed, admission.login)
        visit = await self._conductor.open(inform, contact)
        ticket = Ticket(
            visit.gateway_id,
            visit.session_number,
            int(self._clock().timestamp()),
            int(version.namespace.removeprefix(_FAMILY)),
            principal.kind,
            principal.mark(),
            version.session_timeout,
            work_due=visit.work_due,
            empty_200=visit.quirks.empty_200,
            recorded=visit.recorded,
        )
        visit.timeout = timedelta(seconds=version.session_timeout)
        connection.opened(ticket, visit)
        if received.repairs:
            _tell_repairs(received, visit, origin)
        answer = InformResponse(), version.namespace, received.header.id, version.use_version
        return Reply(*answer, ticket, kept_out=visit.kept_out)

    def _session_of(self, connection: Connection, origin: Origin, cookie: Ticket | None) -> Ticket | None:
        connection.needs_cookies |= cookie is not None
        ticket = cookie if cookie is not None else connection.ticket_without_cookie()
        if ticket is None or ticket.is_over(self._clock()):
            return None
        return ticket if connection.may_go_on(origin, ticket) else None

    def _outside(self, message: Message) -> Reply:
        """No session is open: an empty POST hears that there is nothing, everything else is an error."""
        if isinstance(message, EmptyPost):
            return Reply(None, "")
        raise RemoteProtocolError("the message belongs to no session")

    async def _proceed(
        self, message: Message, id: str | None, connection: Connection, ticket: Ticket
    ) -> Outgoing | None:
        if not ticket.work_due:
            # Nothing was due when the session was opened, or nothing that this gateway may get: it is asked nothing,
            # and no answer of it can begin a write. What came since comes with the next Inform.
            if isinstance(message, EmptyPost):
                return None
            raise RemoteProtocolError("the message is no answer to what was asked")
        visit = connection.visit(ticket, work_due=True)
        awaited = False
        for _ in range(_LOOKS):
            remembered = visit.known
            write = await self._conductor.recall(visit)
            session = _stands(visit, write)
            try:
                received = session.receive(message, id)
            except RemoteProtocolError:
                if not remembered:
                    ours = id is not None and read_tag(id) is not None
                    with suppress(Overtaken):
                        return await self._out_of_turn(visit, write, id, awaited=awaited or ours)
                visit.known = False  # another worker may have gone on with this session
                continue
            awaited = True
            try:
                return await self._follow(visit, session.state, received)
            except Overtaken:
                continue
        return None

    async def _follow(self, visit: Visit, state: State, received: Received) -> Outgoing | None:
        for note in received.notes:
            _log.info("message_noted", note=note, gateway_id=visit.gateway_id)
        if received.repeat:
            return await self._conductor.repeat(visit)
        if received.event is Event.EMPTY_POST:
            return await self._conductor.begin(visit) if state is State.ACS_TURN else None
        if isinstance(received.message, ANSWERS):
            return await self._conductor.answer(visit, received.message)
        raise RemoteProtocolError("nothing was asked that this would answer")

    async def _out_of_turn(
        self, visit: Visit, write: OpenWrite | None, id: str | None, *, awaited: bool
    ) -> Outgoing | None:
        """An answer that nobody waits for any more, or that nobody ever did.

        `awaited`: it answers a request of ours. That request's write was settled or replaced meanwhile, and whatever is
        due now is begun; or the answer was sent twice, because ours did not arrive, and it hears the same again.
        Everything else leaves what is outstanding in doubt. Raises Overtaken.
        """
        if awaited and (write is None or write.request_id is None):
            return await self._conductor.begin(visit)
        if awaited and id is not None and write is not None and write.names(id) and id.strip() != write.request_id:
            return await self._conductor.repeat(visit, counts=False)
        await self._conductor.lose(visit)
        raise RemoteProtocolError("the message is no answer to what was asked")


def _next(outgoing: Outgoing | None, ticket: Ticket) -> Reply:
    """What is asked next in a session, or its end."""
    namespace = f"{_FAMILY}{ticket.namespace}"
    if outgoing is None:
        return Reply(None, namespace, empty_200=ticket.empty_200)
    return Reply(outgoing.request, namespace, outgoing.id)


def _tell_repairs(received: Envelope, visit: Visit, origin: Origin) -> None:
    """Tell what had to be mended, once in a session for each kind: such a gateway does it in every message."""
    new = tuple(repair for repair in received.repairs if repair not in visit.repairs)
    if new:
        visit.repairs += new
        _log.info(
            "message_repaired",
            repairs=new,
            message=messages.rpc_name(received.message),
            gateway_id=visit.gateway_id,
            session_number=visit.session_number,
            peer=origin.peer,
        )


def _stands(visit: Visit, write: OpenWrite | None) -> Session:
    """Where a session stands, by the write that it is about."""
    if write is None:
        return Session(State.DONE)
    if write.request_id is None or write.session_number != visit.session_number:
        return Session(State.CPE_TURN)
    expects = None if write.plan.asked is None else ANSWER_TO[write.plan.asked]
    return Session(State.AWAIT_RESPONSE, expects=expects, repeats=int(write.plan.repeated), expects_id=write.request_id)
