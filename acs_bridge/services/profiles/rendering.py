"""What a write asks of one gateway: its profile, filled in. Nothing is sent, stored or logged here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from acs_bridge.domain.credentials import OwnPairs
from acs_bridge.domain.keyring import UnknownKey
from acs_bridge.domain.phan import PhanClaims, PhanUrls
from acs_bridge.domain.planner import Association, Mark, Memory, OpenWrite, Place, Wanted
from acs_bridge.domain.profile import (
    PLACEHOLDER,
    AmbiguousProfile,
    GatewayKind,
    InstanceRule,
    Profile,
    ProfileUnfit,
)
from acs_bridge.domain.provisioning_code import PARAMETER as PROVISIONING_CODE
from acs_bridge.domain.provisioning_code import ProvisioningCodes
from acs_bridge.domain.write import Purpose
from acs_bridge.services.session.former import FormerValues
from cwmp.messages import Inform, ParameterValueStruct

_THE_URL: Final = frozenset({"phan_url"})


class Profiles(Protocol):
    """The profiles in force."""

    def best(self, kind: GatewayKind) -> Profile | None:
        """The profile that fits a gateway of this kind; raises AmbiguousProfile."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a write asks of its gateway, worked out once a session."""

    write_id: UUID
    wanted: Wanted
    profile: str | None  # none: credentials, which every data model has at the same place
    secrets: tuple[str, ...] = field(default=(), repr=False)  # not for a gateway's faults, which may repeat them
    code: str | None = None  # the ProvisioningCode that goes with the value


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a gateway cannot get what it should."""

    reason: str
    for_now: bool = False  # that lies with us, and passes


class Rendering:
    """Fills profiles in."""

    def __init__(
        self, profiles: Profiles, phan_urls: PhanUrls, codes: ProvisioningCodes, former: FormerValues, pairs: OwnPairs
    ) -> None:
        """`codes` are what gateways carry of a line without being asked, `pairs` what their reports log in with."""
        self._pairs = pairs
        self._profiles = profiles
        self._phan_urls = phan_urls
        self._former = former
        self._codes = codes

    def profile(self, kind: GatewayKind) -> Profile | None:
        """The profile that a gateway has; None also where two fit, which is said on the write that this parks."""
        try:
            return self._profiles.best(kind)
        except AmbiguousProfile:
            return None

    def blocked(self, kind: GatewayKind | None, now: datetime) -> str | None:
        """Why the profile of a gateway of this kind parks it; None where nothing does."""
        if kind is None or (profile := self.profile(kind)) is None:
            return None
        block = profile.block(kind, now)
        return None if block is None else block.words

    def render(self, kind: GatewayKind | None, write: OpenWrite) -> Rendered | Unfit:
        """What a write asks of a gateway of this kind, or why it cannot."""
        if kind is None or (line := write.association) is None:
            return Unfit("the gateway's kind is not known, or there is no line that this would be for")
        try:
            profile = self._profiles.best(kind)
            if profile is None:
                return Unfit(
                    f"no profile fits this gateway (root {kind.root or 'unknown'}, OUI {kind.oui}, product class "
                    f"{kind.product_class!r}, software version {kind.software_version!r})"
                )
            undone = write.plan.memory if write.plan.memory is not None and write.plan.memory.undoes else None
            known = {"line_of_service": line.line_of_service, "subscriber_code": line.subscriber_code}
            fields = _Fields(known, partial(self._derived, write, line))
            parameters = profile.render(write.purpose, fields, may_be_nothing=undone is not None)
        except UnknownKey as error:
            return Unfit(str(error), for_now=True)
        except (AmbiguousProfile, ProfileUnfit) as error:
            return Unfit(str(error))
        if undone is not None and not undone.added:
            return self._brought_back(write, profile, parameters, undone)
        hidden = profile.hidden
        secrets = tuple([each.value for each in parameters if each.name in hidden and each.value]) if hidden else ()
        wanted = self._wanted(profile, write.purpose, parameters, hidden)
        return Rendered(write.id, wanted, profile.name, secrets, _code(parameters))

    def _brought_back(
        self, write: OpenWrite, profile: Profile, cleared: tuple[ParameterValueStruct, ...], memory: Memory
    ) -> Rendered | Unfit:
        """What the gateway held before; of what was not kept, what the end of an association would leave."""
        former = self._former.open(UUID(memory.undoes), memory.former)
        if former is None:
            return Unfit("what the gateway held before was sealed with a key that is not here")
        number = str(memory.instance)
        values = {each.name.replace(PLACEHOLDER, number): each for each in cleared}
        values |= {each.name: each for each in former}
        hidden = frozenset(name.replace(PLACEHOLDER, number) for name in profile.hidden)
        wanted = Wanted(
            tuple(each._replace(name=name) for name, each in values.items()),
            readable=not profile.quirks.no_read_back and not hidden.issuperset(values),
            hidden=hidden,
            late=profile.quirks.shows_late,
        )
        secrets = tuple(each.value for each in former if each.value)
        return Rendered(write.id, wanted, profile.name, secrets, _code(wanted.parameters))

    def _wanted(
        self,
        profile: Profile,
        purpose: Purpose,
        parameters: tuple[ParameterValueStruct, ...],
        hidden: frozenset[str],
    ) -> Wanted:
        quirks = profile.quirks
        shown = profile.instance is not None or any(each.name not in hidden for each in parameters)
        return Wanted(
            parameters,
            readable=shown and not quirks.no_read_back,
            hidden=hidden,
            late=quirks.shows_late,
            looks=profile.read_former,
            place=None if profile.instance is None else self._place(profile, profile.instance, purpose),
        )

    def _place(self, profile: Profile, rule: InstanceRule, purpose: Purpose) -> Place:
        """An instance that holds a URL under our base is ours, whichever line and whichever key it is of."""
        texts = {parameter.name: parameter.value for parameter in profile.parameters}
        marks = []
        for name in rule.known_by:
            template = texts[f"{rule.table}{PLACEHOLDER}.{name}"]
            begins = bool(template.fields)
            marks.append(Mark(name, self._phan_urls.base_url if begins else template.literal, begins))
        return Place(rule, tuple(marks), removes=purpose is Purpose.CLEAR)

    def is_foreign(self, profile: Profile, inform: Inform) -> bool:
        """Whether an Inform announces, in the place of a PHAN URL, something that is none of ours."""
        places = {each.name for each in profile.parameters if each.value.fields == _THE_URL}
        announced = [each.value for each in inform.parameters if each.name in places]
        return not profile.quirks.no_read_back and not all(map(self._phan_urls.is_ours, announced))

    def scrub(self, text: str) -> str:
        """A gateway's words without any PHAN URL."""
        return self._phan_urls.scrub(text)

    def _derived(self, write: OpenWrite, line: Association, field: str) -> str:
        """What is made for one write, and only for profiles that ask for it. KeyError: a clearing write has none."""
        if field == "association_id":
            return str(line.id)
        if write.purpose is not Purpose.PROVISION:
            raise KeyError(field)
        if field == "phan_url":
            claims = PhanClaims(line.line_of_service, line.id, write.generation, line.issued_at)
            return self._phan_urls.seal(line.key_id, claims)
        if field == "provisioning_code":
            return self._codes.seal(line.id, write.generation)
        pair = self._pairs.report(line.id, write.generation)
        return {"report_username": pair.username, "report_password": pair.password}[field]


class _Fields(dict[str, str]):
    """What stands in a profile's fields, the rest of it derived when it is asked for."""

    def __init__(self, known: dict[str, str], derive: Callable[[str], str]) -> None:
        super().__init__(known)
        self._derive = derive

    def __missing__(self, field: str) -> str:
        return self._derive(field)


def _code(parameters: tuple[ParameterValueStruct, ...]) -> str | None:
    for each in parameters:
        if each.name.endswith(PROVISIONING_CODE):
            return each.value
    return None
