"""TLS in the process: the listener's certificate, the issuers of gateways' certificates, and their renewal.

The files are looked at with every new connection, so that a renewed certificate needs neither a restart nor a signal,
in however many processes. Files that cannot be used as they are (half written, or a key that comes later) leave what
was there before in force, and the log says so.
"""

import ssl
from pathlib import Path
from typing import Any, Final, Self

import structlog

from acs_bridge.errors import AcsBridgeError
from acs_bridge.settings_device import DeviceListener

_log = structlog.get_logger(__name__)

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_KEY_MISMATCH: Final = "KEY_VALUES_MISMATCH"
_Signature = tuple[tuple[int, int, int] | None, ...]


class TlsRefused(AcsBridgeError):
    """A file of the TLS settings cannot be used; the text names the setting."""

    title = "The TLS of the device listener cannot be set up"


class Tls(ssl.SSLContext):
    """A context that always speaks with the files as they are now.

    The event loop asks it for each connection's TLS, and it has the newest context answer.
    """

    _listener: DeviceListener
    _current: ssl.SSLContext
    _signature: _Signature

    @classmethod
    def open(cls, listener: DeviceListener) -> Self | None:
        """Read the files; None where the listener speaks no TLS. Raises TlsRefused."""
        if listener.tls_certificate is None:
            return None
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._listener = listener
        made._signature = _signature(listener)
        made._current = _context(listener, listener.tls_certificate)
        return made

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - as the event loop calls it
        """One connection's TLS."""
        self.renew()
        return self._current.wrap_bio(*args, **kwargs)

    def renew(self) -> None:
        """Take up files that have changed; those that cannot be used are looked at again when they change again."""
        signature = _signature(self._listener)
        if signature == self._signature or self._listener.tls_certificate is None:
            return
        self._signature = signature
        try:
            self._current = _context(self._listener, self._listener.tls_certificate)
        except TlsRefused as error:
            _log.warning("tls_not_renewed", reason=str(error))
        else:
            _log.info("tls_renewed")


def _signature(listener: DeviceListener) -> _Signature:
    """What changes when a file is written."""
    return tuple(_stamp(path) for path in (listener.tls_certificate, listener.tls_key, listener.client_ca))


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def _context(listener: DeviceListener, certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.set_ciphers(listener.tls_ciphers)
    except ssl.SSLError:
        raise TlsRefused(
            "device_listener.tls_ciphers: OpenSSL knows none of them, or not how they are written"
        ) from None
    _load_certificate(context, certificate, listener.tls_key)
    if listener.client_ca is not None:
        _load_issuers(context, listener.client_ca)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    _readable("tls_certificate", certificate)
    if key is not None:
        _readable("tls_key", key)
    try:
        context.load_cert_chain(certificate, key, password="")  # a key with a passphrase is not asked for it
    except ssl.SSLError as error:
        if error.reason == _KEY_MISMATCH:
            raise TlsRefused("device_listener.tls_key: is not the key of tls_certificate") from None
        raise TlsRefused(
            "device_listener.tls_certificate: with tls_key it must be a whole PEM certificate and its whole key,"
            f" without a passphrase ({error.reason or 'not PEM'})"
        ) from None


def _load_issuers(context: ssl.SSLContext, issuers: Path) -> None:
    text = _readable("client_ca", issuers)
    try:
        context.load_verify_locations(issuers)
    except ssl.SSLError as error:
        raise TlsRefused(f"device_listener.client_ca: must be PEM certificates ({error.reason or 'not PEM'})") from None
    if context.cert_store_stats()["x509"] != text.count(_BEGIN):
        raise TlsRefused("device_listener.client_ca: one of its certificates cannot be read, or is there twice")
    # A gateway without a certificate may have a password; one whose certificate is not good gets no further.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an issuer is trusted whether or not its own issuer is there


def _readable(setting: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsRefused(f"device_listener.{setting}: {path} cannot be read: {error.strerror or error}") from None
