import pytest

from cwmp.envelope import Envelope, Header
from cwmp.errors import RemoteProtocolError
from cwmp.version import Version, negotiate
from tests.cwmp.samples import INFORM

FAMILY = "urn:dslforum-org:cwmp-1-"


def negotiated(minor=2, **header):
    return negotiate(Envelope(f"{FAMILY}{minor}", Header("7", **header), INFORM))


@pytest.mark.parametrize(
    ("minor", "header", "version"),
    [
        (0, {}, "1.0"),
        (1, {}, "1.1"),
        (2, {}, "1.2"),
        (2, {"session_timeout": 60}, "1.3"),
        (2, {"supported_versions": ("1.0", "1.4")}, "1.4"),
        (0, {"session_timeout": 60}, "1.0"),
        (3, {}, "1.3"),
        (4, {}, "1.4"),
        (5, {}, "1.4"),
    ],
)
def test_the_namespace_and_the_headers_tell_the_version(minor, header, version):
    """V-01, V-02, V-03"""
    found = negotiated(minor, **header)
    assert (str(found), found.namespace) == (version, f"{FAMILY}{minor}")


@pytest.mark.parametrize(
    ("offered", "use"),
    [
        (("1.0", "1.1", "1.2", "1.3", "1.4", "2.0", "x"), "1.4"),
        (("1.2",), "1.2"),
        (("1.9", "1.1", "1.3"), "1.3"),
        (("1.10", "1.2"), "1.2"),
        ((), None),
        (("x", "1", "1.", "1.٣"), None),
    ],
)
def test_the_highest_common_version_is_used_where_versions_were_offered(offered, use):
    """V-05, V-06"""
    assert negotiated(supported_versions=offered).use_version == use


def test_without_a_common_version_there_is_a_fault():
    """V-07"""
    with pytest.raises(RemoteProtocolError) as caught:
        negotiated(supported_versions=("2.0",))
    error = caught.value
    assert (error.fault, error.method, error.request_id) == (8006, "Inform", "7")
    assert (error.namespace, error.answerable) == (f"{FAMILY}2", True)


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 60), (0, 30), (5, 30), (120, 120), (600, 600), (4294967295, 600)]
)
def test_the_session_timeout_is_kept_in_bounds(asked, seconds):
    """V-08, S-17"""
    assert negotiated(session_timeout=asked).session_timeout == seconds


def test_a_version_is_a_value():
    assert negotiated() == Version(f"{FAMILY}2", 2, None, 60)
