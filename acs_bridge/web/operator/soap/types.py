"""The types of the schema: the requests and answers of `/v1`, spelled as XML spells names.

A limit stands here so that a BSS sees it in the schema, and is decided by the models of `/v1`: both check, and the
stricter one is always theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import BaseModel

from acs_bridge.domain.names import CODE_LENGTH, NAME_LENGTH
from acs_bridge.domain.write import Purpose, WriteState
from acs_bridge.web.operator.models.base import GATEWAY_TEXT
from acs_bridge.web.operator.soap.faults import CODES
from acs_bridge.web.operator.soap.library import Boolean, ComplexModel, DateTime, Integer32, Integer64, Token, Unicode
from acs_bridge.web.operator.soap.vocabulary import FAULT, NAMESPACE, field_name

_PRINTABLE: Final = r"[^\p{Cc}\p{Zl}\p{Zp}]*"
_UUID: Final = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A simple type of our own. spyne keeps its name only where everything about it is said at once."""

    name: str
    base: Any
    limits: dict[str, Any]
    pattern: str | None = None

    def customize(self, **occurrence: object) -> Any:  # noqa: ANN401 -- what spyne makes
        """Make it, for one place in the schema."""
        made = self.base.customize(type_name=self.name, __namespace__=NAMESPACE, **self.limits, **occurrence)
        if self.pattern is not None:
            made.Attributes._pattern = self.pattern  # noqa: SLF001 -- `pattern` would compile it with Python's `re`
        return made


def _text(name: str, least: int, most: int) -> _Kind:
    return _Kind(name, Token, {"min_len": least, "max_len": most}, _PRINTABLE)


def _one_of(name: str, values: Iterable[str]) -> _Kind:
    return _Kind(name, Unicode, {"values": [str(value) for value in values]})


Code = _text("Code", 1, CODE_LENGTH)
LineOfService = _text("LineOfService", 1, CODE_LENGTH)
Name = _text("Name", 1, NAME_LENGTH)
GatewayText = _text("GatewayText", 1, GATEWAY_TEXT)
MaybeGatewayText = _text("MaybeGatewayText", 0, GATEWAY_TEXT)
Uuid = _Kind("Uuid", Token, {"max_len": 36}, _UUID)
State = _one_of("WriteState", WriteState)
PurposeOf = _one_of("Purpose", Purpose)
AssociationState = _one_of("AssociationState", ("active", "ended"))
FaultCode = _one_of("FaultCode", CODES)


def one(kind: Any) -> Any:  # noqa: ANN401
    """Exactly one."""
    return kind.customize(min_occurs=1, nillable=False)


def maybe(kind: Any) -> Any:  # noqa: ANN401
    """One or none."""
    return kind.customize(min_occurs=0, nillable=False)


def many(kind: Any) -> Any:  # noqa: ANN401
    """Any number."""
    return kind.customize(min_occurs=0, max_occurs="unbounded", nillable=False)


def either(kind: Any) -> Any:  # noqa: ANN401
    """One of those that are named so."""
    return kind.customize(min_occurs=1, nillable=False, xml_choice_group="either")


class NewSubscriber(ComplexModel):
    """A subscriber: the full name, and a unique identifier such as the customer number of your CRM."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [("Name", one(Name)), ("Code", one(Code))]


class GatewayIdentity(ComplexModel):
    """How a gateway is named. Without ProductClass: the one gateway with that OUI and serial number."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Oui", one(GatewayText)),
        ("ProductClass", maybe(MaybeGatewayText)),
        ("SerialNumber", one(GatewayText)),
    ]


class Subscriber(ComplexModel):
    """A subscriber; Lines counts the lines of service that it is associated with now."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Name", one(Unicode)),
        ("Code", one(Unicode)),
        ("Lines", one(Integer32)),
        ("CreatedAt", one(DateTime)),
        ("UpdatedAt", one(DateTime)),
    ]


class Gateway(ComplexModel):
    """The gateway of a line. Without Id it is awaited: its first Inform binds it."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Id", maybe(Integer64)),
        ("Oui", one(Unicode)),
        ("ProductClass", maybe(Unicode)),
        ("SerialNumber", one(Unicode)),
        ("LastInformAt", maybe(DateTime)),
    ]


