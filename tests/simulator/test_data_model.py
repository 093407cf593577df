"""What a gateway holds, and what it lets an ACS change."""

import pytest

from acs_bridge.simulator.data_model import CpeFault, DataModel
from acs_bridge.simulator.models import SCHEMAS, TR098, TR181
from acs_bridge.simulator.schema import ParameterSpec
from cwmp.messages import ParameterFault, ParameterInfoStruct, ParameterValueStruct
from cwmp.values import check, parameter_path

URL = "Device.X_ACSBRIDGE_HomeAnalytics.URL"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
PASSWORD = "Device.ManagementServer.Password"
SERIAL = "Device.DeviceInfo.SerialNumber"
PROFILES = "Device.BulkData.Profile."


@pytest.fixture
def model():
    return DataModel(TR181, {"DeviceInfo.SerialNumber": "S1", "ManagementServer.Username": "factory"})


def text(name, value):
    return ParameterValueStruct(name, value)


def number(name, value):
    return ParameterValueStruct(name, value, "xsd:unsignedInt")


def set_values(model, *parameters, key="key-1", **options):
    model.set_values(parameters, key, **options)


def fault_of(call, *arguments, **options):
    with pytest.raises(CpeFault) as refused:
        call(*arguments, **options)
    return refused.value.fault


def value(model, name):
    (read,) = model.get_values([name])
    return read.value


class TestSetParameterValues:
    def test_takes_values_and_keeps_the_key(self, model):
        set_values(model, text(URL, "https://r.example.net/x"), number(INTERVAL, "300"))
        assert (value(model, URL), value(model, INTERVAL)) == ("https://r.example.net/x", "300")
        assert value(model, "Device.ManagementServer.ParameterKey") == model.parameter_key == "key-1"

    def test_names_every_parameter_that_cannot_be_set_and_sets_none(self, model):
        fault = fault_of(
            set_values,
            model,
            text(URL, "https://fine.example.net"),
            text("Device.Nothing", "x"),
            text(INTERVAL, "300"),
            text(PASSWORD, "p" * 257),
            text(SERIAL, "S2"),
        )
        assert fault.code == 9003
        assert [(each.name, each.code) for each in fault.parameters] == [
            ("Device.Nothing", 9005),
            (INTERVAL, 9006),
            (PASSWORD, 9007),
            (SERIAL, 9008),
        ]
        assert fault.parameters[0] == ParameterFault("Device.Nothing", 9005, "Invalid parameter name")
        assert (value(model, URL), model.parameter_key) == ("", "")

    @pytest.mark.parametrize(
        ("name", "type", "refused"),
        [
            (INTERVAL, "xsd:unsignedInt", "0"),
            (INTERVAL, "xsd:unsignedInt", "-1"),
            ("Device.ManagementServer.CWMPRetryMinimumWaitInterval", "xsd:unsignedInt", "65536"),
            ("Device.ManagementServer.PeriodicInformEnable", "xsd:boolean", "yes"),
            ("Device.ManagementServer.PeriodicInformTime", "xsd:dateTime", "tomorrow"),
            (URL, "xsd:string", "x" * 257),
        ],
    )
    def test_refuses_a_value_out_of_bounds(self, model, name, type, refused):
        fault = fault_of(set_values, model, ParameterValueStruct(name, refused, type))
        assert [each.code for each in fault.parameters] == [9007]

    def test_a_string_may_be_as_long_as_its_limit(self, model):
        set_values(model, text(URL, "x" * 256))
        assert len(value(model, URL)) == 256

    def test_refuses_a_value_that_is_not_one_of_those_allowed(self, model):
        model.add_object(PROFILES, "")
        fault = fault_of(set_values, model, text(PROFILES + "1.EncodingType", "XML"))
        assert [each.code for each in fault.parameters] == [9007]

    def test_refuses_the_same_name_twice(self, model):
        assert fault_of(set_values, model, text(URL, "a"), text(URL, "b")).code == 9003
        assert value(model, URL) == ""

    def test_refuses_an_empty_list(self, model):
        assert fault_of(set_values, model).code == 9003

    def test_refuses_a_key_of_more_than_32_characters(self, model):
        set_values(model, text(URL, "a"), key="k" * 32)
        assert fault_of(set_values, model, text(URL, "b"), key="k" * 33).code == 9003
        assert value(model, URL) == "a"

    def test_a_name_with_a_placeholder_is_no_name(self, model):
        model.add_object(PROFILES, "")
        fault = fault_of(set_values, model, text(PROFILES + "{i}.Name", "x"))
        assert [each.code for each in fault.parameters] == [9005]

    def test_a_counter_cannot_be_written(self, model):
        fault = fault_of(set_values, model, number("Device.BulkData.ProfileNumberOfEntries", "9"))
        assert [each.code for each in fault.parameters] == [9008]

    def test_staged_values_wait_until_they_are_applied(self, model):
        set_values(model, text(URL, "new"), staged=True)
        assert (value(model, URL), model.has_staged, model.parameter_key) == ("", True, "key-1")
        model.apply_staged()
        assert (value(model, URL), model.has_staged) == ("new", False)


