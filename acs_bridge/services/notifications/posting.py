"""Posting to addresses that somebody else has named, without being led astray.

A name is resolved once, each address that it leads to is looked at, and that very address is dialled. Redirects are not
followed, certificates are verified, an answer's body is thrown away and read only as far as its limit, and everything
together has one bound of time. No words that come back repeat anything of the answer.
"""

import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from socket import AddressFamily
from time import monotonic
from typing import Any, Final, Self

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    ThreadedResolver,
)

import acs_bridge
from acs_bridge.domain.networks import Kind, Network, kind, may_be_dialled, read
from acs_bridge.domain.webhooks import checked_url, refusal
from acs_bridge.errors import AcsBridgeError, InvalidField
from acs_bridge.settings import Webhooks
from acs_bridge.settings_layers import SettingsError

LARGEST_ANSWER: Final = 64 * 1024
_CHUNK: Final = 8192


class AddressRefused(AcsBridgeError):
    """A name leads to where the daemon must not go."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(f"the name {refusal(kind)}")


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a message."""

    status: int | None  # None: there was no answer
    seconds: float
    words: str

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


@dataclass(frozen=True, slots=True)
class Rules:
    """Where messages may go."""

    allowed_networks: Sequence[Network] = ()
    allow_http: bool = False
    timeout_seconds: float = 10.0
    context: ssl.SSLContext | None = None

    def check(self, url: str) -> str:
        """Refuse a URL that can be seen to be wrong."""
        return checked_url(url, self.allowed_networks, allow_http=self.allow_http)


def posting_rules(settings: Webhooks) -> Rules:
    """Make the rules of the settings."""
    context = None
    if settings.ca_certificates is not None:
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(settings.ca_certificates)
        except OSError as error:
            raise SettingsError(f"webhooks.ca_certificates: cannot be read as PEM: {error.strerror or error}") from None
    return Rules(settings.allowed_networks, settings.allow_http, context=context)


class Poster:
    """Posts, on connections that are kept for a while."""

    def __init__(self, rules: Rules, elapsed: Callable[[], float] = monotonic) -> None:
        """`elapsed` tells how long an attempt took."""
        self.rules = rules
        self._elapsed = elapsed
        self._session: ClientSession | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Be ready to post until the block ends."""
        connector = TCPConnector(
            resolver=_CheckingResolver(self.rules.allowed_networks),
            use_dns_cache=False,
            limit=0,
            ssl=self.rules.context or True,
        )
        async with ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=self.rules.timeout_seconds),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": f"acs-bridge/{acs_bridge.__version__}", "Content-Type": "application/json"},
        ) as self._session:
            yield self

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Post once; whatever happens is said in words."""
        begun = self._elapsed()
        status, words = await self._post(url, headers, body)
        return Posted(status, self._elapsed() - begun, words)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, str]:
        if self._session is None:
            raise RuntimeError("the poster is not open")
        try:
            self.rules.check(url)  # the rules may have changed since the URL was taken
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                with suppress(ClientError, TimeoutError):
                    await _throw_away(response.content.iter_chunked(_CHUNK))
                if not response.content.at_eof():
                    response.close()
                return response.status, _answered(response.status)
        except InvalidField as error:
            return None, f"the URL {error.message}"
        except AddressRefused as error:
            return None, str(error)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            return None, self._unanswered(error)

    def _unanswered(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"there was no answer in {self.rules.timeout_seconds:g} seconds"
        if isinstance(error, ClientConnectorCertificateError | ClientSSLError):
            return "TLS did not come about: is the certificate for this name, valid, and from an authority we know?"
        if isinstance(error, ClientConnectorDNSError):
            return "the name does not resolve"
        if isinstance(error, ClientConnectorError):
            return "nobody listens there: the connection was refused, or the network does not lead there"
        return "the connection ended before there was an answer"


async def _throw_away(chunks: AsyncIterator[bytes]) -> None:
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > LARGEST_ANSWER:
            return


def _answered(status: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"it answered {status}: redirects are not followed, give the address that they lead to"
    return f"it answered {status}"


class _CheckingResolver(ThreadedResolver):
    """Resolves names to the addresses among theirs that may be dialled."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        super().__init__()
        self._allowed = allowed

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC) -> Any:  # noqa: ANN401 -- a list of addresses as aiohttp has them
        found = await super().resolve(host, port, family)
        fit = [one for one in found if may_be_dialled(read(one["host"]), self._allowed)]
        if not fit:
            raise AddressRefused(next((kind(read(one["host"])) for one in found), Kind.RESERVED))
        return fit
