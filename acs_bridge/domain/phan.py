"""PHAN URLs: what a gateway gets, made of `phan.base_url` and a token that says which line it reports for.

The token is the id of the key, as it is, and then sealed (AES-SIV) the version of this layout, the association, its
generation, the time of issue and the line of service: base64url without padding, all of it. Nothing is stored: the same
claims under the same key give the same URL. What the claims mean today (is the association active?) is not known here.

A URL is a secret. Where one has to be told from another, show `redact(url)`.
"""

import re
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from acs_bridge.domain.keyring import KEY_ID_CHARACTERS, Keyring, Sealer
from acs_bridge.errors import AcsBridgeError

MAX_URL: Final = 256  # characters: what gateways are known to take (RDK-B's buffer), unless a profile says more

_LABEL = "PHAN URL"
_DECOY_LABEL = "PHAN URL of nobody"
_VERSION = 1
_VERSION_BITS = 4  # of the first byte; the others count the generation's bytes
_ID_BYTES = 16
_ISSUED_BYTES = 4
_SEAL_BYTES = 16  # what AES-SIV adds
_MAX_GENERATION = 2**31 - 1
_MAX_ISSUED = 2 ** (8 * _ISSUED_BYTES) - 1
_MAX_TOKEN = 512
_SHOWN = 6
_ELLIPSIS = "…"
_DECOY = bytes(48)


class PhanUrlRefused(AcsBridgeError):
    """One answer for everything that is not ours: forged, damaged, of a key that is gone, or no URL at all."""

    status = 422
    title = "This is not a PHAN URL of this installation"


@dataclass(frozen=True, slots=True)
class PhanClaims:
    """What a PHAN URL says."""

    line_of_service: str
    association_id: UUID
    generation: int
    issued_at: datetime  # a token keeps whole seconds

    def __post_init__(self) -> None:
        """Refuse what a token cannot carry; the database refuses the same."""
        if not 1 <= self.generation <= _MAX_GENERATION:
            raise ValueError(f"a generation lies between 1 and {_MAX_GENERATION}")
        if self.issued_at.tzinfo is None or not 0 <= self.issued_at.timestamp() <= _MAX_ISSUED:
            raise ValueError("a time of issue is aware and lies between 1970 and 2106")


@dataclass(frozen=True, slots=True)
class OpenedPhanUrl:
    """What a PHAN URL said, and the key that had sealed it."""

    claims: PhanClaims
    key_id: str


class PhanUrls:
    """Seals claims into URLs under one base, and opens what this keyring sealed."""

    def __init__(self, keyring: Keyring, base_url: str = "") -> None:
        """Without a base, what is sealed are bare tokens. Whether a base is a good one is the settings' affair."""
        if base_url and not base_url.endswith("/"):
            raise ValueError('a base URL ends in "/": a word and a token that ran together could not be told apart')
        self._base_url = base_url
        self.use(keyring)

    def use(self, keyring: Keyring) -> None:
        """Seal and open with the keys of this keyring from now on: one of them was added, or taken away."""
        self._sealers = {key_id: keyring.sealer(_LABEL, key_id) for key_id in keyring.keys}
        self._keyring = keyring
        ids = "|".join(map(re.escape, keyring.keys))
        self._spoken = re.compile(rf"((?:{ids})[A-Za-z0-9_-]{{{_SHOWN - KEY_ID_CHARACTERS}}})[A-Za-z0-9_-]{{8,}}")
        self._decoy = keyring.sealer(_DECOY_LABEL)

    @property
    def current_key_id(self) -> str:
        """The key that seals what is issued."""
        return self._keyring.current_key_id

    def knows(self, key_id: str) -> bool:
        """Tell whether URLs can be sealed with this key."""
        return key_id in self._sealers

    @property
    def base_url(self) -> str:
        """What stands before every token."""
        return self._base_url

    def seal(self, key_id: str, claims: PhanClaims) -> str:
        """Return the URL of these claims; the same for the same claims and key."""
        key_id = self._keyring.key(key_id).id
        sealed = self._sealers[key_id].seal(_pack(claims), key_id.encode())
        return f"{self._base_url}{key_id}{_encode(sealed)}"

    def length(self, claims: PhanClaims) -> int:
        """Return how many characters the URL of these claims has, without making it."""
        sealed = _SEAL_BYTES + len(_pack(claims))
        return len(self._base_url) + KEY_ID_CHARACTERS + (sealed * 4 + 2) // 3

    def open(self, url_or_token: str) -> OpenedPhanUrl:
        """Return what a URL or a bare token says, also when the gateway has put a query behind it.

        The base is not compared: it may have changed since, or a proxy may have changed it. What is not ours takes the
        same work as what is: text that is no token and keys that are unknown are tried against a decoy.
        """
        token = _token(url_or_token)
        key_id, sealed = token[:KEY_ID_CHARACTERS], _decode(token[KEY_ID_CHARACTERS:])
        sealer: Sealer = self._sealers.get(key_id, self._decoy)
        plain = sealer.open(sealed, key_id.encode("utf-8", "replace"))
        if plain is None or plain[0] >> _VERSION_BITS != _VERSION:
            raise PhanUrlRefused
        return OpenedPhanUrl(_unpack(plain), key_id)

    def is_ours(self, url: str) -> bool:
        """Whether this is a PHAN URL that this keyring has sealed, whatever it means today."""
        try:
            self.open(url)
        except PhanUrlRefused:
            return False
        return True

    def scrub(self, text: str) -> str:
        """Cut every PHAN URL of ours in somebody else's words down to what may be shown.

        Gateways repeat in a fault what they could not set.
        """
        return self._spoken.sub(rf"\1{_ELLIPSIS}", text)


def redact(url: str) -> str:
    """Return the part of a PHAN URL that may be shown: its key's id and two characters more."""
    return f"{_token(url)[:_SHOWN]}{_ELLIPSIS}"


def _token(url: str) -> str:
    path = url.strip().partition("#")[0].partition("?")[0]
    return path.removesuffix("/").rpartition("/")[2]


def _encode(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Return the bytes that have this one spelling; a decoy for what has none."""
    if len(text) > _MAX_TOKEN:
        return _DECOY
    try:
        sealed = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return _DECOY
    return sealed if _encode(sealed) == text else _DECOY


def _pack(claims: PhanClaims) -> bytes:
    generation = claims.generation.to_bytes((claims.generation.bit_length() + 7) // 8)
    return b"".join(
        (
            bytes([_VERSION << _VERSION_BITS | len(generation)]),
            claims.association_id.bytes,
            generation,
            int(claims.issued_at.timestamp()).to_bytes(_ISSUED_BYTES),
            claims.line_of_service.encode(),
        )
    )


def _unpack(plain: bytes) -> PhanClaims:
    """Read what `_pack` made: nothing else has a seal."""
    generation_at = 1 + _ID_BYTES
    issued_at = generation_at + (plain[0] & (1 << _VERSION_BITS) - 1)
    line_at = issued_at + _ISSUED_BYTES
    return PhanClaims(
        line_of_service=plain[line_at:].decode(),
        association_id=UUID(bytes=plain[1:generation_at]),
        generation=int.from_bytes(plain[generation_at:issued_at]),
        issued_at=datetime.fromtimestamp(int.from_bytes(plain[issued_at:line_at]), UTC),
    )
