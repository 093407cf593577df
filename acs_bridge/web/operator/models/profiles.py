"""Profiles, and what one gateway would be sent by them."""

from collections.abc import Callable
from dataclasses import fields
from uuid import UUID

from pydantic import Field

from acs_bridge.domain.planner import Foreseen, Request
from acs_bridge.domain.profile import Block, InstanceRule, Match, Profile, ProfileParameter
from acs_bridge.domain.write import Purpose
from acs_bridge.services.profiles.reloading import InForce
from acs_bridge.services.session.plans import GatewayPlan
from acs_bridge.web.operator.models.base import AnswerModel, Time
from cwmp.messages import (
    AddObject,
    DeleteObject,
    GetParameterNames,
    GetParameterValues,
    SetParameterValues,
    rpc_name,
)

HIDDEN = "…"
"""Stands for a value that nobody is shown."""


class MatchAnswer(AnswerModel):
    """The condition of a profile or of a block; what is null, or empty, fits every gateway."""

    root: str | None
    oui: list[str]
    product_class: str | None
    software_version: str | None

    @classmethod
    def of(cls, match: Match) -> "MatchAnswer":
        """Make the answer of a condition."""
        return cls(
            root=match.root or None,
            oui=sorted(match.oui),
            product_class=match.product_class,
            software_version=match.software_version,
        )


class ProfileParameterAnswer(AnswerModel):
    """A parameter that a profile writes; its value as the file has it, with the fields in braces."""

    name: str
    value: str
    type: str
    max_length: int
    clear: str | None

    @classmethod
    def of(cls, parameter: ProfileParameter) -> "ProfileParameterAnswer":
        """Make the answer of a parameter."""
        return cls(
            name=parameter.name,
            value=HIDDEN if parameter.hidden and not parameter.value.fields else parameter.value.text,
            type=parameter.type,
            max_length=parameter.max_length,
            clear=None if parameter.clear is None else parameter.clear.text,
        )


class InstanceAnswer(AnswerModel):
    """The table of which a profile writes one instance, `{i}` in the names of its parameters."""

    table: str
    known_by: list[str]
    switch: str | None
    limit: str | None
    rows: list[dict[str, str]] = Field(description="Of tables below it; `table` is where each one goes.")
    requires: list[str] = Field(description="What the gateway has to say of itself before anything is written.")

    @classmethod
    def of(cls, rule: InstanceRule) -> "InstanceAnswer":
        """Make the answer of a rule."""
        return cls(
            table=rule.table,
            known_by=list(rule.known_by),
            switch=rule.switch,
            limit=rule.limit,
            rows=[{"table": row.table, **dict(row.values)} for row in rule.rows],
            requires=[requirement.words for requirement in rule.requires],
        )


class BlockAnswer(AnswerModel):
    """Gateways of a profile that are parked, and why; without `until` as long as the profile says so."""

    match: MatchAnswer
    reason: str
    until: Time | None

    @classmethod
    def of(cls, block: Block) -> "BlockAnswer":
        """Make the answer of a block."""
        return cls(match=MatchAnswer.of(block.match), reason=block.reason, until=block.until)


class ProfileAnswer(AnswerModel):
    """A profile that is in force."""

    name: str
    source: str = Field(description="The file that it was read from.")
    match: MatchAnswer
    parameters: list[ProfileParameterAnswer]
    instance: InstanceAnswer | None = Field(description="Null: its parameters lie in no table.")
    quirks: list[str]
    blocks: list[BlockAnswer]

    @classmethod
    def of(cls, profile: Profile) -> "ProfileAnswer":
        """Make the answer of a profile."""
        return cls(
            name=profile.name,
            source=profile.source,
            match=MatchAnswer.of(profile.match),
            parameters=[ProfileParameterAnswer.of(parameter) for parameter in profile.parameters],
            instance=None if profile.instance is None else InstanceAnswer.of(profile.instance),
            quirks=[quirk.name for quirk in fields(profile.quirks) if getattr(profile.quirks, quirk.name)],
            blocks=[BlockAnswer.of(block) for block in profile.blocks],
        )


class ProfilesAnswer(AnswerModel):
    """The profiles that sessions go by, since when, and what is doubtful about them."""

    items: list[ProfileAnswer]
    loaded_at: Time
    warnings: list[str]

    @classmethod
    def of(cls, in_force: InForce) -> "ProfilesAnswer":
        """Make the answer."""
        return cls(
            items=[ProfileAnswer.of(profile) for profile in in_force.profiles],
            loaded_at=in_force.loaded_at,
            warnings=list(in_force.warnings),
        )


class ValueAnswer(AnswerModel):
    """A value that would be written; of a PHAN URL the token's first 6 characters are shown."""

    name: str
    type: str
    value: str


class PlannedRequest(AnswerModel):
    """One request of a plan, and when it is sent."""

    rpc: str
    when: str
    names: list[str] | None = Field(description="What is read, added or removed; null where values are written.")
    parameters: list[ValueAnswer] | None = Field(description="What is written; null where nothing is.")

    @classmethod
    def of(cls, foreseen: Foreseen, scrub: Callable[[str], str], hidden: frozenset[str]) -> "PlannedRequest":
        """Make the answer of a request, without what is secret in it."""
        request = foreseen.request
        values = request.parameters if isinstance(request, SetParameterValues) else None
        return cls(
            rpc=rpc_name(request),
            when=foreseen.when,
            names=_named(request),
            parameters=None
            if values is None
            else [
                ValueAnswer(name=each.name, type=each.type, value=HIDDEN if each.name in hidden else scrub(each.value))
                for each in values
            ],
        )


def _named(request: Request) -> list[str] | None:
    match request:
        case GetParameterValues(names):
            return list(names)
        case GetParameterNames(path):
            return [path]
        case AddObject(name) | DeleteObject(name):
            return [name]
    return None


class PlanAnswer(AnswerModel):
    """What a gateway would be sent in its next session."""

    gateway_id: int
    profile: str | None
    purpose: Purpose | None = Field(description="Null: no line with an association has this gateway.")
    write_id: UUID | None = Field(description="Null: nothing is queued; this is what a write would send.")
    state: str | None
    blocked: str | None = Field(description="Why its profile parks it.")
    unfit: str | None = Field(description="Why it cannot get this at all.")
    requests: list[PlannedRequest]

    @classmethod
    def of(cls, plan: GatewayPlan, scrub: Callable[[str], str]) -> "PlanAnswer":
        """Make the answer of a plan."""
        known = {name: getattr(plan, name) for name in cls.model_fields if name != "requests"}
        return cls(**known, requests=[PlannedRequest.of(each, scrub, plan.hidden) for each in plan.requests])
