"""What is signed, how a secret is written, and which addresses can be seen to be wrong."""

import base64
import hashlib
import hmac
from ipaddress import ip_network

import pytest

from acs_bridge.domain.webhooks import STATES, checked_url, read_secret, show_secret, signed_headers
from acs_bridge.errors import InvalidField


class TestASignature:
    def test_is_that_of_standard_webhooks(self, now):
        headers = signed_headers("msg_1", now, b'{"a":1}', [b"k" * 32])
        assert headers["webhook-id"] == "msg_1"
        assert headers["webhook-timestamp"] == str(int(now.timestamp()))
        content = f"msg_1.{int(now.timestamp())}.".encode() + b'{"a":1}'
        expected = base64.b64encode(hmac.new(b"k" * 32, content, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"

    def test_is_there_once_for_every_secret(self, now):
        both = signed_headers("m", now, b"", [b"new", b"old"])["webhook-signature"].split(" ")
        assert both == [signed_headers("m", now, b"", [secret])["webhook-signature"] for secret in (b"new", b"old")]


class TestASecret:
    @pytest.mark.parametrize("length", [24, 32, 64])
    def test_survives_its_text(self, length):
        assert read_secret(show_secret(b"s" * length)) == b"s" * length

    @pytest.mark.parametrize(
        "text", ["", "whsec_", "whsec_x", show_secret(b"s" * 23), show_secret(b"s" * 65), "c" * 44, "whsec_" + "ä" * 44]
    )
    def test_that_is_none_is_refused_without_being_shown(self, text):
        with pytest.raises(InvalidField) as refusal:
            read_secret(text)
        assert refusal.value.field == "secret"
        assert not text or text not in str(refusal.value) or text == "whsec_"


class TestAUrl:
    ALLOWED = (ip_network("10.0.0.0/8"),)

    @pytest.mark.parametrize(
        "url", ["https://a.example/x?y=1", "https://8.8.8.8/", "https://10.1.1.1:8443/", "https://[::ffff:10.0.0.1]/"]
    )
    def test_that_may_be_dialled_is_taken(self, url):
        assert checked_url(url, self.ALLOWED, allow_http=False) == url

    @pytest.mark.parametrize(
        "url",
        [
            "http://a.example/", "ftp://a.example/", "https://", "https:///x", "//a.example/", "a.example", "",
            "https://user@a.example/", "https://a.example/#x", "https://a.example:0/", "https://a.example:99999/",
            "https://a.exa mple/", "https://ä.example/", "https://a.example/\n", "https://a.example/" + "x" * 2048,
            "https://127.0.0.1/", "https://169.254.169.254/latest", "https://192.168.0.1/", "https://100.64.0.1/",
            "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "https://[/",
            "https://127.1/", "https://0x7f.1/", "https://0X7F.0.0.1/", "https://2130706433/", "https://0177.0.0.1/",
            "https://127.1./", "https://8.8/", "https://a.example.1/",
        ],
    )  # fmt: skip
    def test_that_can_be_seen_to_be_wrong_is_refused(self, url):
        with pytest.raises(InvalidField) as refusal:
            checked_url(url, self.ALLOWED, allow_http=False)
        assert refusal.value.field == "url"

    def test_without_tls_is_taken_where_that_is_allowed(self):
        assert checked_url("http://a.example/", (), allow_http=True) == "http://a.example/"


def test_what_is_told_of_are_the_settled_states():
    assert set(STATES) == {"verified", "rejected", "failed", "cancelled", "superseded"}
