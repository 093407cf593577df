"""TLS in the process: Basic only inside it, certificates in the place of passwords, renewal without a restart."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from acs_bridge.settings import Settings
from acs_bridge.settings_device import DeviceListener
from acs_bridge.web.device.tls import Tls, TlsRefused
from cwmp.messages import InformResponse, SetParameterValues
from tests.web.device.conftest import BOOTSTRAP, OUI, Acs, settings
from tests.web.device.wire import XML, Cpe, Header, Wire, answered, challenge_of, connected

BASIC: Header = ("Authorization", "Basic Ym9vdHN0cmFwOmxldC1tZS1pbg==")
ONLY_SURE_CIPHER = "AES128-SHA"  # TLS_RSA_WITH_AES_128_CBC_SHA


@dataclass(frozen=True)
class Shop:
    """Issues certificates, and keeps those of the listener where the settings say."""

    ca: trustme.CA
    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "tls.pem"

    @property
    def key(self) -> Path:
        return self.folder / "tls.key"

    @property
    def issuers(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, common_name: str | None = None) -> None:
        """A new certificate for the listener."""
        self.keep(of_the_listener(self.ca, common_name))

    def keep(self, made: trustme.LeafCert) -> None:
        self.key.write_bytes(made.private_key_pem.bytes())
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))

    def client(self, identity: str | None = None, *, ca: trustme.CA | None = None, san: str | None = None) -> Any:
        """What a gateway trusts and shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        if identity or san:
            names = (san,) if san else ("gateway.example.net",)
            (ca or self.ca).issue_cert(*names, common_name=identity).configure_cert(context)
        return context


