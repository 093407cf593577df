"""What profiles say of the reports of their gateways: how often they come, and what they log in with.

Both stand in parameters of TR-181 (`Device.BulkData.Profile.{i}.…`), which are known by the ends of their names. A
login that depends on the subscriber cannot be made from a PHAN URL alone: it is not asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from acs_bridge.domain.credentials import OwnPairs, Pair
from acs_bridge.domain.phan import PhanClaims
from acs_bridge.domain.profile import Profile, Template

_INTERVAL: Final = ".ReportingInterval"
_USERNAME: Final = ".HTTP.Username"
_PASSWORD: Final = ".HTTP.Password"  # noqa: S105 - the end of a name
_LONGEST_INTERVAL: Final = 2**31 - 1  # seconds
_FIELDS: Final = frozenset(("report_username", "report_password", "line_of_service", "association_id"))

SILENT_AFTER: Final = 3
"""So many intervals without a report make a line silent."""


@dataclass(frozen=True, slots=True)
class ReportLogin:
    """What the gateways of a profile are given to log in with."""

    username: Template
    password: Template

    def pair(self, fields: Mapping[str, str]) -> Pair:
        """The pair of one line."""
        return Pair(self.username.render(fields), self.password.render(fields))


@dataclass(frozen=True, slots=True)
class Reporting:
    """What all profiles say."""

    intervals: Mapping[str, int]  # seconds, by the name of the profile
    logins: Mapping[str, ReportLogin]

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> "Reporting":
        """Look it up."""
        intervals: dict[str, int] = {}
        logins: dict[str, ReportLogin] = {}
        for profile in profiles:
            interval, username, password = (_ending(profile, end) for end in (_INTERVAL, _USERNAME, _PASSWORD))
            if interval is not None and interval.literal.isdecimal() and not interval.fields:
                intervals[profile.name] = min(max(int(interval.literal), 1), _LONGEST_INTERVAL)
            if username is not None and password is not None and username.fields | password.fields <= _FIELDS:
                logins[profile.name] = ReportLogin(username, password)
        return cls(intervals, logins)


def report_fields(pairs: OwnPairs, line_of_service: str, association_id: UUID, generation: int) -> dict[str, str]:
    """What the templates of a login may need."""
    pair = pairs.report(association_id, generation)
    return {
        "report_username": pair.username,
        "report_password": pair.password,
        "line_of_service": line_of_service,
        "association_id": str(association_id),
    }


def fields_of(pairs: OwnPairs, claims: PhanClaims) -> dict[str, str]:
    """The same, of a PHAN URL that was opened."""
    return report_fields(pairs, claims.line_of_service, claims.association_id, claims.generation)


def _ending(profile: Profile, end: str) -> Template | None:
    return next((parameter.value for parameter in profile.parameters if parameter.name.endswith(end)), None)
