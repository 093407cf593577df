"""Which gate the settings ask for."""

from collections.abc import Sequence

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.keyring import Keyring
from acs_bridge.settings_device import CpeAuth, CpeAuthMode
from acs_bridge.web.device.gate.admission import Gate
from acs_bridge.web.device.gate.anybody import OpenGate
from acs_bridge.web.device.gate.basic import BasicScheme
from acs_bridge.web.device.gate.credentials import Book, Credentials, SharedPair
from acs_bridge.web.device.gate.digest import DigestScheme
from acs_bridge.web.device.gate.schemes import SchemesGate


def make_gate(
    cpe_auth: CpeAuth, credentials: Sequence[Credentials], keyring: Keyring, clock: Clock, first_nonce: int
) -> Gate:
    """Make it. `credentials` are asked after the bootstrap pair; `first_nonce` as in `DigestScheme`."""
    if cpe_auth.mode is CpeAuthMode.NONE:
        return OpenGate()
    if cpe_auth.mode is CpeAuthMode.CERTIFICATE:
        return SchemesGate()
    pair = cpe_auth.pair()
    shared = () if pair is None else (SharedPair(*pair, cpe_auth.realm),)
    book = Book((*shared, *credentials), cpe_auth.realm, keyring.derive("CWMP digest decoy").hex())
    basic = BasicScheme(book, cpe_auth.realm)  # inside TLS a CPE may prefer it, whatever it is asked for
    if cpe_auth.mode is CpeAuthMode.BASIC:
        return SchemesGate(basic=basic)
    return SchemesGate(DigestScheme(book, keyring, cpe_auth.realm, clock, first_nonce), basic)
