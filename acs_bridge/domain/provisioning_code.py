"""What a gateway carries of its line without being asked: a DeviceInfo.ProvisioningCode that we wrote ourselves.

Every Inform announces it (it is among the forced parameters of TR-098 and TR-181). It says, sealed, which association
and which generation of its PHAN URL the gateway was given: another one says that the value is old, and a box that
brings one along (from a backup of the box before it, or under a new DeviceId) says which line it is meant for. Nobody
else can make one, and nothing of the line is readable in it.
"""

from base64 import b32decode, b32encode
from typing import Final
from uuid import UUID

from acs_bridge.domain.keyring import Keyring

PARAMETER: Final = "DeviceInfo.ProvisioningCode"
LONGEST: Final = 60  # characters; TR-181 and TR-098 allow 64

_LABEL: Final = "provisioning code"
_PREFIX: Final = "AB"
_ID_BYTES: Final = 16
_GENERATION_BYTES: Final = 4


class ProvisioningCodes:
    """Seals and opens them. They do not change when the keyring rotates."""

    def __init__(self, keyring: Keyring) -> None:
        self._sealer = keyring.sealer(_LABEL)

    def seal(self, association_id: UUID, generation: int) -> str:
        """Return the code of one generation of an association, in `[A-Z2-7]`; always the same one."""
        sealed = self._sealer.seal(association_id.bytes + generation.to_bytes(_GENERATION_BYTES), b"")
        return _PREFIX + b32encode(sealed).decode().rstrip("=")

    def open(self, code: str) -> tuple[UUID, int] | None:
        """Return the association and the generation that a code names; None for everything that is not ours."""
        text = code.strip().upper()
        if not text.startswith(_PREFIX) or len(text) > LONGEST:
            return None
        text = text.removeprefix(_PREFIX)
        try:
            sealed = b32decode(text + "=" * (-len(text) % 8))
        except ValueError:
            return None
        plain = self._sealer.open(sealed, b"")
        if plain is None or len(plain) != _ID_BYTES + _GENERATION_BYTES:
            return None
        return UUID(bytes=plain[:_ID_BYTES]), int.from_bytes(plain[_ID_BYTES:])
