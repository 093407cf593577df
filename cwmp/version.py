"""Which CWMP the two sides speak in a session (TR-069 3.7.4), and how long the CPE will wait.

Three versions share one namespace and only the headers of the Inform tell them apart. What is negotiated holds for the
whole session; nothing here looks at a message other than the Inform.
"""

import re
from typing import NamedTuple

from cwmp.envelope import Envelope
from cwmp.errors import INCOMPATIBLE_VERSION, RemoteProtocolError
from cwmp.messages import rpc_name

DEFAULT_TIMEOUT = 60
SHORTEST_TIMEOUT = 30
LONGEST_TIMEOUT = 600

_MAJOR = 1
_NEWEST_MINOR = 4
_SHARED_NAMESPACE = "urn:dslforum-org:cwmp-1-2"
_TOKEN = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})")


class Version(NamedTuple):
    """What holds for a session: CWMP 1.`minor` in `namespace`.

    `use_version` is said in the InformResponse where it is not None (V-06). `session_timeout` is in bounded seconds.
    """

    namespace: str
    minor: int
    use_version: str | None = None
    session_timeout: int = DEFAULT_TIMEOUT

    def __str__(self) -> str:
        return f"{_MAJOR}.{self.minor}"


def negotiate(envelope: Envelope) -> Version:
    """Settle the version by an Inform's envelope; without a common one RemoteProtocolError 8006 (V-07)."""
    header = envelope.header
    timeout = DEFAULT_TIMEOUT
    if header.session_timeout is not None:
        timeout = min(max(header.session_timeout, SHORTEST_TIMEOUT), LONGEST_TIMEOUT)
    if not header.supported_versions:
        return Version(envelope.namespace, _minor(envelope), None, timeout)
    offered = [(int(match[1]), int(match[2])) for match in map(_TOKEN.fullmatch, header.supported_versions) if match]
    if not offered:  # nothing but noise
        return Version(envelope.namespace, _minor(envelope), None, timeout)
    common = [minor for major, minor in offered if major == _MAJOR and minor <= _NEWEST_MINOR]
    if not common:
        raise RemoteProtocolError(
            "the CPE supports no version of CWMP that is known here",
            fault=INCOMPATIBLE_VERSION,
            method=rpc_name(envelope.message),
            request_id=header.id,
            namespace=envelope.namespace,
        )
    highest = max(common)
    return Version(envelope.namespace, highest, f"{_MAJOR}.{highest}", timeout)


def _minor(envelope: Envelope) -> int:
    """Tell the version of a CPE that does not negotiate (V-02, V-03)."""
    if envelope.namespace == _SHARED_NAMESPACE and envelope.header.session_timeout is not None:
        return 3  # what CWMP 1.3 added
    return min(int(envelope.namespace.rpartition("-")[2]), _NEWEST_MINOR)
