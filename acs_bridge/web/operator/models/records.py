"""Subscribers, devices and gateways."""

from collections.abc import Sequence
from typing import Literal, cast
from uuid import UUID

from pydantic import Field

from acs_bridge.domain.ring import LastRing, RingResult
from acs_bridge.domain.waiting import Rhythm
from acs_bridge.errors import InvalidField
from acs_bridge.services.intake.stock import Stocked, Stored
from acs_bridge.services.records.credentials import NewPair
from acs_bridge.services.records.devices import warnings
from acs_bridge.store.devices import DeviceRow
from acs_bridge.store.gateways import GatewayRow, Identity
from acs_bridge.web.operator.models.base import (
    AnswerModel,
    Code,
    GatewayText,
    LineOfService,
    ListQuery,
    MaybeGatewayText,
    Name,
    Oui,
    RequestModel,
    Time,
)

ReportState = Literal["waiting", "reporting", "silent"]
"""How the gateway of a line reports."""


class NewSubscriber(RequestModel):
    """A subscriber to record."""

    name: Name = Field(description="The full name.")
    code: Code = Field(description="A unique identifier, such as the customer number of your CRM.")


class Renaming(RequestModel):
    """The new name of a subscriber."""

    name: Name


class SubscriberAnswer(AnswerModel):
    """A subscriber; `lines` counts the lines of service that it is associated with now."""

    name: str
    code: str
    lines: int
    created_at: Time
    updated_at: Time


class RecordQuery(ListQuery):
    """A page of records, all of them or those that are (or are not) associated."""

    associated: bool | None = None


class DeviceQuery(RecordQuery):
    """A page of lines, all of them or those whose gateways report, or do not."""

    report_state: ReportState | None = None


class GatewayIdentity(RequestModel):
    """How a gateway is named. Without product_class: the one gateway with that OUI and serial number."""

    oui: Oui = Field(description="Six hexadecimal digits.")
    product_class: MaybeGatewayText | None = None
    serial_number: GatewayText

    @property
    def identity(self) -> Identity:
        """Name the same in the words of the services."""
        return Identity(self.oui, self.serial_number, self.product_class)


class NewGateway(RequestModel):
    """A gateway in stock: who it is, and the pair that it logs in with when that is its own.

    HA1 is MD5(username:realm:password), for the realm cpe_auth.realm.
    """

    oui: Oui = Field(description="Six hexadecimal digits.")
    product_class: MaybeGatewayText
    serial_number: GatewayText
    cpe_username: str | None = None
    cpe_password: str | None = None
    cpe_ha1: str | None = None

    @property
    def stocked(self) -> Stocked:
        """Say the same in the words of the services."""
        secrets = (self.cpe_password, self.cpe_ha1)
        if self.cpe_username is None and secrets != (None, None):
            raise InvalidField("cpe_username", "is required with cpe_password or cpe_ha1")
        pair = None if self.cpe_username is None else NewPair(self.cpe_username, *secrets)
        return Stocked(Identity(self.oui, self.serial_number, self.product_class), pair)


class NewDevice(RequestModel):
    """A line of service to record, with its gateway when that is known."""

    line_of_service: LineOfService = Field(
        description="Identifies the subscription; not the MAC address of a box, which may be replaced."
    )
    gateway: GatewayIdentity | None = None


class DeviceGateway(AnswerModel):
    """The gateway of a line. Without an id it is awaited: its first Inform binds it."""

    id: int | None
    oui: str
    product_class: str | None
    serial_number: str
    last_inform_at: Time | None


class AwaitedGateway(AnswerModel):
    """Which gateway a line waits for, and until when: the next one that comes and is on no line; null: of any."""

    oui: str | None
    product_class: str | None
    until: Time


class DeviceAnswer(AnswerModel):
    """A line of service."""

    line_of_service: str
    gateway: DeviceGateway | None
    associated: bool
    association_id: UUID | None
    subscriber_code: str | None
    subscriber_name: str | None
    report_state: ReportState | None
    reporting_since: Time | None
    last_report_at: Time | None
    awaits: AwaitedGateway | None = Field(description="The line waits for the next gateway off the shelf.")
    created_at: Time
    updated_at: Time
    warnings: list[str]

    @classmethod
    def of(cls, row: DeviceRow, advice: Sequence[str] = ()) -> "DeviceAnswer":
        """Make the answer of a record; `advice` is what came of the request beside it."""
        return cls(
            line_of_service=row.line_of_service,
            gateway=_gateway(row),
            associated=row.association_id is not None,
            association_id=row.association_id,
            subscriber_code=row.subscriber_code,
            subscriber_name=row.subscriber_name,
            report_state=cast("ReportState | None", row.report_state),
            reporting_since=row.reporting_since,
            last_report_at=row.last_report_at,
            awaits=_awaits(row),
            created_at=row.created_at,
            updated_at=row.updated_at,
            warnings=[*warnings(row.line_of_service), *advice],
        )


def _gateway(row: DeviceRow) -> DeviceGateway | None:
    if row.oui is None or row.serial_number is None:
        return None
    return DeviceGateway(
        id=row.gateway_id,
        oui=row.oui,
        product_class=row.product_class,
        serial_number=row.serial_number,
        last_inform_at=row.last_inform_at,
    )


