"""Who is believed when it says for whom it speaks, and where nothing secret is sent."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from acs_bridge.settings import Settings
from cwmp.messages import InformResponse, SetParameterValues
from tests.web.device.conftest import OUI, Acs, settings
from tests.web.device.wire import XML, Cpe, Header, Wire, answered, challenge_of, connected

PROXY, FURTHER, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.9"
GATEWAY, OTHER, PUBLIC = "10.9.8.7", "10.9.8.6", "203.0.113.7"
BASIC: Header = ("Authorization", "Basic Ym9vdHN0cmFwOmxldC1tZS1pbg==")
TLS: Header = ("X-Forwarded-Proto", "https")


def by(address: str) -> Header:
    return ("X-Forwarded-For", address)


@pytest.fixture
def configured() -> Settings:
    listener: dict[str, Any] = {"trusted_proxies": [PROXY, "127.0.0.3/32"], "certificate_header": "X-Subject"}
    return settings(device_listener=listener)


@pytest.fixture
async def proxy(acs: Acs) -> AsyncIterator[Wire]:
    async with connected(acs.port, source=PROXY) as wire:
        yield wire


async def informed(acs: Acs, wire: Wire, *headers: Header, serial: str = "S1") -> str:
    """The address that an Inform is recorded with."""
    challenged = await wire.post(b"", *headers)
    shown = answered(challenged.get("www-authenticate") or "")
    assert (await wire.post(Cpe(serial).inform(), XML, shown, *headers)).status == 200
    return str(await acs.database.fetchval("select address from gateway where serial_number = $1", serial))


class TestATrustedProxy:
    @pytest.mark.parametrize(
        ("headers", "address"),
        [
            ([by(GATEWAY)], GATEWAY),
            ([by(f"{PUBLIC}, {GATEWAY}")], GATEWAY),
            ([by(PUBLIC), by(GATEWAY)], GATEWAY),
            ([by(f"{GATEWAY}, {FURTHER}")], GATEWAY),
            ([by(f"::ffff:{GATEWAY}")], GATEWAY),
            ([by(f"{GATEWAY}:4711")], GATEWAY),
            ([by("[2001:db8::1]:4711")], "2001:db8::1"),
            ([by(FURTHER)], FURTHER),
            ([by("unknown")], PROXY),
            ([by(f"{GATEWAY}, what")], PROXY),
            ([by("")], PROXY),
            ([], PROXY),
            ([("Forwarded", f"for={GATEWAY};proto=https")], GATEWAY),
            ([("Forwarded", 'by=x, for="[2001:db8::1]:4711"; Proto=http')], "2001:db8::1"),
            ([("Forwarded", f"for={GATEWAY}, for={FURTHER}")], GATEWAY),
            ([("Forwarded", "for=_hidden")], PROXY),
            ([("Forwarded", f"for={GATEWAY}"), by(GATEWAY)], GATEWAY),
            # One of the two is the gateway's own: it does not get to choose.
            ([("Forwarded", f"for={OTHER}"), by(GATEWAY)], PROXY),
        ],
        ids=str,
    )
    async def test_is_believed_about_the_last_address_that_is_not_trusted(
        self, acs: Acs, proxy: Wire, headers: list[Header], address: str
    ) -> None:
        assert await informed(acs, proxy, *headers) == address

    @pytest.mark.parametrize("headers", [[by(GATEWAY), TLS], [("Forwarded", f"for={GATEWAY};proto=https")]], ids=str)
    async def test_is_believed_about_tls(self, acs: Acs, proxy: Wire, headers: list[Header]) -> None:
        schemes = [each.partition(" ")[0] for each in (await proxy.post(b"", *headers)).every("www-authenticate")]
        assert schemes == ["Digest", "Digest", "Basic"]
        assert (await proxy.post(Cpe().inform(), XML, BASIC, *headers)).status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            [by(GATEWAY)],
            [by(GATEWAY), ("X-Forwarded-Proto", "http")],
            [by(f"{GATEWAY}, {GATEWAY}"), ("X-Forwarded-Proto", "https, http")],
            [("Forwarded", f"for={GATEWAY};proto=http"), TLS],
            [("Forwarded", f"for={GATEWAY};proto=https"), by(GATEWAY)],
            [TLS],
        ],
        ids=str,
    )
    async def test_gets_no_basic_without_it(self, acs: Acs, proxy: Wire, headers: list[Header]) -> None:
        assert (await proxy.post(Cpe().inform(), XML, BASIC, *headers)).status == 401

    async def test_is_believed_about_a_certificate_inside_tls(self, acs: Acs, proxy: Wire) -> None:
        subject = ("X-Subject", f"CN={OUI}-S1,O=Example")
        answer = await proxy.post(Cpe("S1").inform(), XML, by(GATEWAY), TLS, subject)
        assert isinstance(answer.message, InformResponse)
        answer = await proxy.post(Cpe("S2").inform(), XML, by(GATEWAY), TLS, subject)
        assert answer.message.code == 8001
        for headers in ((by(GATEWAY), subject), (by(GATEWAY), TLS, subject, subject), (TLS, subject)):
            assert (await proxy.post(Cpe("S1").inform(), XML, *headers)).status == 401

    async def test_may_mix_gateways_and_each_shows_who_it_is(self, acs: Acs, proxy: Wire) -> None:
        """SEC-07, T-03: what one of them has proved counts for its address alone."""
        await acs.provision()
        cpe = Cpe()
        shown = answered((await proxy.post(b"", by(GATEWAY))).get("www-authenticate") or "")
        cpe.cookie = (await proxy.post(cpe.inform(), XML, shown, by(GATEWAY))).cookie
        assert (await cpe.empty(proxy, by(OTHER))).status == 401
        own = answered((await proxy.post(b"", by(OTHER))).get("www-authenticate") or "")
        assert (await cpe.empty(proxy, by(OTHER), own)).status == 200
        assert isinstance((await cpe.empty(proxy, by(GATEWAY))).message, SetParameterValues)

    async def test_gives_a_nonce_to_one_of_its_gateways_only(self, acs: Acs, proxy: Wire) -> None:
        shown = answered((await proxy.post(b"", by(GATEWAY))).get("www-authenticate") or "")
        assert (await proxy.post(Cpe().inform(), XML, shown, by(OTHER))).status == 401
        assert (await proxy.post(Cpe().inform(), XML, shown, by(GATEWAY))).status == 200

    async def test_is_not_closed_on_because_of_one_gateways_password(self, acs: Acs, proxy: Wire) -> None:
        for _ in range(5):
            challenge = (await proxy.post(b"", by(GATEWAY))).get("www-authenticate") or ""
            wrong = answered(challenge, password="wrong")
            answer = await proxy.post(b"", wrong, by(GATEWAY))
            assert (answer.status, answer.get("connection")) == (401, None)


class TestBehindOneProxy:
    """What is throttled is the gateway that a request is of, and never the proxy."""

    class TestFailedLogins:
        @pytest.fixture
        def configured(self) -> Settings:
            return settings(device_listener={"trusted_proxies": [PROXY], "login_failures_per_minute": 3})

        async def test_keep_one_gateway_out_and_no_other(self, acs: Acs, proxy: Wire) -> None:
            for _ in range(3):
                challenge = (await proxy.post(b"", by(OTHER))).get("www-authenticate") or ""
                assert (await proxy.post(b"", answered(challenge, password="guess"), by(OTHER))).status == 401
            async with connected(acs.port, source=PROXY) as wire:
                right = answered((await wire.post(b"", by(OTHER))).get("www-authenticate") or "")
                assert (await wire.post(Cpe().inform(), XML, right, by(OTHER))).status == 503
            assert await informed(acs, proxy, by(GATEWAY)) == GATEWAY

        async def test_count_for_all_addresses_of_one_ipv6_network(self, acs: Acs, proxy: Wire) -> None:
            for number in range(3):
                sender = by(f"2001:db8::{number}")
                challenge = (await proxy.post(b"", sender)).get("www-authenticate") or ""
                assert (await proxy.post(b"", answered(challenge, password="guess"), sender)).status == 401
            async with connected(acs.port, source=PROXY) as wire:
                challenge = (await wire.post(b"", by("2001:db8::4"))).get("www-authenticate") or ""
                assert (await wire.post(b"", answered(challenge), by("2001:db8::4"))).status == 503

    class TestTheInbox:
        @pytest.fixture
        def configured(self) -> Settings:
            listener = {"trusted_proxies": [PROXY], "inbox_rows_per_address": 2}
            return settings(device_listener=listener, cpe_auth={"bootstrap": "approve"})

        async def test_has_its_rows_for_each_address_of_gateways(self, acs: Acs, proxy: Wire) -> None:  # SEC-10
            await acs.parts.inbox.tidy()
            for serial, address in (("A1", OTHER), ("A2", OTHER), ("A3", OTHER), ("B1", GATEWAY)):
                challenged = await proxy.post(Cpe(serial).inform(), XML, by(address))
                shown = answered(challenged.get("www-authenticate") or "")
                assert (await proxy.post(Cpe(serial).inform(), XML, shown, by(address))).status == 200
            rows = await acs.database.fetch("select serial_number, address from gateway order by 1")
            assert [tuple(row) for row in rows] == [("A1", OTHER), ("A2", OTHER), ("B1", GATEWAY)]


class TestAnybodyElse:
    async def test_is_who_the_socket_says(self, acs: Acs) -> None:
        async with connected(acs.port, source=STRANGER) as wire:
            assert await informed(acs, wire, by(GATEWAY), ("Forwarded", f"for={OTHER};proto=https")) == STRANGER

    async def test_has_no_tls_and_no_certificate_by_saying_so(self, acs: Acs) -> None:
        claims = (by(GATEWAY), TLS, ("Forwarded", "for=10.0.0.1;proto=https"), ("X-Subject", f"CN={OUI}-S1"))
        async with connected(acs.port, source=STRANGER) as wire:
            assert (await wire.post(Cpe().inform(), XML, *claims)).status == 401
            answer = await wire.post(Cpe().inform(), XML, BASIC, *claims)
            assert [each.partition(" ")[0] for each in answer.every("www-authenticate")] == ["Digest", "Digest"]


class TestAPublicAddress:
    """Where PHAN URLs are sent without TLS is `device_listener.management_networks`."""

    async def session(self, wire: Wire, cpe: Cpe, *headers: Header) -> list[str]:
        shown = answered((await wire.post(b"", *headers)).get("www-authenticate") or "")
        cpe.cookie = (await wire.post(cpe.inform(), XML, shown, *headers)).cookie
        served = []
        asked = await cpe.empty(wire, *headers)
        while asked.status == 200:
            served.append(type(asked.message).__name__)
            asked = await cpe.obey(wire, asked, *headers)
        assert asked.status == 204
        return served

    async def waiting_for(self, acs: Acs, write_id: Any) -> str | None:
        from acs_bridge.services.queue.writes import Writes

        seen = await Writes(acs.database, acs.clock, approval_needed=False, blocked=lambda *_: None).find(write_id)
        return seen.waiting.waiting_for

    async def test_gets_no_url_without_tls_and_the_operator_reads_why(self, acs: Acs, proxy: Wire) -> None:
        write_id = await acs.provision()
        assert await self.session(proxy, Cpe(), by(PUBLIC)) == []
        assert await acs.state(write_id) == "queued"
        assert "management_networks" in str(await self.waiting_for(acs, write_id))
        async with connected(acs.port, source=PROXY) as wire:
            assert await self.session(wire, Cpe(), by(PUBLIC), TLS) == ["SetParameterValues", "GetParameterValues"]
        assert await acs.state(write_id) == "verified"

    async def test_gets_none_in_a_session_that_began_elsewhere(self, acs: Acs, proxy: Wire) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        shown = answered((await proxy.post(b"", by(GATEWAY))).get("www-authenticate") or "")
        cpe.cookie = (await proxy.post(cpe.inform(), XML, shown, by(GATEWAY))).cookie
        own = answered((await proxy.post(b"", by(PUBLIC))).get("www-authenticate") or "")
        assert (await cpe.empty(proxy, by(PUBLIC), own)).status == 204
        assert await acs.state(write_id) == "queued"

    async def test_that_is_a_private_one_in_disguise_gets_none(self, acs: Acs, proxy: Wire) -> None:
        """2002::/16 carries an IPv4 address that whoever has IPv6 can make up."""
        write_id = await acs.provision()
        assert await self.session(proxy, Cpe(), by("2002:a00:1::1")) == []
        assert await acs.state(write_id) == "queued"


async def test_a_session_whose_networks_are_configured_gets_its_url(acs: Acs) -> None:
    await acs.provision()
    async with connected(acs.port) as wire:
        await challenge_of(wire)
        assert len(await Cpe().session(wire)) == 2
