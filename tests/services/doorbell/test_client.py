"""A connection request over a real socket, against everything that gateways are known to answer (C-01 to C-04)."""

import asyncio
from itertools import count

import pytest

from acs_bridge.domain.credentials import Pair
from acs_bridge.domain.networks import read
from acs_bridge.domain.ring import RingResult
from acs_bridge.services.doorbell.address import Bell
from acs_bridge.services.doorbell.client import BYTES, Rung, ring
from cwmp.digest import Authorization, Challenge
from tests.services.doorbell.bell import (
    CHALLENGE,
    CHALLENGED,
    CLOSE,
    NONCE,
    PAIR,
    REALM,
    Door,
    Say,
    digest,
    door,
    knows,
    plain,
)

HERE = read("127.0.0.1")


async def rung(opened: Door, pair: Pair | None = PAIR, target: str = "/bell?id=7", **more) -> Rung:
    numbers = count(1)
    bell = Bell.of(f"http://127.0.0.1:{opened.port}{target}")
    async with asyncio.timeout(20):
        return await ring(bell, HERE, pair, lambda: f"c{next(numbers):07x}", **more)


async def rings(say: Say, pair: Pair | None = PAIR, **more) -> tuple[Rung, Door]:
    async with door(say) as opened:
        return await rung(opened, pair, **more), opened


class TestARequest:
    async def test_is_a_get_for_the_url_with_its_query_and_without_a_body(self):
        """C-01."""
        _, opened = await rings(lambda _: plain("200 OK"))
        ((_, head),) = opened.requests
        first, *headers = head.decode().split("\r\n")
        assert first == "GET /bell?id=7 HTTP/1.1"
        assert f"Host: 127.0.0.1:{opened.port}" in headers
        assert not [line for line in headers if line.lower().startswith(("content-", "transfer-", "authorization"))]

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256"])
    @pytest.mark.parametrize("qop", ["auth", None])
    @pytest.mark.parametrize("opaque", [None, "5ccc069c403ebaf9f0171e9517f40e41"])
    async def test_answers_a_challenge_on_the_same_connection(self, algorithm, qop, opaque):
        """C-02: qop, nc and cnonce only where the challenge has qop; opaque only where it has one."""
        challenge = Challenge(REALM, NONCE, opaque, algorithm, qop)
        challenged = plain("401 Unauthorized", f"WWW-Authenticate: {challenge.render()}", body=b"<html>no</html>")
        ended, opened = await rings(digest(challenged, challenge))
        assert ended == Rung(RingResult.RUNG, 200)
        assert [number for number, _ in opened.requests] == [1, 1]
        shown = opened.authorizations[1]
        assert shown.startswith('Digest username="acs"')
        assert ("opaque=" in shown, "qop=" in shown, "nc=" in shown) == (opaque is not None, bool(qop), bool(qop))

    @pytest.mark.parametrize("status", [200, 202, 204])
    async def test_that_is_taken_has_rung(self, status):
        """C-03."""
        ended, _ = await rings(lambda _: f"HTTP/1.1 {status} OK\r\n\r\n".encode())
        assert ended == Rung(RingResult.RUNG, status)

    @pytest.mark.parametrize("status", [503, 409, 429])
    async def test_meets_a_gateway_that_is_busy(self, status):
        """C-03: also after the credentials, as icwmpd does without any configured."""
        assert (await rings(lambda _: plain(f"{status} Busy")))[0] == Rung(RingResult.BUSY, status)
        ended, _ = await rings(digest(CHALLENGED, CHALLENGE, plain(f"{status} Busy")))
        assert ended == Rung(RingResult.BUSY, status)

    async def test_with_a_wrong_password_is_not_repeated(self):
        """C-03: 401 after credentials; nobody is hammered."""
        ended, opened = await rings(digest(CHALLENGED), Pair("acs", "another"))
        assert ended == Rung(RingResult.WRONG_PASSWORD, 401)
        assert len(opened.requests) == 2

    async def test_without_a_pair_says_so(self):
        ended, opened = await rings(digest(CHALLENGED), None)
        assert ended == Rung(RingResult.NO_PASSWORD, 401)
        assert len(opened.requests) == 1

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "404 Not Found", "500 Oh"])
    async def test_follows_no_redirect(self, status):
        async with door(lambda _: plain("200 OK")) as elsewhere:
            location = f"Location: http://127.0.0.1:{elsewhere.port}/"
            ended, _ = await rings(lambda _: plain(status, location))
            assert ended == Rung(RingResult.ODD_ANSWER, int(status[:3]))
            assert elsewhere.connections == 0

    async def test_where_nobody_listens_is_refused(self):
        async with door(lambda _: None) as opened:
            pass
        assert await rung(opened) == Rung(RingResult.REFUSED)

    async def test_uses_basic_only_where_that_is_allowed(self):
        """C-02."""

        def basic(head: bytes) -> bytes:
            shown = b"Basic YWNzOm9wZW4tc2VzYW1lLTQ3MTE=" in head
            return plain("200 OK") if shown else plain("401 No", 'WWW-Authenticate: Basic realm="gw"')

        refused, opened = await rings(basic)
        assert (refused.result, len(opened.requests)) == (RingResult.NO_PASSWORD, 1)
        allowed, _ = await rings(basic, basic=True)
        assert allowed.result is RingResult.RUNG

    async def test_prefers_digest_where_basic_is_offered_first(self):
        challenged = plain("401 No", 'WWW-Authenticate: Basic realm="gw"', f"WWW-Authenticate: {CHALLENGE.render()}")
        ended, opened = await rings(digest(challenged), basic=True)
        assert ended.result is RingResult.RUNG
        assert opened.authorizations[1].startswith("Digest ")


