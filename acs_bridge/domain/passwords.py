"""Passwords of people: what one must be like, and how it is kept (Argon2id, RFC 9106).

Hashing takes long and much memory on purpose; whoever calls this does it outside of the event loop, and not often at
the same time.
"""

import unicodedata
from base64 import b32encode, b64encode
from typing import Final

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from acs_bridge.errors import InvalidField

SHORTEST: Final = 12
LONGEST: Final = 256
FEWEST_DIFFERENT: Final = 5
ONE_TIME_BYTES: Final = 15  # 24 characters of base32


def accepted(password: str, user: str, field: str = "password") -> str:
    """Take a new password as it will be hashed, or say what is wrong with it; its text is in no error."""
    text = _normal(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise InvalidField(field, f"must have {SHORTEST} to {LONGEST} characters")
    if not text.isprintable():
        raise InvalidField(field, "must have no control characters")
    if len(set(text)) < FEWEST_DIFFERENT:
        raise InvalidField(field, f"must have at least {FEWEST_DIFFERENT} different characters")
    if user.casefold() in text.casefold() and len(text) < len(user) + SHORTEST:
        raise InvalidField(field, f"must have {SHORTEST} characters beside the user name")
    return text


def one_time(random: bytes) -> str:
    """Make a password for one login, of as many random bytes as ONE_TIME_BYTES says, in groups that can be typed."""
    text = b32encode(random).decode().lower()
    return "-".join(text[start : start + 6] for start in range(0, len(text), 6))


class Passwords:
    """Keeps passwords, at one cost."""

    def __init__(self, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        """A cost below the usual one is for tests."""
        self._cost = cost
        self._argon2 = PasswordHasher.from_parameters(cost)

    @property
    def nobodys(self) -> str:
        """What matches no password, and costs as much to compare with as anybody's; nothing is hashed for it."""
        cost = self._cost
        parts = (
            "argon2id",
            f"v={cost.version}",
            f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}",
            *(b64encode(bytes(length)).decode().rstrip("=") for length in (cost.salt_len, cost.hash_len)),
        )
        return "".join(f"${part}" for part in parts)

    def hashed(self, password: str) -> str:
        """What is kept of a password."""
        return self._argon2.hash(_normal(password))

    def matches(self, kept: str, password: str) -> bool:
        """Tell whether it is the one that was kept."""
        try:
            return self._argon2.verify(kept, _normal(password) if len(password) <= LONGEST else "")
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, kept: str) -> bool:
        """Tell whether it was hashed at another cost than today's."""
        return self._argon2.check_needs_rehash(kept)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)  # as OpaqueString does (RFC 8265, 4.2): keyboards differ
