"""The one search box."""

from typing import Literal, cast

from pydantic import Field

from acs_bridge.services.records.search import Found
from acs_bridge.store.search import Hit
from acs_bridge.web.operator.models.base import AnswerModel, QueryModel

MOST = 50
USUAL = 15
Kind = Literal["subscriber", "device", "gateway"]
Match = Literal["is", "begins", "has"]
_MATCHES: tuple[Match, ...] = ("is", "begins", "has")


class SearchQuery(QueryModel):
    """What somebody typed: part of a code, a name, a line of service, a serial number or a MAC address."""

    q: str = Field(description="1 to 128 characters. Case and separators count for nothing; every word must be there.")
    limit: int = Field(USUAL, ge=1, le=MOST, description="At most so many records of all kinds together.")


class FoundGateway(AnswerModel):
    """The gateway that was found, or that the line which was found has; without an id it is awaited."""

    id: int | None
    oui: str
    product_class: str | None
    serial_number: str


class HitAnswer(AnswerModel):
    """A record that was found: a subscriber, a line of service, or a gateway.

    `match` says how: it is what was typed, it begins so, or it has that somewhere. `lines` counts a subscriber's, and
    `first_lines` names up to five of them.
    """

    kind: Kind
    match: Match
    subscriber_code: str | None
    subscriber_name: str | None
    line_of_service: str | None
    lines: int | None
    first_lines: list[str]
    gateway: FoundGateway | None

    @classmethod
    def of(cls, kind: str, hit: Hit) -> "HitAnswer":
        """Make the answer of a record."""
        gateway = None
        if hit.oui is not None and hit.serial_number is not None:
            gateway = FoundGateway(
                id=hit.gateway_id, oui=hit.oui, product_class=hit.product_class, serial_number=hit.serial_number
            )
        return cls(
            kind=cast("Kind", kind),
            match=_MATCHES[hit.place],
            subscriber_code=hit.subscriber_code,
            subscriber_name=hit.subscriber_name,
            line_of_service=hit.line_of_service,
            lines=hit.lines,
            first_lines=hit.first_lines or [],
            gateway=gateway,
        )


class SearchAnswer(AnswerModel):
    """What was found, the best first; not `complete`: there is or may be more, and more characters find it."""

    items: list[HitAnswer]
    complete: bool

    @classmethod
    def of(cls, found: Found) -> "SearchAnswer":
        """Make the answer of what was found."""
        return cls(items=[HitAnswer.of(kind, hit) for kind, hit in found.hits], complete=found.complete)