class TestWhatGatewaysAnswer:
    @pytest.mark.parametrize(
        "challenged",
        [
            pytest.param(
                b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="%b" qop="auth" nonce="%b" '
                b"algorithm=MD5\r\nContent-Length: 0\r\n\r\n",
                id="no commas",
            ),
            pytest.param(
                b'HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Digest realm="%b",\n\tqop="auth",\n nonce="%b"\n'
                b"Content-Length: 0\n\n",
                id="line feeds only, a folded header",
            ),
            pytest.param(
                b'HTTP/1.1 401 Unauthorized\r\nwww-authenticate:Digest realm="%b",qop=auth,nonce="%b"\r\n\r\n',
                id="no length, no blanks",
            ),
            pytest.param(
                b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="%b", qop="auth", nonce="%b"\r\n\r\n'
                b"<html>\r\n<body>401 Unauthorized</body></html>",
                id="a body of unknown length that stays on the connection",
            ),
            pytest.param(
                b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="%b", qop="auth", nonce="%b"\r\n'
                b"Transfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n",
                id="chunks",
            ),
            pytest.param(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest "
                b'realm="%b", qop="auth,auth-int", nonce="%b"\r\nContent-Length: 0\r\n\r\n',
                id="100 first",
            ),
        ],
    )
    async def test_is_understood_on_the_same_connection(self, challenged):
        """Field note 4.4."""
        ended, opened = await rings(digest(challenged % (REALM.encode(), NONCE.encode())))
        assert (ended, opened.connections) == (Rung(RingResult.RUNG, 200), 1)

    @pytest.mark.parametrize(
        "challenged",
        [
            pytest.param(CHALLENGED + CLOSE, id="closes without a word"),
            pytest.param(
                CHALLENGED.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + CLOSE, id="says that it closes"
            ),
            pytest.param(CHALLENGED.removesuffix(b"\r\n") + CLOSE, id="closes where an empty line should stand"),
            pytest.param(CHALLENGED.replace(b"Length: 0", b"Length: 5") + b"no" + CLOSE, id="closes inside its body"),
        ],
    )
    async def test_after_which_it_closes_is_answered_on_a_new_connection(self, challenged):
        """Field note 4.4: easycwmp and icwmpd close on 401."""
        ended, opened = await rings(digest(challenged))
        assert ended == Rung(RingResult.RUNG, 200)
        assert [number for number, _ in opened.requests] == [1, 2]

    async def test_keeps_a_connection_open_on_which_it_says_nothing_more(self):
        async with door(lambda _: None) as opened:

            def say(head: bytes) -> bytes | None:
                if opened.connections == 1:
                    return CHALLENGED if len(opened.requests) == 1 else None
                return plain("200 OK") if knows(head, CHALLENGE) else CHALLENGED

            opened.say = say
            assert await rung(opened, same_line_seconds=0.05) == Rung(RingResult.RUNG, 200)
            counts = [Authorization.parse(shown).nc for shown in opened.authorizations[1:]]
            assert (opened.connections, counts) == (2, ["00000001", "00000002"])

    async def test_ties_nonces_to_a_connection_and_closes_it(self):
        """The new connection has a challenge of its own, which is answered once."""
        async with door(lambda _: None) as opened:

            def say(head: bytes) -> bytes:
                challenge = Challenge(REALM, f"nonce-{opened.connections}")
                challenged = plain("401 No", f"WWW-Authenticate: {challenge.render()}")
                return plain("200 OK") if knows(head, challenge) else challenged + CLOSE * (opened.connections == 1)

            opened.say = say
            assert await rung(opened) == Rung(RingResult.RUNG, 200)
            assert [number for number, _ in opened.requests] == [1, 2, 2]

    async def test_calls_a_nonce_stale(self):
        nonces = iter(["n1", "n2"])
        current = Challenge(REALM, "n0")

        def say(head: bytes) -> bytes:
            nonlocal current
            if knows(head, current) and current.stale:
                return plain("200 OK")
            current = Challenge(REALM, next(nonces), stale=knows(head, current))
            return plain("401 No", f"WWW-Authenticate: {current.render()}")

        ended, opened = await rings(say)
        assert (ended, len(opened.requests)) == (Rung(RingResult.RUNG, 200), 3)

    async def test_never_takes_a_login_is_given_up(self):
        numbers = count(1)

        def say(_: bytes) -> bytes:
            challenge = Challenge(REALM, f"n{next(numbers)}", stale=True)
            return plain("401 No", f"WWW-Authenticate: {challenge.render()}") + CLOSE

        ended, opened = await rings(say)
        assert ended == Rung(RingResult.WRONG_PASSWORD, 401)
        assert len(opened.requests) == 3

    @pytest.mark.parametrize("said", [b"", b"SSH-2.0-dropbear\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00\xff" * 10])
    async def test_is_no_http(self, said):
        ended, _ = await rings(lambda _: said + CLOSE)
        assert ended == Rung(RingResult.ODD_ANSWER)

    @pytest.mark.parametrize(
        "endless", [b"x" * 4096, b"HTTP/1.1 200 OK\r\n" + b"X-Filler: 1\r\n" * 9000, b"\r\n" * 40_000]
    )
    async def test_never_ends_is_cut_off(self, endless):
        """C-04: 64 KiB in all."""
        ended, opened = await rings(lambda _: endless * (BYTES // len(endless) + 2))
        assert ended == Rung(RingResult.ODD_ANSWER)
        async with asyncio.timeout(10):
            await opened.ended.wait()

    async def test_with_a_body_is_not_read_to_its_end(self):
        """The status is all that is wanted."""
        ended, _ = await rings(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 4096)
        assert ended == Rung(RingResult.RUNG, 200)

    async def test_has_a_body_too_long_to_pass_over(self):
        challenged = CHALLENGED.replace(b"Length: 0", b"Length: 999999")
        ended, opened = await rings(digest(challenged))
        assert (ended, opened.connections) == (Rung(RingResult.RUNG, 200), 2)


class TestGivingUp:
    async def test_closes_the_connection(self):
        """C-04: a gateway that never answers is left alone."""
        async with door(lambda _: None) as opened:
            asked = asyncio.create_task(rung(opened))
            await opened.arrived.wait()
            asked.cancel()
            await asyncio.wait((asked,))
            async with asyncio.timeout(10):
                await opened.ended.wait()
        assert asked.cancelled()

    def test_a_pair_is_shown_without_its_password(self):
        """C-06, SEC-06."""
        assert PAIR.password not in repr(PAIR)
