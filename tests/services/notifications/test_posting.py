"""Posting to where somebody else says, over real TLS, and not to where nobody should."""

import ssl
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from aiohttp import ThreadedResolver, web
from cryptography.x509 import DNSName

from acs_bridge.services.notifications.posting import Poster, Rules, posting_rules
from acs_bridge.settings import Webhooks
from acs_bridge.settings_layers import SettingsError
from tests.services.certificates import write_certificate
from tests.services.receivers import receiving

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
BODY = b"{}"
DRESSES = ["127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "[::]", "017700000001"]


@pytest.fixture
def certificate(tmp_path):
    return write_certificate(tmp_path / "receiver.pem")


def server_side(certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@asynccontextmanager
async def poster_of(**settings):
    async with Poster(posting_rules(Webhooks(**settings))).open() as poster:
        yield poster


class TestTls:
    async def test_is_spoken_with_the_name_of_the_endpoint(self, certificate):
        named = []
        context = server_side(certificate)
        context.sni_callback = lambda _, name, __: named.append(name)
        async with (
            receiving(context) as receiver,
            poster_of(allowed_networks=["127.0.0.0/8", "::1"], ca_certificates=certificate) as poster,
        ):
            url = receiver.url.replace("127.0.0.1", "localhost")
            posted = await poster.post(url, {"webhook-id": "m"}, BODY)
        assert (posted.status, posted.is_taken) == (200, True)
        assert named == ["localhost"]
        ((headers, body),) = receiver.calls
        assert (headers["Host"].split(":")[0], headers["webhook-id"], body) == ("localhost", "m", BODY)

    async def test_is_refused_with_an_authority_that_nobody_knows(self, certificate):
        async with (
            receiving(server_side(certificate)) as receiver,
            poster_of(allowed_networks=["127.0.0.0/8"]) as poster,
        ):
            posted = await poster.post(receiver.url, {}, BODY)
        assert (posted.status, "TLS did not come about" in posted.words, receiver.calls) == (None, True, [])

    async def test_is_refused_under_another_name(self, tmp_path):
        other = write_certificate(tmp_path / "other.pem", (DNSName("other.example"),))
        async with (
            receiving(server_side(other)) as receiver,
            poster_of(allowed_networks=["127.0.0.0/8"], ca_certificates=other) as poster,
        ):
            posted = await poster.post(receiver.url, {}, BODY)
        assert (posted.status, "TLS did not come about" in posted.words, receiver.calls) == (None, True, [])

    def test_authorities_that_cannot_be_read_are_named_by_their_setting(self, tmp_path):
        with pytest.raises(SettingsError, match=r"webhooks\.ca_certificates"):
            posting_rules(Webhooks(ca_certificates=tmp_path / "none.pem"))


class TestAnAddressThatIsNotAllowed:
    async def test_is_not_dialled_by_its_numbers(self):
        async with receiving() as receiver, poster_of(allow_http=True) as poster:
            posted = await poster.post(receiver.url, {}, BODY)
        assert (posted.status, receiver.calls) == (None, [])
        assert "loopback address, which webhooks.allowed_networks does not allow" in posted.words

    async def test_is_not_dialled_by_a_name_that_leads_to_it(self):
        async with receiving() as receiver, poster_of(allow_http=True) as poster:
            posted = await poster.post(receiver.url.replace("127.0.0.1", "localhost"), {}, BODY)
        assert (posted.status, receiver.calls) == (None, [])
        assert posted.words.startswith("the name leads to a loopback address")

    @pytest.mark.parametrize("host", DRESSES)
    async def test_is_not_dialled_in_another_dress(self, host):
        async with receiving() as receiver, poster_of(allow_http=True) as poster:
            posted = await poster.post(receiver.url.replace("127.0.0.1", host), {}, BODY)
        assert (posted.status, receiver.calls) == (None, [])

    async def test_is_not_dialled_because_a_redirect_says_so(self):
        async with (
            receiving(statuses=[307, 301]) as receiver,
            poster_of(allow_http=True, allowed_networks=["127.0.0.0/8"]) as poster,
        ):
            posted = [await poster.post(receiver.url, {}, BODY) for _ in range(2)]
        assert [one.status for one in posted] == [307, 301]
        assert not any(one.is_taken for one in posted)
        assert "redirects are not followed" in posted[0].words
        assert len(receiver.calls) == 2

    async def test_is_looked_at_once_and_dialled_as_it_was_seen(self, monkeypatch):
        """A name that leads outside when it is checked, and inside when it is dialled, has nothing to gain."""
        asked = []
        original = ThreadedResolver.resolve

        async def resolve(self, host, *more):
            asked.append(host)
            return await original(self, host, *more)

        monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
        async with receiving() as receiver, Poster(Rules(LOOPBACK, allow_http=True)).open() as poster:
            await poster.post(receiver.url.replace("127.0.0.1", "localhost"), {}, BODY)
        assert (asked, len(receiver.calls)) == (["localhost"], 1)

    async def test_is_not_dialled_without_tls(self):
        async with receiving() as receiver, poster_of(allowed_networks=["127.0.0.0/8"]) as poster:
            posted = await poster.post(receiver.url, {}, BODY)
        assert (posted.status, "must begin with https" in posted.words, receiver.calls) == (None, True, [])


class TestAnAnswer:
    async def poster(self, receiver, **rules):
        async with Poster(Rules(LOOPBACK, allow_http=True, **rules)).open() as poster:
            return await poster.post(receiver.url, {}, BODY)

    async def test_of_any_length_is_read_only_as_far_as_its_limit(self):
        async with receiving(answer=web.Response(body=bytes(50_000_000))) as receiver:
            posted = await self.poster(receiver)
        assert (posted.status, posted.is_taken) == (200, True)

    async def test_is_not_repeated(self):
        async with receiving(statuses=[500]) as receiver:
            posted = await self.poster(receiver)
        assert posted.words == "it answered 500"

    async def test_that_does_not_come_is_not_waited_for(self):
        import asyncio

        async with receiving(hold=asyncio.Event()) as receiver:
            posted = await self.poster(receiver, timeout_seconds=0.1)
        assert (posted.status, posted.words) == (None, "there was no answer in 0.1 seconds")

    async def test_of_nobody_is_said_in_words(self):
        async with receiving() as receiver:
            pass
        posted = await self.poster(receiver)
        assert (posted.status, "nobody listens there" in posted.words) == (None, True)

    async def test_of_a_name_that_does_not_resolve_is_too(self):
        async with Poster(Rules(allow_http=True)).open() as poster:
            posted = await poster.post("http://nobody.invalid/", {}, BODY)
        assert (posted.status, posted.words) == (None, "the name does not resolve")
