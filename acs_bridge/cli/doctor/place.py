"""What can be seen of this machine and of the settings, without a database."""

import resource
import shutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from os import W_OK, access
from pathlib import Path
from typing import TYPE_CHECKING, Final

from acs_bridge.cli.doctor.findings import Finding, Verdict, refused
from acs_bridge.cli.open_files import BESIDE
from acs_bridge.errors import AcsBridgeError

if TYPE_CHECKING:
    from acs_bridge.settings import Settings

_SCARCE: Final = 1 << 30  # bytes
_TOO_LITTLE: Final = 100 << 20
_SOON: Final = timedelta(days=21)
_ANSWER_SECONDS: Final = 2.0


def of_settings(settings: "Settings") -> Iterator[Finding]:
    """Look at what was configured."""
    try:
        settings.check_servable()
        yield Finding("settings", Verdict.OK, "every setting is right, and what serve needs is set")
    except AcsBridgeError as error:
        yield refused("settings", error)
    yield _profiles(settings)
    yield _certificate(settings, datetime.now(UTC))


def of_machine(settings: "Settings") -> Iterator[Finding]:
    """Look at ports, folders, room and limits."""
    yield from _ports(settings)
    if settings.database.url is None:
        yield _folder("data folder", settings.database.data_dir)
    yield _folder("keyring folder", settings.phan.keyring.parent)
    yield _room(settings.database.data_dir if settings.database.url is None else settings.phan.keyring.parent)
    yield _open_files(settings.device_listener.max_connections)


def _profiles(settings: "Settings") -> Finding:
    from acs_bridge.services.profiles.profiles import LiveProfiles, load_profiles

    try:
        found = LiveProfiles(load_profiles(settings.profiles.dirs, settings.profiles.packaged)).all
    except AcsBridgeError as error:
        return refused("profiles", error)
    names = ", ".join(sorted(profile.name for profile in found))
    if not found:
        return Finding("profiles", Verdict.FAILED, "there are none: no gateway would get anything")
    return Finding("profiles", Verdict.OK, f"{len(found)}: {names}")


def _certificate(settings: "Settings", now: datetime) -> Finding:
    from acs_bridge.web.device.tls import Tls

    listener = settings.device_listener
    try:
        Tls.open(listener)
    except AcsBridgeError as error:
        return refused("TLS", error)
    if listener.tls_certificate is None:
        return Finding("TLS", Verdict.SKIPPED, "device_listener.tls_certificate is not set: gateways come without TLS")
    until = expiry(listener.tls_certificate)
    if until is None:
        return Finding("TLS", Verdict.WARNING, f"{listener.tls_certificate}: until when it is valid cannot be read")
    words = f"{listener.tls_certificate} is valid until {until:%Y-%m-%d}"
    if until <= now:
        return Finding("TLS", Verdict.FAILED, f"{listener.tls_certificate} has expired on {until:%Y-%m-%d}")
    return Finding("TLS", Verdict.WARNING if until - now < _SOON else Verdict.OK, words)


def expiry(certificate: Path) -> datetime | None:
    """Say until when the first certificate of a file is valid; None where OpenSSL does not say it."""
    try:
        der = ssl.PEM_cert_to_DER_cert(_first(certificate.read_text("ascii", "ignore")))
    except (OSError, ValueError):
        return None
    return _not_after(der)


def _first(text: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + text.partition(begin)[2].partition(end)[0] + end + "\n"


_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18  # tags of ASN.1 (X.690): YYMMDDHHMMSSZ, YYYYMMDDHHMMSSZ
_SEQUENCE, _CONTEXT_0 = 0x30, 0xA0
_PIVOT = 50  # RFC 5280, 4.1.2.5.1: years below it are of this century


def _not_after(der: bytes) -> datetime | None:
    """Read one field of a certificate (RFC 5280, 4.1): Validity comes fifth, or fourth where no version is said."""
    try:
        fields = _members(_members(_members(der)[0][1])[0][1])
        before_validity = 4 if fields[0][0] == _CONTEXT_0 else 3
        tag, text = _members(fields[before_validity][1])[1]
        digits = text.decode("ascii")
        if tag == _UTC_TIME:
            digits = ("20" if int(digits[:2]) < _PIVOT else "19") + digits
        elif tag != _GENERALIZED_TIME:
            return None
        return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return None


def _members(der: bytes) -> list[tuple[int, bytes]]:
    """Take DER apart: tag and content of everything in it, one after the other."""
    found, at = [], 0
    while at < len(der):
        tag, size, at = der[at], der[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(der[at : at + count]), at + count
        found.append((tag, der[at : at + size]))
        at += size
    return found


def _ports(settings: "Settings") -> Iterator[Finding]:
    from acs_bridge.web.listener import bind

    serving = _somebody_serves(settings)
    places = {
        "device": (settings.device_listener.host, settings.device_listener.port),
        "operator": (settings.operator_listener.host, settings.operator_listener.port),
    }
    for name, (host, port) in places.items():
        try:
            bind(name, host, port).socket.close()
        except AcsBridgeError as error:
            if serving:
                yield Finding(f"{name} port", Verdict.OK, f"{host} port {port}: a daemon is serving already")
            else:
                yield refused(f"{name} port", error)
        else:
            yield Finding(f"{name} port", Verdict.OK, f"{host} port {port} is free")


def _somebody_serves(settings: "Settings") -> bool:
    """Whether a daemon answers at the operator listener's address."""
    listener = settings.operator_listener
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 -- compared, not bound
    url = f"http://[{host}]:{listener.port}/healthz" if ":" in host else f"http://{host}:{listener.port}/healthz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_ANSWER_SECONDS) as answer:
            return b'"ok"' in answer.read(100)
    except (OSError, ValueError):
        return False


def _folder(subject: str, folder: Path) -> Finding:
    found = _existing(folder)
    if not found.is_dir():
        return Finding(subject, Verdict.FAILED, f"{found} is no folder")
    if not access(found, W_OK):
        return Finding(subject, Verdict.FAILED, f"{found} cannot be written to by this account")
    made = "" if folder.exists() else f", and {folder} will be made"
    return Finding(subject, Verdict.OK, f"{found} can be written to{made}")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    verdict = Verdict.FAILED if free < _TOO_LITTLE else Verdict.WARNING if free < _SCARCE else Verdict.OK
    return Finding("disk", verdict, f"{free / (1 << 30):.1f} GiB are free at {_existing(folder)}")


def _existing(folder: Path) -> Path:
    """Give the folder, or the nearest one above it that is there."""
    path = folder.absolute()
    return next(each for each in (path, *path.parents) if each.exists())


def _open_files(connections: int) -> Finding:
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= connections + BESIDE:
        return Finding("open files", Verdict.OK, f"{connections} connections of gateways fit into the limit")
    words = (
        f"the limit of {allowed} is below {connections + BESIDE} (device_listener.max_connections and {BESIDE} more)"
    )
    return Finding("open files", Verdict.WARNING, words)
