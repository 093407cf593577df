"""As what a caller was recognised by its credentials; what that entitles it to is not said here."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

_MARK_OCTETS: Final = 4


class Kind(IntEnum):
    """How much is known of a caller. The numbers stand in session cookies."""

    ANYBODY = 0  # nobody was asked
    BOOTSTRAP = 1  # it knows the pair that all gateways share: that is no proof of a serial number
    OWN = 2  # it knows credentials of one gateway
    IMPORTED = 3  # it knows a pair that was imported for a gateway, or for several that share it
    CERTIFICATE = 4  # it holds the key of a certificate that names gateways


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller, recognised."""

    kind: Kind
    gateway_ids: tuple[int, ...] = ()  # OWN, IMPORTED: whose credentials they are
    generation: int = 0  # OWN: which of the gateway's credentials
    identities: frozenset[str] = frozenset()  # CERTIFICATE: whom it names, as it is written there

    def mark(self) -> int:
        """What stands for it in a session's cookie beside its kind and the session's gateway: 32 bits.

        Of a gateway's own credentials any will do, because they may be changed in the middle of a session.
        """
        if self.kind is not Kind.CERTIFICATE:
            return 0
        named = "\n".join(sorted(self.identities)).encode("utf-8", "surrogateescape")
        return int.from_bytes(hashlib.blake2s(named, digest_size=_MARK_OCTETS).digest(), "big")


ANYBODY: Final = Principal(Kind.ANYBODY)
BOOTSTRAP: Final = Principal(Kind.BOOTSTRAP)