def _awaits(row: DeviceRow) -> AwaitedGateway | None:
    if row.awaited_until is None:
        return None
    return AwaitedGateway(oui=row.awaited_oui, product_class=row.awaited_product_class, until=row.awaited_until)


class GatewayQuery(ListQuery):
    """A page of gateways; `unclaimed`: those that no line has; `quarantined`: those of which calls were kept out.

    Listed are those that have informed, or with `informed=false` those that have not yet: what is in stock.
    """

    informed: bool = True
    unclaimed: bool | None = None
    approved: bool | None = None
    quarantined: bool | None = None


class NewCredentials(RequestModel):
    """The pair that a gateway is known to have: its password, or HA1 = MD5(username:realm:password). Never shown."""

    username: str
    password: str | None = None
    ha1: str | None = None
    realm: str | None = Field(None, description="The realm of ha1: that of the listener (cpe_auth.realm).")

    @property
    def pair(self) -> NewPair:
        """Say the same in the words of the services."""
        return NewPair(self.username, self.password, self.ha1, self.realm)


class KeptOut(AnswerModel):
    """Calls that were kept out, because their credentials do not go with the gateway that they claimed to be.

    `bootstrap_pair`: the pair that all gateways share, for this gateway, which has credentials of its own.
    `retired_pair`: former credentials of this gateway. `foreign_pair`: this gateway's credentials, for another one
    (`claimed`). `clone`: two boxes show this gateway's DeviceId and take turns, so that neither gets anything;
    `claimed` tells them apart. An empty address counts those beyond the addresses that are told apart.
    """

    reason: Literal["bootstrap_pair", "retired_pair", "foreign_pair", "clone"]
    since: Time
    last_at: Time
    address: str
    claimed: str
    calls: int


class Candidacy(AnswerModel):
    """The line that a gateway without one may be for; an Admin decides, and binds it by its id.

    `provisioning_code`: it carries the code that we wrote into the gateway of that line. `serial_number`: it has the
    serial number of that line's gateway under another OUI or product class, as after a change of firmware.
    """

    line_of_service: str
    gateway_id: int | None
    reason: Literal["provisioning_code", "serial_number"]


class ConnectionRequestAnswer(AnswerModel):
    """The newest connection request to a gateway, and how many there were; without a result it is under way."""

    at: Time
    result: RingResult | None
    words: str
    http_status: int | None
    count: int

    @classmethod
    def of(cls, ring: LastRing) -> "ConnectionRequestAnswer":
        """Make the answer of a ring."""
        return cls(at=ring.at, result=ring.result, words=ring.words, http_status=ring.http_status, count=ring.count)


Pair = Literal["bootstrap", "imported", "own", "certificate"]
"""What a gateway logs in with."""


class StockAnswer(AnswerModel):
    """A gateway that was recorded in advance; `pair` says with what it is to log in."""

    id: int
    oui: str
    product_class: str
    serial_number: str
    pair: Pair

    @classmethod
    def of(cls, stored: Stored) -> "StockAnswer":
        """Make the answer of a record."""
        who = stored.identity
        return cls(
            id=stored.id,
            oui=who.oui,
            product_class=who.product_class or "",
            serial_number=who.serial_number,
            pair=cast("Pair", stored.pair),
        )


class StockLine(StockAnswer):
    """What a line of an upload got; a line that could not be done has the members of a problem instead."""

    line: int = Field(description="The number of the line in the upload, counted from 1.")
    status: int = Field(description="As the answer to the same request alone would have it.")
    batch_id: UUID = Field(description="Names the upload.")


class GatewayAnswer(AnswerModel):
    """A gateway, as its last Inform and our records know it."""

    id: int
    oui: str
    product_class: str
    serial_number: str
    line_of_service: str | None
    manufacturer: str
    hardware_version: str
    software_version: str
    root: str
    provisioning_code: str
    profile: str | None
    address: str
    events: list[str]
    approved_at: Time | None
    approved_by: str | None
    first_inform_at: Time | None
    last_inform_at: Time | None
    next_inform_at: Time | None
    booted_at: Time | None
    connection_request: ConnectionRequestAnswer | None
    pair: Pair
    quarantine: list[KeptOut]
    candidate_for: Candidacy | None

    @classmethod
    def of(cls, row: GatewayRow, now: Time) -> "GatewayAnswer":
        """Make the answer of a record."""
        rhythm = Rhythm(row.last_inform_at, row.periodic_at, row.periodic_seconds)
        made = {"next_inform_at", "connection_request", "quarantine", "candidate_for"}
        known = {name: getattr(row, name) for name in cls.model_fields if name not in made}
        ring = row.last_ring
        return cls(
            **known,
            next_inform_at=rhythm.next_after(now),
            connection_request=None if ring is None else ConnectionRequestAnswer.of(ring),
            quarantine=[KeptOut.model_validate(each) for each in row.quarantine],
            candidate_for=None if row.candidacy is None else Candidacy.model_validate(row.candidacy),
        )
