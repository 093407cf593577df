"""All profiles of an installation, and which of them a gateway gets."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from acs_bridge.domain.profile.match import GatewayKind
from acs_bridge.domain.profile.model import InvalidProfile, Profile
from acs_bridge.errors import AcsBridgeError

_REMEMBERED_KINDS = 4096


class AmbiguousProfile(AcsBridgeError):
    """Two profiles that fit a gateway equally well: nobody guesses which one was meant."""

    status = 409
    title = "Two profiles fit this gateway equally well"


class ProfileSet:
    """The profiles of one or several folders, a later folder overriding the earlier ones. It never changes."""

    def __init__(self, folders: Iterable[Sequence[Profile]] = ()) -> None:
        """Refuse a folder in which two profiles have one name or one match."""
        kept: list[tuple[int, Profile]] = []
        for number, folder in enumerate(folders):
            _refuse_twins(folder)
            names, matches = {profile.name for profile in folder}, {profile.match for profile in folder}
            kept = [(at, old) for at, old in kept if old.name not in names and old.match not in matches]
            kept += [(number, profile) for profile in folder]
        self.profiles = tuple(profile for _, profile in kept)
        # Between two that match equally well the later folder decides: that is what overriding means.
        self._ranked = tuple(((profile.match.rank, number), profile) for number, profile in kept)
        self._closest = lru_cache(_REMEMBERED_KINDS)(self._find_closest)

    def best(self, kind: GatewayKind) -> Profile | None:
        """Return the profile that fits a gateway most closely; None when none fits."""
        closest = self._closest(kind)
        if len(closest) > 1:
            names = " and ".join(sorted(profile.name for profile in closest))
            raise AmbiguousProfile(f"the profiles {names} fit this gateway equally well")
        return closest[0] if closest else None

    def ties(self, kinds: Iterable[GatewayKind]) -> list[tuple[GatewayKind, tuple[Profile, ...]]]:
        """Return the kinds of gateways that two or more profiles fit equally well, with those profiles."""
        closest = ((kind, self._find_closest(kind)) for kind in kinds)
        return [(kind, profiles) for kind, profiles in closest if len(profiles) > 1]

    def _find_closest(self, kind: GatewayKind) -> tuple[Profile, ...]:
        fitting = [(rank, profile) for rank, profile in self._ranked if profile.match.fits(kind)]
        best = max((rank for rank, _ in fitting), default=None)
        return tuple(profile for rank, profile in fitting if rank == best)


def _refuse_twins(folder: Sequence[Profile]) -> None:
    names: dict[str, Profile] = {}
    matches: dict[object, Profile] = {}
    for profile in folder:
        if (twin := names.setdefault(profile.name, profile)) is not profile:
            raise InvalidProfile(profile.source, "name", f"is also the name in {twin.source}: {profile.name}")
        if (twin := matches.setdefault(profile.match, profile)) is not profile:
            raise InvalidProfile(profile.source, "match", f"is the same as in {twin.source} ({twin.name})")
