"""The table of routes: who may call what, with which body and query, and what comes back.

Routes are data. One place serves them, one test walks their roles, and the description of the API is made from them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from types import UnionType
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from pydantic import BaseModel

from acs_bridge.domain.actor import Actor, Role
from acs_bridge.errors import AcsBridgeError
from acs_bridge.web.operator.models.base import NoBody, NoQuery

Q = TypeVar("Q", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)

READERS = frozenset({Role.ADMIN, Role.CSR, Role.INTAKE})
WRITERS = frozenset({Role.ADMIN, Role.INTAKE})
WATCHERS = frozenset({Role.ADMIN, Role.CSR})
ADMINS = frozenset({Role.ADMIN})
OPENERS = frozenset({Role.ADMIN, Role.PHAN})


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One call of a route, by somebody who may."""

    actor: Actor
    path: Mapping[str, str]  # what stands in the places of the template, decoded
    query: Q
    body: B


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler says; without a model the answer has no body."""

    model: BaseModel | None = None
    status: HTTPStatus = HTTPStatus.OK
    location: str | None = None  # of what was created
    text: str | None = None  # the same for people, where `Accept` prefers text/plain
    content: bytes | None = None  # the model as JSON, where it is written already


def written(answer: Answer) -> Answer:
    """Write an answer's model as JSON before anybody has to wait for it."""
    return answer if answer.model is None else replace(answer, content=answer.model.model_dump_json().encode())


@dataclass(frozen=True, slots=True)
class Chunk(Generic[B]):
    """Some lines of an upload, in their order."""

    actor: Actor
    batch_id: UUID
    bodies: Sequence[B]


LineAnswer: TypeAlias = Answer | AcsBridgeError
"""What became of one line of an upload."""


class Rows(Protocol):
    """Reads the rows of a table whose header is known."""

    def parse(self, content: bytes) -> BaseModel:
        """Read one, or say what is wrong with it."""

    def is_blank(self, content: bytes) -> bool:
        """Tell whether it says nothing, and gets no answer."""


@dataclass(frozen=True, slots=True)
class Bulk(Generic[B]):
    """The same operation for every line of an `application/x-ndjson` body; each line gets a line of the answer."""

    handler: Callable[[Chunk[B]], Awaitable[Sequence[LineAnswer]]]  # an answer for each body, in their order
    begin: Callable[[], UUID]  # names the batch of an upload
    line: type[BaseModel]  # a line of the answer, when all goes well
    table: Callable[[bytes], Rows] | None = None  # takes `text/csv` as well: reads the header
    chunks_at_once: int = 1  # of one upload: more than one where the handler itself keeps them in order


@dataclass(frozen=True, slots=True)
class Route(Generic[Q, B]):
    """One operation of the API."""

    method: str
    path: str  # a template: `/v1/subscribers/{code}`
    handler: Callable[[Call[Q, B]], Awaitable[Answer]]
    summary: str
    roles: frozenset[Role]
    answers: Mapping[HTTPStatus, type[BaseModel] | UnionType | None]  # when all goes well
    body: type[B] = NoBody  # type: ignore[assignment] # without one of its own the B of a route is NoBody
    query: type[Q] = NoQuery  # type: ignore[assignment] # likewise
    body_optional: bool = False
    refusals: tuple[HTTPStatus, ...] = field(default=())  # beside those that every route has
    bulk: Bulk[B] | None = None  # takes many bodies as well
    in_text: bool = False  # answers people too, who ask for text/plain
    confirms: bool = False  # its handler takes an unconfirmed actor, and looks whether its token counts: see Actor
    idempotent: bool = False  # honours an Idempotency-Key; its answers are kept
    secret: bool = False  # its answers have a secret: they are kept sealed

    @property
    def takes_body(self) -> bool:
        """Tell whether a body is read at all."""
        return self.body is not NoBody


AnyRoute: TypeAlias = Route[Any, Any]
