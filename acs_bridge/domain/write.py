"""The law of a write: its states, the events that move it, and nothing else.

The same table stands in Postgres (`write_transition`), which refuses every edge that is not in it; a test holds the two
equal. Code looks a move up here and never compares state names to decide one.
"""

from enum import StrEnum


class Purpose(StrEnum):
    """What a write is for."""

    PROVISION = "provision"  # give the gateway its line's PHAN URL
    CLEAR = "clear"  # take it away again
    CREDENTIALS = "credentials"  # give the gateway credentials of its own


class Cause(StrEnum):
    """Why a write was queued."""

    ASSOCIATED = "associated"  # its line got a subscriber
    BOUND = "bound"  # its line got a gateway, or another one
    REISSUED = "reissued"  # an operator asked for another URL: the former one counts no more
    ADOPTED = "adopted"  # its URL was in its gateway already: it was never sent
    ROTATED = "rotated"  # its line's URL was sealed with a former key
    LEFT = "left"  # its gateway has a URL that counts no more
    CREDENTIALS = "credentials"  # its gateway is to have other credentials
    BOOTSTRAP = "bootstrap"  # its gateway was reset: 0 BOOTSTRAP
    FIRMWARE = "firmware"  # its gateway has another software version: what it held may be gone
    DRIFT = "drift"  # its gateway shows that something else was written into it
    RECHECK = "recheck"  # its gateway was not looked at for as long as its profile or the settings allow
    UNDONE = "undone"  # an operator took back what was written into its gateway
    READMITTED = "readmitted"  # its gateway was kept out with what it had lost, and was let in again


class WriteState(StrEnum):
    """Where a write stands."""

    QUEUED = "queued"
    SENT = "sent"
    APPLIED = "applied"  # the gateway took it (Status 0); not proven yet
    STAGED = "staged"  # the gateway took it, to apply later (Status 1)
    VERIFIED = "verified"
    IN_DOUBT = "in_doubt"  # sent, and its session was lost before the answer
    REJECTED = "rejected"  # the gateway cannot or will not
    FAILED = "failed"  # no more attempts
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class WriteEvent(StrEnum):
    """What moves a write."""

    DISPATCHED = "dispatched"
    UNFIT = "unfit"  # the gateway cannot: parameter missing, value too long, no profile
    ADVANCED = "advanced"  # a step that is not the last was answered
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"  # a permanent fault
    FALTERED = "faltered"  # a transient fault
    EXHAUSTED = "exhausted"
    SESSION_LOST = "session_lost"
    KEY_MATCHES = "key_matches"  # the next Inform carries the ParameterKey of the last step
    KEY_OF_AN_EARLIER_STEP = "key_of_an_earlier_step"
    KEY_DIFFERS = "key_differs"
    KEY_ABSENT = "key_absent"
    READ_BACK_EQUAL = "read_back_equal"
    READ_BACK_DIFFERS = "read_back_differs"
    KEY_PROVES = "key_proves"  # nothing readable, but a later Inform carries the ParameterKey
    LOGIN_PROVES = "login_proves"  # credentials: the gateway has logged in with them
    LOGIN_DIFFERS = "login_differs"  # credentials: it took them, and goes on with what it had
    RETRIED = "retried"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


_BY_THE_NEXT_INFORM = {
    WriteEvent.KEY_MATCHES: WriteState.APPLIED,
    WriteEvent.KEY_OF_AN_EARLIER_STEP: WriteState.QUEUED,
    WriteEvent.KEY_DIFFERS: WriteState.QUEUED,
    WriteEvent.KEY_ABSENT: WriteState.QUEUED,
    WriteEvent.LOGIN_PROVES: WriteState.VERIFIED,
}

_BY_THE_ANSWER = {
    WriteEvent.ADVANCED: WriteState.SENT,
    WriteEvent.ACCEPTED: WriteState.APPLIED,
    WriteEvent.DEFERRED: WriteState.STAGED,
    WriteEvent.REFUSED: WriteState.REJECTED,
    WriteEvent.FALTERED: WriteState.QUEUED,
    WriteEvent.EXHAUSTED: WriteState.FAILED,
}

_BY_PROOF = {
    WriteEvent.READ_BACK_EQUAL: WriteState.VERIFIED,
    WriteEvent.KEY_PROVES: WriteState.VERIFIED,
    WriteEvent.LOGIN_PROVES: WriteState.VERIFIED,
    WriteEvent.READ_BACK_DIFFERS: WriteState.QUEUED,
    WriteEvent.LOGIN_DIFFERS: WriteState.QUEUED,
    WriteEvent.EXHAUSTED: WriteState.FAILED,
}

_BY_AN_OPERATOR = {
    WriteEvent.RETRIED: WriteState.QUEUED,
    WriteEvent.CANCELLED: WriteState.CANCELLED,
    WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
}

TRANSITIONS: dict[WriteState, dict[WriteEvent, WriteState]] = {
    WriteState.QUEUED: {
        WriteEvent.DISPATCHED: WriteState.SENT,
        WriteEvent.LOGIN_PROVES: WriteState.VERIFIED,
        WriteEvent.UNFIT: WriteState.REJECTED,
        WriteEvent.CANCELLED: WriteState.CANCELLED,
        WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
    },
    WriteState.SENT: {
        **_BY_THE_ANSWER,
        WriteEvent.SESSION_LOST: WriteState.IN_DOUBT,
        **_BY_THE_NEXT_INFORM,
        WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
    },
    WriteState.IN_DOUBT: {
        **_BY_THE_ANSWER,  # that may still come, while its session is the newest
        **_BY_THE_NEXT_INFORM,
        WriteEvent.CANCELLED: WriteState.CANCELLED,
        WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
    },
    WriteState.APPLIED: {
        **_BY_PROOF,
        WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
    },
    WriteState.STAGED: {
        **_BY_PROOF,
        WriteEvent.SUPERSEDED: WriteState.SUPERSEDED,
    },
    WriteState.REJECTED: _BY_AN_OPERATOR,
    WriteState.FAILED: _BY_AN_OPERATOR,
    WriteState.VERIFIED: {},
    WriteState.CANCELLED: {},
    WriteState.SUPERSEDED: {},
}


def _that_allow(event: WriteEvent) -> frozenset[WriteState]:
    return frozenset(state for state, ways in TRANSITIONS.items() if event in ways)


FINAL = frozenset(state for state, ways in TRANSITIONS.items() if not ways)
CANCELLABLE = _that_allow(WriteEvent.CANCELLED)
RETRYABLE = _that_allow(WriteEvent.RETRIED)
SUPERSEDABLE = _that_allow(WriteEvent.SUPERSEDED)
SETTLED = FINAL | RETRYABLE  # nothing happens any more unless an operator asks for it
