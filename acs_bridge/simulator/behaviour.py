"""How a simulated gateway behaves: what real firmware does well, badly, late or not at all.

A behaviour is a frozen set of switches; the default is a gateway by the book. A test gives one gateway another
behaviour between two sessions with `dataclasses.replace`. What a switch means on the wire is decided where it is used.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from cwmp.errors import NEWEST_NAMESPACE
from cwmp.messages import CpeRequest, Fault

_NO_FAULTS: Mapping[str, Fault] = MappingProxyType({})
_NO_CODES: Mapping[str, int] = MappingProxyType({})


class Applies(StrEnum):
    """When values that were accepted come into force."""

    AT_ONCE = "at once"
    AFTER_SESSION = "after the session"
    AFTER_BOOT = "after the next boot"


class BellQuirk(StrEnum):
    """What firmware does to those who send it a connection request."""

    NO_COMMAS = "no commas"
    """Its challenge has blanks only."""
    FOLDS = "folds"
    """Its challenge is folded over several lines, which end in line feeds."""
    CLOSES = "closes"
    """It closes the connection after the challenge."""
    THROTTLES = "throttles"
    """It answers 503, whoever rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The switches; each says what the gateway does when it is on."""

    # What it says of itself
    namespace: str = NEWEST_NAMESPACE
    supported_versions: tuple[str, ...] = ()
    session_timeout: int | None = None
    no_events: bool = False
    """Its Informs have an empty event list."""
    no_parameter_key: bool = False
    """Its Informs do not carry the ParameterKey."""
    announces: tuple[str, ...] = ()
    """Parameters that its Informs carry beside the forced ones, by their full names."""
    own_requests: tuple[CpeRequest, ...] = ()
    """What it asks between the InformResponse and its empty POST, such as a TransferComplete."""

    # HTTP
    cookies: bool = True
    """It returns what the InformResponse set."""
    stale_cookie: bool = False
    """It returns the cookie of its last session with the next Inform."""
    reconnects: bool = False
    """It opens a new connection for every POST."""
    preemptive: bool = True
    """It keeps sending Authorization after the first challenge of a session."""
    sha_256: bool = False
    """It answers the Digest challenge for SHA-256, if there is one, and not the first."""
    probes_first: bool = False
    """It fetches the challenge with an empty POST before the Inform."""

    # How it takes what it is asked
    status: int | None = 0
    """The Status of its SetParameterValuesResponse; None leaves it out."""
    applies: Applies = Applies.AT_ONCE
    forgets_values: bool = False
    """It says that values were set, and does not set them."""
    forgets_key: bool = False
    """It does not keep the ParameterKey."""
    hides: frozenset[str] = frozenset()
    """Parameters that read as the empty string."""
    omits: frozenset[str] = frozenset()
    """Parameters that are missing from its GetParameterValuesResponse."""
    faults: Mapping[str, Fault] = field(default_factory=lambda: _NO_FAULTS)
    """The Fault with which it answers an RPC, by the name of the RPC; nothing is done."""
    parameter_faults: Mapping[str, int] = field(default_factory=lambda: _NO_CODES)
    """Parameters that it refuses to have set, with the fault code for each."""
    unknown_is_empty: bool = False
    """It answers an RPC that it does not know with an empty POST."""

    # Where it breaks off; requests of the ACS and exchanges (POST and answer) count from 1 in each session
    drop_on_request: int | None = None
    """The connection ends when this request of the ACS has arrived; nothing is done."""
    drop_before_response: int | None = None
    """The connection ends after this request has been carried out, before its response."""
    drop_on_answer: int | None = None
    """The connection ends with the answer to this POST, which the gateway does not take in."""

    # When it is rung
    bell_quirks: frozenset[BellQuirk] = frozenset()

    # When it goes on
    hold: asyncio.Event | None = None
    """It answers no request of the ACS before this event is set; meanwhile `SimulatedGateway.holding` is true."""


BY_THE_BOOK = Behaviour()
