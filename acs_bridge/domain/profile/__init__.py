"""Profiles: data that says, for a family of gateways, which parameters get the URL and what quirks the family has.

A profile is parsed from the text of a file (`file`), picked for a gateway by how closely it matches (`choice`, `match`)
and rendered into the parameters of one write (`model`, `template`). No file is opened here, and nothing is sent.
"""

from acs_bridge.domain.profile.block import Block
from acs_bridge.domain.profile.choice import AmbiguousProfile, ProfileSet
from acs_bridge.domain.profile.file import parse_profile
from acs_bridge.domain.profile.instance import PLACEHOLDER, InstanceRule, Requirement, Row
from acs_bridge.domain.profile.match import GatewayKind, Match
from acs_bridge.domain.profile.model import InvalidProfile, Profile, ProfileParameter, ProfileUnfit, Quirks
from acs_bridge.domain.profile.template import FIELDS, Template

__all__ = [
    "FIELDS",
    "PLACEHOLDER",
    "AmbiguousProfile",
    "Block",
    "GatewayKind",
    "InstanceRule",
    "InvalidProfile",
    "Match",
    "Profile",
    "ProfileParameter",
    "ProfileSet",
    "ProfileUnfit",
    "Quirks",
    "Requirement",
    "Row",
    "Template",
    "parse_profile",
]
