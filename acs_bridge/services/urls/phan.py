"""What a PHAN URL says and whether it still counts: for the platform that gets the reports, and for operators."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from acs_bridge.domain.phan import OpenedPhanUrl, PhanUrlRefused, PhanUrls
from acs_bridge.store import associations
from acs_bridge.store.associations import Standing
from acs_bridge.store.database import Database

OPENED_AT_ONCE: Final = 50
"""So many URLs are opened on the event loop, which takes a millisecond; more in a thread, so that nobody waits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A URL, and the gateway that has used it, as far as that is known."""

    url: str
    oui: str | None = None
    serial_number: str | None = None


@dataclass(frozen=True, slots=True)
class PhanUrlStanding:
    """An authentic PHAN URL. `active`: it counts for an association that is not over.

    That is the newest one, and after a rotation of keys also the one before it until the newest is verified.
    `gateway_matches`: the gateway that was named is that of the line; None: none was named.
    """

    line_of_service: str
    association_id: UUID
    active: bool
    issued_at: datetime
    key_id: str
    gateway_matches: bool | None = None


class PhanLookup:
    """Opens PHAN URLs, many with one query."""

    def __init__(self, database: Database, phan_urls: PhanUrls) -> None:
        """Open with the keys of `phan_urls`: a key that was retired opens nothing."""
        self._database = database
        self._phan_urls = phan_urls

    async def open(self, url: str, oui: str | None = None, serial_number: str | None = None) -> PhanUrlStanding:
        """Say what one URL says; PhanUrlRefused for everything that is not ours."""
        (standing,) = await self.open_all([Asked(url, oui, serial_number)])
        if standing is None:
            raise PhanUrlRefused
        return standing

    async def open_all(self, asked: Sequence[Asked]) -> list[PhanUrlStanding | None]:
        """Say what each URL says, in order; None for what is not ours."""
        if len(asked) > OPENED_AT_ONCE:
            opened = await asyncio.to_thread(self._opened, asked)
        else:
            opened = self._opened(asked)
        ids = {one.claims.association_id for one in opened if one is not None}
        known = await associations.standing(self._database, ids) if ids else {}
        return [None if one is None else _standing(one, of, known) for one, of in zip(opened, asked, strict=True)]

    def _opened(self, asked: Sequence[Asked]) -> list[OpenedPhanUrl | None]:
        return [self._open(each.url) for each in asked]

    def _open(self, url: str) -> OpenedPhanUrl | None:
        try:
            return self._phan_urls.open(url)
        except PhanUrlRefused:
            return None


def _standing(opened: OpenedPhanUrl, asked: Asked, known: Mapping[UUID, Standing]) -> PhanUrlStanding:
    claims = opened.claims
    standing = known.get(claims.association_id)
    matches = None
    if asked.oui is not None or asked.serial_number is not None:
        matches = standing is not None and standing.fits(asked.oui, asked.serial_number)
    return PhanUrlStanding(
        line_of_service=claims.line_of_service,
        association_id=claims.association_id,
        active=standing is not None and claims.generation in standing.generations,
        issued_at=claims.issued_at,
        key_id=opened.key_id,
        gateway_matches=matches,
    )
