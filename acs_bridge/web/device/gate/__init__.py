"""Who is calling: the door of the device listener, and the ways to show who one is.

A gate looks at one request alone. It never changes anything, and it does not know what a caller may do: that is the
dialogue's and the services' to say of the principal that it recognised.
"""

from acs_bridge.web.device.gate.admission import FAILURES_BEFORE_CLOSE, STALE, Admission, Gate
from acs_bridge.web.device.gate.anybody import OpenGate
from acs_bridge.web.device.gate.credentials import Candidate, Credentials, SharedPair
from acs_bridge.web.device.gate.gateways import DerivedPairs, ImportedPairs
from acs_bridge.web.device.gate.making import make_gate

__all__ = [
    "FAILURES_BEFORE_CLOSE",
    "STALE",
    "Admission",
    "Candidate",
    "Credentials",
    "DerivedPairs",
    "Gate",
    "ImportedPairs",
    "OpenGate",
    "SharedPair",
    "make_gate",
]
