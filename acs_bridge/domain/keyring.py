"""The keys under everything that the daemon seals: a root secret, and the keys that PHAN URLs name.

Every use has a key of its own, derived (HKDF-SHA256) under its own label: from the root secret for what may change when
the keyring is lost (cookies, nonces, secrets of gateways), from one of the named keys for what is in the field. Sealing
is AES-SIV (RFC 5297): without a nonce, so that the same text under the same key gives the same bytes.

A keyring is a value and its text; where the text lies, and whether it is the right one, is not known here. No `repr`
and no error shows a secret.
"""

import binascii
import json
import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NoReturn, Self, TypeAlias, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from acs_bridge.errors import AcsBridgeError

RandomBytes: TypeAlias = Callable[[int], bytes]

KEY_ID_CHARACTERS = 4  # of base64url they are exactly three bytes: a token can begin with the id as it is
KEY_ID: Final = re.compile(rf"[a-z2-7]{{{KEY_ID_CHARACTERS}}}", re.ASCII)

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_SECRET_BYTES = 32
_SEALER_KEY_BYTES = 64  # AES-256-SIV
_FORMAT = "acs-bridge keyring"
_VERSION = 1
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class KeyringRefused(AcsBridgeError):
    """A text that is not a keyring of this version."""


class UnknownKey(AcsBridgeError):
    """A key id that the keyring does not hold."""


class Sealer:
    """Authenticated encryption for one purpose. The context is not sealed, but has to be the same when it is opened."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """`key` has 64 bytes."""
        self._cipher = AESSIV(key)

    def seal(self, plain: bytes, context: bytes = b"") -> bytes:
        """Return 16 bytes more than `plain`; the same for the same input."""
        return self._cipher.encrypt(plain, [context])

    def open(self, sealed: bytes, context: bytes = b"") -> bytes | None:
        """Return what was sealed; None for everything that this sealer did not make with this context."""
        try:
            return self._cipher.decrypt(sealed, [context])
        except InvalidTag:
            return None


@dataclass(frozen=True, slots=True)
class Key:
    """A key that PHAN URLs name by its id."""

    id: str
    created_at: datetime  # whole seconds
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys of one installation. Changing it makes a new one."""

    current_key_id: str
    keys: Mapping[str, Key]
    root: bytes = field(repr=False)

    @classmethod
    def new(cls, now: datetime, random: RandomBytes = os.urandom) -> Self:
        """Make a keyring with one key."""
        key = _new_key(frozenset(), now, random)
        return cls(key.id, {key.id: key}, random(_SECRET_BYTES))

    def rotate(self, now: datetime, random: RandomBytes = os.urandom, never: frozenset[str] = frozenset()) -> Self:
        """Return this keyring with a new current key; the others go on opening what they sealed.

        `never` are ids that no key may have again: those that were retired.
        """
        key = _new_key(never | self.keys.keys(), now, random)
        return replace(self, current_key_id=key.id, keys={**self.keys, key.id: key})

    def with_current(self, key_id: str) -> Self:
        """Return this keyring with another one of its keys as the current one."""
        return replace(self, current_key_id=self.key(key_id).id)

    def retire(self, key_id: str) -> Self:
        """Return this keyring without a key: what it sealed stays shut for good."""
        if self.key(key_id).id == self.current_key_id:
            raise AcsBridgeError(f"key {key_id} is the current one and cannot be retired: rotate first")
        return replace(self, keys={id: key for id, key in self.keys.items() if id != key_id})

    def key(self, key_id: str) -> Key:
        """Return the key with this id."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise UnknownKey(f"the keyring has no key {key_id}") from None

    def derive(self, label: str, length: int = 32) -> bytes:
        """Return the secret for one purpose; it changes only when the keyring is replaced, not when it rotates."""
        return _derive(self.root, label, length)

    def sealer(self, label: str, key_id: str | None = None) -> Sealer:
        """Return the sealer for one purpose: under the root secret, or under one of the named keys."""
        secret = self.root if key_id is None else self.key(key_id).secret
        return Sealer(_derive(secret, label, _SEALER_KEY_BYTES))

    def check_value(self, key_id: str) -> bytes:
        """Return what tells this key (and this root secret) from any other, and tells nothing else."""
        return _derive(self.root + self.key(key_id).secret, f"check value of key {key_id}", _SECRET_BYTES)

    def dump(self) -> str:
        """Return the text that `parse` reads."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "current": self.current_key_id,
            "root": _text(self.root),
            "keys": [
                {"id": key.id, "created_at": key.created_at.strftime(_INSTANT), "secret": _text(key.secret)}
                for key in self.keys.values()
            ],
        }
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `dump` wrote; anything else is refused whole, without showing any of it."""
        document = _members(_json(text), ("format", "version", "current", "root", "keys"))
        if (document["format"], document["version"]) != (_FORMAT, _VERSION):
            _refuse(f"it is not a keyring of format version {_VERSION}")
        if not isinstance(document["keys"], list):
            _refuse("its keys are not a list")
        keys = [_key(item) for item in document["keys"]]
        by_id = {key.id: key for key in keys}
        if len(by_id) != len(keys):
            _refuse("two of its keys have the same id")
        if document["current"] not in by_id:
            _refuse("its current key is not among its keys")
        return cls(document["current"], by_id, _secret(document["root"]))


def _derive(secret: bytes, label: str, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=f"acs-bridge {label}".encode()).derive(secret)


def _new_key(taken: frozenset[str], now: datetime, random: RandomBytes) -> Key:
    while True:
        id = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in random(KEY_ID_CHARACTERS))
        if id not in taken:
            return Key(id, now.astimezone(UTC).replace(microsecond=0), random(_SECRET_BYTES))


def _refuse(why: str) -> NoReturn:
    raise KeyringRefused(f"this is not a keyring: {why}") from None


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        _refuse("it is not JSON")


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _members(value: object, names: tuple[str, ...]) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != set(names):
        _refuse(f"it needs exactly these members in one place: {', '.join(names)}")
    return value


def _key(value: object) -> Key:
    members = _members(value, ("id", "created_at", "secret"))
    id, created_at = members["id"], members["created_at"]
    if not isinstance(id, str) or KEY_ID.fullmatch(id) is None:
        _refuse(f"an id of a key is not {KEY_ID_CHARACTERS} characters of [a-z2-7]")
    return Key(id, _instant(created_at), _secret(members["secret"]))


def _instant(value: object) -> datetime:
    try:
        return datetime.strptime(cast("str", value), _INSTANT).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        _refuse("a key's created_at is not an instant like 2026-11-22T12:00:00Z")


def _text(secret: bytes) -> str:
    return urlsafe_b64encode(secret).decode().rstrip("=")


def _secret(value: object) -> bytes:
    try:
        secret = urlsafe_b64decode(cast("str", value) + "=")
    except (TypeError, ValueError, binascii.Error):
        secret = b""
    if len(secret) != _SECRET_BYTES or _text(secret) != value:
        _refuse(f"a secret is not base64url of {_SECRET_BYTES} bytes")
    return secret