class Device(ComplexModel):
    """A line of service."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("LineOfService", one(Unicode)),
        ("Gateway", maybe(Gateway)),
        ("Associated", one(Boolean)),
        ("AssociationId", maybe(Uuid)),
        ("SubscriberCode", maybe(Unicode)),
        ("SubscriberName", maybe(Unicode)),
        ("CreatedAt", one(DateTime)),
        ("UpdatedAt", one(DateTime)),
        ("Warnings", many(Unicode)),
    ]


class Association(ComplexModel):
    """An association; WriteState is that of its newest write. Without a subscriber: over, and erased since."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Id", one(Uuid)),
        ("SubscriberCode", maybe(Unicode)),
        ("SubscriberName", maybe(Unicode)),
        ("LineOfService", one(Unicode)),
        ("State", one(AssociationState)),
        ("WriteId", maybe(Uuid)),
        ("WriteState", maybe(State)),
        ("CreatedAt", one(DateTime)),
        ("CreatedBy", one(Unicode)),
        ("EndedAt", maybe(DateTime)),
        ("EndedBy", maybe(Unicode)),
    ]


class Receipt(ComplexModel):
    """What a provisioning request got; State is its write's."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Id", one(Uuid)),
        ("AssociationId", one(Uuid)),
        ("WriteId", one(Uuid)),
        ("State", one(State)),
        ("Warnings", many(Unicode)),
    ]


class ParameterFault(ComplexModel):
    """What a gateway said about one parameter."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [("Name", one(Unicode)), ("Code", maybe(Integer32)), ("Text", one(Unicode))]


class GatewayFault(ComplexModel):
    """The last fault of a write; without Code it is in our own words."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [("Code", maybe(Integer32)), ("Text", one(Unicode)), ("Parameters", many(ParameterFault))]


class Write(ComplexModel):
    """A write to a gateway; WaitingFor says in a plain sentence what it waits for."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [
        ("Id", one(Uuid)),
        ("Purpose", one(PurposeOf)),
        ("State", one(State)),
        ("Attempts", one(Integer32)),
        ("Gateway", maybe(Gateway)),
        ("Fault", maybe(GatewayFault)),
        ("WaitingFor", maybe(Unicode)),
        ("ExpectedAt", maybe(DateTime)),
        ("CreatedAt", one(DateTime)),
        ("MovedAt", one(DateTime)),
        ("FinishedAt", maybe(DateTime)),
    ]


class FieldError(ComplexModel):
    """A field that cannot be taken, and the limit that it breaks."""

    __namespace__ = NAMESPACE
    _type_info: ClassVar = [("Name", one(Unicode)), ("Message", one(Unicode))]


class ProvisioningFault(ComplexModel):
    """What went wrong, or what stands in the way and what to do; Field only where Code is InvalidInput."""

    __namespace__ = NAMESPACE
    __type_name__ = FAULT
    _type_info: ClassVar = [
        ("Code", one(FaultCode)),
        ("Title", one(Unicode)),
        ("Detail", one(Unicode)),
        ("Field", many(FieldError)),
    ]


def plain(value: object) -> object:
    """Give what a request holds as `/v1` would have got it: without what is not there, under its own names."""
    if not isinstance(value, ComplexModel):
        return value
    members = {field_name(name): getattr(value, name) for name in type(value).get_flat_type_info(type(value))}
    return {name: plain(member) for name, member in members.items() if member is not None}


def filled(kind: Any, model: BaseModel) -> Any:  # noqa: ANN401
    """Make an answer of the schema out of one of `/v1`: member by member, and nothing that the schema has not."""
    members = kind.get_flat_type_info(kind)
    return kind(**{name: _member(member, getattr(model, field_name(name))) for name, member in members.items()})


def _member(kind: Any, value: object) -> object:  # noqa: ANN401
    if isinstance(value, list):
        return [_member(kind, each) for each in value]
    if isinstance(value, BaseModel):
        return filled(kind, value)
    return value if value is None or not issubclass(kind, Unicode) else str(value)
