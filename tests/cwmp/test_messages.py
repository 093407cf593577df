import pickle

import pytest

from cwmp import messages as m
from cwmp.structs import parameter_value
from tests.cwmp.samples import INFORM


def with_parameters(*pairs):
    return INFORM._replace(parameters=tuple(m.ParameterValueStruct(*pair) for pair in pairs))


class TestRoot:
    @pytest.mark.parametrize(
        ("names", "root"),
        [
            (["Device.DeviceInfo.UpTime"], "Device."),
            ([".odd", "DeviceInfo.UpTime", "InternetGatewayDevice.DeviceSummary"], "InternetGatewayDevice."),
            (["device.x", "Devices.x"], ""),
            ([], ""),
        ],
    )
    def test_the_root_is_that_of_the_first_parameter_that_has_one(self, names, root):
        """P-01"""
        assert with_parameters(*((name, "") for name in names)).root == root


class TestValue:
    def test_a_value_is_found_below_either_root(self):
        """R-04"""
        for root in m.ROOTS:
            inform = with_parameters(
                ("Other.ManagementServer.ParameterKey", "x"), (f"{root}A", "1"), (f"{root}B.C", "2")
            )
            assert (inform.value("A"), inform.value("B.C")) == ("1", "2")

    def test_a_missing_value_is_none_and_an_empty_one_is_not(self):
        """R-04"""
        inform = with_parameters(("Device.A", ""))
        assert (inform.value("A"), inform.value("B")) == ("", None)

    def test_blanks_around_a_value_are_a_printers(self):
        assert with_parameters(("Device.A", "\n  key-1\n")).value("A") == "key-1"


class TestWords:
    def test_each_request_has_its_response(self):
        known = (m.CPE_REQUESTS | m.ACS_REQUESTS | {m.Inform}) - {m.UnknownRequest}
        assert set(m.RESPONSE_TO) == known
        for request, response in m.RESPONSE_TO.items():
            assert response.__name__ == f"{request.__name__}Response"
            assert response in m.RESPONSES

    def test_a_message_has_its_name_on_the_wire(self):
        assert m.rpc_name(INFORM) == "Inform"
        assert m.rpc_name(m.UnknownRequest("X_ACME_Hello")) == "X_ACME_Hello"

    def test_messages_are_values(self):
        assert pickle.loads(pickle.dumps(INFORM)) == INFORM  # noqa: S301 - our own bytes
        assert len({INFORM, INFORM._replace()}) == 1
        with pytest.raises(AttributeError):
            INFORM.retry_count = 1  # type: ignore[misc]

    def test_parameters_are_values_however_they_are_made(self):
        one = m.ParameterValueStruct(name="Device.A", value="1")
        assert one == parameter_value(("Device.A", "1", "xsd:string"))
        assert repr(one) == "ParameterValueStruct(name='Device.A', value='1', type='xsd:string')"
        assert one != m.ParameterValueStruct("Device.A", "1", "xsd:int")
        with pytest.raises(AttributeError):
            one.value = "2"  # type: ignore[misc]
