"""Credentials come first: what is asked of whom, clients that we did not write, and what changes without them."""

import asyncio
import re
import shutil
from collections.abc import Iterable
from typing import Any

import aiohttp
import pytest

from cwmp import digest
from cwmp.messages import SetParameterValues
from tests.web.device.conftest import BOOTSTRAP, Acs
from tests.web.device.wire import XML, Answer, Cpe, answered, challenge_of, connected, login

TABLES = (
    "subscriber",
    "gateway",
    "device",
    "association",
    "write",
    "write_event",
    "provisioning_request",
    "brake",
    "queue_rate",
    "token",
    "audit",
    "keyring_key",
    "used_login",
)


async def everything(acs: Acs) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    return {
        table: sorted((dict(row) for row in await acs.database.fetch(f"select * from {table}")), key=str)  # noqa: S608
        for table in TABLES
    }


async def test_a_name_in_bytes_that_are_no_utf_8_is_a_wrong_one(acs: Acs) -> None:
    async with connected(acs.port) as wire:
        name, value = answered(await challenge_of(wire), username="Müller")
        assert (await wire.post(Cpe().inform(), XML, (name, value))).status == 401  # in Latin-1, as the wire writes it
        assert (await Cpe().open(wire)).status == 200


class TestAChallenge:
    async def test_is_digest_with_md5_and_auth_and_a_short_nonce(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe().inform(), XML)
        challenge, stronger = answer.every("www-authenticate")
        found = re.fullmatch(
            r'Digest realm="[^"]+", qop="auth", nonce="([0-9a-f]+)", opaque="[0-9a-f]+", algorithm=MD5', challenge
        )
        assert found is not None
        assert len(found[1]) == 32
        assert stronger == challenge.replace("MD5", "SHA-256")

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
    @pytest.mark.parametrize("qop", ["auth", None])
    async def test_may_be_answered_in_every_way(self, acs: Acs, algorithm: str, qop: str | None) -> None:
        async with connected(acs.port) as wire:
            challenge = (await challenge_of(wire)).replace("algorithm=MD5", f"algorithm={algorithm}")
            shown = answered(challenge if qop else challenge.replace('qop="auth", ', ""))
            assert ("qop" in shown[1]) is (qop is not None)
            assert (await wire.post(Cpe().inform(), XML, shown)).status == 200

    @pytest.mark.parametrize(
        ("written", "instead"),
        [
            ("algorithm=MD5", "algorithm=MD)"),
            (", algorithm=MD5", ""),
            ('uri="/acs"', 'uri="http://acs.example.net:7547/acs"'),
            ("qop=auth", 'qop="auth"'),
            ("nc=00000001", 'nc="00000001"'),
            (", ", " ,  "),
            (", ", " "),
            ('username="bootstrap"', "username=bootstrap"),
        ],
        ids=str,
    )
    async def test_may_be_answered_in_odd_writing(self, acs: Acs, written: str, instead: str) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
            asked_for = digest.Challenge.parse(challenge)
            assert asked_for is not None
            uri = "http://acs.example.net:7547/acs" if "http" in instead else "/acs"
            name, value = answered(challenge, target=uri)
            odd = value if "http" in instead else value.replace(written, instead)
            assert (await wire.post(Cpe().inform(), XML, (name, odd))).status == 200

    async def test_is_another_one_for_each_who_asks_in_the_same_second(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenges = [await challenge_of(wire) for _ in range(5)]
            assert len(set(challenges)) == 5
            for number, challenge in enumerate(challenges):
                assert (await wire.post(Cpe(f"S{number}").inform(), XML, answered(challenge))).status == 200

    async def test_comes_also_to_an_empty_post_outside_a_session(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            assert (await wire.post()).status == 401
            answer = await Cpe().open(wire)
            assert answer.status == 200

    async def test_may_be_answered_on_another_connection(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
        async with connected(acs.port) as wire:
            assert (await wire.post(Cpe().inform(), XML, answered(challenge))).status == 200

    async def test_may_not_be_answered_from_another_address(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
        async with connected(acs.port, source="127.0.0.2") as wire:
            refused = await wire.post(Cpe().inform(), XML, answered(challenge))
            assert is_stale(refused)
            assert (await wire.post(Cpe().inform(), XML, answered(asked(refused)))).status == 200

    @pytest.mark.parametrize(("age", "taken"), [(60, True), (61, False), (3600, False), (-6, False)])
    async def test_may_be_answered_for_a_minute(self, acs: Acs, clock: Any, age: float, taken: bool) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
            clock.advance(seconds=age)
            answer = await wire.post(Cpe().inform(), XML, answered(challenge))
            assert (answer.status, is_stale(answer)) == ((200, False) if taken else (401, True))
            if not taken:
                assert (await wire.post(Cpe().inform(), XML, answered(asked(answer)))).status == 200

    async def test_of_our_own_making_is_stale(self, acs: Acs) -> None:
        challenge = 'Digest realm="acs-bridge", qop="auth", nonce="0123456789abcdef0123456789abcdef", algorithm=MD5'
        async with connected(acs.port) as wire:
            realm = asked(await wire.post()).partition('realm="')[2].partition('"')[0]
            answer = await wire.post(Cpe().inform(), XML, answered(challenge.replace("acs-bridge", realm)))
            assert is_stale(answer)

    async def test_that_went_stale_over_and_over_does_not_close_the_connection(self, acs: Acs, clock: Any) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
            clock.advance(hours=1)
            for _ in range(5):
                answer = await wire.post(Cpe().inform(), XML, answered(challenge))
                assert (is_stale(answer), answer.get("connection")) == (True, None)


class TestWrongCredentials:
    async def test_get_another_challenge_and_the_third_time_an_end(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
            for closes in (False, False, True):
                answer = await wire.post(Cpe().inform(), XML, answered(challenge, password="wrong"))
                assert (answer.status, is_stale(answer)) == (401, False)
                assert (answer.get("connection") == "close") is closes
                challenge = asked(answer)
            assert await wire.is_closed()

    async def test_are_answered_alike_whoever_it_is(self, acs: Acs) -> None:
        seen = set()
        nonce = re.compile('nonce="[0-9a-f]+"')
        for username, password in ((BOOTSTRAP.username, "wrong"), ("nobody", BOOTSTRAP.password), ("nobody", "")):
            async with connected(acs.port) as wire:
                wrong = answered(await challenge_of(wire), username=username, password=password)
                answer = await wire.post(Cpe().inform(), XML, wrong)
            headers = [(name, value) for name, value in answer.headers if name != "date"]
            seen.add(nonce.sub("", repr((answer.status, headers, answer.body))))
        assert len(seen) == 1

    @pytest.mark.parametrize(
        "change",
        [
            ('uri="/acs"', 'uri="/other"'),
            ("nc=00000001", "nc=1"),
            ("nc=00000001", "nc=00000002"),
            ("qop=auth", "qop=auth-int"),
            ('cnonce="0a4f113b"', 'cnonce=""'),
            ('realm="', 'realm="x'),
            ('response="', 'response="0'),
            ("algorithm=MD5", "algorithm=SHA-256"),
            ("Digest ", "Basic "),
            ("Digest ", "digest x"),
            ("nonce=", "no="),
        ],
        ids=str,
    )
    async def test_are_all_that_differ_in_one_field(self, acs: Acs, change: tuple[str, str]) -> None:
        async with connected(acs.port) as wire:
            name, value = answered(await challenge_of(wire))
            assert change[0] in value
            answer = await wire.post(Cpe().inform(), XML, (name, value.replace(*change)))
            assert (answer.status, is_stale(answer)) == (401, False)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "Digest",
            "Digest ,,,,",
            'Digest username="',
            "Basic Ym9vdHN0cmFwOmxldC1tZS1pbg==",
            "Bearer " + "x" * 4000,
            'Digest username="bootstrap", realm="é\xff", nonce="\x80", uri="/acs", response="é"',
        ],
        ids=repr,
    )
    async def test_are_also_those_that_make_no_sense(self, acs: Acs, value: str) -> None:
        async with connected(acs.port) as wire:
            answer = await wire.post(Cpe().inform(), XML, ("Authorization", value))
            assert (answer.status, is_stale(answer)) == (401, False)

    async def test_end_nothing_that_is_under_way(self, acs: Acs) -> None:
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            wrong = answered(asked(await wire.post(cpe.inform(), XML)), password="wrong")
            assert (await cpe.empty(wire, wrong)).status == 401
            assert isinstance((await cpe.empty(wire)).message, SetParameterValues)


class TestAnInform:
    async def test_needs_its_own_authorization_on_every_connection(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            await Cpe("S1").open(wire)
            before = await everything(acs)
            answer = await wire.post(Cpe("S2").inform(), XML)
            assert answer.status == 401
            assert await everything(acs) == before

    async def test_authorizes_what_follows_it_on_its_connection(self, acs: Acs, clock: Any) -> None:
        write_id = await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            await cpe.open(wire)
            clock.advance(seconds=300)
            assert len(await cpe.finish(wire, await cpe.empty(wire))) == 2
        assert await acs.state(write_id) == "verified"

    async def test_may_be_followed_by_an_authorization_that_has_gone_stale(self, acs: Acs, clock: Any) -> None:
        await acs.provision()
        cpe, authorize = Cpe(), await login(acs.port)
        async with connected(acs.port) as wire:
            await cpe.open(wire, authorize)
            clock.advance(seconds=61)
            assert (await cpe.empty(wire, authorize())).status == 200


class TestAnAuthorization:
    """A-06: one nonce and count serve one Inform."""

    async def test_serves_one_inform_and_no_other(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenge = await challenge_of(wire)
            shown = answered(challenge)
            assert (await wire.post(Cpe("S1").inform(), XML, shown)).status == 200
            before = await everything(acs)
            for serial in ("S1", "S2"):
                assert is_stale(await wire.post(Cpe(serial).inform(), XML, shown))
            assert await everything(acs) == before
            assert (await wire.post(Cpe("S1").inform(), XML, answered(challenge, number=2))).status == 200

    async def test_without_a_count_serves_its_nonce_once(self, acs: Acs) -> None:
        async with connected(acs.port) as wire:
            challenge = (await challenge_of(wire)).replace('qop="auth", ', "")
            name, value = answered(challenge)
            assert (await wire.post(Cpe().inform(), XML, (name, value))).status == 200
            assert is_stale(await wire.post(Cpe("S2").inform(), XML, (name, f"{value}, nc=00000002")))

    async def test_goes_on_serving_the_session_that_it_opened(self, acs: Acs) -> None:
        """Some gateways count nothing, and send the same header with every message."""
        await acs.provision()
        cpe = Cpe()
        async with connected(acs.port) as wire:
            shown = answered(await challenge_of(wire))
            await cpe.open(wire, lambda: shown)
        async with connected(acs.port) as wire:
            assert len(await cpe.finish(wire, await cpe.empty(wire, shown), shown)) == 2

    async def test_serves_one_of_two_informs_that_arrive_together(self, acs: Acs) -> None:
        async with connected(acs.port) as first, connected(acs.port) as second:
            challenge = await challenge_of(first)
            for number, serials in enumerate((("S1", "S2"), ("S1", "S1")), start=1):
                shown = answered(challenge, number=number)
                pairs = zip((first, second), serials, strict=True)
                answers = await asyncio.gather(*(wire.post(Cpe(serial).inform(), XML, shown) for wire, serial in pairs))
                assert sorted(answer.status for answer in answers) == [200, 401]

    async def test_that_is_over_is_forgotten(self, acs: Acs, clock: Any) -> None:
        async with connected(acs.port) as wire:
            await Cpe().open(wire)
        clock.advance(seconds=120)
        await acs.parts.janitor.sweep()
        assert len(await acs.database.fetch("select from used_login")) == 1
        clock.advance(seconds=1)
        await acs.parts.janitor.sweep()
        assert await acs.database.fetch("select from used_login") == []


class TestWithoutCredentials:
    @pytest.mark.parametrize("password", [None, "wrong"])
    @pytest.mark.parametrize("gateway", ["S1", "S2"])
    async def test_nothing_changes(self, acs: Acs, gateway: str, password: str | None) -> None:
        """A-01, E-06."""
        await acs.provision("S1")
        opened = Cpe("S1")
        async with connected(acs.port) as wire:
            await opened.open(wire)
        before = await everything(acs)
        cpe = Cpe(gateway, cookie=opened.cookie)
        for body in self.messages(cpe):
            async with connected(acs.port) as wire:
                challenge = await challenge_of(wire)
                shown = () if password is None else (answered(challenge, password=password),)
                assert (await wire.post(body, XML, *cpe.headers(), *shown)).status == 401
        assert await everything(acs) == before

    def messages(self, cpe: Cpe) -> Iterable[bytes]:
        yield cpe.inform(("0 BOOTSTRAP", "1 BOOT"))
        yield b""
        yield b"\0garbage"
        yield b"<a>" * 10_000
        yield b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"
        yield cpe.inform()[:-20]


class TestAForeignClient:
    async def test_curl_logs_in(self, acs: Acs) -> None:
        curl = shutil.which("curl")
        if curl is None:
            pytest.skip("curl is not installed")
        process = await asyncio.create_subprocess_exec(
            *(curl, "--silent", "--show-error", "--digest", "--user", f"{BOOTSTRAP.username}:{BOOTSTRAP.password}"),
            *("--header", "Content-Type: text/xml", "--data-binary", "@-", "--include", acs.url),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(Cpe().inform())
        assert process.returncode == 0
        assert b"HTTP/1.1 200" in said
        assert b"InformResponse" in said

    async def test_requests_logs_in(self, acs: Acs) -> None:
        requests = pytest.importorskip("requests")
        auth = requests.auth.HTTPDigestAuth(BOOTSTRAP.username, BOOTSTRAP.password)
        with requests.Session() as session:
            session.auth, session.headers["Content-Type"] = auth, "text/xml"
            answer = await asyncio.to_thread(session.post, acs.url, data=Cpe().inform(), timeout=10)
            assert (answer.status_code, "cwmpsid" in session.cookies) == (200, True)
            assert (await asyncio.to_thread(session.post, acs.url, data=b"", timeout=10)).status_code == 204

    async def test_aiohttp_logs_in(self, acs: Acs) -> None:
        login = aiohttp.DigestAuthMiddleware(BOOTSTRAP.username, BOOTSTRAP.password)
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(middlewares=(login,), cookie_jar=jar) as session:
            headers = {"Content-Type": "text/xml"}
            async with session.post(acs.url, data=Cpe().inform(), headers=headers) as answer:
                assert answer.status == 200
                assert b"InformResponse" in await answer.read()
            async with session.post(acs.url) as answer:
                assert answer.status == 204


def asked(answer: Answer) -> str:
    assert answer.status == 401
    return answer.get("www-authenticate") or ""


def is_stale(answer: Answer) -> bool:
    return answer.status == 401 and "stale=true" in asked(answer)
