from ipaddress import ip_network

import pytest

from acs_bridge.domain.networks import Kind, kind, may_be_dialled, read, site

KINDS = {
    Kind.PUBLIC: [
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700::1111",
        "172.32.0.1",
        "100.128.0.1",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
    ],
    Kind.PRIVATE: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1", "fec0::1"],
    Kind.SHARED: ["100.64.0.1", "100.127.255.255"],
    Kind.LOOPBACK: ["127.0.0.1", "127.8.8.8", "::1"],
    Kind.LINK_LOCAL: ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    Kind.MULTICAST: ["224.0.0.1", "239.1.1.1", "ff02::1"],
    Kind.RESERVED: [
        "0.0.0.0",  # noqa: S104 -- nothing is bound
        "0.1.2.3",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "2001:db8::1",
    ],
}


@pytest.mark.parametrize(("expected", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_an_address_is_of_its_kind(expected, text):
    assert kind(read(text)) is expected


@pytest.mark.parametrize("carrier", ["::ffff:{}", "::{}", "::ffff:0:{}", "64:ff9b::{}"])
@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "100.64.0.1"])
def test_an_address_that_carries_another_is_that_one(carrier, inner):
    assert read(carrier.format(inner)) == read(inner)


def test_6to4_carries_an_address_in_its_middle():
    assert read("2002:7f00:1::1") == read("127.0.0.1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::5", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::4", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("::1::", "::1::"),
    ],
)
def test_addresses_that_one_caller_may_take_in_turns_are_of_one_site(text, expected):
    assert site(text) == expected


@pytest.mark.parametrize("text", ["", "127.1", "0x7f.0.0.1", "2130706433", "localhost", "127.0.0.1:80", "::1::"])
def test_what_is_no_address_is_none(text):
    with pytest.raises(ValueError, match="address"):
        read(text)


def test_what_is_not_public_is_dialled_only_where_that_is_allowed():
    allowed = [ip_network("10.1.0.0/16"), ip_network("::1/128")]
    dialled = ["8.8.8.8", "10.1.2.3", "::ffff:10.1.2.3", "::1"]
    assert [
        text for text in [*dialled, "10.2.0.1", "127.0.0.1", "fe80::1"] if may_be_dialled(read(text), allowed)
    ] == dialled
