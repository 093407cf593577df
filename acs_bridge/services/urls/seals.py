"""The PHAN URLs of lines: with which key the next is sealed, and whether a gateway will take it.

A URL that a gateway would refuse or cut is refused when the line is associated or the gateway bound, not on the wire.
Nothing here keeps a URL, and no error shows one.
"""

from datetime import datetime

from acs_bridge.domain.credentials import REPORT_SPECIMEN
from acs_bridge.domain.keyring import UnknownKey
from acs_bridge.domain.phan import MAX_URL, PhanClaims, PhanUrls
from acs_bridge.domain.profile import AmbiguousProfile, GatewayKind, Profile, ProfileUnfit
from acs_bridge.domain.provisioning_code import LONGEST
from acs_bridge.domain.write import Purpose
from acs_bridge.errors import InvalidField, Unavailable
from acs_bridge.services.profiles.rendering import Profiles

_FIELD = "line_of_service"


class Seals:
    """What the services know of keys, URLs and profiles."""

    def __init__(self, phan_urls: PhanUrls, profiles: Profiles) -> None:
        """`phan_urls` knows the keys, and may come to know others."""
        self._phan_urls = phan_urls
        self._profiles = profiles

    @property
    def key_id(self) -> str:
        """The key that seals what is issued from now on, unless the database knows of a newer one."""
        return self._phan_urls.current_key_id

    def seal(self, key_id: str, claims: PhanClaims) -> str:
        """Return the PHAN URL of these claims; Unavailable where its key is not at hand."""
        try:
            return self._phan_urls.seal(key_id, claims)
        except UnknownKey:
            raise Unavailable(f"key {key_id} of this PHAN URL was retired, or is not known here yet") from None

    def check(self, claims: PhanClaims, subscriber_code: str, kind: GatewayKind | None) -> None:
        """Refuse a line whose URL the gateway could not take; `kind` is None while no gateway has informed.

        URLs of the same claims have the same length under every key.
        """
        profile = None if kind is None else self._profile(kind)
        if profile is not None:
            _check_profile(profile, claims, subscriber_code, self.seal(self.key_id, claims))
        elif (length := self._phan_urls.length(claims)) > MAX_URL:
            raise InvalidField(
                _FIELD, f"makes a PHAN URL of {length} characters; gateways take at most {MAX_URL} of them"
            )

    def _profile(self, kind: GatewayKind) -> Profile | None:
        try:
            return self._profiles.best(kind)
        except AmbiguousProfile:
            return None  # parks the write when the gateway comes, and is said there


def _check_profile(profile: Profile, claims: PhanClaims, subscriber_code: str, url: str) -> None:
    fields = {
        "phan_url": url,
        "line_of_service": claims.line_of_service,
        "association_id": str(claims.association_id),
        "subscriber_code": subscriber_code,
        "provisioning_code": "x" * LONGEST,
        **REPORT_SPECIMEN,
    }
    try:
        profile.render(Purpose.PROVISION, fields)
    except ProfileUnfit as error:
        raise InvalidField(_FIELD, f"cannot be written to its gateway: {error}") from None


def issued(now: datetime) -> datetime:
    """Give the time of issue as a URL carries it: whole seconds."""
    return now.replace(microsecond=0)