def of_the_listener(ca: trustme.CA, common_name: str | None = None) -> trustme.LeafCert:
    return ca.issue_cert("127.0.0.1", "acs.example.net", common_name=common_name, key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def first(ca: trustme.CA) -> trustme.LeafCert:
    """The certificate that the listener has when a test begins: an RSA key takes 50 ms to make."""
    return of_the_listener(ca)


@pytest.fixture
def shop(ca: trustme.CA, first: trustme.LeafCert, tmp_path: Path) -> Shop:
    shop = Shop(ca, tmp_path)
    shop.keep(first)
    ca.cert_pem.write_to_path(shop.issuers)
    return shop


@pytest.fixture
def mode() -> str:
    return "digest"


@pytest.fixture
def configured(shop: Shop, mode: str) -> Settings:
    listener = {"tls_certificate": shop.certificate, "tls_key": shop.key, "client_ca": shop.issuers}
    return settings(device_listener=listener, cpe_auth={"mode": mode})


@asynccontextmanager
async def inside(acs: Acs, context: ssl.SSLContext) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", acs.port, ssl=context)
    wire = Wire(reader, writer)
    try:
        yield wire
    finally:
        await wire.close()


def presented(acs: Acs, context: ssl.SSLContext) -> Any:
    """The certificate that the listener shows to a new connection."""
    import socket

    with (
        socket.create_connection(("127.0.0.1", acs.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as inner,
    ):
        return inner.getpeercert()


def cut(path: Path, keep: float) -> None:
    """What is there while the file is being written."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])


class TestInsideTls:
    async def test_a_session_runs_with_digest(self, acs: Acs, shop: Shop) -> None:
        write_id = await acs.provision()
        async with inside(acs, shop.client()) as wire:
            assert await Cpe().session(wire) == ["SetParameterValues", "GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    async def test_basic_is_offered_last_and_taken_at_once(self, acs: Acs, shop: Shop) -> None:
        async with inside(acs, shop.client()) as wire:
            challenges = (await wire.post()).every("www-authenticate")
            assert [each.partition(" ")[0] for each in challenges] == ["Digest", "Digest", "Basic"]
        async with inside(acs, shop.client()) as wire:
            assert (await wire.post(Cpe().inform(), XML, BASIC)).status == 200

    @pytest.mark.parametrize("value", ["Basic", "Basic !", "Basic bm8=", "Basic Ym9vdHN0cmFwOndyb25n", "basic /w=="])
    async def test_a_wrong_basic_is_refused(self, acs: Acs, shop: Shop, value: str) -> None:
        async with inside(acs, shop.client()) as wire:
            assert (await wire.post(Cpe().inform(), XML, ("Authorization", value))).status == 401

    async def test_the_one_cipher_that_every_gateway_has_is_enough(self, acs: Acs, shop: Shop) -> None:
        context = shop.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ONLY_SURE_CIPHER)
        async with inside(acs, context) as wire:
            assert (await wire.post()).status == 401

    async def test_older_versions_are_not_spoken(self, acs: Acs, shop: Shop) -> None:
        context = shop.client()
        with pytest.warns(DeprecationWarning, match="deprecated"):
            context.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.warns(DeprecationWarning, match="deprecated"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            async with inside(acs, context):
                pass

    async def test_plain_http_gets_no_answer(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            await wire.send(b"POST /acs HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await wire.answer()


class TestACertificate:
    @pytest.mark.parametrize("identity", [f"{OUI}-S1", f"{OUI.lower()}-S1", f"{OUI}-SimGW-S1", f"{OUI}-%53imGW-S1"])
    async def test_stands_for_the_gateway_that_it_names(self, acs: Acs, shop: Shop, identity: str) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with inside(acs, shop.client(identity)) as wire:
            assert isinstance((await wire.post(cpe.inform(), XML)).message, InformResponse)
            cpe.cookie = (await wire.post(cpe.inform(), XML)).cookie
            assert len(await cpe.finish(wire, await cpe.empty(wire))) == 2
        assert await acs.state(write_id) == "verified"

    async def test_may_name_it_among_its_alternative_names(self, acs: Acs, shop: Shop) -> None:
        async with inside(acs, shop.client(san=f"{OUI}-S1")) as wire:
            assert isinstance((await wire.post(Cpe().inform(), XML)).message, InformResponse)

    async def test_stands_for_no_other_gateway_whatever_password_comes_with_it(self, acs: Acs, shop: Shop) -> None:
        """A-14, A-15"""
        await acs.provision()
        before = await acs.database.fetch("select * from gateway")
        async with inside(acs, shop.client(f"{OUI}-S2")) as wire:
            for headers in ((), (BASIC,)):
                answer = await wire.post(Cpe("S1").inform(), XML, *headers)
                assert (answer.status, answer.message.code) == (200, 8001)
        assert await acs.database.fetch("select * from gateway") == before

    async def test_of_one_gateway_does_not_go_on_with_the_session_of_another(self, acs: Acs, shop: Shop) -> None:
        """SEC-07"""
        await acs.provision()
        cpe = Cpe("S1")
        async with inside(acs, shop.client(f"{OUI}-S1")) as own, inside(acs, shop.client(f"{OUI}-S2")) as other:
            cpe.cookie = (await own.post(cpe.inform(), XML)).cookie
            assert (await cpe.empty(other)).status == 204
            assert isinstance((await cpe.empty(own)).message, SetParameterValues)

    async def test_that_names_no_gateway_leaves_the_password_to_be_asked_for(self, acs: Acs, shop: Shop) -> None:
        async with inside(acs, shop.client("a router of Example")) as wire:
            assert (await Cpe().open(wire)).status == 200

    async def test_of_another_issuer_gets_no_further_than_tls(self, acs: Acs, shop: Shop) -> None:
        stranger = trustme.CA()
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with inside(acs, shop.client(f"{OUI}-S1", ca=stranger)) as wire:
                await wire.post(Cpe().inform(), XML)


class TestModeCertificate:
    @pytest.fixture
    def mode(self) -> str:
        return "certificate"

    async def test_takes_nothing_else(self, acs: Acs, shop: Shop) -> None:
        async with inside(acs, shop.client()) as wire:
            answer = await wire.post(Cpe().inform(), XML)
            assert (answer.status, answer.every("www-authenticate")) == (403, [])
        async with inside(acs, shop.client()) as wire:
            assert (await wire.post(Cpe().inform(), XML, BASIC)).status == 403
        async with inside(acs, shop.client(f"{OUI}-S1")) as wire:
            assert isinstance((await wire.post(Cpe().inform(), XML)).message, InformResponse)


class TestModeBasic:
    @pytest.fixture
    def mode(self) -> str:
        return "basic"

    async def test_asks_for_basic_and_for_nothing_else(self, acs: Acs, shop: Shop) -> None:
        async with inside(acs, shop.client()) as wire:
            (challenge,) = (await wire.post()).every("www-authenticate")
            assert challenge == 'Basic realm="acs-bridge", charset="UTF-8"'
            assert (await wire.post(Cpe().inform(), XML, BASIC)).status == 200


class TestRenewal:
    async def test_is_taken_up_with_the_next_connection(self, acs: Acs, shop: Shop) -> None:
        old = await asyncio.to_thread(presented, acs, shop.client())
        async with inside(acs, shop.client()) as under_way:
            challenge = await challenge_of(under_way)
            shop.issue()
            new = await asyncio.to_thread(presented, acs, shop.client())
            assert new["serialNumber"] != old["serialNumber"]
            assert (await under_way.post(Cpe().inform(), XML, answered(challenge))).status == 200

    @pytest.mark.parametrize("file", ["certificate", "key", "issuers"])
    async def test_that_is_half_written_leaves_what_was_there(self, acs: Acs, shop: Shop, file: str) -> None:
        old = await asyncio.to_thread(presented, acs, shop.client())
        cut(getattr(shop, file), 0.5)
        assert await asyncio.to_thread(presented, acs, shop.client()) == old
        shop.issue()
        shop.ca.cert_pem.write_to_path(shop.issuers)
        new = await asyncio.to_thread(presented, acs, shop.client())
        assert new["serialNumber"] != old["serialNumber"]

    async def test_takes_up_other_issuers_of_gateways(self, acs: Acs, shop: Shop) -> None:
        other = trustme.CA()
        other.cert_pem.write_to_path(shop.issuers)
        async with inside(acs, shop.client(f"{OUI}-S1", ca=other)) as wire:
            assert isinstance((await wire.post(Cpe().inform(), XML)).message, InformResponse)
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with inside(acs, shop.client(f"{OUI}-S1")) as wire:
                await wire.post(Cpe().inform(), XML)


class TestFiles:
    def opened(self, shop: Shop, **changes: Any) -> str:
        values = {"tls_certificate": shop.certificate, "tls_key": shop.key, "client_ca": shop.issuers, **changes}
        with pytest.raises(TlsRefused) as refused:
            Tls.open(DeviceListener(**values))
        assert "\n" not in str(refused.value)
        return str(refused.value)

    def test_are_not_needed_without_tls(self) -> None:
        assert Tls.open(DeviceListener()) is None

    def test_that_are_missing_are_named(self, shop: Shop, tmp_path: Path) -> None:
        for setting in ("tls_certificate", "tls_key", "client_ca"):
            said = self.opened(shop, **{setting: tmp_path / "gone"})
            assert said == f"device_listener.{setting}: {tmp_path}/gone cannot be read: No such file or directory"

    @pytest.mark.parametrize("keep", [0.0, 0.3, 0.6, 0.95])
    @pytest.mark.parametrize("file", ["certificate", "key", "issuers"])
    def test_that_are_not_whole_are_refused(self, shop: Shop, file: str, keep: float) -> None:
        cut(getattr(shop, file), keep)
        setting = "client_ca" if file == "issuers" else "tls_certificate"
        assert self.opened(shop).startswith(f"device_listener.{setting}: ")

    def test_that_do_not_belong_together_are_refused(self, shop: Shop) -> None:
        shop.key.write_bytes(shop.ca.issue_cert("x", key_type=trustme.KeyType.RSA).private_key_pem.bytes())
        assert self.opened(shop) == "device_listener.tls_key: is not the key of tls_certificate"

    def test_ciphers_that_nobody_knows_are_refused(self, shop: Shop) -> None:
        said = self.opened(shop, tls_ciphers="ROT13")
        assert said.startswith("device_listener.tls_ciphers: OpenSSL knows none of them")

    def test_may_be_one(self, shop: Shop) -> None:
        both = shop.folder / "both.pem"
        both.write_bytes(shop.key.read_bytes() + shop.certificate.read_bytes())
        assert Tls.open(DeviceListener(tls_certificate=both)) is not None


class TestAHandshake:
    @pytest.fixture
    def configured(self, configured: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
        monkeypatch.setattr("acs_bridge.web.listener.HANDSHAKE_SECONDS", 0.3)
        return configured

    async def test_that_stalls_is_ended(self, acs: Acs) -> None:
        async with connected(acs.port) as silent, connected(acs.port) as slow:
            await slow.send(b"\x16\x03\x01")
            assert await slow.is_closed()
            assert await silent.is_closed()


class TestCurl:
    async def curl(self, acs: Acs, shop: Shop, *arguments: str) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--show-error", "--cacert", str(shop.issuers), "--include"),
            *("--header", "Content-Type: text/xml", "--data-binary", "@-", *arguments),
            f"https://127.0.0.1:{acs.port}/acs",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(Cpe().inform())
        assert process.returncode == 0
        return said

    async def test_logs_in_with_basic_and_with_digest(self, acs: Acs, shop: Shop) -> None:
        pair = f"{BOOTSTRAP.username}:{BOOTSTRAP.password}"
        for scheme in ("--basic", "--digest", "--anyauth"):
            said = await self.curl(acs, shop, scheme, "--user", pair)
            assert b"InformResponse" in said
            assert said.count(b"401 Unauthorized") == (scheme != "--basic")

    async def test_logs_in_with_a_certificate(self, acs: Acs, shop: Shop) -> None:
        made = shop.ca.issue_cert("gateway.example.net", common_name=f"{OUI}-S1")
        file = shop.folder / "gateway.pem"
        made.private_key_and_cert_chain_pem.write_to_path(file)
        said = await self.curl(acs, shop, "--cert", str(file))
        assert b"InformResponse" in said
        assert b"401 Unauthorized" not in said
