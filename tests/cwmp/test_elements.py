from cwmp.elements import LOCAL_NAMES
from cwmp.limits import Limits
from tests.cwmp.samples import INFORM, envelope, inform_bytes, read


def names(prefix, count=2100):
    return envelope("<c:TransferComplete>" + "".join(f"<{prefix}{n}/>" for n in range(count)) + "</c:TransferComplete>")


def test_the_local_names_that_are_remembered_are_bounded():
    """SEC-02"""
    for prefix in ("a", "b", "c"):
        read(names(prefix))
        assert len(LOCAL_NAMES) <= 2048
    read(envelope(f"<c:TransferComplete><{'x' * 10_000}/></c:TransferComplete>"))
    assert max(map(len, LOCAL_NAMES)) <= 128


def test_made_up_names_do_not_keep_out_those_of_a_gateway():
    """SEC-02"""
    read(names("d"))
    assert read(inform_bytes(), limits=Limits()).message == INFORM
    assert LOCAL_NAMES.keys() >= {"ParameterList", "{http://schemas.xmlsoap.org/soap/envelope/}Body"}
