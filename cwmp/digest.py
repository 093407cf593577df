"""HTTP Digest, both sides (RFC 7616, and RFC 2617 for who knows only that): headers, arithmetic, nonces.

Headers are read as leniently as gateways write them; what was read is then checked without mercy, in constant time. It
does not know who may have which password, and it never keeps one.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import count
from typing import NamedTuple

_LONGEST_HEADER = 8192
# A name is bounded and never given back: a header of nothing but letters would otherwise take most of a second.
_PAIR = re.compile(r'([A-Za-z][A-Za-z0-9_*-]{0,31}+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)(?:"|$)|([^\s,]*))', re.DOTALL)
_SCHEME = re.compile(r"(?:^|[\s,])(Digest|Basic)(?=\s)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NC = re.compile(r"[0-9A-Fa-f]{8}")
_AUTHORITY = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_SESS = "-sess"
_TARGETS_KEPT = 32


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()  # all that every CPE can do


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": _md5,
    "MD5-sess": _md5,
    "SHA-256": _sha256,
    "SHA-256-sess": _sha256,
}
_ALGORITHMS = {name.lower(): name for name in _HASHES} | {"sha256": "SHA-256"}


def _algorithm(text: str | None) -> str:
    """Give the algorithm that a header names; without a name, and for names that nobody knows, it is MD5."""
    if text in _HASHES:
        return text
    return _ALGORITHMS.get((text or "").strip().lower(), "MD5")


def _hash(algorithm: str, text: str) -> str:
    return _HASHES[algorithm](text.encode("utf-8", "surrogateescape"))


def _pairs(text: str) -> dict[str, str]:
    """Read name=value pairs in any order, with or without quotes and commas; the first of a name counts."""
    found = _PAIR.findall(text[:_LONGEST_HEADER])
    if "\\" in text:
        found = [(name, _ESCAPED.sub(r"\1", quoted), bare) for name, quoted, bare in found]
    found.reverse()  # so that the first of a name is the last to be set
    return {name.lower(): quoted or bare for name, quoted, bare in found}


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


# --- headers ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for. `qop` is None where it knows only RFC 2069; "auth-int" is never offered (A-07)."""

    realm: str
    nonce: str
    opaque: str | None = None
    algorithm: str = "MD5"
    qop: str | None = "auth"
    stale: bool = False

    def render(self) -> str:
        """Write the value of a WWW-Authenticate header."""
        qop = "" if self.qop is None else f'qop="{self.qop}", '
        opaque = "" if self.opaque is None else f"opaque={_quoted(self.opaque)}, "
        stale = ", stale=true" if self.stale else ""
        return (
            f"Digest realm={_quoted(self.realm)}, {qop}nonce={_quoted(self.nonce)}, {opaque}"
            f"algorithm={self.algorithm}{stale}"
        )

    @classmethod
    def parse(cls, header: str) -> "Challenge | None":
        """Read the first Digest challenge of a WWW-Authenticate header whose algorithm we have; None without one."""
        return next(_challenges(header), None)


def _challenges(header: str) -> Iterator[Challenge]:
    header = header[:_LONGEST_HEADER]
    schemes = list(_SCHEME.finditer(header))
    ends = [scheme.start() for scheme in schemes] + [len(header)]
    for scheme, end in zip(schemes, ends[1:], strict=True):
        pairs = _pairs(header[scheme.end() : end])
        if scheme[1].lower() == "digest" and "nonce" in pairs:
            yield _challenge(pairs)


def _challenge(pairs: dict[str, str]) -> Challenge:
    offered = re.split(r"[\s,]+", pairs.get("qop", "").lower())
    return Challenge(
        realm=pairs.get("realm", ""),
        nonce=pairs["nonce"],
        opaque=pairs.get("opaque"),
        algorithm=_algorithm(pairs.get("algorithm")),
        qop="auth" if "auth" in offered else None,
        stale=pairs.get("stale", "").lower() == "true",
    )


