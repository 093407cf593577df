"""What a PHAN URL says and whether it still counts: for the platform that gets the reports, and for operators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from acs_bridge.domain.phan import OpenedPhanUrl, PhanUrlRefused, PhanUrls
from acs_bridge.store import associations
from acs_bridge.store.database import Database


@dataclass(frozen=True, slots=True)
class PhanUrlStanding:
    """An authentic PHAN URL. `active`: it is the current one of an association that is not over."""

    line_of_service: str
    association_id: UUID
    active: bool
    issued_at: datetime
    key_id: str


class PhanLookup:
    """Opens PHAN URLs, many with one query."""

    def __init__(self, database: Database, phan_urls: PhanUrls) -> None:
        """Open with the keys of `phan_urls`: a key that was retired opens nothing."""
        self._database = database
        self._phan_urls = phan_urls

    async def open(self, url: str) -> PhanUrlStanding:
        """Say what one URL says; PhanUrlRefused for everything that is not ours."""
        (standing,) = await self.open_all([url])
        if standing is None:
            raise PhanUrlRefused
        return standing

    async def open_all(self, urls: Sequence[str]) -> list[PhanUrlStanding | None]:
        """Say what each URL says, in order; None for what is not ours."""
        opened = [self._opened(url) for url in urls]
        ids = {one.claims.association_id for one in opened if one is not None}
        generations = await associations.standing(self._database, ids) if ids else {}
        return [None if one is None else _standing(one, generations) for one in opened]

    def _opened(self, url: str) -> OpenedPhanUrl | None:
        try:
            return self._phan_urls.open(url)
        except PhanUrlRefused:
            return None


def _standing(opened: OpenedPhanUrl, generations: Mapping[UUID, int]) -> PhanUrlStanding:
    claims = opened.claims
    return PhanUrlStanding(
        line_of_service=claims.line_of_service,
        association_id=claims.association_id,
        active=claims.generation == generations.get(claims.association_id),
        issued_at=claims.issued_at,
        key_id=opened.key_id,
    )
