"""What is fuzzed: each target takes any bytes, and raises only where the code under it is wrong.

Bytes are read, refused with the one error that is meant for it, and what was read can be answered.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from acs_bridge.domain.keyring import Keyring
from acs_bridge.web.device.ticket import NO_SESSION, TicketSeal
from cwmp import bulkdata, digest, values
from cwmp.envelope import read, write
from cwmp.errors import RemoteProtocolError
from cwmp.messages import EmptyPost, Fault, Inform, InformResponse
from cwmp.session import Session, State
from cwmp.types import XSD_TYPES
from cwmp.version import negotiate

FINDINGS = Path(__file__).parent / "findings"

_CHARSETS = (None, "utf-8", "iso-8859-1", "utf-16", "windows-1252", "gb2312", "shift_jis", "UTF8", "us-ascii", "x")
_TYPES = sorted(XSD_TYPES)
_REPORT_TYPES = (
    "",
    bulkdata.JSON_TYPE,
    bulkdata.CSV_TYPE,
    "text/csv; charset=utf-16; header=absent",
    "application/json; charset=latin-1",
)
_REPORT_FORMS = ("", *bulkdata.Form, "XML")
_NONCES = digest.NonceMaker(b"fuzz")
_COOKIES = TicketSeal(Keyring.new(datetime(2026, 1, 1, tzinfo=UTC)))


def envelope(data: bytes) -> None:
    """A body: its first byte picks what HTTP said of its charset."""
    charset = _CHARSETS[data[0] % len(_CHARSETS)] if data else None
    try:
        found = read(data[1:], charset=charset)
        message = found.message
        if isinstance(message, EmptyPost):
            return
        answered = read(write(InformResponse(), namespace=found.namespace, id=found.header.id))
        assert answered.namespace == found.namespace
        if isinstance(message, Inform):
            assert negotiate(found).namespace == found.namespace
            assert all(event.number is None or event.number >= 0 for event in message.events)
        for state in State:
            with suppress(RemoteProtocolError):
                Session(state).receive(message, found.header.id)
    except RemoteProtocolError as error:
        write(Fault(error.fault, "no"), namespace=error.namespace, id=error.request_id)


def authorization(data: bytes) -> None:
    """An Authorization header, as aiohttp hands it over."""
    header = data.decode("utf-8", "surrogateescape")
    shown = digest.Authorization.parse(header)
    if shown is not None:
        secret = digest.ha1(shown.username, shown.realm, "wrong", shown.algorithm)
        assert not digest.verify(shown, secret, method="POST", target="/acs", realm="r")
        assert _NONCES.check(shown.nonce, 1_700_000_000, "192.0.2.1", 60) is digest.Freshness.FOREIGN


def challenge(data: bytes) -> None:
    """A WWW-Authenticate header of a gateway."""
    asked = digest.Challenge.parse(data.decode("utf-8", "surrogateescape"))
    if asked is not None:
        answer = digest.answer(asked, "user", "password", method="GET", uri="/", cnonce="0a4f113b")
        assert digest.Authorization.parse(answer.render()) is not None or len(answer.render()) > 8192


def cookie(data: bytes) -> None:
    """Cookie headers: one a line."""
    found = _COOKIES.open(data.decode("utf-8", "surrogateescape").split("\n"))
    assert found is None or found is NO_SESSION


def value(data: bytes) -> None:
    """A type, what was written and what was read back; and the same text for a path."""
    type = _TYPES[data[0] % len(_TYPES)] if data else "xsd:string"
    written, _, reported = data[1:].decode("utf-8", "surrogateescape").partition("\0")
    with suppress(values.InvalidValue):
        values.check(written, type)
        assert values.equal(written, f" {written}\n", type)
    assert values.equal(written, reported, type) is values.equal(reported, written, type)
    for check in (values.parameter_path, values.object_path):
        with suppress(values.InvalidValue):
            check(written)


def report(data: bytes) -> None:
    """A report: its first byte picks what HTTP says of it."""
    picked = data[0] if data else 0
    type, form = _REPORT_TYPES[picked % len(_REPORT_TYPES)], _REPORT_FORMS[picked // 16 % len(_REPORT_FORMS)]
    with suppress(bulkdata.UnreadableReport):
        found = bulkdata.read(data[1:], type, form)
        assert found.is_timed <= bool(found.records)
        for record in found.records:
            assert record.collected_at is None or record.collected_at.tzinfo is not None
        json.dumps([dict(record.parameters) for record in found.records], allow_nan=False)


_DIGEST = b'username="u", realm="r", nonce="65a0b1c20011223344556677", uri="/acs", response="00", opaque="\\"o",'
SEEDS: dict[str, tuple[bytes, ...]] = {
    "authorization": (
        b"Digest " + _DIGEST + b" algorithm=MD5, qop=auth, nc=00000001, cnonce=0a4f113b",
        b"Digest " + _DIGEST + b' algorithm=SHA-256-sess, qop="auth", nc=00000001, cnonce="x"',
    ),
    "challenge": (
        b'Basic realm="b", Digest realm="r", qop="auth,auth-int", nonce="n", opaque="o", stale=true, algorithm=MD5',
        b'Digest realm="r" nonce=n algorithm=MD5-sess qop=auth',
    ),
    "cookie": (b'$Version="1"; cwmpsid="' + b"0a" * 34 + b'"; $Path="/"', b"a=b, cwmpsid=" + b"f" * 68),
    "value": (
        b"\x000\0false",
        b"\x022026-01-31T23:59:59+01:00\0002026-01-31T22:59:59.0Z",
        b"\x07Device.A.1.[b].C\0 ",
        b"\x00YQ==\0YQ",
    ),
    "report": (
        b'\x00{"Report": [{"CollectionTime": 1715679072, "A.B": 1, "C": "x", "D": true}]}',
        b'\x21{"Report": [{"Device": {"WiFi": {"Radio": {"1": {"Sent": 18446744073709551615}}}}}]}',
        b'\x32ReportTimestamp,ParameterName,ParameterValue,ParameterType\r\n1715679072,A,"1,2",string\r\n',
        b"\x42ReportTimestamp;A;B\n2024-05-14T09:31:12Z;1;2\n",
    ),
}
"""Where a fuzzer begins, beside the messages of the tests."""

TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (envelope, authorization, challenge, cookie, value, report)
}
