"""Taking reports: who a report is from is in the seal of its URL, and nowhere else.

A URL that is forged, cut off, revoked, of a key that is gone or used by another line's gateway costs the same work up
to the last statement, and nothing tells them apart for who sent it. What a report says is never logged.
"""

import zlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.ids import new_id
from acs_bridge.domain.phan import PhanClaims, PhanUrlRefused, PhanUrls
from acs_bridge.store.reports import ReportRow, Reports, Verdict
from cwmp import bulkdata

QUOTA_REMEMBERED: Final = timedelta(seconds=60)  # for so long nobody asks the database whether an hour is still full
LINES_REMEMBERED: Final = 10_000
_MARK_OCTETS: Final = 8
_LONGEST_NAME: Final = 64  # characters of an OUI or a serial number
_NOBODY_SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Examined:
    """A body, and what it is."""

    content: bytes = field(repr=False)
    content_type: str
    report_format: str
    unread: str | None  # why it is no report; None: it is one
    is_timed: bool

    packed: bytes = field(default=b"", repr=False)  # zlib; empty where nothing is handed on

    def id(self, association_id: UUID, now: datetime) -> UUID:
        """What it is called: the same when it comes again, whenever that is."""
        if not self.is_timed:
            return new_id(now)
        return _named(blake2b(self.content, digest_size=16, key=association_id.bytes).digest())

    @property
    def mark(self) -> int | None:
        """64 bits that the same report has when it comes again; None where the same may be another one."""
        if not self.is_timed:
            return None
        return int.from_bytes(blake2b(self.content, digest_size=_MARK_OCTETS).digest(), signed=True)


def _named(digest: bytes) -> UUID:
    """Of 16 bytes a UUID of version 8 (RFC 9562 5.8)."""
    return UUID(int=int.from_bytes(digest) & ~(0xF << 76 | 0b11 << 62) | 8 << 76 | 0b10 << 62)


def examine(content: bytes, content_type: str, report_format: str, *, pack: bool) -> Examined:
    """Read a body without its coding, and pack it where it is to be handed on."""
    unread, is_timed = None, False
    try:
        is_timed = bulkdata.read(content, content_type, report_format).is_timed
    except bulkdata.UnreadableReport as error:
        unread = str(error)
    return as_examined(content, (content_type, report_format), unread, is_timed=is_timed, pack=pack)


def as_examined(
    content: bytes, types: tuple[str, str], unread: str | None, *, is_timed: bool = False, pack: bool
) -> Examined:
    """A body of which is known what it is."""
    return Examined(content, *types, unread, is_timed, zlib.compress(content, 1) if pack else b"")


@dataclass(frozen=True, slots=True)
class Sender:
    """What a request says of who sent it, beside its URL."""

    oui: str | None = None
    serial_number: str | None = None
    logins: tuple[str, ...] = ()  # the profiles whose login it has shown

    @classmethod
    def of(cls, query: Mapping[str, str], logins: tuple[str, ...] = ()) -> "Sender":
        """Read the query (Annex N.2.1)."""
        return cls(_name(query.get("oui")), _name(query.get("sn")), logins)


def _name(said: str | None) -> str | None:
    """A name as the database may see it; what is none is nobody's."""
    if said is None:
        return None
    text = said.strip()
    return text if len(text) <= _LONGEST_NAME and text.isprintable() else "?" * (_LONGEST_NAME + 1)


class Taking:
    """The use case."""

    def __init__(self, reports: Reports, phan_urls: PhanUrls, clock: Clock, *, hands_on: bool) -> None:
        """`hands_on`: what is taken goes into the spool."""
        self._reports = reports
        self._phan_urls = phan_urls
        self._clock = clock
        self.hands_on = hands_on
        self._full: OrderedDict[UUID, datetime] = OrderedDict()

    def claims(self, token: str) -> PhanClaims:
        """What a token says; what is not ours says something of which no database has heard."""
        try:
            return self._phan_urls.open(token).claims
        except PhanUrlRefused:
            nobody = UUID(bytes=blake2b(token.encode("utf-8", "replace"), digest_size=16).digest())
            return PhanClaims("", nobody, 1, _NOBODY_SINCE)

    def is_sealed(self, claims: PhanClaims) -> bool:
        """Whether a token of ours said so; its line may have another URL since, or be over."""
        return claims.issued_at != _NOBODY_SINCE

    def is_full(self, claims: PhanClaims) -> bool:
        """Whether a line has had its reports of this hour, as far as this process knows."""
        until = self._full.get(claims.association_id)
        return until is not None and self._clock() < until

    async def take(self, claims: PhanClaims, sender: Sender, report: Examined) -> Verdict:
        """Say what becomes of a report, and note it. Raises Unavailable."""
        now = self._clock()
        row = ReportRow(
            id=report.id(claims.association_id, now),
            association_id=claims.association_id,
            generation=claims.generation,
            oui=sender.oui,
            serial_number=sender.serial_number,
            shown=sender.logins,
            mark=report.mark,
            content_type=report.content_type,
            report_format=report.report_format,
            unread=report.unread,
            size=len(report.content),
            body=report.packed,
        )
        verdict = await self._reports.take(row, now)
        if verdict is Verdict.QUOTA:
            self._full[claims.association_id] = now + QUOTA_REMEMBERED
            while len(self._full) > LINES_REMEMBERED:
                self._full.popitem(last=False)
        return verdict
