"""The profile files read again while the daemon serves: checked as a whole, then in force in every process of it.

A mistake in one file leaves everything as it was. Each host reads its own files.

One process reads the files and hands their text to the others: what was checked is what holds, also in a worker that is
started when they have changed again. A session goes on with the profile that it began with. What a profile blocks is
held back by the Inform's own statement, and nothing is marked in the database, so that a reload lets it go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from acs_bridge.domain.actor import Actor
from acs_bridge.domain.clock import Clock
from acs_bridge.domain.credentials import REPORT_SPECIMEN
from acs_bridge.domain.phan import PhanClaims, PhanUrls
from acs_bridge.domain.profile import FIELDS, GatewayKind, InvalidProfile, Profile, ProfileSet, ProfileUnfit
from acs_bridge.domain.provisioning_code import LONGEST
from acs_bridge.domain.write import Purpose
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.change import Change
from acs_bridge.services.profiles.profiles import LiveProfiles, Texts, parse_profiles
from acs_bridge.store import gateways
from acs_bridge.store.audit import Deed
from acs_bridge.store.database import Database

_log = structlog.get_logger(__name__)

_SHORTEST = "0"  # no line of service has fewer characters


@dataclass(frozen=True, slots=True)
class InForce:
    """The profiles in force, since when, and what is doubtful about them."""

    profiles: tuple[Profile, ...]
    loaded_at: datetime
    warnings: tuple[str, ...] = ()


class Reloading:
    """Reads profiles again when an operator, or SIGHUP, asks for it."""

    def __init__(
        self, database: Database, clock: Clock, live: LiveProfiles, phan_urls: PhanUrls, read: Callable[[], Texts]
    ) -> None:
        """`read` reads the files."""
        self._database = database
        self._clock = clock
        self._live = live
        self._phan_urls = phan_urls
        self._read = read
        self._reach: list[Callable[[Texts], Awaitable[None]]] = []
        self._turn = asyncio.Lock()
        self._wished = asyncio.Event()
        self._latest = InForce(live.all, clock())

    @property
    def in_force(self) -> InForce:
        """What sessions go by."""
        return self._latest

    def reaches(self, tell: Callable[[Texts], Awaitable[None]]) -> None:
        """Tell other processes as well, which take over what was checked here."""
        self._reach.append(tell)

    async def reload(self, actor: Actor | None = None) -> InForce:
        """Read, check, and put into force. Raises InvalidProfile, and then nothing has changed."""
        async with self._turn:
            texts = await asyncio.to_thread(self._read)
            profiles = parse_profiles(texts)
            refuse_too_long(profiles.profiles, self._phan_urls, self._clock())
            await self._refuse_ties(profiles)
            warnings = await self._doubts(profiles)
            now = self._clock()
            change = Change.of(actor, now)
            await change.audit(self._database, Deed("profiles_reloaded", detail={"profiles": len(profiles.profiles)}))
            self._live.take(profiles)
            self._latest = InForce(profiles.profiles, now, warnings)
            await asyncio.gather(*(tell(texts) for tell in self._reach))
        _log.info("profiles_reloaded", profiles=[profile.name for profile in profiles.profiles], warnings=warnings)
        return self._latest

    def soon(self) -> None:
        """Do the same where nobody waits for an answer: the log has it."""
        self._wished.set()

    async def run(self) -> None:
        """Reload as often as somebody wished it; ends only by an error that nobody foresaw."""
        while await self._wished.wait():
            self._wished.clear()
            try:
                await self.reload()
            except AcsBridgeError as error:
                _log.error("profiles_refused", reason=str(error))

    async def _refuse_ties(self, profiles: ProfileSet) -> None:
        for kind, tied in profiles.ties(await gateways.kinds(self._database)):
            first, *others = sorted(tied, key=lambda profile: profile.name)
            names = " and ".join(profile.name for profile in others)
            raise InvalidProfile(
                first.source, "match", f"{first.name} fits as well as {names} for gateways on record ({_spelled(kind)})"
            )

    async def _doubts(self, profiles: ProfileSet) -> tuple[str, ...]:
        line = await gateways.longest_line(self._database)
        if line is None:
            return ()
        fields = specimen(self._phan_urls, line, self._clock())
        return tuple(
            f"{profile.source}: for the longest line of service on record, {len(line)} characters: {error}"
            for profile, error in _too_long(profiles.profiles, fields)
        )


def refuse_too_long(profiles: Iterable[Profile], phan_urls: PhanUrls, now: datetime) -> None:
    """Raise InvalidProfile for a profile whose gateways would never take what it makes, however short the line."""
    for profile, error in _too_long(profiles, specimen(phan_urls, _SHORTEST, now)):
        raise InvalidProfile(profile.source, "parameter", f"{error}, for the shortest line of service already")


def _too_long(profiles: Iterable[Profile], fields: dict[str, str]) -> Iterable[tuple[Profile, ProfileUnfit]]:
    for profile in profiles:
        try:
            profile.render(Purpose.PROVISION, fields)
        except ProfileUnfit as error:
            yield profile, error


def specimen(phan_urls: PhanUrls, line: str, now: datetime) -> dict[str, str]:
    """Fields with the lengths that they will have."""
    claims = PhanClaims(line, UUID(int=0), 1, now.replace(microsecond=0))
    known = {
        "phan_url": "u" * phan_urls.length(claims),
        "line_of_service": line,
        "association_id": str(claims.association_id),
        "provisioning_code": "x" * LONGEST,
        **REPORT_SPECIMEN,
    }
    return {**dict.fromkeys(FIELDS, _SHORTEST), **known}


def _spelled(kind: GatewayKind) -> str:
    return (
        f"root {kind.root or 'unknown'}, OUI {kind.oui}, product class {kind.product_class!r}, "
        f"software version {kind.software_version!r}"
    )
