"""The pairs of user name and password that gateways have for themselves. They are derived, and none is stored.

A pair is made of the keyring's root secret, our own number of the gateway and a generation, never of text that the
gateway chose. Its user name says both numbers, so that it can be checked without asking the database; whether this
generation counts today, and whether the caller is that gateway at all, is the database's affair.

Names and passwords are of the characters that every CPE takes, at most 32 of them.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from uuid import UUID

from acs_bridge.domain.keyring import Keyring

LONGEST: Final = 32  # characters: what the narrowest CPEs keep of either
_PASSWORD: Final = 24  # characters of 62: 142 bits
REPORT_SPECIMEN: Final = {"report_username": "x" * 32, "report_password": "x" * _PASSWORD}
"""Of the length of what a line's reports log in with."""
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BYTES: Final = 32  # many more than a password has, so that taking remainders favours no character
_MAX_ID: Final = 2**63 - 1
_MAX_GENERATION: Final = 2**31 - 1
_NAME: Final = re.compile(r"gw([1-9][0-9]{0,18})x([1-9][0-9]{0,9})", re.ASCII)


class PairKind(StrEnum):
    """Which of its pairs a gateway is to have."""

    BOOTSTRAP = "bootstrap"  # the bootstrap pair
    IMPORTED = "imported"  # the one that it had before us
    OWN = "own"  # a derived one


@dataclass(frozen=True, slots=True)
class Pair:
    """A user name and a password."""

    username: str
    password: str = field(repr=False)


class OwnPairs:
    """Derives pairs."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def login(self, gateway_id: int, generation: int) -> Pair:
        """What a gateway logs in with. Raises ValueError for numbers that no gateway has."""
        if not (1 <= gateway_id <= _MAX_ID and 1 <= generation <= _MAX_GENERATION):
            message = "a gateway and its generation are numbered from 1"
            raise ValueError(message)
        return Pair(
            f"gw{gateway_id}x{generation}", self._password(f"login of gateway {gateway_id} generation {generation}")
        )

    def connection_request(self, gateway_id: int) -> Pair:
        """What we show the gateway when we ring it: another secret, the same in every generation."""
        return Pair(f"acs{gateway_id}", self._password(f"connection request to gateway {gateway_id}"))

    def report(self, association_id: UUID, generation: int) -> Pair:
        """What the gateway of a line shows when it reports to the PHAN URL of this generation."""
        return Pair(association_id.hex, self._password(f"report of {association_id.hex} generation {generation}"))

    def _password(self, label: str) -> str:
        number = int.from_bytes(self._keyring.derive(label, _BYTES))
        characters = []
        for _ in range(_PASSWORD):
            number, digit = divmod(number, len(_ALPHABET))
            characters.append(_ALPHABET[digit])
        return "".join(characters)


def own_name(username: str) -> tuple[int, int] | None:
    """The gateway and the generation that a derived user name says; None for every other name."""
    found = _NAME.fullmatch(username)
    if found is None:
        return None
    gateway_id, generation = int(found[1]), int(found[2])
    return (gateway_id, generation) if gateway_id <= _MAX_ID and generation <= _MAX_GENERATION else None