class Authorization(NamedTuple):
    """What a client answers. Its response proves the password and is never shown."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str | None = None
    nc: str | None = None
    cnonce: str | None = None
    opaque: str | None = None

    def __repr__(self) -> str:
        return f"Authorization(username={self.username!r}, realm={self.realm!r})"

    @classmethod
    def parse(cls, header: str) -> "Authorization | None":
        """Read the value of an Authorization header; None where it is no Digest or lacks what Digest needs."""
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() != "digest" or len(header) > _LONGEST_HEADER:
            return None
        pairs = _pairs(rest)
        try:
            return cls(
                pairs["username"],
                pairs.get("realm", ""),
                pairs["nonce"],
                pairs["uri"],
                pairs["response"].lower(),
                _algorithm(pairs.get("algorithm")),
                pairs.get("qop", "").strip().lower() or None,
                pairs.get("nc"),
                pairs.get("cnonce"),
                pairs.get("opaque"),
            )
        except KeyError:
            return None

    def render(self) -> str:
        """Write the value of an Authorization header."""
        parts = [
            f"username={_quoted(self.username)}",
            f"realm={_quoted(self.realm)}",
            f"nonce={_quoted(self.nonce)}",
            f"uri={_quoted(self.uri)}",
            f'response="{self.response}"',
            f"algorithm={self.algorithm}",
        ]
        if self.opaque is not None:
            parts.append(f"opaque={_quoted(self.opaque)}")
        if self.qop is not None:
            parts.append(f"qop={self.qop}, nc={self.nc}")
        if self.cnonce is not None:
            parts.append(f"cnonce={_quoted(self.cnonce)}")
        return "Digest " + ", ".join(parts)


# --- arithmetic -------------------------------------------------------------------------------------------------------


def ha1(username: str, realm: str, password: str, algorithm: str = "MD5") -> str:
    """Give the hash that stands for a password; it is as secret as the password."""
    return _hash(algorithm, f"{username}:{realm}:{password}")


@lru_cache(_TARGETS_KEPT)
def _ha2(algorithm: str, method: str, uri: str) -> str:
    """Give the hash that stands for what is asked for: nearly always the same."""
    return _hash(algorithm, f"{method}:{uri}")


def _response(authorization: Authorization, secret: str, method: str) -> str:
    """Compute what the response has to be (RFC 7616 3.4.1); without qop as in RFC 2069."""
    algorithm, nonce = authorization.algorithm, authorization.nonce
    nc, cnonce, qop = authorization.nc or "", authorization.cnonce or "", authorization.qop
    if algorithm.endswith(_SESS):
        secret = _hash(algorithm, f"{secret}:{nonce}:{cnonce}")
    ha2 = _ha2(algorithm, method, authorization.uri)
    counted = "" if qop is None else f"{nc}:{cnonce}:{qop}:"
    return _hash(algorithm, f"{secret}:{nonce}:{counted}{ha2}")


def verify(
    authorization: Authorization, ha1: str, *, method: str, target: str, realm: str, allow_no_qop: bool = True
) -> bool:
    """Tell whether the client knows the password behind `ha1` and means this request (A-08).

    The nonce is the caller's to check. `target` is the request's own; a client may name it in full.
    """
    expected = _response(authorization, ha1, method)
    answered = authorization.response.encode("utf-8", "replace")
    return (
        hmac.compare_digest(expected.encode(), answered)
        and authorization.realm == realm
        and (authorization.uri == target or _path(authorization.uri) == _path(target))
        and (allow_no_qop if authorization.qop is None else _is_counted(authorization))
    )


def _path(uri: str) -> str:
    return _AUTHORITY.sub("", uri, count=1) or "/"


def _is_counted(authorization: Authorization) -> bool:
    return authorization.qop == "auth" and bool(authorization.cnonce) and bool(_NC.fullmatch(authorization.nc or ""))


def answer(  # noqa: PLR0913 - what Digest is computed from
    challenge: Challenge, username: str, password: str, *, method: str, uri: str, cnonce: str, count: int = 1
) -> Authorization:
    """Answer a challenge for the `count`th time; nc and cnonce only where the server has qop (C-02)."""
    counted = challenge.qop is not None
    secret = ha1(username, challenge.realm, password, challenge.algorithm)
    fields = {
        "username": username,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
        "algorithm": challenge.algorithm,
        "qop": challenge.qop,
        "nc": f"{count:08x}" if counted else None,
        "cnonce": cnonce if counted or challenge.algorithm.endswith(_SESS) else None,
        "opaque": challenge.opaque,
    }
    unanswered = Authorization(response="", **fields)  # type: ignore[arg-type]
    return Authorization(response=_response(unanswered, secret, method), **fields)  # type: ignore[arg-type]


# --- nonces -----------------------------------------------------------------------------------------------------------


class Freshness(StrEnum):
    """What a nonce is to us: good, ours but too old, or not ours for this peer."""

    FRESH = "fresh"
    STALE = "stale"
    FOREIGN = "foreign"


_TIME_DIGITS = 8
_TIME_MASK = (1 << 4 * _TIME_DIGITS) - 1
_NUMBER_DIGITS = 6
_NUMBER_MASK = (1 << 4 * _NUMBER_DIGITS) - 1
_STAMP_DIGITS = _TIME_DIGITS + _NUMBER_DIGITS
_SEAL_OCTETS = 9
_LOGIN_OCTETS = 8
_CLOCK_SKEW = 5


class NonceMaker:
    """Nonces that need no memory: a time, a number, and a seal over both and the peer's address, in 32 characters.

    Every worker with the key, of at most 32 octets, knows them all. They bind no connection: some CPEs open a new one
    after the 401 (A-05). The number keeps those apart that clients behind one address get in the same second.
    """

    def __init__(self, key: bytes, first: int = 0) -> None:
        """`first` is where the numbers begin; workers that share a key begin in different places."""
        self._numbers = count(first)
        # A keyed BLAKE2 is a MAC in one call, and costs a third of an HMAC. A copy spares it the key.
        self._keyed = hashlib.blake2s(key=key, digest_size=_SEAL_OCTETS)

    def make(self, now: int, peer: str) -> str:
        """Make a nonce for a peer at a time in seconds."""
        number = next(self._numbers) & _NUMBER_MASK
        return self._sealed(f"{now & _TIME_MASK:0{_TIME_DIGITS}x}{number:0{_NUMBER_DIGITS}x}", peer)

    def _sealed(self, stamp: str, peer: str) -> str:
        seal = self._keyed.copy()
        seal.update(f"{stamp}{peer}".encode("utf-8", "surrogateescape"))
        return stamp + seal.hexdigest()

    def check(self, nonce: str, now: int, peer: str, lifetime: int) -> Freshness:
        """Say whether a nonce is ours for this peer, and not older than `lifetime` seconds."""
        if not nonce.isascii() or not hmac.compare_digest(nonce, self._sealed(nonce[:_STAMP_DIGITS], peer)):
            return Freshness.FOREIGN
        made = int(nonce[:_TIME_DIGITS], 16)
        return Freshness.FRESH if -_CLOCK_SKEW <= (now & _TIME_MASK) - made <= lifetime else Freshness.STALE

    def login(self, authorization: Authorization) -> int:
        """Give what stands for the one use of a nonce, in 64 bits with a sign; whoever uses it again gives the same.

        Without qop there is no count that the response would vouch for: the nonce has one use.
        """
        number = "" if authorization.qop is None else (authorization.nc or "").lower()
        seal = self._keyed.copy()
        seal.update(f"login {authorization.nonce} {number}".encode("utf-8", "surrogateescape"))
        return int.from_bytes(seal.digest()[:_LOGIN_OCTETS], "big", signed=True)
