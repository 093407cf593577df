"""Where reports are handed on to: an HTTP endpoint, or files.

Many reports go with each POST, as lines of JSON and not as the gateway posted them: whose they are comes from the seal,
and a platform need not read four forms.
"""

import asyncio
import os
import ssl
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from acs_bridge.domain.clock import Clock
from acs_bridge.services.notifications.posting import Poster, Rules
from acs_bridge.services.reports.handing import Handed, Portion, line_of
from acs_bridge.settings_layers import SettingsError
from acs_bridge.settings_reports import Reports as ReportSettings
from acs_bridge.store.spool import Spooled, Waiting

POSTED_AT_ONCE: Final = Portion(reports=500, bytes=1024 * 1024)
SECONDS: Final = 30.0  # for one POST
WRITTEN_AT_ONCE: Final = 50_000  # reports in a file
PART: Final = ".part"  # the end of a file's name while it is being written
_ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))  # the operator has named the address
_UNACCEPTABLE: Final = frozenset(
    (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    )
)


def platform_rules(settings: ReportSettings) -> Rules:
    """How the platform is posted to."""
    context = None
    if settings.forward_ca_certificates is not None:
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(settings.forward_ca_certificates)
        except OSError as error:
            words = f"cannot be read as PEM: {error.strerror or error}"
            raise SettingsError(f"reports.forward_ca_certificates: {words}") from None
    return Rules(_ANYWHERE, settings.forward_http, SECONDS, context)


class Platform:
    """An HTTP endpoint that takes many reports with each POST."""

    portion = POSTED_AT_ONCE

    def __init__(self, poster: Poster, settings: ReportSettings) -> None:
        """`poster` is opened by somebody else. Raises ValueError without a URL."""
        if settings.forward_url is None:
            raise ValueError("there is no platform")
        self._poster = poster
        self._url = settings.forward_url
        self._as_records = settings.hand_on_as == "records"
        self._headers = {"Content-Type": "application/x-ndjson"}
        if settings.forward_token is not None:
            self._headers["Authorization"] = f"Bearer {settings.forward_token.get_secret_value()}"

    async def hand(self, reports: Sequence[Spooled]) -> tuple[Handed, str]:
        """Post them. What the platform cannot have by any chance is not what it cannot have now."""
        body = await asyncio.to_thread(self._body, reports)
        posted = await self._poster.post(self._url, self._headers, body)
        if posted.is_taken:
            return Handed.TAKEN, posted.words
        return Handed.REFUSED if posted.status in _UNACCEPTABLE else Handed.AWAY, posted.words

    def is_due(self, waiting: Waiting) -> bool:
        """At once."""
        return waiting.reports > 0

    def _body(self, reports: Sequence[Spooled]) -> bytes:
        return b"".join(line_of(report, as_records=self._as_records) for report in reports)


class Files:
    """A folder of files, each one whole as soon as it has its name."""

    def __init__(self, folder: Path, settings: ReportSettings, clock: Clock) -> None:
        self.portion = Portion(WRITTEN_AT_ONCE, settings.file_bytes)
        self._folder = folder
        self._patience = timedelta(seconds=settings.file_seconds)
        self._as_records = settings.hand_on_as == "records"
        self._clock = clock

    async def hand(self, reports: Sequence[Spooled]) -> tuple[Handed, str]:
        """Write a file of them."""
        try:
            await asyncio.to_thread(self._write, reports)
        except OSError as error:
            return Handed.AWAY, f"reports.folder: {error.strerror or error}"
        return Handed.TAKEN, ""

    def is_due(self, waiting: Waiting) -> bool:
        """When the oldest has waited long enough, or enough has come together."""
        if waiting.oldest is None:
            return False
        return waiting.bytes >= self.portion.bytes or self._clock() - waiting.oldest >= self._patience

    def _write(self, reports: Sequence[Spooled]) -> None:
        """On the disk before it has its name, and its name before anybody forgets the reports."""
        name = f"reports-{self._clock():%Y%m%dT%H%M%S}-{reports[0].n}.ndjson"
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        part = self._folder / f"{name}{PART}"
        with part.open("wb") as file:
            part.chmod(0o640)
            for report in reports:
                file.write(line_of(report, as_records=self._as_records))
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
