"""What gateways held before they were written, kept sealed: it belongs to them, and may be somebody's secret."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from acs_bridge.domain.keyring import Keyring
from acs_bridge.domain.phan import PhanUrls
from cwmp.messages import ParameterValueStruct

MOST_BYTES: Final = 16_384  # of one write; a gateway that held more cannot be given it back
_SEALER: Final = "former values of gateways"


class FormerValues:
    """Seals values for the row of a write, and opens them again."""

    def __init__(self, keyring: Keyring, phan_urls: PhanUrls) -> None:
        self._sealer = keyring.sealer(_SEALER)
        self._phan_urls = phan_urls

    def seal(self, write_id: UUID, values: Sequence[ParameterValueStruct]) -> str:
        """Return the values as the row of this write keeps them; no PHAN URL of ours, which counts no more."""
        kept = [tuple(value) for value in values if not value.value.startswith(self._phan_urls.base_url)]
        plain = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
        if len(plain) > MOST_BYTES:
            return ""
        return b64encode(self._sealer.seal(plain, write_id.bytes)).decode()

    def open(self, write_id: UUID, sealed: str) -> tuple[ParameterValueStruct, ...] | None:
        """Return what was kept; None where that was not sealed for this write by this keyring."""
        plain = self._sealer.open(b64decode(sealed), write_id.bytes) if sealed else None
        return None if plain is None else tuple(ParameterValueStruct(*value) for value in json.loads(plain))
