"""The audit trail as Admins read it."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from acs_bridge.services.audit import AuditQuestion, Chain
from acs_bridge.services.pages import MAX_ID
from acs_bridge.store.audit import SeenDeed
from acs_bridge.web.operator.models.base import AnswerModel, Moment, PageQuery, Time

_Words = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]


class AuditQuery(PageQuery):
    """A page of the audit trail, newest first; everything that is given must fit, and fit exactly."""

    since: Moment | None = Field(None, description="From this time on.")
    until: Moment | None = Field(None, description="Before this time.")
    actor: _Words | None = Field(None, description="As in token:crm, user:ann, cli:root or daemon.")
    action: _Words | None = Field(None, description="As in request_accepted.")
    address: _Words | None = Field(None, description="Where it came from.")
    association_id: UUID | None = None
    subscriber_id: int | None = Field(None, ge=1, le=MAX_ID, description="Also one that was erased.")
    subscriber_code: str | None = Field(None, description="A subscriber that there is.")
    line_of_service: str | None = None
    gateway_id: int | None = Field(None, ge=1, le=MAX_ID)

    @property
    def question(self) -> AuditQuestion:
        """Ask the same in the words of the services."""
        return AuditQuestion(**self.model_dump(exclude={"limit", "cursor"}))


class DeedGateway(AnswerModel):
    """The gateway that something was done with."""

    id: int
    oui: str | None
    product_class: str | None
    serial_number: str | None


class DeedAnswer(AnswerModel):
    """Something that was done. The trail names records by their ids; beside them stands what they are called now.

    A subscriber who was erased has an id, and no code. `detail` depends on the action, and has no secrets.
    """

    id: int
    at: Time
    actor: str
    address: str
    action: str
    association_id: UUID | None
    write_id: UUID | None
    subscriber_id: int | None
    subscriber_code: str | None
    line_of_service: str | None
    gateway: DeedGateway | None
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: SeenDeed) -> "DeedAnswer":
        """Make the answer of a record."""
        gateway = None
        if row.gateway_id is not None:
            gateway = DeedGateway(
                id=row.gateway_id, oui=row.oui, product_class=row.product_class, serial_number=row.serial_number
            )
        known = {name: getattr(row, name) for name in cls.model_fields if name != "gateway"}
        return cls(**known, gateway=gateway)


class LinkAnswer(AnswerModel):
    """A place in the chain, counted from 1, and the SHA-256 there."""

    n: int
    hash: str


class CutAnswer(LinkAnswer):
    """The last link that was cut off when its time was over; the chain goes on from it."""

    before: Time
    at: Time


class ChainAnswer(AnswerModel):
    """How the chain of the audit trail stands: note `head` elsewhere, for `acs-bridge audit verify --noted`.

    `awaiting` counts the rows that are not linked yet, which takes about a second.
    """

    head: LinkAnswer
    cut: CutAnswer | None
    awaiting: int

    @classmethod
    def of(cls, chain: Chain) -> "ChainAnswer":
        """Make the answer of what is known."""
        cut = chain.cut
        return cls(
            head=LinkAnswer(n=chain.head.n, hash=chain.head.hash.hex()),
            cut=None if cut is None else CutAnswer(n=cut.n, hash=cut.hash.hex(), before=cut.before, at=cut.at),
            awaiting=chain.awaiting,
        )
