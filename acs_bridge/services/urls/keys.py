"""The keys of a process that runs: they follow what the database says while a rotation goes on.

Every second, and whenever it meets a key that it does not know, a process looks whether the database knows other keys
than it does, or another current one; then it reads the keyring's file again. A file that does not fit (on another host,
where the new one has not been copied to) changes nothing: what this process has goes on, and what needs a key that it
does not have waits.
"""

import asyncio
from pathlib import Path
from typing import Final

import structlog

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrls
from acs_bridge.errors import AcsBridgeError
from acs_bridge.services.urls.keyring import keyring_of
from acs_bridge.store.database import Database
from acs_bridge.store.keyring import KnownKey, known_keys

_log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0


class Keys:
    """Holds the keyring that is in force, and keeps the PHAN URLs up with it."""

    def __init__(self, path: Path, database: Database, keyring: Keyring, phan_urls: PhanUrls) -> None:
        """`path` is that of the keyring's file."""
        self._path = path
        self._database = database
        self._keyring = keyring
        self._phan_urls = phan_urls
        self._known: tuple[KnownKey, ...] = ()

    async def run(self) -> None:
        """Follow the database until cancelled."""
        told = ""
        while True:
            try:
                await self.refresh()
                told = ""
            except AcsBridgeError as error:
                if str(error) != told:
                    _log.error("keys_not_followed", reason=str(error))
                told = str(error)
            await asyncio.sleep(LOOK_SECONDS)

    async def refresh(self) -> None:
        """Take what the database knows; raises what keeps this process from it."""
        known = await known_keys(self._database)
        if known == self._known or not known:
            return
        keyring = keyring_of(self._path, known)
        self._known = known
        if keyring != self._keyring:
            self._keyring = keyring
            self._phan_urls.use(keyring)
            _log.info("keys_changed", current=keyring.current_key_id, key_ids=sorted(keyring.keys))

    async def know(self, key_id: str) -> bool:
        """Tell whether there is this key, after a look for one that was made since."""
        if not self._phan_urls.knows(key_id):
            try:
                await self.refresh()
            except AcsBridgeError as error:
                _log.warning("key_unknown", key_id=key_id, reason=str(error))
        return self._phan_urls.knows(key_id)
