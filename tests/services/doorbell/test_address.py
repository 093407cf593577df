"""Where a connection request may lead: the table of what an attacker would name in a ConnectionRequestURL (C-05)."""

from ipaddress import ip_network

import pytest

from acs_bridge.domain.networks import read
from acs_bridge.domain.ring import RingResult
from acs_bridge.services.doorbell.address import Access, Bell, NotRung, addresses_of, source_of

SOURCE = read("93.184.216.34")
FORBIDDEN, PRIVATE = RingResult.FORBIDDEN_ADDRESS, RingResult.PRIVATE_ADDRESS
METADATA = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]"]


async def verdict(url: str, *networks: str, source: object = SOURCE) -> RingResult | str:
    """The address that would be dialled, or why none is."""
    try:
        bell = Bell.of(url)
        access = Access(tuple(ip_network(network) for network in networks))
        return str(access.choose(await addresses_of(bell), source))  # type: ignore[arg-type]
    except NotRung as reason:
        return reason.result


class TestUrls:
    @pytest.mark.parametrize(
        ("url", "host", "port", "authority", "target"),
        [
            ("http://192.0.2.1:7547/abc?x=1", "192.0.2.1", 7547, "192.0.2.1:7547", "/abc?x=1"),
            ("HTTP://192.0.2.1", "192.0.2.1", 80, "192.0.2.1", "/"),
            ("http://192.0.2.1?x", "192.0.2.1", 80, "192.0.2.1", "/?x"),
            (" http://192.0.2.1:/a\n", "192.0.2.1", 80, "192.0.2.1:", "/a"),
            ("http://gw.example.net.:30005/a#b", "gw.example.net", 30005, "gw.example.net.:30005", "/a"),
            ("http://[2001:db8::1]:51005/", "2001:db8::1", 51005, "[2001:db8::1]:51005", "/"),
        ],
    )
    def test_are_taken_apart_and_asked_for_exactly_as_they_stand(self, url, host, port, authority, target):
        """C-01: path and query are the gateway's own, to the letter."""
        bell = Bell.of(url)
        assert (bell.host, bell.port, bell.authority, bell.target) == (host, port, authority, target)
        assert target == "/" or target not in repr(bell)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "192.0.2.1:7547",
            "https://192.0.2.1/",
            "ftp://192.0.2.1/",
            "file:///etc/passwd",
            "http:///path",
            "http://user:secret@192.0.2.1/",
            "http://192.0.2.1@127.0.0.1/",
            "http://192.0.2.1\\@127.0.0.1/",
            "http://192.0.2.1:0/",
            "http://192.0.2.1:65536/",
            "http://192.0.2.1:7547:80/",
            "http://192.0.2.1:x/",
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]/",
            "http://[2001:db8::1/",
            "http://2001:db8::1/",
            "http://127%2e0.0.1/",
            "http://192.0.2.1/a b",
            "http://192.0.2.1/a\r\nX: y",
            "http://192.0.2.1/\x00",
            "http://①②⑦.0.0.1/",
            "http://./",
            "http://256.0.0.1/",
            "http://1.2.3.4.5/",
            "http://0x100000000/",
            "http://[::g]/",
        ],
    )
    async def test_that_are_not_plain_http_to_a_host_are_not_used(self, url):
        assert await verdict(url, "0.0.0.0/0", "::/0") is RingResult.UNUSABLE_URL


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "127.1",
            "127.0.0.1.",
            "0x7f.0.0.1",
            "0x7f000001",
            "0177.0.0.1",
            "2130706433",
            "017700000001",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "0.0.0.0",  # noqa: S104 -- nothing is bound
            "0",
            "[::]",
            "169.254.1.1",
            "[fe80::1]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
            "localhost",
            "localhost.",
            *METADATA,
        ],
    )
    @pytest.mark.parametrize("networks", [(), ("0.0.0.0/0", "::/0")])
    async def test_of_this_machine_its_links_and_clouds_are_never_rung_however_they_are_spelt(self, host, networks):
        """C-05, SEC-09: a network that has the whole world in it does not mean them."""
        assert await verdict(f"http://{host}:7547/", *networks) is FORBIDDEN

    @pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "169.254.169.254"])
    async def test_of_this_machine_are_not_rung_because_a_session_came_from_there(self, host):
        (source,) = await addresses_of(Bell.of(f"http://{host}/"))
        assert await verdict(f"http://{host}/", source=source) is FORBIDDEN

    @pytest.mark.parametrize(
        ("host", "network", "dialled"),
        [
            ("127.0.0.1", "127.0.0.0/8", "127.0.0.1"),
            ("2130706433", "127.0.0.1/32", "127.0.0.1"),
            ("[::ffff:127.0.0.1]", "127.0.0.0/8", "127.0.0.1"),
            ("[::1]", "::1/128", "::1"),
            ("169.254.7.7", "169.254.0.0/16", "169.254.7.7"),
            ("169.254.169.254", "169.254.169.254/32", "169.254.169.254"),
            ("100.100.100.200", "100.100.100.200/32", "100.100.100.200"),
        ],
    )
    async def test_of_this_machine_its_links_and_clouds_are_rung_where_a_network_names_just_them(
        self, host, network, dialled
    ):
        assert await verdict(f"http://{host}/", network) == dialled

    @pytest.mark.parametrize("host", METADATA)
    async def test_of_metadata_are_not_rung_because_they_lie_in_an_access_network(self, host):
        networks = ("169.254.0.0/16", "100.64.0.0/10", "168.63.0.0/16", "fd00::/8")
        assert await verdict(f"http://{host}/", *networks) is FORBIDDEN

    @pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fd12::1]"])
    async def test_behind_a_nat_are_said_to_be_private(self, host):
        assert await verdict(f"http://{host}/") is PRIVATE

    async def test_in_an_access_network_are_rung(self):
        assert await verdict("http://10.1.2.3:7547/", "10.0.0.0/8", "::/0") == "10.1.2.3"
        assert await verdict("http://[2606:4700::1]/", "2606:4700::/32") == "2606:4700::1"

    @pytest.mark.parametrize("spelt", ["93.184.216.34", "0x5db8d822", "[::ffff:93.184.216.34]"])
    async def test_that_a_gateways_sessions_come_from_are_rung(self, spelt):
        assert await verdict(f"http://{spelt}:7547/") == "93.184.216.34"

    async def test_of_a_trusted_proxy_are_not_rung_because_sessions_come_from_there(self):
        access = Access(proxies=(ip_network("93.184.216.0/24"),))
        assert access.refusal(SOURCE, SOURCE) is FORBIDDEN
        assert access.refusal(read("93.184.217.1"), read("93.184.217.1")) is None

    async def test_of_others_are_not_rung(self):
        assert await verdict("http://93.184.216.35/") is FORBIDDEN
        assert await verdict("http://93.184.216.34/", source=None) is FORBIDDEN

    async def test_of_a_name_are_checked_one_by_one_and_only_one_that_may_be_rung_is_dialled(self):
        """C-05: what is checked is what is connected to."""
        access = Access((ip_network("10.0.0.0/8"),))
        addresses = [read(text) for text in ("127.0.0.1", "169.254.169.254", "10.1.2.3", "192.168.1.1")]
        assert str(access.choose(addresses, SOURCE)) == "10.1.2.3"
        with pytest.raises(NotRung):
            access.choose(addresses[:2], SOURCE)

    async def test_of_a_name_are_looked_up_and_checked(self):
        assert await verdict("http://localhost/", "127.0.0.0/8", "::1/128") in {"127.0.0.1", "::1"}

    async def test_of_a_name_that_nobody_has_are_unreachable(self):
        assert await verdict("http://no-such-host.invalid/", "0.0.0.0/0") is RingResult.UNREACHABLE

    @pytest.mark.parametrize(("text", "is_one"), [("192.0.2.1", True), ("::ffff:192.0.2.1", True), ("", False)])
    def test_of_sessions_are_read_as_their_rows_have_them(self, text, is_one):
        assert source_of(text) == (read("192.0.2.1") if is_one else None)
