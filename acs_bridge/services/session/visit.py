"""What one worker knows of a session, and the words in which a session is spoken of.

A `Visit` is never the truth: that is the write's row, guarded by the gateway's session number.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

from acs_bridge.domain.planner import Answer, OpenWrite, Request
from acs_bridge.domain.principal import Principal
from acs_bridge.domain.profile import GatewayKind, Quirks
from acs_bridge.services.profiles.rendering import Rendered
from acs_bridge.store.sessions import Standing
from cwmp.messages import Inform


class Contact(NamedTuple):
    """How an Inform reached us."""

    address: str
    namespace: str
    principal: Principal
    believed: bool  # its credentials entitle it to its identity without an approval
    exposed: bool = False  # neither inside TLS nor from a management network: a PHAN URL is not sent there
    login: int | None = None  # what may serve one Inform only


NO_QUIRKS: Final = Quirks()


@dataclass(slots=True)
class Visit:
    """What this worker knows of one session."""

    gateway_id: int
    session_number: int
    work_due: bool
    kept_out: bool = False  # of the inbox: it has no row
    recorded: bool = False  # somebody wants to know what is said in it
    timeout: timedelta = timedelta()  # how long the gateway may take to answer, where that is longer than usual
    known: bool = False  # what follows was read in this session; otherwise ask the database
    kind: GatewayKind | None = None
    quirks: Quirks = NO_QUIRKS  # known where the session was opened only
    booted_at: datetime | None = None
    write: OpenWrite | None = None
    due_at: datetime | None = None
    held_back: bool = False
    behind: Standing | None = None  # credentials, while the line's write has its turn
    wanted: Rendered | None = None
    heard: tuple[Principal, str | None] | None = None  # by the worker that took the Inform: its login, its ParameterKey
    repairs: tuple[str, ...] = ()  # what had to be mended to read this session's messages

    def wanted_for(self, write: OpenWrite) -> Rendered | None:
        """What a write asks of the gateway, where that has been worked out in this session."""
        return self.wanted if self.wanted is not None and self.wanted.write_id == write.id else None

    @property
    def standing(self) -> Standing | None:
        """The write that has its turn."""
        if self.write is None or self.due_at is None:
            return None
        return Standing(self.write, self.due_at, self.held_back)

    def turn_to(self, standing: Standing) -> None:
        """Give this write its turn, for the rest of the session."""
        self.write, self.due_at, self.held_back = standing.write, standing.due_at, standing.held_back
        self.behind = None


class Outgoing(NamedTuple):
    """A request for the gateway."""

    request: Request
    id: str


class Conductor(Protocol):
    """What decides about a session: it provisions, or only observes. All of it may raise Overtaken.

    Whatever a message amounts to goes by the write that `recall` has just found.
    """

    async def open(self, inform: Inform, contact: Contact) -> Visit:
        """Begin a session. Raises Replayed."""

    async def recall(self, visit: Visit) -> OpenWrite | None:
        """Say at which write this session stands."""

    async def begin(self, visit: Visit) -> Outgoing | None:
        """Say what the gateway is asked, which has nothing more to say."""

    async def repeat(self, visit: Visit, *, counts: bool = True) -> Outgoing | None:
        """Say what is outstanding once more."""

    async def answer(self, visit: Visit, answer: Answer) -> Outgoing | None:
        """Take the answer to what is outstanding, and say what is asked next."""

    async def lose(self, visit: Visit) -> None:
        """Hear that what the gateway said makes no sense."""


class Replayed(Exception):
    """What an Inform was authorized with has served another one before: nothing was changed by this one."""


class Overtaken(Exception):
    """The write's row is not as this worker knew it: recall it, and look anew what a message amounts to."""