class TestGetParameterValues:
    def test_a_hidden_parameter_reads_as_nothing_and_is_kept_nevertheless(self, model):
        set_values(model, text(PASSWORD, "secret"))
        assert value(model, PASSWORD) == ""
        assert model.value(PASSWORD) == "secret"

    def test_a_partial_path_gives_all_below_it(self, model):
        names = {each.name for each in model.get_values(["Device.X_ACSBRIDGE_HomeAnalytics.", "Device.DeviceInfo."])}
        assert {URL, SERIAL} <= names
        assert INTERVAL not in names

    def test_the_empty_path_gives_everything(self, model):
        model.add_object(PROFILES, "")
        names = {each.name for each in model.get_values([""])}
        assert {URL, SERIAL, PROFILES + "1.HTTP.URL"} <= names

    @pytest.mark.parametrize(
        "name", ["Device.Nothing", "Device.Nothing.", PROFILES + "1.", PROFILES + "1.Name", "Device"]
    )
    def test_one_unknown_name_refuses_all(self, model, name):
        assert fault_of(model.get_values, [URL, name]).code == 9005

    def test_values_come_with_their_types(self, model):
        assert model.get_values([INTERVAL]) == (ParameterValueStruct(INTERVAL, "86400", "xsd:unsignedInt"),)


class TestGetParameterNames:
    def test_the_next_level_is_the_children_alone(self, model):
        model.add_object(PROFILES, "")
        names = {each.name: each.writable for each in model.get_names("Device.BulkData.", next_level=True)}
        assert names[PROFILES] is True
        assert names["Device.BulkData.Enable"] is True
        assert names["Device.BulkData.Protocols"] is False
        assert not any(name.startswith(PROFILES + "1") for name in names)
        assert "Device.BulkData." not in names

    def test_all_levels_are_the_object_itself_and_all_below(self, model):
        model.add_object(PROFILES, "")
        names = {each.name for each in model.get_names(PROFILES, next_level=False)}
        assert {PROFILES, PROFILES + "1.", PROFILES + "1.HTTP.", PROFILES + "1.HTTP.URL"} <= names

    def test_an_instance_can_be_deleted_and_a_plain_object_cannot(self, model):
        model.add_object(PROFILES, "")
        assert model.get_names(PROFILES, next_level=True) == (ParameterInfoStruct(PROFILES + "1.", writable=True),)
        children = {each.name: each.writable for each in model.get_names(PROFILES + "1.", next_level=True)}
        assert children[PROFILES + "1.HTTP."] is False

    def test_an_empty_table_has_no_children(self, model):
        assert model.get_names(PROFILES, next_level=True) == ()

    @pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
    def test_the_next_level_of_nothing_is_the_root(self, schema):
        (root,) = DataModel(schema, {}).get_names("", next_level=True)
        assert root.name == schema.root

    def test_a_full_name_is_itself_and_has_no_next_level(self, model):
        assert model.get_names(URL, next_level=False) == (ParameterInfoStruct(URL, writable=True),)
        assert fault_of(model.get_names, URL, next_level=True).code == 9003

    @pytest.mark.parametrize("path", ["Device.Nothing", "Device.Nothing.", PROFILES + "1."])
    def test_an_unknown_path_is_refused(self, model, path):
        assert fault_of(model.get_names, path, next_level=False).code == 9005


