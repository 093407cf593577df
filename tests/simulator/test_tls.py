"""A gateway whose ACS is behind TLS."""

import ssl
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from acs_bridge.simulator.report import Outcome
from acs_bridge.simulator.surroundings import Surroundings
from tests.simulator.acs import ScriptedAcs

BASIC = "Basic Ym9vdHN0cmFwOmxldC1tZS1pbg=="


@pytest.fixture
def certificate(tmp_path, now):
    """A certificate for 127.0.0.1 that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acs")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=365 * 50))
        .not_valid_after(now + timedelta(days=365 * 50))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "acs.pem"
    clear = serialization.NoEncryption()
    pkcs8 = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, clear)
    file.write_bytes(pkcs8 + made.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def listening(acs, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with acs.listening(context):
        yield acs


async def test_basic_is_answered_inside_tls(certificate, clock, gateway_of):
    acs = ScriptedAcs(challenge=ask_for_basic)
    trusting = Surroundings(clock=clock, tls=ssl.create_default_context(cafile=certificate))
    async with listening(acs, certificate):
        report = await gateway_of(url=acs.url, surroundings=trusting).session()
    assert report.completed
    assert [each.authorization for each in acs.seen] == [BASIC, BASIC]


async def test_an_acs_that_is_not_trusted_is_told_nothing(certificate, clock, gateway_of):
    acs = ScriptedAcs()
    async with listening(acs, certificate):
        report = await gateway_of(url=acs.url, surroundings=Surroundings(clock=clock)).session()
    assert (report.outcome, acs.seen) == (Outcome.UNREACHABLE, [])


def ask_for_basic(request):
    if request.headers.get("Authorization") == BASIC:
        return None
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="acs"'})