class TestObjects:
    def test_a_number_is_never_used_again(self, model):
        assert [model.add_object(PROFILES, ""), model.add_object(PROFILES, "")] == [1, 2]
        model.delete_object(PROFILES + "2.", "")
        assert model.add_object(PROFILES, "") == 3
        model.factory_reset()
        assert model.add_object(PROFILES, "") == 4

    def test_a_new_instance_has_defaults_and_the_counter_counts_it(self, model):
        model.add_object(PROFILES, "key-7")
        assert value(model, PROFILES + "1.Enable") == "0"
        assert value(model, "Device.BulkData.ProfileNumberOfEntries") == "1"
        assert model.parameter_key == "key-7"

    def test_tables_inside_instances_count_for_themselves(self, model):
        model.add_object(PROFILES, "")
        model.add_object(PROFILES, "")
        assert model.add_object(PROFILES + "2.Parameter.", "") == 1
        set_values(model, text(PROFILES + "2.Parameter.1.Reference", "Device.DeviceInfo.UpTime"))
        assert value(model, PROFILES + "2.ParameterNumberOfEntries") == "1"
        assert value(model, PROFILES + "1.ParameterNumberOfEntries") == "0"

    def test_a_deleted_instance_takes_everything_below_with_it(self, model):
        model.add_object(PROFILES, "")
        model.add_object(PROFILES + "1.Parameter.", "")
        set_values(model, text(PROFILES + "1.Name", "mine"))
        model.delete_object(PROFILES + "1.", "key-9")
        assert not model.has(PROFILES + "1.Name")
        assert not model.has(PROFILES + "1.Parameter.1.Name")
        assert model.parameter_key == "key-9"

    def test_a_full_table_has_no_resources_left(self, model):
        for _ in range(4):
            model.add_object(PROFILES, "")
        assert fault_of(model.add_object, PROFILES, "").code == 9004

    @pytest.mark.parametrize("path", ["Device.BulkData.", "Device.BulkData.Profile", PROFILES + "1.", "Device.No.", ""])
    def test_only_a_table_can_be_added_to(self, model, path):
        assert fault_of(model.add_object, path, "").code == 9005

    @pytest.mark.parametrize("path", [PROFILES, PROFILES + "1.", PROFILES + "2", "Device.BulkData.", ""])
    def test_only_an_instance_can_be_deleted(self, model, path):
        model.add_object(PROFILES, "")
        model.add_object(PROFILES, "")
        model.delete_object(PROFILES + "1.", "")
        assert fault_of(model.delete_object, path, "").code == 9005

    def test_the_status_of_bulk_data_follows_its_switch(self, model):
        assert value(model, "Device.BulkData.Status") == "Disabled"
        set_values(model, ParameterValueStruct("Device.BulkData.Enable", "true", "xsd:boolean"))
        assert value(model, "Device.BulkData.Status") == "Enabled"


class TestTheGatewayItself:
    def test_a_factory_reset_leaves_what_the_factory_wrote(self, model):
        set_values(model, text(URL, "x"), text("Device.ManagementServer.Username", "own"))
        set_values(model, text(URL, "y"), staged=True)
        model.factory_reset()
        assert (model.value(URL), model.parameter_key, model.has_staged) == ("", "", False)
        assert model.value("Device.ManagementServer.Username") == "factory"
        assert model.value(SERIAL) == "S1"

    def test_a_local_change_touches_no_key(self, model):
        set_values(model, text(URL, "x"))
        model.put(URL, "changed by a user")
        assert (model.value(URL), model.parameter_key) == ("changed by a user", "key-1")

    def test_there_is_no_local_change_of_what_does_not_exist(self, model):
        with pytest.raises(KeyError):
            model.put("Device.Nothing", "x")
        with pytest.raises(KeyError):
            model.value("Device.Nothing")


class TestSchemas:
    @pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
    def test_every_default_is_a_value_of_its_type_that_the_parameter_itself_would_take(self, schema):
        for spec in schema.parameters.values():
            parameter_path(spec.path.replace("{i}", "1"))
            check(spec.default, spec.type)
            if spec.writable:
                assert spec.objection(ParameterValueStruct(spec.path, spec.default, spec.type)) is None, spec.path

    @pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
    def test_every_forced_parameter_exists(self, schema):
        assert [each.name for each in DataModel(schema, {}).forced()] == list(schema.forced)
        assert schema.root + "ManagementServer.ParameterKey" in schema.forced

    def test_a_firmware_can_lack_a_parameter(self):
        model = DataModel(TR181.without("Device.X_ACSBRIDGE_HomeAnalytics."), {})
        assert not model.has(URL)
        assert fault_of(model.get_names, "Device.X_ACSBRIDGE_HomeAnalytics.", next_level=False).code == 9005

    def test_a_firmware_can_have_another_limit(self):
        short = ParameterSpec("InternetGatewayDevice.X_ACSBRIDGE_HomeAnalytics.URL", writable=True, max_length=64)
        model = DataModel(TR098.extended(short), {})
        assert fault_of(set_values, model, text(short.path, "x" * 65)).parameters[0].code == 9007
        set_values(model, text(short.path, "x" * 64))
